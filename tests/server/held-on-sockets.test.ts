import { expect, test } from "bun:test";
import { EmbeddedBroker } from "../support/embedded.ts";
import { eventually } from "../support/inbox.ts";
import { SocketClient } from "../support/socket-client.ts";

// A publisher is held for an hour, so that the clock never ends the hold.

const isLinux = process.platform === "linux";
const hour = 3_600_000;

/** A held publisher with a will and unread packets. */
async function held(broker: EmbeddedBroker): Promise<{
  readonly slow: SocketClient;
  readonly watcher: SocketClient;
  readonly publisher: SocketClient;
}> {
  const slow = await SocketClient.connect(broker.port, {
    ...{ clientId: "slow", properties: { receiveMaximum: 3 } },
  });
  await slow.subscribe("burst", 1);
  const watcher = await SocketClient.connect(broker.port, { clientId: "watcher" });
  await watcher.subscribe("end", 0);
  const publisher = await SocketClient.connect(broker.port, {
    ...{ clientId: "publisher", protocolVersion: 4 as const },
    will: { topic: "end", payload: Buffer.from("will"), qos: 0, retain: false },
  });
  for (let number = 0; number < 600; number++) publisher.publish("burst", "x", { qos: 1 });
  publisher.publish("end", "last words");
  await publisher.sent();
  const isHeld = (): boolean =>
    broker.broker.sessions.get("publisher")?.connection?.holding?.current?.until !== undefined;
  await eventually(isHeld, () => "the publisher is held");
  return { slow, watcher, publisher };
}

test.if(isLinux)(
  "a FIN behind unread packets ends the hold, and the will follows the last messages",
  async () => {
    using broker = await EmbeddedBroker.start({ limits: { holdTimeoutMs: hour } });
    const { slow, watcher, publisher } = await held(broker);
    publisher.end();
    await watcher.received.first("the will", () => watcher.messages().includes("end=will"));
    expect(watcher.messages()).toEqual(["end=last words", "end=will"]);
    for (const client of [slow, watcher, publisher]) client[Symbol.dispose]();
  },
);

test("so does a RST", async () => {
  using broker = await EmbeddedBroker.start({ limits: { holdTimeoutMs: hour } });
  const { slow, watcher, publisher } = await held(broker);
  publisher.reset();
  await watcher.received.first("the will", () => watcher.messages().includes("end=will"));
  for (const client of [slow, watcher]) client[Symbol.dispose]();
});

test("and so does a subscriber that closes", async () => {
  using broker = await EmbeddedBroker.start({ limits: { holdTimeoutMs: hour } });
  const { slow, watcher, publisher } = await held(broker);
  slow.reset();
  // The broker may read another socket later than it answers a PINGREQ.
  const { payload } = await watcher.message("end");
  expect(payload).toBe("last words");
  await publisher.ping();
  for (const client of [watcher, publisher]) client[Symbol.dispose]();
});
