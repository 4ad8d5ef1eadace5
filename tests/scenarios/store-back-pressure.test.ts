import { expect, test } from "bun:test";
import type { TestClient } from "../support/client.ts";
import { connected, StoredWorld, subscribed, watched } from "../support/held-store.ts";

const lasting = { clean: false, protocolVersion: 4 } as const;

/** A world whose batches get ten copies, while a commit is under way. */
function busy(): { readonly world: StoredWorld; readonly publisher: TestClient } {
  const world = new StoredWorld({ copiesOfBatch: 10 });
  const subscriber = world.open();
  subscriber.connect({ clientId: "s", ...lasting });
  subscriber.subscribe({ topic: "q/#", qos: 1 });
  world.keep();
  subscriber.drop();
  const publisher = connected(world, { clientId: "p", clean: true, keepalive: 0 });
  publisher.publish("q/first", "x", { qos: 1 });
  world.check();
  expect(world.store.waiting).not.toBeNull();
  return { world, publisher };
}

/** Messages for the session that is away, all in the same moment. */
function publish(client: TestClient, count: number, payload = "x"): void {
  for (let number = 0; number < count; number++) {
    client.publish(`q/${number}`, payload, { qos: 1, messageId: 100 + number });
  }
}

function queued(world: StoredWorld, clientId = "s"): number {
  return world.broker.sessions.get(clientId)?.queue.count ?? 0;
}

test("who publishes what has to be kept waits while the next batch is full", () => {
  const { world, publisher } = busy();
  publish(publisher, 35);
  world.check();
  expect(queued(world)).toBe(11);
  for (const count of [21, 31, 36]) {
    world.store.keep();
    world.check();
    expect(queued(world)).toBe(count);
  }
  world.keep();
  expect(publisher.take("puback")).toHaveLength(36);
  expect(world.store.kept.queued.size).toBe(36);
});

test("all others are read on: a PINGREQ, and what is not kept", () => {
  const { world, publisher } = busy();
  const other = world.open();
  other.connect({ clientId: "o" });
  other.subscribe("n");
  publish(publisher, 35);
  world.check();
  const before = queued(world);
  other.send({ cmd: "pingreq" });
  for (let number = 0; number < 50; number++) other.publish("n", "x", { qos: 1 });
  world.check();
  expect(other.take("pingresp")).toHaveLength(1);
  expect(other.take("publish")).toHaveLength(50);
  expect(queued(world)).toBe(before);
});

test("a client whose link ends while it waits is read to its end", () => {
  const { world, publisher } = busy();
  publish(publisher, 35);
  world.check();
  expect(queued(world)).toBe(11);
  publisher.drop();
  world.check();
  expect(world.broker.sessions.get("p")).toBeUndefined();
  expect(queued(world)).toBe(36);
});

test("who waits for the store is read at once when its client comes back, and at a stop", () => {
  for (const how of ["takeover", "stop"] as const) {
    const { world, publisher } = busy();
    publish(publisher, 35);
    world.check();
    expect(queued(world)).toBe(11);
    if (how === "stop") world.driver.order({ type: "stopping" });
    else world.open().connect({ clientId: "p" });
    world.advance(10);
    expect(queued(world)).toBe(36);
  }
});

test("so is who had to wait again when the batch was made", () => {
  const { world, publisher } = busy();
  const other = world.open();
  other.connect({ clientId: "o" });
  world.check();
  world.store.keep();
  world.check();
  publish(publisher, 35);
  publish(other, 35);
  world.check();
  // The publisher fills the next batch, too.
  world.store.keep();
  world.check();
  expect(queued(world)).toBeLessThan(35);
  world.open().connect({ clientId: "o" });
  world.advance(10);
  // All of the other's, beside two batches.
  expect(queued(world)).toBeGreaterThan(35 + 20);
});

test("publishers that wait take turns, however much each of them has sent", () => {
  const { world, publisher } = busy();
  const others = ["a", "b"].map((clientId) => {
    const client = world.open();
    client.connect({ clientId });
    return client;
  });
  world.check();
  world.store.keep();
  world.check();
  for (const client of [publisher, ...others]) publish(client, 100);
  const counts: number[] = [];
  for (let batch = 0; batch < 9; batch++) {
    world.store.keep();
    world.check();
  }
  for (const client of [publisher, ...others]) counts.push(client.take("puback").length);
  expect(Math.min(...counts)).toBeGreaterThan(10);
});

test("acknowledgements make room before the batch is made", () => {
  const world = new StoredWorld({ copiesOfBatch: 10 });
  const subscriber = world.open();
  subscriber.connect({ clientId: "s", ...lasting });
  subscriber.subscribe({ topic: "q/#", qos: 1 });
  world.keep();
  const publisher = connected(world, { clientId: "p" });
  const other = world.open();
  other.connect({ clientId: "o", ...lasting });
  world.check();
  expect(world.store.waiting).not.toBeNull();
  publish(publisher, 100);
  let got = 0;
  for (let round = 0; round < 50; round++) {
    world.check();
    const messages = subscriber.take("publish");
    expect(messages.length).toBeLessThanOrEqual(11);
    got += messages.length;
    for (const { messageId = 0 } of messages) subscriber.send({ cmd: "puback", messageId });
  }
  // The commit that began before all of them is still under way.
  expect(got).toBe(100);
  expect(world.store.batches).toBe(3);
  world.keep();
  expect(world.store.kept.messages.size).toBe(0);
});

test("large payloads fill a batch before their number does, each counted once", () => {
  const world = new StoredWorld();
  for (const clientId of ["s", "t"]) {
    const subscriber = world.open();
    subscriber.connect({ clientId, ...lasting });
    subscriber.subscribe({ topic: "q/#", qos: 1 });
    world.keep();
    subscriber.drop();
  }
  const publisher = connected(world, { clientId: "p" });
  publisher.publish("q/first", "x", { qos: 1 });
  world.check();
  publish(publisher, 20, "x".repeat(100_000));
  world.check();
  // 1 MiB has ten of them, and the eleventh goes over it.
  expect(queued(world)).toBe(12);
  expect(queued(world, "t")).toBe(12);
  world.keep();
  expect(queued(world)).toBe(21);
});

test("a store that is slow for half a second, or fails, keeps nobody waiting", () => {
  const { world, publisher } = busy();
  publish(publisher, 35);
  world.advance(400);
  expect(queued(world)).toBe(11);
  world.advance(200);
  expect(queued(world)).toBe(36);
  world.keep();
  publish(publisher, 35);
  world.check();
  expect(queued(world)).toBeLessThan(71);
  world.fail();
  // Nothing that can't be kept is taken any more; its publisher is told so.
  expect(publisher.closedBy).not.toBeNull();
});

/** A large batch is under way that has as much to delete as to put. Returns who acknowledges. */
function saturate(world: StoredWorld): TestClient {
  const subscriber = subscribed(world);
  const publisher = connected(world, { clientId: "p" });
  const publishTen = (): void => {
    for (let number = 0; number < 10; number++) publisher.publish("t", "x", { qos: 1 });
    world.check();
  };
  // While a commit is under way: they are in one batch.
  connected(world, { clientId: "o", ...lasting });
  const busy = world.open();
  busy.connect({ clientId: "b", ...lasting });
  world.check();
  publishTen();
  world.store.keep();
  world.check();
  expect(world.store.waiting?.length).toBe(20);
  acknowledge(subscriber);
  publishTen();
  world.store.keep();
  world.check();
  const deletes = world.store.waiting?.filter((change) => "delete" in change);
  expect(deletes?.length).toBe(20);
  return subscriber;
}

function acknowledge(subscriber: TestClient): void {
  for (const { messageId = 0 } of subscriber.take("publish")) {
    subscriber.send({ cmd: "puback", messageId });
  }
}

test("a large batch that undoes much of the one before is followed by a rest", () => {
  const world = new StoredWorld({ copiesOfBatch: 10 });
  const subscriber = saturate(world);
  world.store.keep();
  world.check();
  const { batches } = world.store;
  acknowledge(subscriber);
  world.advance(9);
  expect(world.store.batches).toBe(batches);
  world.advance(1);
  expect(world.store.batches).toBe(batches + 1);
});

test("a will waits for no rest", () => {
  const world = new StoredWorld({ copiesOfBatch: 10 });
  const { client, watcher } = watched(world);
  const subscriber = saturate(world);
  world.store.keep();
  world.check();
  const { batches } = world.store;
  acknowledge(subscriber);
  world.advance(5);
  expect(world.store.batches).toBe(batches);
  client.drop();
  world.check();
  expect(world.store.batches).toBe(batches + 1);
  world.keep();
  expect(watcher.take("publish")).toHaveLength(1);
});
