import { describe, expect, test } from "bun:test";
import type { TestClient } from "../support/client.ts";
import { World } from "../support/world.ts";
import { connect, text, type Bytes } from "../wire/frames.ts";

/** The CONNECT that mosquitto 2.0 sends as a bridge with default settings, byte for byte. */
function bridgeConnect(version: 3 | 4, clientId: string, isPrivate = true): Bytes {
  return connect(version, {
    level: isPrivate ? 0x80 | version : version,
    // Will, Will QoS 1, Will Retain; the session stays.
    flags: 0x2c,
    clientId,
    rest: [text(`$SYS/broker/connection/${clientId}/state`), text("0")],
  });
}

function bridge(world: World, version: 3 | 4, clientId = "host.link"): TestClient {
  const client = world.open();
  client.sendBytes(Uint8Array.from(bridgeConnect(version, clientId)));
  expect(client.take("connack")).toMatchObject([{ returnCode: 0 }]);
  return client;
}

function watch(world: World, filter: string): TestClient {
  const client = world.open();
  client.connect({ clientId: `watcher of ${filter}`, protocolVersion: 5 });
  client.subscribe({ topic: filter, qos: 1, rap: true });
  return client;
}

describe.each([3, 4] as const)("a bridge of level 0x8%d", (version) => {
  test("connects, and publishes its state: online itself, offline by its will", () => {
    const world = new World();
    const state = "$SYS/broker/connection/host.link/state";
    const watcher = watch(world, state);
    const client = bridge(world, version);
    client.publish(state, "1", { qos: 1, retain: true });
    expect(client.take("puback")).toHaveLength(1);
    expect(watcher.take("publish")).toMatchObject([{ topic: state, retain: true, qos: 1 }]);
    client.drop();
    expect(watcher.messages()).toEqual([`${state}=0`]);
    const late = world.open();
    late.connect({ clientId: "late" });
    late.subscribe("$SYS/broker/connection/#");
    expect(late.messages()).toEqual([`${state}=0`]);
  });

  test("gets none of its own messages back, and RETAIN as published", () => {
    const world = new World();
    const client = bridge(world, version);
    client.subscribe({ topic: "#", qos: 1 });
    client.subscribe("+");
    client.publish("a", "own", { qos: 1, retain: true });
    expect(client.messages()).toEqual([]);
    const other = world.open();
    other.connect({ clientId: "other" });
    other.publish("b", "kept", { qos: 1, retain: true });
    other.publish("b", "passing", { qos: 1 });
    expect(
      client.take("publish").map(({ payload, retain }) => [payload.toString(), retain]),
    ).toEqual([
      ["kept", true],
      ["passing", false],
    ]);
  });

  test("takes part in shared subscriptions like other clients", () => {
    const world = new World();
    const client = bridge(world, version);
    client.subscribe({ topic: "$share/g/t", qos: 1 });
    client.publish("t", "x", { qos: 1 });
    expect(client.messages()).toEqual(["t=x"]);
  });
});

test("a bridge that returns as an ordinary client keeps the bridge's options in its subscriptions", () => {
  const world = new World();
  const first = bridge(world, 4);
  first.subscribe({ topic: "t", qos: 1 });
  first.drop();
  const back = world.open();
  back.connect({ clientId: "host.link", clean: false });
  back.publish("t", "own", { qos: 1 });
  expect(back.messages()).toEqual([]);
  back.subscribe({ topic: "t", qos: 1 });
  back.publish("t", "own", { qos: 1 });
  expect(back.messages()).toEqual(["t=own"]);
});

describe("below $SYS a client may publish the state of a bridge, and nothing else:", () => {
  const mine = [
    ["$SYS/broker/connection/b/state", true],
    ["$SYS/broker/connection/a b-\u00e9.c/state", true],
    ["$SYS/broker/connection//state", false],
    ["$SYS/broker/connection/a/b/state", false],
    ["$SYS/broker/connection/b/state/", false],
    ["$SYS/broker/connection/b/state/x", false],
    ["$SYS/broker/connection/b/State", false],
    ["$SYS/broker/connection/b", false],
    ["$SYS/broker/connection/state", false],
    ["$SYS/broker/connections/b/state", false],
    ["x/$SYS/broker/connection/b/state", true],
    ["$SYS/broker/uptime", false],
  ] as const;

  test.each(mine)("PUBLISH on %s: %p", (topic, isLetIn) => {
    const world = new World();
    const client = world.open();
    client.connect({ clientId: "c", protocolVersion: 5 });
    client.publish(topic, "1", { qos: 1, retain: true });
    expect(client.take("puback")).toMatchObject([{ reasonCode: isLetIn ? 0x10 : 0x87 }]);
    expect(world.broker.retained.count).toBe(isLetIn ? 1 : 0);
  });

  test.each(mine)("a will on %s: %p", (topic, isLetIn) => {
    const will = { topic, payload: Buffer.from("0"), qos: 1 as const, retain: true };
    const client = new World().open();
    const connack = client.connect({ clientId: "c", protocolVersion: 5, will });
    expect(connack?.reasonCode).toBe(isLetIn ? 0 : 0x87);
  });

  test("refused behind a mount point", () => {
    const world = new World();
    const client = world.open({ mountPoint: "lab/" });
    client.connect({ clientId: "c", protocolVersion: 5 });
    client.publish("$SYS/broker/connection/b/state", "1", { qos: 1 });
    expect(client.take("puback")).toMatchObject([{ reasonCode: 0x87 }]);
    const bridging = world.open({ mountPoint: "lab/" });
    bridging.sendBytes(Uint8Array.from(bridgeConnect(4, "b")));
    expect(bridging.take("connack")).toMatchObject([{ returnCode: 5 }]);
  });
});
