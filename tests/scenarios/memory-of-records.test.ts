import { expect, test } from "bun:test";
import { World } from "../support/world.ts";

// What is remembered for people counts as memory, and goes first when that is short.

const will = { topic: "w", payload: "gone", qos: 0, retain: false } as const;

/** Clients that connect with a will, and are reset. */
function visit(world: World, ids: readonly string[]): void {
  for (const clientId of ids) {
    const client = world.open();
    client.connect({ clientId, will });
    client.drop();
  }
}

const ids = (count: number) => Array.from({ length: count }, (_, at) => `dev-${at}`);

test("each client id, connection, will and event counts until it is forgotten", () => {
  const world = new World({ limits: { ledger: 10 } });
  const { records, memory } = world.broker;
  visit(world, ids(10));
  const ten = memory.records.bytes;
  expect(ten).toBeGreaterThan(10 * 1500);
  // As many are remembered as before.
  visit(world, ids(20).slice(10));
  expect(memory.records.bytes / ten).toBeWithin(0.9, 1.1);
  for (const list of [records.clients, records.wills, records.topics]) {
    while (list.forgetOldest());
  }
  expect(memory.records.bytes).toBe(0);
});

test("a client that comes again and again counts for no more than what is kept of it", () => {
  const world = new World({ limits: { ledger: 1 } });
  const { memory } = world.broker;
  const again = (times: number) => visit(world, Array<string>(times).fill("dev-1"));
  again(60);
  const full = memory.records.bytes;
  again(60);
  expect(memory.records.bytes / full).toBeWithin(0.95, 1.05);
  expect(full).toBeGreaterThan(50 * 500);
});

test("refused connections and long texts count, and are given back", () => {
  const refusal = { reason: 0x86, statement: "v5-3.1.4-2", detail: "wrong password" } as const;
  const world = new World({
    limits: { ledger: 1 },
    authenticate: (_, answer) => answer(refusal),
  });
  const { memory, records } = world.broker;
  const refused = (clientId: string) => {
    const client = world.open();
    client.connect({ clientId, will: { ...will, topic: "t".repeat(400) } });
    world.advance(10);
  };
  refused("a");
  const one = memory.records.bytes;
  expect(one).toBeGreaterThan(400);
  for (let at = 0; at < 100; at++) refused("a");
  expect(memory.records.bytes).toBeLessThan(60 * one);
  while (records.clients.forgetOldest());
  expect(memory.records.bytes).toBe(0);
});

test("as memory runs short, the clients that are gone are forgotten first", () => {
  const world = new World({ limits: { memory: 1024 * 1024 } });
  const { broker } = world;
  visit(world, ids(150));
  expect(broker.memory.records.bytes).toBeGreaterThan(150 * 1500);
  const publisher = world.open();
  publisher.connect({ clientId: "publisher" });
  const retain = (topic: string, bytes: number) => {
    publisher.publish(topic, "x".repeat(bytes), { retain: true });
  };
  for (let at = 0; broker.memory.records.bytes > 50_000; at++) {
    expect(at).toBeLessThan(1000);
    retain(`r/${at}`, 1000);
  }
  // Only as much was taken as makes memory short, and the rest is free again.
  expect(broker.memory.total).toBeLessThan(0.75 * broker.memory.limit);
  expect(broker.records.clients.of("publisher")).not.toBeNull();
});

test("the will of a refused CONNECT counts", () => {
  const refusal = { reason: 0x86, statement: "v5-3.1.4-2", detail: "wrong password" } as const;
  const bytesWith = (topic: string) => {
    const world = new World({ authenticate: (_, answer) => answer(refusal) });
    const client = world.open();
    client.connect({ clientId: "a", username: "ann", will: { ...will, topic } });
    return world.broker.memory.records.bytes;
  };
  // Of the topic and the event 512 characters each.
  expect(bytesWith("t".repeat(5000)) - bytesWith("t")).toBeGreaterThan(1000);
});
