import path from "node:path";
import { type LogLine, RunningBroker, type Surroundings } from "../support/executable.ts";
import { now, within } from "../support/inbox.ts";
import { type Door, Listeners, urlOf } from "../support/listeners.ts";
import type { HeldBroker } from "./play.ts";

const root = path.resolve(import.meta.dir, "../..");

/** A broker in a process of its own, stopped by SIGSTOP. `door`: how its clients connect. */
export async function stoppedBroker(
  surroundings: Surroundings = {},
  door: Door = "mqtt",
): Promise<HeldBroker & AsyncDisposable> {
  const listeners = new Listeners();
  const args = [...listeners.args, ...(surroundings.args ?? [])];
  const broker = await RunningBroker.start({ ...surroundings, args });
  return {
    address: { url: urlOf(broker.urls, door), ca: listeners.ca },
    log: broker.log,
    async hold(milliseconds, during) {
      broker.signal("SIGSTOP");
      await halves(milliseconds, during);
      broker.signal("SIGCONT");
      return now();
    },
    [Symbol.asyncDispose]: async () => {
      await broker[Symbol.asyncDispose]();
      listeners[Symbol.dispose]();
    },
  };
}

/** `serve` within a program whose own callbacks block the loop that both share. */
export async function blockedBroker(
  where: "data" | "timer",
): Promise<HeldBroker & AsyncDisposable> {
  const program = path.join(root, "tests/standstill/blocking-program.ts");
  const broker = await RunningBroker.start({ command: [process.execPath, program] });
  const isReady = (line: LogLine): boolean => line.event === "blockable";
  const { port } = await broker.line("the port of the program", isReady);
  return {
    address: broker.port,
    log: broker.log,
    async hold(milliseconds, during) {
      const free = Promise.withResolvers<void>();
      const order = await Bun.connect({
        hostname: "127.0.0.1",
        port: Number(port),
        socket: { data: () => free.resolve() },
      });
      order.write(`${where} ${milliseconds}`);
      await halves(milliseconds, during);
      await within(free.promise, () => "the program does not say that its loop is free");
      order.end();
      return now();
    },
    [Symbol.asyncDispose]: async () => broker[Symbol.asyncDispose](),
  };
}

/** Nothing during the blockage can be awaited. */
async function halves(milliseconds: number, during: () => void): Promise<void> {
  await Bun.sleep(milliseconds / 2);
  during();
  await Bun.sleep(milliseconds / 2);
}
