import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { generate, parser } from "mqtt-packet";
import { type LogLine, RunningBroker } from "../support/executable.ts";
import { expectInTime } from "../support/held-up.ts";
import { eventually, now, within } from "../support/inbox.ts";
import { SocketClient } from "../support/socket-client.ts";

// A subscriber of a busy topic stops reading; another one beside it reads everything.

const isLinux = process.platform === "linux";
const topic = "busy/topic";
const payloadBytes = 16 * 1024;
const batch = 16;
/** Published to the stalled subscriber once its messages are dropped: 128 MiB. */
const batchesDropped = 512;
/**
 * The broker's allowed growth meanwhile: `limits.outputBytes` is 1 MiB, the rest is the
 * collector's.
 */
const growthBytes = 96 * 1024 * 1024;
/** By then the broker drops messages, and has ended the stalled subscriber. */
const publishingMs = 20_000;
/** The maximum lateness of an expired keepalive. */
const latenessMs = 50;
const testLimitMs = 180_000;

test.concurrent.if(isLinux)(
  "memory stays bounded, and the drops are logged once",
  async () => {
    await using story = await scene(0);
    const { broker, reader } = story;
    await story.publishUntil(() => broker.log.items.some(isDropping));
    const before = residentBytes(broker.pid);
    let most = 0;
    for (let batches = 0; batches < batchesDropped; batches++) {
      await story.publishBatch();
      if (batches % 32 === 0) most = Math.max(most, residentBytes(broker.pid));
    }
    expect(most - before).toBeLessThan(growthBytes);
    expect(broker.log.items.filter(({ event }) => event === "dropping")).toMatchObject([
      { level: "warn", client: "sleeper", why: "blocked", topic },
    ]);
    // The reading subscriber is undisturbed: it has everything, in order.
    expect(reader.disorder).toEqual([]);
    expect(reader.received).toBe(story.published);
    await story.wakeUpAndStop();
  },
  testLimitMs,
);

test.concurrent(
  "its keepalive ends it on time, as if the topic were quiet",
  async () => {
    await using story = await scene(2);
    const { broker, reader } = story;
    await story.publishUntil(() => broker.log.items.some(isEnd));
    const { at } = await story.watcher.message("wills/sleeper");
    const line = await broker.ended("sleeper");
    expect(line).toMatchObject({
      ...{ cause: "keepAliveExpired", allowedMs: 3000, will: { fate: "published" } },
    });
    expect(line.silentMs).toBeGreaterThanOrEqual(3000);
    expect(at - story.lastPacketAt).toBeGreaterThanOrEqual(3000);
    expectInTime("the end", line.silentMs - 3000, latenessMs, at);
    expect(broker.log.items.filter(isDropping)).toHaveLength(1);
    expect(reader.disorder).toEqual([]);
    await story.wakeUpAndStop();
  },
  testLimitMs,
);

test.concurrent(
  "without a keepalive the stall limit ends it",
  async () => {
    await using story = await scene(0);
    const { broker, reader } = story;
    await story.publishUntil(() => broker.log.items.some(isDropping));
    // Everybody else has read everything, so that no stall of this machine makes them late.
    await broker.reload({ limits: { stallTimeout: "1s" } });
    await story.watcher.message("wills/sleeper");
    const line = await broker.ended("sleeper");
    expect(line).toMatchObject({ cause: "stalled", allowedMs: null, will: { fate: "published" } });
    expect(line.silentMs).toBeGreaterThanOrEqual(1000);
    expect(reader.disorder).toEqual([]);
    await story.wakeUpAndStop();
  },
  testLimitMs,
);

function isDropping(line: LogLine): boolean {
  return line.event === "dropping" && line.client === "sleeper";
}

function isEnd(line: LogLine): boolean {
  return line.event === "ended" && line.client === "sleeper";
}

function residentBytes(pid: number): number {
  const pages = readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1];
  return Number(pages) * 4096;
}

/** A stalled subscriber (with a will), a reading one, a watcher of the will, and a publisher. */
async function scene(keepalive: number) {
  const broker = await RunningBroker.start({ files: { "mqttd.json": "{}" } });
  const { port } = broker;
  const watcher = await SocketClient.connect(port, { clientId: "watcher" });
  await watcher.subscribe("wills/+", 1);
  const reader = await Reader.connect(port);
  const publisher = await SocketClient.connect(port, { clientId: "publisher" });
  const will = { topic: "wills/sleeper", payload: Buffer.from("gone"), retain: false };
  const sleeper = await SocketClient.connect(port, {
    ...{ clientId: "sleeper", keepalive, will: { ...will, qos: 1 } },
  });
  const lastPacketAt = now();
  await sleeper.subscribe(topic);
  sleeper.pause();
  const payload = Buffer.alloc(payloadBytes);
  return {
    ...{ broker, watcher, reader, lastPacketAt, published: 0 },
    /**
     * Continues once the reading subscriber has everything, so that the broker's buffers for it
     * stay out of the test.
     */
    async publishBatch(): Promise<void> {
      for (let at = 0; at < batch; at++) {
        payload.writeUInt32BE(this.published++);
        publisher.publish(topic, Buffer.from(payload));
      }
      await reader.has(this.published);
    },
    async publishUntil(isSo: () => boolean): Promise<void> {
      const until = now() + publishingMs;
      while (!isSo()) {
        await this.publishBatch();
        if (now() > until) throw new Error(`still not so after ${this.published} messages`);
      }
    },
    async wakeUpAndStop(): Promise<void> {
      sleeper.reset();
      await broker.stop();
    },
    async [Symbol.asyncDispose](): Promise<void> {
      for (const client of [watcher, reader, sleeper, publisher]) client[Symbol.dispose]();
      await broker[Symbol.asyncDispose]();
    },
  };
}

/** Counts the messages of a topic, which start with their numbers, and keeps none of them. */
class Reader implements Disposable {
  received = 0;
  /** Numbers out of order. */
  readonly disorder: number[] = [];
  readonly #socket: Bun.Socket;
  #isSubscribed = false;
  #look: () => void = () => {};

  private constructor(socket: Bun.Socket) {
    this.#socket = socket;
    const packets = parser({ protocolVersion: 4 });
    packets.on("packet", (packet) => {
      if (packet.cmd === "suback") this.#isSubscribed = true;
      if (packet.cmd !== "publish") return;
      const number = Buffer.from(packet.payload).readUInt32BE();
      if (number !== this.received) this.disorder.push(number);
      this.received++;
    });
    socket.reload({
      socket: {
        data: (_, chunk) => {
          packets.parse(chunk);
          this.#look();
        },
      },
    });
  }

  static async connect(port: number): Promise<Reader> {
    const socket = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } });
    const reader = new Reader(socket);
    socket.write(
      Buffer.concat([
        generate({
          ...{ cmd: "connect", protocolId: "MQTT", protocolVersion: 4, clientId: "reader" },
          ...{ clean: true, keepalive: 0 },
        }),
        generate({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic, qos: 0 }] }),
      ]),
    );
    await eventually(
      () => reader.#isSubscribed,
      () => "SUBACK",
    );
    return reader;
  }

  /** Resolves when it has so many. */
  async has(wanted: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#look = () => {
      if (this.received >= wanted) resolve();
    };
    this.#look();
    await within(promise, () => `the reader has ${this.received} messages of ${wanted}`);
  }

  [Symbol.dispose](): void {
    this.#socket.terminate();
  }
}
