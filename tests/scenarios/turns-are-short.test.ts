import { expect, test } from "bun:test";
import type { Input } from "../../src/core/io.ts";
import type { TestClient } from "../support/client.ts";
import { accessListOf } from "../support/access-text.ts";
import { World } from "../support/world.ts";

/** The highest number of effects that one input of a kind has caused. */
function mostEffects(world: World, type: Input["type"]): () => number {
  let most = 0;
  const { broker } = world;
  const handle = broker.handle.bind(broker);
  broker.handle = (input, now) => {
    const effects = handle(input, now);
    if (input.type === type) most = Math.max(most, effects.length);
    return effects;
  };
  return () => most;
}

test("many parallel replays are spread over many turns, and each gets its share", () => {
  const world = new World();
  const publisher = world.open();
  publisher.connect({ clientId: "p" });
  for (let count = 0; count < 500; count++) {
    publisher.publish(`r/${count}`, "x", { retain: true });
  }
  const subscribers = Array.from({ length: 100 }, (_, number) => {
    const client = world.open();
    client.connect({ clientId: `s${number}` });
    client.subscribe("r/#");
    return client;
  });
  const most = mostEffects(world, "deadline");
  world.advance(1);
  // No replay waits for another's last message.
  const counts = subscribers.map(({ received }) => received.length);
  expect(Math.max(...counts) - Math.min(...counts)).toBeLessThan(500);
  world.advance(100);
  for (const client of subscribers) expect(client.take("publish")).toHaveLength(500);
  expect(most()).toBeLessThanOrEqual(2200);
  expect(most()).toBeGreaterThan(1000);
});

test("a due will does not wait behind the replays of other clients", () => {
  const world = new World();
  const publisher = world.open();
  publisher.connect({ clientId: "p" });
  for (let count = 0; count < 3000; count++) {
    publisher.publish(`r/${count}`, "x", { retain: true });
  }
  const watcher = world.open();
  watcher.connect({ clientId: "w" });
  watcher.subscribe("wills/#");
  const mortal = world.open();
  mortal.connect({
    clientId: "m",
    keepalive: 2,
    will: { topic: "wills/m", payload: Buffer.from("gone"), qos: 0, retain: false },
  });
  world.advance(2999);
  for (let number = 0; number < 50; number++) {
    const client = world.open();
    client.connect({ clientId: `s${number}` });
    client.subscribe("r/#");
  }
  world.advance(1);
  expect(watcher.messages()).toEqual(["wills/m=gone"]);
});

test("filters of one SUBSCRIBE above the limit are refused, each by its code and without a log line", () => {
  const world = new World({ limits: { filters: 3 } });
  const client = world.open();
  client.connect({ clientId: "a", protocolVersion: 5 });
  const suback = client.subscribe("a", "a", "b", "a");
  expect(suback?.granted).toEqual([0, 0, 0, 0x97]);
  expect(world.broker.subscriptions.size).toBe(2);
  expect(world.noted("subscribed")).toHaveLength(3);
});

test("each of 10,000 filters in one SUBSCRIBE gets its retained messages", () => {
  const world = new World();
  const client = world.open();
  client.connect({ clientId: "a" });
  client.publish("r", "x", { retain: true });
  client.subscribe(...Array.from({ length: 9_999 }, (_, number) => `f/${number}`), "r");
  world.advance(1000);
  expect(world.broker.sessions.get("a")?.replays.size).toBe(0);
  expect(client.messages()).toEqual(["r=x"]);
});

test("a SUBSCRIBE with 10,000 filters, their UNSUBSCRIBE and the end of a session are cut", () => {
  const world = new World();
  const client = world.open();
  client.connect({ clientId: "a" });
  const most = mostEffects(world, "continued");
  const filters = Array.from({ length: 10_000 }, (_, number) => `f/${number}`);
  expect(client.subscribe(...filters)?.granted).toHaveLength(10_000);
  expect(world.noted("subscribed")).toHaveLength(10_000);
  // Effects: mostly one log line for each filter.
  expect(most()).toBeLessThan(1000);
  expect(most()).toBeGreaterThan(20);
  expect(client.unsubscribe(...filters.slice(5000))).toBeDefined();
  expect(world.noted("unsubscribed")).toHaveLength(5000);
  const removed: number[] = [];
  const { subscriptions } = world.broker;
  const handle = world.broker.handle.bind(world.broker);
  world.broker.handle = (input, now) => {
    const { size } = subscriptions;
    const effects = handle(input, now);
    if (size > subscriptions.size) removed.push(size - subscriptions.size);
    return effects;
  };
  client.drop("eof");
  world.advance(100);
  expect(subscriptions.size).toBe(0);
  expect(Math.max(...removed)).toBeLessThan(3000);
  expect(removed.length).toBeGreaterThan(1);
});

function mortals(world: World, count: number, topic: (number: number) => string): TestClient[] {
  return Array.from({ length: count }, (_, number) => {
    const client = world.open();
    const will = {
      topic: topic(number),
      payload: Buffer.from("gone"),
      qos: 0,
      retain: true,
    } as const;
    client.connect({ clientId: `m${number}`, keepalive: 2, will });
    return client;
  });
}

test("silences are judged in time, and wills follow in due order, each with its one fate", () => {
  const world = new World({ unitsOfTurn: 1 });
  const watcher = world.open();
  watcher.connect({ clientId: "w" });
  watcher.subscribe("wills/#");
  mortals(world, 40, (number) => `wills/${number}`);
  world.advance(3000);
  const ends = world.noted("ended");
  expect(ends.map(({ cause, silentMs }) => [cause, silentMs])).toEqual(
    Array.from({ length: 40 }, () => ["keepAliveExpired", 3000]),
  );
  // The turns are too short to publish them with the ends of their connections.
  const fates = ends.map(({ will }) => will?.fate);
  expect(fates).toContain("delayed");
  const later = world.noted("will");
  expect(later).toHaveLength(fates.filter((fate) => fate === "delayed").length);
  for (const { by, will } of later) {
    expect([by, will.fate === "published" && will.at - will.due]).toEqual(["due", 0]);
  }
  const expected = Array.from({ length: 40 }, (_, number) => `wills/${number}=gone`);
  expect(watcher.messages()).toEqual(expected);
  expect(world.broker.sessions.size).toBe(1);
});

test("a SUBSCRIBE whose filters are searched in a long access list is spread over many turns", () => {
  const lines = Array.from({ length: 2000 }, (_, number) => `topic read d/${number}/t`);
  const world = new World({ access: accessListOf([...lines, "topic deny d/#"]) });
  const client = world.open();
  client.connect({ clientId: "c" });
  let pieces = 0;
  const handle = world.broker.handle.bind(world.broker);
  world.broker.handle = (input, now) => {
    if (input.type === "continued") pieces += 1;
    return handle(input, now);
  };
  const filters = Array.from({ length: 20 }, (_, number) => `d/+/t/${"+/".repeat(number)}#`);
  const suback = client.subscribe(...filters);
  expect(suback?.granted).toEqual(filters.map(() => 0x80));
  expect(pieces).toBeGreaterThan(5);
});
