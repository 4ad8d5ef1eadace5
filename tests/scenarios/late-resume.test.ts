import { expect, test } from "bun:test";
import { generate } from "mqtt-packet";
import { clientOf } from "../../src/core/queries/queries.ts";
import type { ConnectOptions, TestClient } from "../support/client.ts";
import { connected, StoredWorld, subscribed } from "../support/held-store.ts";

// A client resumes its session while the store keeps nothing: only as far as a start after a kill
// goes on with what it was promised.

const full = { isFull: true, detail: "the disk is full" };
const will = { topic: "w", payload: Buffer.from("gone"), qos: 1, retain: false } as const;
const lasting: ConnectOptions = {
  ...{ clientId: "a", clean: false, protocolVersion: 5 },
  properties: { sessionExpiryInterval: 60 },
};

/** From now on the store keeps nothing: a message for a session without connection has failed. */
function fail(world: StoredWorld, failure = {}): void {
  subscribed(world, "away").drop();
  world.keep();
  const publisher = connected(world, { clientId: "publisher" });
  publisher.publish("t", "lost", { qos: 1 });
  world.fail({ ...full, ...failure });
}

/** A client with a kept session, subscribed to `t`; `options`: more of its CONNECT. */
function withSession(world: StoredWorld, options: Partial<ConnectOptions> = {}): TestClient {
  const client = connected(world, { ...lasting, ...options });
  client.subscribe({ topic: "t", qos: 2 });
  world.keep();
  client.take("suback");
  return client;
}

/** Connects, and is let in. */
function resume(world: StoredWorld, options: Partial<ConnectOptions> = {}): TestClient {
  const client = world.open();
  const connack = client.connect({ ...lasting, ...options });
  expect(connack).toMatchObject({ reasonCode: 0, sessionPresent: true });
  return client;
}

/** The client ids of sessions. */
function sessionsOf({ broker }: StoredWorld): string[] {
  return broker.view().sessions.map(({ clientId }) => clientId);
}

/** The reason code and the words of its CONNACK. */
function answerTo(world: StoredWorld, options: Partial<ConnectOptions> = {}): unknown[] {
  const client = world.open();
  const connack = client.connect({ ...lasting, ...options });
  return [connack?.reasonCode, connack?.properties?.reasonString];
}

test("a session is resumed while the store keeps nothing, and gets and acknowledges its messages", () => {
  const world = new StoredWorld();
  withSession(world).drop();
  connected(world, { clientId: "p" }).publish("t", "waits", { qos: 1 });
  world.keep();
  fail(world);
  const client = resume(world);
  const sent = client.take("publish");
  expect(sent.map(({ payload }) => payload.toString())).toEqual(["waits", "lost"]);
  for (const { messageId = 0 } of sent) client.send({ cmd: "puback", messageId });
  for (let second = 0; second < 3; second++) {
    world.advance(1000);
    world.fail(full);
  }
  expect(client.closedBy).toBeNull();
  // What was acknowledged may come again after a kill, and is gone once the store keeps it.
  const { sessions } = world.store.kept.load();
  expect(sessions.find(({ session }) => session.clientId === "a")?.queued).toHaveLength(1);
  world.advance(1000);
  world.keep();
  world.check();
  const after = world.store.kept.load().sessions.find(({ session }) => session.clientId === "a");
  expect(after).toMatchObject({ queued: [], outgoing: [], session: { ended: null } });
});

test("a resumed session lives from the death of the broker on, whatever the store has of its end", () => {
  const world = new StoredWorld();
  withSession(world).drop();
  world.keep();
  world.advance(40_000);
  fail(world);
  expect(resume(world).messages()).toEqual(["t=lost"]);
  for (let second = 0; second < 30; second++) {
    world.advance(1000);
    world.fail(full);
  }
  const next = world.restart();
  next.advance(59_000);
  expect(sessionsOf(next)).toContain("a");
  next.advance(1000);
  expect(sessionsOf(next)).not.toContain("a");
});

test("a session that may have been resumed keeps its one connection in the records, restart after restart", () => {
  const world = new StoredWorld();
  withSession(world).drop();
  world.driver.keepRecords();
  world.keep();
  world.advance(1000);
  fail(world);
  resume(world);
  const next = world.restart(1000);
  next.driver.keepRecords();
  next.keep();
  next.advance(10_000);
  const last = next.restart(1000);
  const { connections = [] } = clientOf(last.broker, "a") ?? {};
  expect(connections.map(({ end }) => end?.cause)).toEqual(["resetByPeer"]);
});

test("a will that the store has as armed is armed again, and published once after a kill", () => {
  const world = new StoredWorld();
  const watcher = connected(world, { ...lasting, clientId: "w" });
  watcher.subscribe({ topic: "w", qos: 1 });
  const client = withSession(world, { will });
  fail(world);
  client.drop();
  resume(world, { will });
  const next = world.restart();
  const again = next.open();
  again.connect({ ...lasting, clientId: "w" });
  next.keep();
  again.take("publish");
  next.advance(5000);
  next.keep();
  expect(again.messages()).toEqual(["w=gone"]);
});

test.each([
  ["a new session", { clientId: "new" }],
  ["the end of its session", { clean: true }],
  ["another Session Expiry Interval", { properties: { sessionExpiryInterval: 61 } }],
  ["its will", { will }],
  ["another user of its session", { username: "u" }],
])("refused: %s", (what, options) => {
  const world = new StoredWorld();
  withSession(world).drop();
  world.keep();
  fail(world);
  expect(answerTo(world, options)).toEqual([
    0x97,
    `the broker can't keep ${what}: the disk is full`,
  ]);
});

test.each([
  ["that it has no will any more", {}],
  ["another will", { will: { ...will, payload: Buffer.from("other") } }],
])("refused to a client whose will is kept: %s", (what, options) => {
  const world = new StoredWorld();
  withSession(world, { will });
  fail(world);
  expect(answerTo(world, options)).toEqual([
    0x97,
    `the broker can't keep ${what}: the disk is full`,
  ]);
});

test("refused: a delayed will whose cancellation can't be kept", () => {
  const world = new StoredWorld();
  const delayed = { ...will, properties: { willDelayInterval: 30 } };
  withSession(world, { will: delayed }).drop();
  world.keep();
  fail(world);
  expect(answerTo(world, { will: delayed })[1]).toMatch(
    /^the broker can't keep that its delayed will/,
  );
});

test("refused: a QoS 2 message under way", () => {
  const world = new StoredWorld();
  withSession(world).drop();
  connected(world, { clientId: "p" }).publish("t", "exactly", { qos: 2 });
  world.keep();
  fail(world);
  expect(answerTo(world)[1]).toMatch(/^the broker can't keep a QoS 2 message under way/);
});

test("refused: what the failed batch has changed, and a store that can't say that it is behind", () => {
  const world = new StoredWorld();
  const client = withSession(world, { will });
  client.drop();
  world.fail(full);
  expect(answerTo(world, { will })[1]).toMatch(/^the broker can't keep its will/);
  const other = new StoredWorld();
  withSession(other).drop();
  other.keep();
  fail(other, { isNoted: false });
  expect(answerTo(other)[1]).toBe("the broker can't keep that it is back: the disk is full");
});

test.each([1, 2])(
  "%d PUBRELs are not answered whose packet ids the store may still have",
  (several) => {
    const world = new StoredWorld();
    const client = withSession(world);
    for (let count = 0; count < several; count++) client.publish("u", "x", { qos: 2 });
    world.keep();
    const ids = client.take("pubrec").map(({ messageId = 0 }) => messageId);
    fail(world);
    client.received.length = 0;
    client.sendBytes(Buffer.concat(ids.map((messageId) => generate({ cmd: "pubrel", messageId }))));
    expect(client.received).toMatchObject([{ cmd: "disconnect", reasonCode: 0x97 }]);
  },
);

test.each([4, 5] as const)("v%d: an UNSUBSCRIBE that can't be kept changes nothing", (version) => {
  const world = new StoredWorld();
  const client = withSession(world, version === 5 ? {} : { protocolVersion: 4, properties: {} });
  fail(world);
  client.received.length = 0;
  client.send({ cmd: "unsubscribe", messageId: 9, unsubscriptions: ["t"] });
  if (version === 5) {
    expect(client.take("unsuback")).toMatchObject([{ granted: [0x83] }]);
    expect(client.closedBy).toBeNull();
  } else expect(client.closedBy).toBe("end");
  expect(world.broker.view().subscriptions).toBe(2);
});
