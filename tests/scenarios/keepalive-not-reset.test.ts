import { expect, test } from "bun:test";
import { generate } from "mqtt-packet";
import { auditAtEnd } from "../support/will-audit.ts";
import { endOf, isOpen, mortal, watcherOf } from "../support/mortal.ts";
import { World } from "../support/world.ts";

for (const qos of [0, 1, 2] as const) {
  test(`A2: packets that the broker sends do not reset the deadline (PUBLISH QoS ${qos})`, () => {
    const world = new World();
    const client = mortal(world, { keepalive: 10 });
    client.subscribe({ topic: "busy", qos });
    const publisher = world.open();
    publisher.connect({ clientId: "publisher" });
    for (let second = 1; second < 15; second++) {
      world.advance(1000);
      publisher.publish("busy", "x", { qos });
    }
    expect(client.take("publish")).toHaveLength(14);
    world.advance(999);
    expect(isOpen(world, client)).toBe(true);
    world.advance(1);
    expect(endOf(world, client)).toMatchObject({ cause: "keepAliveExpired", silentMs: 15_000 });
    auditAtEnd(world);
  });
}

test("A2: a queue that drains into a silent client does not reset the deadline", () => {
  const world = new World();
  const client = mortal(world, { keepalive: 10 });
  client.subscribe("busy");
  const publisher = world.open();
  publisher.connect({ clientId: "publisher" });
  client.room = 0;
  publisher.publish("busy", Buffer.alloc(1000));
  for (let second = 1; second < 15; second++) {
    world.advance(1000);
    client.drain(10);
  }
  world.advance(999);
  expect(isOpen(world, client)).toBe(true);
  world.advance(1);
  expect(endOf(world, client)).toMatchObject({ cause: "keepAliveExpired", silentMs: 15_000 });
  // The closing packet still waits for room; the client closes, so that nothing lingers.
  client.drop("reset");
  auditAtEnd(world);
});

test("A2: the bytes of a packet that never completes do not reset the deadline", () => {
  const world = new World();
  const watcher = watcherOf(world);
  const client = mortal(world, { keepalive: 10 });
  const bytes = generate(
    {
      cmd: "publish",
      topic: "drip",
      payload: Buffer.alloc(100),
      qos: 0,
      dup: false,
      retain: false,
    },
    { protocolVersion: 5 },
  );
  for (let second = 0; second < 15; second++) {
    expect(isOpen(world, client)).toBe(true);
    client.sendBytes(bytes.subarray(second, second + 1));
    world.advance(1000);
  }
  expect(endOf(world, client)).toMatchObject({ cause: "keepAliveExpired", silentMs: 15_000 });
  expect(watcher.messages()).toEqual(["wills/mortal=gone"]);
  auditAtEnd(world);
});

test("A2: half a large PUBLISH, then silence", () => {
  const world = new World();
  const client = mortal(world, { keepalive: 10 });
  world.advance(4000);
  client.ping();
  world.advance(1000);
  // The header announces 100,000 bytes, and half of them arrive.
  client.sendBytes(Uint8Array.of(0x30, 0xa0, 0x8d, 0x06, 0x00, 0x01, 0x61));
  for (let piece = 0; piece < 10; piece++) {
    client.sendBytes(new Uint8Array(5000));
    world.advance(1000);
  }
  world.advance(15_000 - 11_000 - 1);
  expect(isOpen(world, client)).toBe(true);
  world.advance(1);
  expect(endOf(world, client)).toMatchObject({ cause: "keepAliveExpired", silentMs: 15_000 });
  auditAtEnd(world);
});

test("A2: packets on other connections of the same client do not reset the deadline", () => {
  const world = new World();
  const client = mortal(world, { id: "a", keepalive: 10 });
  const other = mortal(world, { id: "b", keepalive: 10 });
  for (let second = 0; second < 15; second++) {
    world.advance(1000);
    other.ping();
  }
  expect(endOf(world, client).cause).toBe("keepAliveExpired");
  expect(isOpen(world, other)).toBe(true);
  auditAtEnd(world);
});
