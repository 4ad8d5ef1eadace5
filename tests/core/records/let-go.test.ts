import { expect, test } from "bun:test";
import { Broker } from "../../../src/core/broker.ts";
import { Connection } from "../../../src/core/connection.ts";
import { Session } from "../../../src/core/session.ts";
import { Will } from "../../../src/core/will.ts";
import { clientOf } from "../../../src/core/queries/queries.ts";
import { connectBytes } from "../../support/connect-bytes.ts";
import { World } from "../../support/world.ts";

// Records far outlive their subjects, and are many: they copy, and hold no object of the rules.

const ofRules = [Broker, Connection, Session, Will];

/** The objects of the rules that a value reaches, each by its path. */
function reached(start: unknown): string[] {
  const found: string[] = [];
  const seen = new Set<unknown>();
  const waiting: [way: string, value: unknown][] = [["", start]];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [way, value] = next;
    if (typeof value !== "object" || value === null || seen.has(value)) continue;
    seen.add(value);
    if (ofRules.some((kind) => value instanceof kind)) {
      found.push(`${way} ${value.constructor.name}`);
      continue;
    }
    const inside = value instanceof Map || value instanceof Set ? [...value.entries()] : [];
    for (const [key, one] of [...inside, ...Object.entries(value)]) {
      waiting.push([`${way}.${String(key)}`, one]);
    }
  }
  return found;
}

function recordsIn({ broker }: World): unknown[] {
  const { clients, wills } = broker.records;
  const histories = [...clients.ids()].flatMap((id) => clients.of(id) ?? []);
  // What is behind getters too.
  const listed = histories.map((history) => {
    const { connections, wills: armed, events, habits, takeovers } = history;
    const facts = connections.filter(({ live }) => live === null).map((record) => record.facts);
    return {
      connections,
      ends: connections.map(({ end }) => end),
      facts,
      armed,
      events,
      habits,
      takeovers,
    };
  });
  return [...listed, ...wills.records()];
}

const will = { topic: "t", payload: Buffer.from("gone"), qos: 0, retain: true } as const;
const delay = { willDelayInterval: 60 };

/** Clients that end in each way that leaves its own kind of record. */
function storiesIn(world: World): void {
  const open = (clientId: string, withWill: boolean) => {
    const client = world.open();
    const properties = { sessionExpiryInterval: 600 };
    client.connect({ clientId, protocolVersion: 5, properties, ...(withWill && { will }) });
    client.send({ cmd: "pingreq" });
    client.publish("t/elsewhere", "birth", { retain: true });
    return client;
  };
  open("dropped", true).drop();
  open("left", true).send({ cmd: "disconnect", reasonCode: 0 });
  open("taken", true);
  open("taken", false).drop();
  const delayed = world.open();
  delayed.connect({
    clientId: "delayed",
    protocolVersion: 5,
    properties: { sessionExpiryInterval: 600 },
    will: { ...will, properties: delay },
  });
  delayed.drop();
  world.open().sendBytes(connectBytes({ version: 5, clientId: "refused", willTopic: "t/#" }));
}

test("no record of an ended connection reaches a connection, session or will", () => {
  const world = new World();
  storiesIn(world);
  expect(clientOf(world.broker, "dropped")?.connections).toMatchObject([
    { lastPacket: { type: "PUBLISH" }, end: { cause: "resetByPeer" } },
  ]);
  expect(clientOf(world.broker, "refused")?.connections).toHaveLength(1);
  expect(recordsIn(world).flatMap(reached)).toEqual([]);
  // A live one is found, which proves the search.
  world.open().connect({ clientId: "alive" });
  expect(recordsIn(world).flatMap(reached)).toEqual([".connections.0.live Connection"]);
});

test("the collector frees ended connections, and keeps live ones", async () => {
  const world = new World();
  const connections: WeakRef<Connection>[] = [];
  for (let count = 0; count < 200; count++) {
    const client = world.open();
    client.connect({ clientId: `c${count}`, will });
    for (const one of world.broker.connections.values()) {
      if (one.clientId === `c${count}`) connections.push(new WeakRef(one));
    }
    if (count % 2 === 0) client.drop();
  }
  expect(connections).toHaveLength(200);
  expect(world.broker.records.clients.size).toBe(200);
  // The 100 live ones, and those that the collector sees referenced on the stack. It frees the rest
  // later: the target of a WeakRef made in this turn stays until the next.
  let left = connections.length;
  for (let turn = 0; turn < 20 && left > 120; turn++) {
    await new Promise(setImmediate);
    Bun.gc(true);
    left = connections.filter((one) => one.deref() !== undefined).length;
  }
  expect(left).toBeWithin(100, 121);
  // Without this the collector may free the world itself first, and everything that lives in it.
  expect(world.broker.connections.size).toBe(100);
});
