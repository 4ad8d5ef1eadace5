import { join } from "node:path";
import type { Children } from "./children.ts";

/** A broker that can be measured. */
export interface Broker {
  readonly name: string;
  /** As the broker prints it; null if it prints none. */
  readonly version: string | null;
  /** The command that serves on loopback at this port, with its files in `folder`. */
  command(port: number, folder: string): Promise<readonly string[]>;
}

export interface RunningBroker {
  readonly pid: number;
  readonly port: number;
  stop(): Promise<void>;
}

/** A broker did not start; the message has its output. */
export class BrokerFailed extends Error {
  override name = "BrokerFailed";
}

const readyMs = 5000;

/**
 * Starts a new broker for one run, so that no run inherits another's memory. `before` is a prefix of
 * its command.
 */
export async function startBroker(
  broker: Broker,
  children: Children,
  folder: string,
  before: readonly string[],
): Promise<RunningBroker> {
  const port = freePort();
  const log = Bun.file(join(folder, `${broker.name}-${port}.log`));
  const command = [...before, ...(await broker.command(port, folder))];
  const child = children.spawn(command, { stdout: "ignore", stderr: log });
  if (!(await accepts(port, child))) {
    const why =
      child.exitCode === null
        ? `did not accept on port ${port} within ${readyMs} ms`
        : `ended with ${child.exitCode} before it accepted on port ${port}`;
    await children.end(child);
    const output = (await log.text()).trim().split("\n").slice(-3).join(" | ");
    throw new BrokerFailed(`${broker.name} ${why}: ${output}`);
  }
  return { pid: child.pid, port, stop: () => children.end(child) };
}

/** mosquitto with its defaults, except for two lines without which it accepts no client. */
export function mosquitto(path: string): Broker {
  return {
    name: "mosquitto",
    version: firstLine([path, "-h"]),
    async command(port, folder) {
      const file = join(folder, `mosquitto-${port}.conf`);
      await Bun.write(file, `listener ${port} 127.0.0.1\nallow_anonymous true\n`);
      return [path, "-c", file];
    },
  };
}

export function mqttd(path: string): Broker {
  return {
    name: "mqttd",
    version: firstLine([path, "--version"]),
    command: async (port) => [path, "serve", "--port", String(port), "--quiet"],
  };
}

/** The trivial forwarder beside this file. */
export function forwarder(): Broker {
  return {
    name: "forwarder",
    version: `bun ${Bun.version}`,
    command: async (port) => [
      process.execPath,
      join(import.meta.dir, "forwarder.ts"),
      String(port),
    ],
  };
}

/** Any other broker, by a command line in which `{port}` stands for the port. */
export function otherBroker(name: string, commandLine: string): Broker {
  return {
    name,
    version: null,
    command: async (port) => ["sh", "-c", `exec ${commandLine.replaceAll("{port}", String(port))}`],
  };
}

function firstLine(command: string[]): string | null {
  const { stdout } = Bun.spawnSync(command, { stdin: "ignore", stderr: "ignore", timeout: 5000 });
  return stdout.toString().split("\n")[0]?.trim() || null;
}

/** A port that was free a moment ago. If another process takes it, the broker fails with BrokerFailed. */
function freePort(): number {
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = listener;
  listener.stop(true);
  return port;
}

async function accepts(port: number, child: Bun.Subprocess): Promise<boolean> {
  const deadline = performance.now() + readyMs;
  while (performance.now() < deadline && child.exitCode === null) {
    try {
      const socket = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } });
      socket.terminate();
      // It is this broker: with another process on the port, it would have exited.
      await Bun.sleep(20);
      return child.exitCode === null;
    } catch {
      await Bun.sleep(20);
    }
  }
  return false;
}
