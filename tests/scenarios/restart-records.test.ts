import { expect, test } from "bun:test";
import type { Millis } from "../../src/core/io.ts";
import { clientOf } from "../../src/core/queries/queries.ts";
import { type ClientAccount, isWillUnknown } from "../../src/core/records/client-account.ts";
import type { ConnectOptions } from "../support/client.ts";
import { connected, StoredWorld } from "../support/held-store.ts";

/** What is remembered for people goes on after a restart, as if the process had gone on. */

const properties = { sessionExpiryInterval: 600 } as const;
const lasting = { clean: false, protocolVersion: 5, properties } as const;
const gone = { topic: "w", payload: Buffer.from("gone"), qos: 1, retain: true } as const;
const delayed: ConnectOptions = {
  ...{ clientId: "a", ...lasting, keepalive: 10 },
  will: { ...gone, properties: { willDelayInterval: 30 } },
};

function accountOf(world: StoredWorld, clientId = "a"): ClientAccount {
  const account = clientOf(world.broker, clientId);
  if (account === null) throw new Error(`${clientId} is not known`);
  return account;
}

/** The part that outlives the process. */
function keptOf(world: StoredWorld, clientId = "a") {
  const { connections, wills, faults } = accountOf(world, clientId);
  return { connections, wills, faults };
}

/** The store's next sign of life: records that wait for no batch are kept too. */
function signOfLife(world: StoredWorld): void {
  world.driver.keepRecords();
  world.keep();
}

/** Each lets the will get its fate, and the connection its end. */
const stories: Readonly<Record<string, (world: StoredWorld) => void>> = {
  "published with the end of its connection": (world) => {
    const client = connected(world, { clientId: "a", keepalive: 10, will: gone });
    client.publish("w", "here", { qos: 1, retain: true });
    client.ping();
    world.advance(2000);
    client.ping();
    client.drop("reset", "a detail");
  },
  "published after its delay": (world) => {
    connected(world, delayed).drop("eof");
    world.advance(40_000);
  },
  "published after a silence": (world) => {
    connected(world, { clientId: "a", keepalive: 10, will: gone });
    world.advance(16_000);
  },
  "discarded by a clean DISCONNECT": (world) => {
    const client = connected(world, { clientId: "a", will: gone });
    world.advance(1000);
    client.send({ cmd: "disconnect" });
  },
  "cancelled by the return of its client": (world) => {
    connected(world, delayed).drop("eof");
    world.advance(3000);
    connected(world, { clientId: "a", ...lasting }).send({ cmd: "disconnect" });
  },
  "published by a takeover": (world) => {
    connected(world, { clientId: "a", will: gone });
    connected(world, { clientId: "a" }).drop("eof");
  },
  "of an NDEATH, after the NBIRTH": (world) => {
    const topic = "spBv1.0/g/NDEATH/n";
    const client = connected(world, { clientId: "a", will: { ...gone, topic } });
    client.publish("spBv1.0/g/NBIRTH/n", "bd", { qos: 0 });
    client.drop("eof");
  },
  "no will, in a clean session": (world) => {
    connected(world, { clientId: "a", username: "ann" }).drop("timeout");
  },
  "a CONNECT that was refused": (world) => {
    const client = world.open({ allowAnonymous: false });
    client.connect({ clientId: "a", will: gone });
  },
};

test.each(Object.keys(stories))("what is decided is told after a restart as before: %s", (name) => {
  const before = new StoredWorld();
  stories[name]?.(before);
  before.keep();
  signOfLife(before);
  const told = keptOf(before);
  expect(told.connections.length).toBeGreaterThan(0);
  expect(told.connections.every(({ end }) => end !== null)).toBe(true);
  const world = before.restart(3000);
  expect(keptOf(world)).toEqual(told);
  // And as well after the next one.
  world.keep();
  signOfLife(world);
  expect(keptOf(world.restart(3000))).toEqual(told);
});

test("a will that was armed when the broker was killed goes on in one account", () => {
  const before = new StoredWorld();
  connected(before, { clientId: "other", will: gone }).drop("eof");
  const client = connected(before, delayed);
  client.publish("w", "here", { qos: 1 });
  signOfLife(before);
  const [armed] = accountOf(before).wills;
  before.advance(5000);
  const world = before.restart(3000, 400);
  const diedAt = before.wall + 600;
  const account = accountOf(world);
  expect(account.connections).toMatchObject([
    {
      ...{ restored: true, willId: armed?.id, cleanStart: false, pings: null },
      ...{ end: { cause: "brokerRestarted", at: diedAt }, lastPacket: { type: "not kept" } },
    },
  ]);
  const steps = [...(armed?.steps ?? []), { at: diedAt, state: "delayed", rule: "v5-3.1.2-8" }];
  const dueAt = diedAt + 30_000;
  expect(account.wills).toMatchObject([{ id: armed?.id, state: "delayed", dueAt, steps }]);
  // What its client published is not known, and not said to be nothing.
  expect(account.wills[0]).not.toHaveProperty("own");
  world.advance(40_000);
  world.keep();
  expect(accountOf(world).wills).toMatchObject([{ id: armed?.id, fate: { at: dueAt } }]);
});

test("of a connection that began in the last second, its session and its will tell", () => {
  const before = new StoredWorld();
  connected(before, delayed);
  connected(before, { clientId: "b", ...lasting });
  connected(before, { clientId: "c", ...lasting }).drop("eof");
  before.keep();
  const world = before.restart(3000);
  const told = { sessionOnly: true, end: { cause: "brokerRestarted" } };
  const { connections, wills } = accountOf(world);
  expect(connections).toMatchObject([{ ...told, willId: wills[0]?.id }]);
  expect(wills).toMatchObject([{ state: "delayed", dueAt: before.wall + 1000 + 30_000 }]);
  expect(accountOf(world, "b").connections).toMatchObject([{ ...told, willId: null }]);
  expect(accountOf(world, "b").connections.map(isWillUnknown)).toEqual([false]);
  // Its end was kept with its session.
  expect(accountOf(world, "c").connections).toMatchObject([{ end: { cause: "closedByPeer" } }]);
  expect(accountOf(world, "c").connections[0]).not.toHaveProperty("sessionOnly");
  signOfLife(world);
  expect(keptOf(world.restart(3000), "b")).toEqual(keptOf(world, "b"));
});

test("a will whose record was not kept yet gets an id that no other will has", () => {
  const before = new StoredWorld();
  const a = connected(before, { clientId: "a", ...lasting, will: gone });
  connected(before, { clientId: "b", ...lasting, will: gone });
  a.send({ cmd: "disconnect" });
  signOfLife(before);
  // The connection of b is kept, with the id of its will, and this one is not.
  connected(before, { clientId: "a", ...lasting, will: gone });
  const world = before.restart(3000);
  world.advance(6000);
  world.keep();
  signOfLife(world);
  const fates = [...world.store.kept.records.willRecord.values()];
  expect(fates.map(({ clientId, state }) => `${clientId} ${state}`).toSorted()).toEqual([
    "a discarded",
    "a published",
    "b published",
  ]);
});

test("all parts of a store tell of one death, however long they take", () => {
  const before = new StoredWorld();
  connected(before, { clientId: "a", ...lasting, will: gone });
  signOfLife(before);
  const part = before.store.kept.load();
  const world = new StoredWorld({ startedAt: before.wall + 10 }, before.store.kept.copy());
  const heartbeatAt = before.wall as Millis;
  world.driver.order({
    type: "loaded",
    part: { ...part, sessions: [] },
    heartbeatAt,
    isBehind: false,
  });
  world.advance(50);
  const rest = { ...part, habits: [], connections: [], willRecords: [] };
  world.driver.order({ type: "loaded", part: rest, heartbeatAt, isBehind: false });
  world.listen();
  expect(accountOf(world).connections).toMatchObject([{ end: { at: before.wall + 10 } }]);
});

test("a connection without will that was open when the broker was killed has ended with it", () => {
  const before = new StoredWorld();
  connected(before, { clientId: "a" });
  signOfLife(before);
  const first = before.restart(3000, 400);
  const diedAt = before.wall + 600;
  const ended = { restored: true, willId: null, end: { cause: "brokerRestarted", at: diedAt } };
  expect(accountOf(first).connections).toMatchObject([ended]);
  expect(accountOf(first).connections[0]).not.toHaveProperty("sessionOnly");
  signOfLife(first);
  // That time stays, although the next broker dies later.
  expect(accountOf(first.restart(3000)).connections).toMatchObject([ended]);
});

test("a fate is in the batch of its consequence, and an end in that of its session", () => {
  const world = new StoredWorld();
  const client = connected(world, { clientId: "a", will: gone });
  client.drop("eof");
  world.turn();
  const kinds = world.store.waiting?.map((change) => ("put" in change ? change.put : ""));
  expect(kinds).toContain("willRecord");
  expect(kinds).toContain("connection");
  expect(kinds).toContain("retained");
});

test("a client without will and session costs no commit", () => {
  const world = new StoredWorld();
  const client = world.open();
  client.connect({ clientId: "a" });
  client.take("connack");
  client.publish("t", "1", { qos: 1 });
  client.take("puback");
  client.drop("eof");
  world.turn();
  expect(world.store.batches).toBe(0);
  signOfLife(world);
  expect(world.store.batches).toBe(1);
  expect(world.store.kept.records.connection.size).toBe(1);
});

test("a start writes nothing again of what had ended before", () => {
  const before = new StoredWorld();
  connected(before, { clientId: "ended", ...lasting }).drop("eof");
  connected(before, { clientId: "open", ...lasting });
  before.keep();
  signOfLife(before);
  const world = before.restart(3000);
  world.keep();
  world.driver.keepRecords();
  world.check();
  expect(world.store.waiting).toMatchObject([{ put: "connection", value: { clientId: "open" } }]);
});

test("what memory forgets, the store deletes", () => {
  const world = new StoredWorld({ limits: { ledger: 3 } });
  for (let number = 0; number < 10; number++) {
    const options = { clientId: `dev-${number}`, keepalive: 0, will: gone };
    connected(world, options).drop("eof");
    world.keep();
  }
  signOfLife(world);
  const { habits, connection, willRecord } = world.store.kept.records;
  expect([habits.size, connection.size, willRecord.size]).toEqual([3, 3, 3]);
  const { memory } = world.broker;
  const next = world.restart(1000);
  expect(next.broker.memory.records.bytes).toBeGreaterThan(memory.records.bytes * 0.7);
  expect(next.broker.memory.records.bytes).toBeLessThanOrEqual(memory.records.bytes);
});

test("a habit that was logged is not logged again after a restart", () => {
  const before = new StoredWorld();
  connected(before, { clientId: "a", keepalive: 0, will: gone });
  expect(before.noted("clientFault")).toHaveLength(1);
  signOfLife(before);
  const world = before.restart(1000);
  connected(world, { clientId: "a", keepalive: 0, will: gone });
  expect(world.noted("clientFault")).toHaveLength(0);
  expect(accountOf(world).faults).toMatchObject([{ fault: "noKeepAlive" }]);
});

test("records of many clients are taken part by part, so that they hold up nobody", () => {
  const world = new StoredWorld();
  for (let number = 0; number < 1200; number++) {
    const client = world.open();
    client.connect({ clientId: `dev-${number}` });
    client.drop("eof");
  }
  world.check();
  world.driver.keepRecords();
  world.turn();
  expect(world.store.waiting).toBeNull();
  expect(world.broker.journal?.size).toBe(700);
  world.keep();
  expect(world.store.kept.records.connection.size).toBe(1200);
  expect(world.store.batches).toBe(1);
});

test("who was away for longest is forgotten first, also after a restart", () => {
  const limits = { ledger: 3 };
  const before = new StoredWorld({ limits });
  // It comes first, has a habit, and goes last.
  const long = connected(before, { clientId: "long", keepalive: 0, will: gone });
  for (const clientId of ["b", "c"]) {
    before.advance(1000);
    connected(before, { clientId }).drop("eof");
  }
  before.advance(1000);
  long.drop("eof");
  before.keep();
  signOfLife(before);
  const world = before.restart(1000);
  for (const clientId of ["d", "e"]) connected(world, { clientId }).drop("eof");
  expect([...world.broker.records.clients.ids()].toSorted()).toEqual(["d", "e", "long"]);
});

test("the will with the oldest fate is forgotten first, also after a restart", () => {
  const before = new StoredWorld({ limits: { ledger: 2 } });
  // Armed first, and published last.
  const long = connected(before, { clientId: "long", will: gone });
  connected(before, { clientId: "b", will: gone }).drop("eof");
  before.advance(1000);
  long.drop("eof");
  before.keep();
  signOfLife(before);
  const world = before.restart(1000);
  connected(world, { clientId: "c", will: gone }).drop("eof");
  const known = [...world.broker.records.wills.records()];
  expect(known.map(({ origin }) => origin.clientId)).toEqual(["long", "c"]);
});
