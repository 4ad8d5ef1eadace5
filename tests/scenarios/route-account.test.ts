import { expect, test } from "bun:test";
import { routeFor } from "../../src/core/queries/routes.ts";
import { allOf } from "../../src/core/steps.ts";
import type { TestClient } from "../support/client.ts";
import { World } from "../support/world.ts";

/** A subscriber with a window of `receiveMaximum` messages. */
function subscriber(
  world: World,
  clientId: string,
  topic: string,
  qos: 0 | 1 | 2 = 0,
  { receiveMaximum = 10, nl = false } = {},
): TestClient {
  const client = world.open();
  const properties = { sessionExpiryInterval: 60, receiveMaximum };
  client.connect({ clientId, protocolVersion: 5, properties });
  client.subscribe({ topic, qos, nl });
  return client;
}

function outcomes(world: World, topic = "a", qos: 0 | 1 | 2 = 2): Record<string, string> {
  const message = { topic, qos, payload: { length: 0 }, properties: null, expiresAt: null };
  const recipients = allOf(routeFor(world.broker, topic, message));
  return Object.fromEntries(recipients.map(({ clientId, outcome }) => [clientId, outcome]));
}

/** The connected clients that receive a message published now. */
function reached(world: World, clients: Readonly<Record<string, TestClient>>): string[] {
  const publisher = world.open();
  publisher.connect({ clientId: "publisher" });
  publisher.publish("a", "x".repeat(2000), { qos: 2 });
  const got = Object.entries(clients).filter(([, client]) => client.messages().length > 0);
  return got.map(([clientId]) => clientId);
}

test("a route names the member of a group that is next", () => {
  const world = new World();
  const members = {
    away: subscriber(world, "away", "$share/g/a", 1),
    full: subscriber(world, "full", "$share/g/a", 1, { receiveMaximum: 1 }),
    free: subscriber(world, "free", "$share/g/a", 1),
  };
  members.away.drop();
  for (let turn = 0; turn < 6; turn++) {
    const told = outcomes(world);
    const sent = Object.keys(told).filter((clientId) => told[clientId] === "sent");
    expect(sent).toHaveLength(1);
    expect(reached(world, members)).toEqual(sent);
  }
  members.free.drop();
  expect(outcomes(world)).toEqual({
    away: "shared: another member's turn",
    full: "queued",
    free: "shared: another member's turn",
  });
});

test("a route shows which clients get the message later, or never", () => {
  const world = new World({ outputBytes: 1000 });
  subscriber(world, "away 0", "a", 0).drop();
  subscriber(world, "away 1", "a", 1).drop();
  const full = subscriber(world, "full", "a", 1, { receiveMaximum: 1 });
  const blocked = subscriber(world, "blocked", "a", 0);
  expect(reached(world, { full, blocked })).toEqual(["full", "blocked"]);
  blocked.room = 0;
  expect(reached(world, { full, blocked })).toEqual([]);
  expect(outcomes(world)).toEqual({
    "away 0": "dropped: QoS 0 and not connected",
    "away 1": "queued",
    full: "queued",
    blocked: "dropped: QoS 0 and no room",
  });
});

test("a route shows No Local, unless another filter delivers the message", () => {
  const world = new World();
  subscriber(world, "own", "a", 0, { nl: true });
  const both = subscriber(world, "both", "a", 0, { nl: true });
  both.subscribe("#");
  const recipients = allOf(routeFor(world.broker, "a"));
  expect(recipients.map(({ clientId, noLocal }) => [clientId, noLocal])).toEqual([
    ["both", false],
    ["own", true],
  ]);
});

test("during a replay, QoS 0 waits only where an older message of its topic may be pending", () => {
  const world = new World();
  const source = world.open();
  source.connect({ clientId: "source" });
  for (const topic of ["a", "b", "c"]) source.publish(topic, "kept", { qos: 1, retain: true });
  const client = subscriber(world, "replayed", "#", 1, { receiveMaximum: 1 });
  expect(client.messages()).toHaveLength(1);
  expect(outcomes(world, "a", 0)).toEqual({ replayed: "queued" });
  expect(outcomes(world, "fresh", 0)).toEqual({ replayed: "sent" });
  source.publish("fresh", "does not wait");
  source.publish("a", "waits");
  expect(client.messages()).toEqual(["fresh=does not wait"]);
  // QoS 0 now waits in its queue, and the next message queues behind it.
  expect(outcomes(world, "fresh", 0)).toEqual({ replayed: "queued" });
});

test("a route shows a full queue, a client with a small packet maximum, and another mount point", () => {
  const world = new World({ limits: { queuedMessages: 1 } });
  const source = world.open();
  source.connect({ clientId: "source" });
  subscriber(world, "full", "a", 1).drop();
  source.publish("a", "fills the queue", { qos: 1 });
  const long = "x".repeat(60);
  const small = world.open();
  small.connect({ clientId: "small", protocolVersion: 5, properties: { maximumPacketSize: 60 } });
  small.subscribe("a", long);
  const moved = { clientId: "moved", clean: false } as const;
  const before = world.open();
  before.connect(moved);
  before.subscribe("a");
  world.open({ mountPoint: "m/" }).connect(moved);
  expect(outcomes(world)).toEqual({
    full: "dropped: its queue is full",
    small: "sent",
    moved: "dropped: behind another mount point",
  });
  expect(outcomes(world, long)).toEqual({
    small: "dropped: larger than its Maximum Packet Size",
  });
});

test("a route names no filter that a mount point hides from the topic", () => {
  const world = new World();
  const behind = world.open({ mountPoint: "m/" });
  behind.connect({ clientId: "behind" });
  behind.subscribe("#", "$x/#");
  const recipients = allOf(routeFor(world.broker, "m/$x/a"));
  expect(recipients.map(({ filters }) => filters)).toEqual([["$x/#"]]);
});
