import { expect, test } from "bun:test";
import { ClientProcess } from "../support/client-process.ts";
import { type EndedLine, RunningBroker } from "../support/executable.ts";
import { expectInTime } from "../support/held-up.ts";
import { now } from "../support/inbox.ts";
import { Forwarder } from "../support/forwarder.ts";
import { SocketClient } from "../support/socket-client.ts";

// The purpose of mqttd: a client vanishes without a DISCONNECT, and its will arrives when it is
// due.

const keepalive = 2;
const allowedMs = 3000;
/** The maximum lateness of an expired keepalive. */
const latenessMs = 50;
const testLimitMs = 180_000;

/** A broker, and a watcher of the will of `clientId`. */
async function scene(clientId: string) {
  const broker = await RunningBroker.start();
  const watcher = await SocketClient.connect(broker.port, { clientId: "watcher" });
  await watcher.subscribe("wills/+", 1);
  return {
    broker,
    watcher,
    options: { port: broker.port, clientId, keepalive, subscribe: null },
    /** The one log line of the end, and the arrival time of the one will. */
    async end(): Promise<{ line: EndedLine; at: number }> {
      const { at, payload } = await watcher.message(`wills/${clientId}`);
      expect(payload).toBe("gone");
      const line = await broker.ended(clientId);
      expect(line.will).toMatchObject({ fate: "published", delivered: 1, dropped: 0 });
      return { line, at };
    },
    async [Symbol.asyncDispose]() {
      watcher[Symbol.dispose]();
      await broker[Symbol.asyncDispose]();
    },
  };
}

/** The broker received the last packet at some moment from `sent` to `answered`. */
function expectOnTime(last: { sent: number; answered: number }, line: EndedLine, at: number): void {
  expect(line).toMatchObject({ cause: "keepAliveExpired", allowedMs });
  expect(line.silentMs).toBeGreaterThanOrEqual(allowedMs);
  expect(at - last.sent).toBeGreaterThanOrEqual(allowedMs);
  // The time after the deadline alone, the span for which the meter is queried.
  expectInTime("the end", line.silentMs - allowedMs, latenessMs, at);
  expectInTime("the will", at - last.answered - allowedMs, latenessMs, at);
}

/** The broker has logged everything, and each line once. */
async function expectOneEnd({ broker, watcher }: Scene, clientId: string): Promise<void> {
  await watcher.ping();
  expect(watcher.messages().filter((text) => text.startsWith("wills/"))).toEqual([
    `wills/${clientId}=gone`,
  ]);
  await broker.stop();
  await broker.ended(clientId);
}

type Scene = Awaited<ReturnType<typeof scene>>;

test.concurrent(
  "a client that is stopped (SIGSTOP) is detected after 1.5 keepalives",
  async () => {
    await using story = await scene("stopped");
    await using client = new ClientProcess(story.options);
    const last = await client.answered(2);
    client.signal("SIGSTOP");
    const { line, at } = await story.end();
    expectOnTime(last, line, at);
    await expectOneEnd(story, "stopped");
  },
  testLimitMs,
);

test.concurrent(
  "a client that is killed (SIGKILL) is detected at once",
  async () => {
    await using story = await scene("killed");
    await using client = new ClientProcess(story.options);
    await client.answered(2);
    const killedAt = now();
    client.signal("SIGKILL");
    const { line, at } = await story.end();
    expect(line.cause).toBeOneOf(["closedByPeer", "resetByPeer"]);
    // At once, and not because the keepalive expired.
    expectInTime("the end", line.silentMs, allowedMs / 2, at);
    expectInTime("the will", at - killedAt, allowedMs / 2, at);
    expect(line.allowedMs).toBe(allowedMs);
    await expectOneEnd(story, "killed");
  },
  testLimitMs,
);

test.concurrent(
  "a client behind a proxy that went silent is detected after 1.5 keepalives",
  async () => {
    await using story = await scene("forwarded");
    using forwarder = new Forwarder(story.broker.port);
    await using client = new ClientProcess({ ...story.options, port: forwarder.port });
    await client.answered(2);
    forwarder.fallSilent();
    const { toBrokerAt: sent, toClientAt: answered } = forwarder;
    const { line, at } = await story.end();
    expectOnTime({ sent, answered }, line, at);
    // The client never stopped sending, and its connection to the proxy is open.
    expect(client.reports.items.length).toBe(2);
    await forwarder.brokerClosed;
    await expectOneEnd(story, "forwarded");
  },
  testLimitMs,
);

test.concurrent(
  "a client that only listens, on a busy topic, is detected after 1.5 keepalives",
  async () => {
    await using story = await scene("listening");
    using busy = await SocketClient.connect(story.broker.port, { clientId: "busy" });
    await using client = new ClientProcess({ ...story.options, subscribe: "busy/topic" });
    const last = await client.answered();
    // The busy client's own rhythm.
    const publishing = setInterval(() => busy.publish("busy/topic", "traffic"), 10);
    const { line, at } = await story.end().finally(() => clearInterval(publishing));
    expectOnTime(last, line, at);
    // The broker had closed its connection, so its process ended; until then it had traffic.
    await client.exit();
    const received = client.reports.items.findLast((told) => told.did === "receive");
    expect(received?.messages).toBeGreaterThan(0);
    await expectOneEnd(story, "listening");
  },
  testLimitMs,
);
