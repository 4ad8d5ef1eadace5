import { expect, test } from "bun:test";
import { StoredWorld } from "../support/held-store.ts";
import { stateOfBroker, stateOfStore } from "../support/durable-state.ts";

const lasting = { clean: false, protocolVersion: 4 } as const;

/** What the broker's journal gives at a time, as it is taken. */
function parts(world: StoredWorld): number[] {
  const sizes: number[] = [];
  const { journal } = world.broker;
  if (journal === null) throw new Error("a broker with a store has a journal");
  const take = journal.take.bind(journal);
  journal.take = (most) => {
    const changes = take(most);
    sizes.push(changes.length);
    return changes;
  };
  return sizes;
}

/** A world with so much to keep that one commit under way is followed by a large batch. */
function crowded(): StoredWorld {
  const world = new StoredWorld({ unitsOfTurn: 2000, copiesOfBatch: Infinity });
  const subscriber = world.open();
  subscriber.connect({ clientId: "s", ...lasting });
  subscriber.subscribe({ topic: "q/#", qos: 2 });
  world.keep();
  subscriber.drop();
  const publisher = world.open();
  publisher.connect({ clientId: "p", ...lasting });
  world.check();
  // Now a commit is under way.
  for (let number = 0; number < 3000; number++) {
    publisher.publish(`r/${number}`, "x", { retain: true });
    if (number < 300) publisher.publish(`q/${number}`, "x", { qos: 1 });
  }
  return world;
}

test("a large batch is made in many turns of the loop, a few keys in each", () => {
  const world = crowded();
  const sizes = parts(world);
  world.keep();
  expect(sizes.length).toBeGreaterThan(3);
  // Two records a key: the message and what refers to it.
  expect(Math.max(...sizes)).toBeLessThanOrEqual(2500);
  expect(world.store.kept.retained.size).toBe(3000);
  expect(world.store.kept.queued.size).toBe(300);
  expect(world.broker.journal?.size).toBe(0);
});

test("what changes while a batch is made belongs to it, so that it is the state of one moment", () => {
  const world = crowded();
  const { journal } = world.broker;
  if (journal === null) throw new Error("a broker with a store has a journal");
  const [mover, other] = [world.open(), world.open()];
  mover.connect({ clientId: "m", ...lasting });
  other.connect({ clientId: "s", ...lasting });
  const take = journal.take.bind(journal);
  let taken = 0;
  journal.take = (most) => {
    const changes = take(most);
    taken += 1;
    // Between two parts: keys that were taken change, and keys of two sessions together.
    const messageId = taken;
    if (taken < 5) {
      world.soon(() => {
        mover.send({
          ...{ cmd: "publish", topic: `q/new`, payload: "x", qos: 2 },
          ...{ messageId, dup: false, retain: true },
        });
      });
    }
    return changes;
  };
  world.check();
  while (world.store.waiting !== null) {
    world.store.keep();
    if (journal.isClean) {
      expect(stateOfStore(world.store.kept.load())).toEqual(stateOfBroker(world.broker));
    }
    world.check();
  }
  expect(taken).toBeGreaterThan(4);
  expect(world.store.kept.incoming.size).toBe(4);
});

test("a session with more in it than one part is taken part by part", () => {
  const world = new StoredWorld({ unitsOfTurn: 40 });
  const client = world.open();
  client.connect({ clientId: "a", ...lasting });
  world.keep();
  const sizes = parts(world);
  client.subscribe(...Array.from({ length: 500 }, (_, number) => `f/${number}`));
  world.keep();
  expect(world.store.kept.subscriptions.size).toBe(500);
  expect(Math.max(...sizes)).toBeLessThan(200);
});

test("what came and went while a commit was under way is no work for the next", () => {
  const world = new StoredWorld();
  const subscriber = world.open();
  subscriber.connect({ clientId: "s", ...lasting });
  subscriber.subscribe({ topic: "t", qos: 1 });
  world.keep();
  const publisher = world.open();
  publisher.connect({ clientId: "p", ...lasting });
  world.check();
  expect(world.store.waiting).not.toBeNull();
  for (let number = 0; number < 200; number++) {
    publisher.publish("t", "x", { qos: 1 });
    for (const { messageId = 0 } of subscriber.take("publish"))
      subscriber.send({ cmd: "puback", messageId });
  }
  // The session itself, without a key.
  expect(world.broker.journal?.size).toBe(1);
  world.keep();
  expect(world.store.kept.messages.size).toBe(0);
  expect(publisher.take("puback")).toHaveLength(200);
});
