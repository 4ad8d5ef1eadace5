import { describe, expect, test } from "bun:test";
import type { Limits } from "../../src/core/limits.ts";
import type { TestClient } from "../support/client.ts";
import { World } from "../support/world.ts";

function open(
  limits: Partial<Limits>,
  protocolVersion: 4 | 5 = 5,
): { world: World; client: TestClient } {
  const world = new World({ limits });
  const client = world.open();
  client.connect({ clientId: "a", protocolVersion });
  return { world, client };
}

test("v5-3.2.2-11: PUBLISH above Maximum QoS ends the connection with 0x9B", () => {
  const { client } = open({ qos: 1 });
  client.publish("t", "x", { qos: 1 });
  expect(client.closedBy).toBeNull();
  client.publish("t", "x", { qos: 2 });
  expect(client.take("disconnect")).toMatchObject([{ reasonCode: 0x9b }]);
});

test("v5-3.2.2-14: PUBLISH with RETAIN while retain is off ends the connection with 0x9A", () => {
  const { world, client } = open({ retain: false });
  client.publish("t", "x", { retain: true });
  expect(client.take("disconnect")).toMatchObject([{ reasonCode: 0x9a }]);
  expect(world.broker.view().retained.messages).toBe(0);
});

test("v5-3.2.2-12, v5-3.2.2-13: a will that breaks them refuses the CONNECT with 0x9B or 0x9A", () => {
  const world = new World({ limits: { qos: 1, retain: false } });
  const codeFor = (protocolVersion: 4 | 5, qos: 0 | 1 | 2, retain: boolean) => {
    const connack = world.open().connect({
      clientId: "a",
      protocolVersion,
      will: { topic: "t", payload: Buffer.from("x"), qos, retain },
    });
    return connack?.reasonCode ?? connack?.returnCode;
  };
  expect(codeFor(5, 2, false)).toBe(0x9b);
  expect(codeFor(5, 0, true)).toBe(0x9a);
  expect(codeFor(5, 1, false)).toBe(0);
  expect(codeFor(4, 2, false)).toBe(5);
  expect(codeFor(4, 0, true)).toBe(5);
});

test("v4 has no code for either: the connection is closed", () => {
  for (const packet of [{ qos: 2 }, { retain: true }] as const) {
    const { client } = open({ qos: 1, retain: false }, 4);
    client.publish("t", "x", packet);
    expect(client.closedBy).toBe("end");
    expect(client.received).toEqual([]);
  }
});

test("a payload above the limit is refused with 0x97; the connection lives on", () => {
  const { world, client } = open({ payloadSize: 10 });
  client.subscribe("t");
  client.publish("t", "x".repeat(10), { qos: 1 });
  client.publish("t", "x".repeat(11), { qos: 1 });
  client.publish("t", "x".repeat(11), { qos: 2 });
  client.publish("t", "x".repeat(11), { retain: true });
  expect(client.take("puback").map(({ reasonCode }) => reasonCode ?? 0)).toEqual([0, 0x97]);
  expect(client.take("pubrec").map(({ reasonCode }) => reasonCode)).toEqual([0x97]);
  expect(client.messages()).toEqual(["t=xxxxxxxxxx"]);
  expect(world.noted("publishRefused")).toHaveLength(3);
  expect(world.broker.view().retained.messages).toBe(0);
});

test("v4: the refused message is acknowledged, and reaches nobody", () => {
  const { client } = open({ payloadSize: 10 }, 4);
  client.subscribe("t");
  client.publish("t", "x".repeat(11), { qos: 1 });
  const messageId = client.publish("t", "x".repeat(11), { qos: 2 });
  client.send({ cmd: "pubrel", messageId });
  expect(client.received.map(({ cmd }) => cmd)).toEqual(["puback", "pubrec", "pubcomp"]);
});

test("a topic of too many levels ends the connection with 0x90", () => {
  const { client } = open({ topicLevels: 3 });
  client.publish("a/b/c", "x", { qos: 1 });
  expect(client.take("puback")).toHaveLength(1);
  client.publish("a/b/c/d", "x");
  expect(client.take("disconnect")).toMatchObject([{ reasonCode: 0x90 }]);
});

test("levels are counted, not characters", () => {
  const { client } = open({ topicLevels: 3 });
  client.publish("a-very-long-name/of/levels", "x", { qos: 1 });
  client.publish("//", "x", { qos: 1 });
  expect(client.take("puback")).toHaveLength(2);
  client.publish("///", "x", { qos: 1 });
  expect(client.closedBy).toBe("end");
});

/** A client whose CONNECT was accepted. */
function connected(world: World, clientId: string, listener?: Parameters<World["open"]>[0]) {
  const client = world.open(listener);
  client.connect({ clientId });
  return client;
}

test("connections above the limit are reset before they send anything; an ended connection makes room", () => {
  const world = new World({ limits: { connections: 2 } });
  const clients = [connected(world, "x"), connected(world, "y"), world.open()];
  // First, the ends that may wait in other sockets are read.
  world.advance(0);
  expect(clients.map(({ closedBy }) => closedBy)).toEqual([null, null, "reset"]);
  expect(world.noted("ended")).toMatchObject([{ cause: "quotaExceeded", wasConnected: false }]);
  clients[0]?.drop();
  expect(world.open().connect({ clientId: "a" })?.returnCode).toBe(0);
});

test("each listener has its own limit", () => {
  const world = new World();
  const narrow = { name: "tcp narrow", connections: 1 };
  const first = connected(world, "x", narrow);
  const others = [world.open(narrow), world.open()];
  world.advance(0);
  expect([first, ...others].map(({ closedBy }) => closedBy)).toEqual([null, "reset", null]);
  first.drop();
  expect(world.open(narrow).closedBy).toBeNull();
});

test("where all places are taken, the connection that has waited longest for its CONNECT goes", () => {
  const world = new World({ limits: { connections: 3 } });
  const [old, silent, silentToo] = [connected(world, "x"), world.open(), world.open()];
  world.advance(500);
  const newcomer = connected(world, "y");
  world.advance(0);
  expect(newcomer.take("connack")).toMatchObject([{ returnCode: 0 }]);
  const third = connected(world, "z");
  world.advance(0);
  expect(third.take("connack")).toMatchObject([{ returnCode: 0 }]);
  expect([old, silent, silentToo, newcomer].map(({ closedBy }) => closedBy)).toEqual([
    null,
    "reset",
    "reset",
    null,
  ]);
  // None is left that waits.
  const late = world.open();
  world.advance(0);
  expect(late.closedBy).toBe("reset");
  expect(world.noted("ended").map(({ cause }) => cause)).toEqual([
    "crowdedOut",
    "crowdedOut",
    "quotaExceeded",
  ]);
  expect(world.noted("crowded")).toEqual([]);
  world.advance(1000);
  expect(world.noted("crowded")).toMatchObject([{ reset: 2, withinMs: 1000 }]);
  world.advance(5000);
  expect(world.noted("crowded")).toHaveLength(1);
});

test("a place that becomes free goes to the newcomer that waits for it, not to a later one", () => {
  const world = new World({ limits: { connections: 2 } });
  const leaving = connected(world, "x");
  connected(world, "y");
  const [first, second] = [world.open(), world.open()];
  first.connect({ clientId: "first" });
  leaving.drop("eof");
  const late = world.open();
  for (const client of [late, second]) client.connect({ clientId: "later" });
  world.advance(10);
  expect([first, second, late].map(({ closedBy }) => closedBy)).toEqual([null, "reset", "reset"]);
});

test("one of another listener does not go for a listener whose own places are taken", () => {
  const world = new World();
  const narrow = { name: "tcp narrow", connections: 1 };
  const other = world.open();
  const first = connected(world, "x", narrow);
  const second = world.open(narrow);
  world.advance(0);
  expect([other, first, second].map(({ closedBy }) => closedBy)).toEqual([null, null, "reset"]);
});

test("sessions above the limit are refused with 0x97, in v4 with 0x03; existing ones continue", () => {
  const world = new World({ limits: { sessions: 2 } });
  const session = { clean: false } as const;
  const first = world.open();
  first.connect({ clientId: "a", ...session });
  expect(world.open().connect({ clientId: "b", ...session })?.returnCode).toBe(0);
  expect(world.open().connect({ clientId: "c", ...session })?.returnCode).toBe(3);
  expect(world.open().connect({ clientId: "c", protocolVersion: 5 })?.reasonCode).toBe(0x97);
  expect(world.open().connect({ clientId: "a", ...session })?.sessionPresent).toBe(true);
  expect(world.open().connect({ clientId: "a", clean: true })?.returnCode).toBe(0);
});

describe("a CONNECT above connectSize", () => {
  const tooLarge = { topic: "t", payload: Buffer.alloc(300), qos: 0, retain: false } as const;
  const detail = expect.stringContaining("the maximum is 256 B (limits.connectSize)");

  test("is refused with 0x95 in v5, and its client id can be asked about", () => {
    const world = new World({ limits: { connectSize: 256 } });
    const client = world.open();
    const connack = client.connect({ clientId: "a", protocolVersion: 5, will: tooLarge });
    expect(connack).toMatchObject({ reasonCode: 0x95, properties: { reasonString: detail } });
    expect(client.closedBy).toBe("end");
    expect(world.noted("ended")).toMatchObject([
      { cause: "refused", detail, statement: "v5-4.13.2", peer: { clientId: "a" } },
    ]);
    expect(world.broker.records.clients.of("a")?.connections).toMatchObject([{ end: { detail } }]);
  });

  test("is closed without an answer in v4", () => {
    const world = new World({ limits: { connectSize: 256 } });
    const client = world.open();
    expect(client.connect({ clientId: "a", will: tooLarge })).toBeUndefined();
    expect(client.closedBy).toBe("end");
    expect(world.noted("ended")).toMatchObject([{ cause: "packetTooLarge", detail }]);
  });

  test("costs nobody else anything: the session that it claims stays", () => {
    const world = new World({ limits: { connectSize: 256 } });
    const client = world.open();
    client.connect({ clientId: "a" });
    world.open().connect({ clientId: "a", will: tooLarge });
    expect(client.closedBy).toBeNull();
  });
});

test("filters of a SUBSCRIBE above the limit are refused, the others are in force", () => {
  for (const [protocolVersion, code] of [
    [4, 0x80],
    [5, 0x97],
  ] as const) {
    const { client } = open({ filters: 2 }, protocolVersion);
    const suback = client.subscribe("a", "b", "c", "d");
    expect(suback).toMatchObject({ granted: [0, 0, code, code] });
    for (const topic of ["a", "b", "c", "d"]) client.publish(topic, "x");
    expect(client.messages()).toEqual(["a=x", "b=x"]);
  }
});

test("an UNSUBSCRIBE of more filters ends the connection with 0x97, for UNSUBACK cannot refuse some", () => {
  const detail = "an UNSUBSCRIBE of more than 2 filters (limits.filters)";
  for (const protocolVersion of [4, 5] as const) {
    const { world, client } = open({ filters: 2 }, protocolVersion);
    client.subscribe("a");
    expect(client.unsubscribe("a", "b")).toBeDefined();
    client.unsubscribe("a", "b", "c");
    expect(client.closedBy).toBe("end");
    expect(world.noted("ended")).toMatchObject([{ cause: "quotaExceeded", detail }]);
    if (protocolVersion === 5) {
      expect(client.take("disconnect")).toMatchObject([
        { reasonCode: 0x97, properties: { reasonString: detail } },
      ]);
    }
  }
});
