import { expect, test } from "bun:test";
import { generate } from "mqtt-packet";
import { connectBytes } from "../support/connect-bytes.ts";
import { run, RunningBroker } from "../support/executable.ts";
import { HttpSocket } from "../support/http-socket.ts";
import { eventually } from "../support/inbox.ts";

const places = 16;

/**
 * A client with so many long subscriptions that their list does not fit into a socket's buffers.
 */
async function subscribeToMuch(port: number): Promise<Disposable> {
  const socket = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } });
  socket.write(connectBytes({ version: 4, clientId: "much" }));
  let waiting = Buffer.alloc(0);
  for (let packet = 1; packet <= 16; packet++) {
    const subscriptions = Array.from({ length: 500 }, (_, index) => ({
      topic: `${packet}-${index}-${"x".repeat(1500)}`,
      qos: 0 as const,
    }));
    waiting = Buffer.concat([
      waiting,
      generate({ cmd: "subscribe", messageId: packet, subscriptions }),
    ]);
  }
  await eventually(
    () => {
      waiting = waiting.subarray(Math.max(0, socket.write(waiting)));
      return waiting.length === 0;
    },
    () => `${waiting.length} bytes are left`,
  );
  return { [Symbol.dispose]: () => socket.terminate() };
}

test("requests whose answers are never read shut out nobody: inspect gets through within seconds", async () => {
  await using broker = await RunningBroker.start({
    args: ["--set", "admin.port=0", "--set", `admin.connections=${places}`],
  });
  using _client = await subscribeToMuch(broker.port);
  const port = Number(new URL(await broker.administration()).port);
  const stalled: HttpSocket[] = [];
  for (let count = 0; count < places; count++) {
    const asker = await HttpSocket.connect(port);
    asker.stall();
    asker.ask(count % 2 === 0 ? "GET /v1/subscriptions" : "GET /v1/events");
    stalled.push(asker);
  }
  const codes: (number | null)[] = [];
  await eventually(
    async () => {
      codes.push((await run(broker.folder, ["inspect"])).code);
      return codes.at(-1) === 0;
    },
    () => `inspect ended with ${codes.join(", ")}`,
  );
  // A client that has read everything sent so far is not cut off.
  expect((await run(broker.folder, ["inspect", "log", "info"])).code).toBe(0);
  for (const one of stalled) one.reset();
  await broker.stop();
}, 180_000);
