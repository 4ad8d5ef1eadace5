import { expect, test } from "bun:test";
import { defaultLimits } from "../../src/core/limits.ts";
import { endOf, mortal, watcherOf } from "../support/mortal.ts";
import { World } from "../support/world.ts";

const mebibyte = 1024 * 1024;

/** Decoding 20 MiB three times exceeds bun's 5 s on a loaded machine. */
const largeTestMs = 30_000;

test(
  "a payload of 20 MiB passes with defaults, to subscribers of QoS 0 and 1, and is retained",
  () => {
    const world = new World();
    const [plain, acknowledging, publisher] = [world.open(), world.open(), world.open()];
    plain.connect({ clientId: "plain" });
    plain.subscribe("t");
    acknowledging.connect({ clientId: "acknowledging", protocolVersion: 5 });
    acknowledging.subscribe({ topic: "t", qos: 1 });
    publisher.connect({ clientId: "publisher" });
    const payload = Buffer.alloc(20 * mebibyte, "0123456789");
    publisher.publish("t", payload, { qos: 1, retain: true });
    expect(publisher.take("puback")).toHaveLength(1);
    const late = world.open();
    late.connect({ clientId: "late", protocolVersion: 5 });
    late.subscribe("t");
    world.advance(10);
    for (const client of [plain, acknowledging, late]) {
      const [message, ...others] = client.take("publish");
      expect(others).toEqual([]);
      expect(payload.equals(Buffer.from(message?.payload ?? ""))).toBe(true);
    }
  },
  largeTestMs,
);

test("the largest payload is below the largest packet, and two of these wait or are retained", () => {
  const { packetSize, payloadSize, queuedBytes, retainedBytes, unfinishedBytes } = defaultLimits;
  expect(payloadSize).toBeGreaterThanOrEqual(20 * mebibyte);
  // The rest is for a topic and some properties.
  expect(packetSize - payloadSize).toBeGreaterThanOrEqual(mebibyte);
  expect(queuedBytes).toBeGreaterThanOrEqual(2 * packetSize);
  expect(retainedBytes).toBeGreaterThanOrEqual(2 * packetSize);
  expect(unfinishedBytes).toBe(256 * mebibyte);
});

test("subscribers that do not read share the bytes of a waiting message", () => {
  const world = new World();
  const subscribers = Array.from({ length: 30 }, (_, index) => {
    const subscriber = world.open();
    subscriber.connect({ clientId: `s${index}` });
    subscriber.subscribe({ topic: "t", qos: index % 2 === 0 ? 0 : 1 });
    subscriber.room = 1000;
    return subscriber;
  });
  const publisher = world.open();
  publisher.connect({ clientId: "publisher" });
  Bun.gc(true);
  const before = process.memoryUsage().arrayBuffers;
  publisher.publish("t", Buffer.alloc(4 * mebibyte, "x"), { qos: 1 });
  Bun.gc(true);
  // One copy for each would be 120 MiB and more.
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(40 * mebibyte);
  // Later packets stay behind the message.
  for (const subscriber of subscribers) subscriber.ping();
  for (const subscriber of subscribers.slice(0, 4)) {
    subscriber.drain();
    expect(subscriber.received.map(({ cmd }) => cmd)).toEqual(["publish", "pingresp"]);
  }
});

test("only PUBLISH may be so large: another packet ends its connection, with the name of the limit", () => {
  const world = new World();
  const watcher = watcherOf(world, "wills/#");
  const client = mortal(world, { version: 5 });
  client.subscribe(...Array.from({ length: 20 }, () => "f".repeat(60_000)));
  expect(client.take("disconnect")).toMatchObject([
    { reasonCode: 0x95, properties: { reasonString: expect.stringContaining("limits.control") } },
  ]);
  expect(endOf(world, client)).toMatchObject({
    cause: "packetTooLarge",
    detail: expect.stringContaining("(limits.controlPacketSize)"),
    will: { fate: "published" },
  });
  expect(watcher.messages()).toEqual(["wills/mortal=gone"]);
});

test("that limit is never above packetSize", () => {
  const world = new World({ limits: { packetSize: 200 } });
  const client = world.open();
  client.connect({ clientId: "c" });
  client.subscribe("f".repeat(300));
  expect(endOf(world, client)).toMatchObject({
    cause: "packetTooLarge",
    detail: expect.stringContaining("(limits.packetSize)"),
  });
});

const begun = (bytes: number): Uint8Array => {
  const part = new Uint8Array(bytes);
  // The start of a PUBLISH of 10 MiB, on the topic `t`.
  part.set([0x30, 0x80, 0x80, 0x80, 0x05, 0, 1, 0x74]);
  return part;
};

test("where unfinished packets take all room, those of which nothing comes give way, the oldest first", () => {
  const world = new World({ limits: { unfinishedBytes: mebibyte } });
  const watcher = watcherOf(world, "wills/#");
  const names = ["oldest", "older", "moving"];
  const [oldest, older, moving] = names.map((id) => mortal(world, { id, version: 5 }));
  const honest = mortal(world, { id: "honest", version: 5 });
  if (oldest === undefined || older === undefined || moving === undefined) throw new Error();
  oldest.sendBytes(begun(250_000));
  world.advance(1000);
  older.sendBytes(begun(250_000));
  moving.sendBytes(begun(250_000));
  world.advance(4900);
  moving.sendBytes(new Uint8Array(1));
  // It needs the place of another, and only one has stood still for long enough.
  honest.sendBytes(begun(250_000));
  expect(oldest.take("disconnect")).toMatchObject([
    { reasonCode: 0x97, properties: { reasonString: expect.stringContaining("nothing came") } },
  ]);
  expect(honest.closedBy).toBeNull();
  honest.sendBytes(new Uint8Array(250_000));
  expect(endOf(world, honest)).toMatchObject({ cause: "quotaExceeded" });
  world.advance(500);
  const next = mortal(world, { id: "next", version: 4 });
  next.sendBytes(begun(500_000));
  expect(endOf(world, older)).toMatchObject({
    cause: "quotaExceeded",
    detail: expect.stringContaining("of which nothing came for 5 s gave way"),
    will: { fate: "published" },
  });
  expect(watcher.messages()).toEqual(["oldest", "honest", "older"].map((id) => `wills/${id}=gone`));
  expect([moving, next].map(({ closedBy }) => closedBy)).toEqual([null, null]);
});

test("a packet that finds no room beside all unfinished packets ends only its own connection", () => {
  const world = new World({ limits: { unfinishedBytes: mebibyte } });
  const watcher = watcherOf(world, "wills/#");
  const first = mortal(world, { id: "first", version: 5 });
  const second = mortal(world, { id: "second", version: 5 });
  const old = mortal(world, { id: "old", version: 4 });
  first.sendBytes(begun(700_000));
  second.sendBytes(begun(400_000));
  expect(second.take("disconnect")).toMatchObject([
    { reasonCode: 0x97, properties: { reasonString: expect.stringContaining("unfinishedBytes") } },
  ]);
  old.sendBytes(begun(400_000));
  for (const client of [second, old]) {
    expect(endOf(world, client)).toMatchObject({
      cause: "quotaExceeded",
      detail: expect.stringContaining("1048576 B (limits.unfinishedBytes)"),
      will: { fate: "published" },
    });
  }
  expect(watcher.messages()).toEqual(["wills/second=gone", "wills/old=gone"]);
  expect(first.closedBy).toBeNull();
  // Other connections stay open, and small packets have room.
  watcher.sendBytes(Uint8Array.of(0xc0));
  watcher.sendBytes(Uint8Array.of(0));
  expect(watcher.take("pingresp")).toHaveLength(1);
});

test("the end of a connection releases the bytes of its unfinished packet", () => {
  const world = new World({ limits: { unfinishedBytes: mebibyte } });
  for (let time = 0; time < 5; time++) {
    const client = world.open();
    client.connect({ clientId: "again" });
    client.sendBytes(begun(900_000));
    expect(client.closedBy).toBeNull();
    if (time % 2 === 0) client.drop();
  }
});

test("a new limit holds at once", () => {
  const world = new World();
  const client = world.open();
  client.connect({ clientId: "c" });
  world.driver.reconfigure({ ...world.broker.limits, unfinishedBytes: 100_000 }, mebibyte);
  client.sendBytes(begun(100_001));
  expect(endOf(world, client).cause).toBe("quotaExceeded");
});
