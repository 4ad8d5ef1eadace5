import { expect, test } from "bun:test";
import type { Limits } from "../../src/core/limits.ts";
import type { TestClient } from "../support/client.ts";
import { World } from "../support/world.ts";

function reconfigure(world: World, limits: Partial<Limits>): void {
  world.driver.reconfigure({ ...world.broker.limits, ...limits }, 1024 * 1024);
}

function open(world: World, clientId: string, protocolVersion: 4 | 5 = 5): TestClient {
  const client = world.open();
  client.connect({ clientId, protocolVersion });
  return client;
}

test("v5-3.2.2.3: a client may do what CONNACK allowed, whatever the present limits are", () => {
  const world = new World();
  const client = open(world, "before");
  reconfigure(world, { topicAliases: 0, qos: 0, retain: false, receiveMaximum: 1 });
  client.publish("t", "1", { properties: { topicAlias: 7 } });
  client.publish("t", "2", { qos: 2, messageId: 1, retain: true });
  client.publish("t", "3", { qos: 2, messageId: 2 });
  expect(client.closedBy).toBeNull();
  expect(client.take("pubrec")).toHaveLength(2);
});

test("connections opened after a change get the new limits, which are enforced on them", () => {
  const world = new World();
  reconfigure(world, {
    topicAliases: 2,
    qos: 1,
    retain: false,
    receiveMaximum: 9,
    packetSize: 500,
  });
  const client = world.open();
  expect(client.connect({ clientId: "after", protocolVersion: 5 })?.properties).toEqual({
    topicAliasMaximum: 2,
    maximumQoS: 1,
    retainAvailable: false,
    receiveMaximum: 9,
    maximumPacketSize: 500,
  });
  client.publish("t", "1", { properties: { topicAlias: 3 } });
  expect(client.closedBy).toBe("end");
});

test("CONNACK announces the packet size that the connection's reader enforces", () => {
  const world = new World();
  const client = world.open();
  reconfigure(world, { packetSize: 5000 });
  const connack = client.connect({ clientId: "between", protocolVersion: 5 });
  expect(connack?.properties?.maximumPacketSize).toBe(25 * 1024 * 1024);
  client.publish("t", "x".repeat(6000));
  expect(client.closedBy).toBeNull();
});

test("a connection that waits for a place meanwhile gets the limits of the moment when it gets one", () => {
  const world = new World({ limits: { connections: 1, packetSize: 500 } });
  const first = open(world, "first");
  const second = world.open();
  reconfigure(world, { connections: 2, packetSize: 5000 });
  first.drop();
  world.advance(0);
  const connack = second.connect({ clientId: "second", protocolVersion: 5 });
  expect(connack?.properties?.maximumPacketSize).toBe(5000);
  second.publish("t", "x".repeat(4000));
  expect(second.closedBy).toBeNull();
});

test("older protocols cannot announce a limit, so a new one holds for their clients at once", () => {
  const world = new World();
  const client = open(world, "old", 4);
  reconfigure(world, { qos: 0 });
  client.publish("t", "1", { qos: 1 });
  expect(client.closedBy).toBe("end");
});

test("a shorter connect timeout holds for connections that are already open", () => {
  const world = new World();
  const early = world.open();
  world.advance(100);
  const late = world.open();
  world.advance(400);
  reconfigure(world, { connectTimeoutMs: 450 });
  world.advance(0);
  expect([early.closedBy, late.closedBy]).toEqual(["end", null]);
  world.advance(49);
  expect(late.closedBy).toBeNull();
  world.advance(1);
  expect(late.closedBy).toBe("end");
});

test("a shorter stall limit holds for a connection that already reads nothing", () => {
  const world = new World();
  const slow = open(world, "slow");
  slow.subscribe("t");
  slow.room = 0;
  open(world, "fast").publish("t", "x");
  world.advance(400);
  reconfigure(world, { stallTimeoutMs: 500 });
  world.advance(99);
  expect(slow.closedBy).toBeNull();
  world.advance(1);
  expect(slow.closedBy).toBe("reset");
});
