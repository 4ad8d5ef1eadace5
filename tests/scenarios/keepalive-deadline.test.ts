import { expect, test } from "bun:test";
import { auditAtEnd } from "../support/will-audit.ts";
import { endOf, isOpen, mortal, watcherOf } from "../support/mortal.ts";
import { World } from "../support/world.ts";

const intervals = [1, 2, 3, 10, 59, 60, 3600, 65_535];

for (const version of [3, 4, 5] as const) {
  test(`A1, A4: silence ends a v${version} connection at 1.5 K exactly`, () => {
    for (const keepalive of intervals) {
      const world = new World();
      const watcher = watcherOf(world);
      const client = mortal(world, { version, keepalive });
      world.advance(keepalive * 1500 - 1);
      expect(isOpen(world, client)).toBe(true);
      expect(watcher.messages()).toEqual([]);
      world.advance(1);
      expect(endOf(world, client)).toMatchObject({
        cause: "keepAliveExpired",
        silentMs: keepalive * 1500,
        allowedMs: keepalive * 1500,
        will: { fate: "published", topic: "wills/mortal" },
      });
      expect(client.closedBy).toBe("end");
      expect(watcher.messages()).toEqual(["wills/mortal=gone"]);
      auditAtEnd(world);
    }
  });
}

test("keepalive 0 never expires", () => {
  const world = new World();
  const clients = ([3, 4, 5] as const).map((version) =>
    mortal(world, { id: `v${version}`, version, keepalive: 0 }),
  );
  world.advance(50 * 365 * 86_400_000);
  for (const client of clients) expect(isOpen(world, client)).toBe(true);
  expect(world.noted("ended")).toEqual([]);
  auditAtEnd(world);
});

test("A3: each of many connections has its own deadline, to the millisecond", () => {
  const world = new World();
  const clients = Array.from({ length: 100 }, (_, index) => {
    world.advance(37);
    const keepalive = 1 + (index % 7);
    const client = mortal(world, { id: `m${index}`, keepalive });
    return { client, due: world.now + keepalive * 1500 };
  });
  world.advance(20_000);
  const ends = world.noted("ended");
  expect(ends).toHaveLength(100);
  const order = clients.toSorted((a, b) => a.due - b.due).map(({ client }) => client.remote);
  expect(ends.map(({ peer }) => peer.remote)).toEqual(order);
  for (const { client } of clients) {
    const end = endOf(world, client);
    expect(end.cause).toBe("keepAliveExpired");
    expect(end.silentMs).toBe(end.allowedMs ?? -1);
  }
  auditAtEnd(world);
});

test("A3: an end is not late because an earlier deadline was postponed", () => {
  const world = new World();
  const early = mortal(world, { id: "early", keepalive: 2 });
  world.advance(500);
  const late = mortal(world, { id: "late", keepalive: 4 });
  for (let step = 0; step < 5; step++) {
    world.advance(999);
    early.ping();
  }
  world.advance(6000 - 5 * 999 - 1);
  expect(isOpen(world, late)).toBe(true);
  world.advance(1);
  expect(endOf(world, late).silentMs).toBe(6000);
  world.advance(3000);
  expect(endOf(world, early).silentMs).toBe(3000);
  auditAtEnd(world);
});

test("A4: a client that pings every 1.4 K stays connected", () => {
  const world = new World();
  const watcher = watcherOf(world);
  const client = mortal(world, { keepalive: 10 });
  for (let time = 0; time < 100; time++) {
    world.advance(14_000);
    client.ping();
  }
  expect(client.take("pingresp")).toHaveLength(100);
  expect(watcher.messages()).toEqual([]);
  world.advance(14_999);
  expect(isOpen(world, client)).toBe(true);
  world.advance(1);
  expect(watcher.messages()).toEqual(["wills/mortal=gone"]);
  auditAtEnd(world);
});

test("A4: a client that only publishes stays connected", () => {
  const world = new World();
  const watcher = watcherOf(world, "wills/#");
  const client = mortal(world, { keepalive: 10 });
  for (let time = 0; time < 40; time++) {
    world.advance(1000);
    client.publish("data", "x");
  }
  expect(watcher.messages()).toEqual([]);
  world.advance(15_000);
  expect(watcher.messages()).toEqual(["wills/mortal=gone"]);
  auditAtEnd(world);
});

test("A1: the deadline holds for a client without a will", () => {
  const world = new World();
  const client = world.open();
  client.connect({ clientId: "plain", keepalive: 10 });
  world.advance(15_000);
  expect(endOf(world, client)).toMatchObject({ cause: "keepAliveExpired", will: null });
  auditAtEnd(world);
});

test("the transport's detectors follow the keepalive, and none is shorter than 1.5 K", () => {
  const world = new World();
  for (const keepalive of intervals) {
    expect(mortal(world, { id: `m${keepalive}`, keepalive }).watched).toBe(keepalive * 1500);
  }
  expect(mortal(world, { id: "never", keepalive: 0 }).watched).toBeNull();
  const stranger = world.open();
  expect(stranger.watched).toBeUndefined();
  auditAtEnd(world);
});

test("every end states how long the client was silent", () => {
  const world = new World();
  const client = mortal(world, { keepalive: 60 });
  world.advance(1000);
  client.ping();
  world.advance(7654);
  client.drop("reset");
  expect(endOf(world, client)).toMatchObject({ silentMs: 7654, allowedMs: 90_000 });
  auditAtEnd(world);
});

test("an end tells a keepalive that the broker was started to ignore", () => {
  const world = new World({ rules: { keepAliveFactor: Infinity } });
  const client = mortal(world, { keepalive: 5 });
  world.advance(10_000);
  client.drop("reset");
  expect(endOf(world, client)).toMatchObject({ allowedMs: null, keepAliveSeconds: 5 });
});
