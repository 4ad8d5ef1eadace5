import { describe, expect, test } from "bun:test";
import type { ConnectOptions, TestClient } from "../support/client.ts";
import { World } from "../support/world.ts";

interface MemberOptions {
  readonly filter?: string;
  readonly qos?: 0 | 1 | 2;
  /** Seconds. */
  readonly expiry?: number;
  readonly receiveMaximum?: number;
  readonly connect?: Partial<ConnectOptions>;
}

function member(world: World, clientId: string, options: MemberOptions = {}): TestClient {
  const { filter = "$share/g/t", qos = 2, expiry = 0, receiveMaximum = 100 } = options;
  const client = world.open();
  client.connect({
    clientId,
    protocolVersion: 5,
    properties: { sessionExpiryInterval: expiry, receiveMaximum },
    ...options.connect,
  });
  client.subscribe({ topic: filter, qos });
  return client;
}

function publish(world: World, qos: 0 | 1 | 2, ...payloads: string[]): void {
  const source = world.open();
  source.connect({ clientId: "source", protocolVersion: 5 });
  for (const payload of payloads) source.publish("t", payload, { qos });
  source.drop();
}

/** The client drops without DISCONNECT, and all immediate consequences have happened. */
function die(world: World, client: TestClient): void {
  client.drop();
  world.advance(0);
}

describe("v5-4.8.2: when a member's session ends, other members get", () => {
  test.each([3, 4, 5] as const)(
    "QoS 1 messages that it did not acknowledge (MQTT %d)",
    (version) => {
      const world = new World();
      const connect = { protocolVersion: version };
      const a = member(world, "a", { connect });
      publish(world, 1, "1", "2", "3");
      const b = member(world, "b", { connect });
      const [first] = a.take("publish");
      a.send({ cmd: "puback", messageId: first?.messageId ?? 0 });
      die(world, a);
      const got = b.take("publish");
      expect(got.map(({ payload, qos, dup }) => [payload.toString(), qos, dup])).toEqual([
        ["2", 1, false],
        ["3", 1, false],
      ]);
      // From then on the message is theirs: it goes on to the next member.
      const c = member(world, "c", { connect });
      b.send({ cmd: "puback", messageId: got[0]?.messageId ?? 0 });
      die(world, b);
      expect(c.messages()).toEqual(["t=3"]);
    },
  );

  test("messages of any QoS that were not sent to it yet, but no QoS 2 delivery that has started", () => {
    const world = new World({ limits: { queueQos0: true } });
    const a = member(world, "a", { receiveMaximum: 2, expiry: 10 });
    publish(world, 2, "begun", "released");
    a.send({ cmd: "pubrec", messageId: 2 });
    publish(world, 2, "waiting 2");
    publish(world, 1, "waiting 1");
    a.drop();
    publish(world, 0, "waiting 0");
    const b = member(world, "b");
    world.advance(10_000);
    expect(b.take("publish").map(({ payload, qos }) => [payload.toString(), qos])).toEqual([
      ["waiting 2", 2],
      ["waiting 1", 1],
      ["waiting 0", 0],
    ]);
  });

  test("them at their own granted QoS", () => {
    const world = new World();
    const a = member(world, "a", { qos: 1 });
    publish(world, 2, "x");
    const b = member(world, "b", { qos: 2 });
    die(world, a);
    expect(b.take("publish")).toMatchObject([{ qos: 2, dup: false }]);
  });

  test("nothing that they refused", () => {
    const world = new World();
    const a = member(world, "a");
    publish(world, 1, "1");
    publish(world, 2, "2");
    a.send({ cmd: "puback", messageId: 1, reasonCode: 0x97 });
    a.send({ cmd: "pubrec", messageId: 2, reasonCode: 0x80 });
    const b = member(world, "b");
    die(world, a);
    expect(b.messages()).toEqual([]);
  });

  test("nothing that has expired", () => {
    const world = new World();
    const a = member(world, "a", { expiry: 5 });
    const source = world.open();
    source.connect({ clientId: "source", protocolVersion: 5 });
    for (const seconds of [5, 6]) {
      const properties = { messageExpiryInterval: seconds };
      source.publish("t", String(seconds), { qos: 1, properties });
    }
    const b = member(world, "b");
    die(world, a);
    world.advance(5000);
    const got = b.take("publish");
    expect(got.map(({ payload }) => payload.toString())).toEqual(["6"]);
    expect(got[0]?.properties?.messageExpiryInterval).toBe(1);
  });

  test("nothing from its ordinary subscriptions, another group or another filter", () => {
    const world = new World();
    const a = member(world, "a", { filter: "t" });
    a.subscribe({ topic: "$share/h/t", qos: 1 }, { topic: "$share/g/#", qos: 1 });
    publish(world, 1, "x");
    expect(a.messages()).toHaveLength(3);
    const b = member(world, "b");
    die(world, a);
    expect(b.messages()).toEqual([]);
  });

  test("also messages that it got before it unsubscribed", () => {
    const world = new World();
    const a = member(world, "a");
    publish(world, 1, "x");
    a.unsubscribe("$share/g/t");
    const b = member(world, "b");
    die(world, a);
    expect(b.messages()).toEqual(["t=x"]);
  });
});

test("v5-4.8.2-4: an offline member keeps its messages until its session ends", () => {
  const world = new World();
  const a = member(world, "a", { expiry: 10, receiveMaximum: 1 });
  publish(world, 1, "begun", "queued");
  const b = member(world, "b");
  die(world, a);
  world.advance(9000);
  const back = world.open();
  const properties = { sessionExpiryInterval: 10, receiveMaximum: 1 };
  back.connect({ clientId: "a", protocolVersion: 5, clean: false, properties });
  expect(back.take("publish")).toMatchObject([{ dup: true }]);
  die(world, back);
  world.advance(9999);
  expect(b.messages()).toEqual([]);
  world.advance(1);
  expect(b.messages()).toEqual(["t=begun", "t=queued"]);
});

test("Clean Start ends the previous session, and hands on its messages", () => {
  for (const expiry of [0, 100]) {
    const world = new World();
    member(world, "a", { expiry });
    publish(world, 1, "x");
    const b = member(world, "b");
    const again = world.open();
    again.connect({ clientId: "a", protocolVersion: 5, clean: true });
    world.advance(0);
    expect(b.messages()).toEqual(["t=x"]);
    expect(again.messages()).toEqual([]);
  }
});

test("sessions that end at the same moment hand nothing to each other", () => {
  // Their queues would be too short for it.
  const world = new World({ limits: { queuedMessages: 2, inflight: 100 } });
  const connect = { keepalive: 10 };
  const dying = ["a", "b", "c"].map((id) => member(world, id, { receiveMaximum: 1, connect }));
  publish(world, 1, ...Array.from({ length: 9 }, (_, index) => `${index}`));
  expect(dying.map((client) => client.messages().length)).toEqual([1, 1, 1]);
  const last = member(world, "last");
  world.advance(15_000);
  expect(last.messages().sort()).toEqual(Array.from({ length: 9 }, (_, index) => `t=${index}`));
});

test("if no other member is left, nothing is kept", () => {
  const world = new World();
  const a = member(world, "a", { receiveMaximum: 1 });
  publish(world, 1, "begun", "queued");
  die(world, a);
  expect(member(world, "b").messages()).toEqual([]);
  expect(world.broker.queued).toEqual({ messages: 0, bytes: 0 });
  expect(world.broker.view().deadlines).toBe(0);
});

test("long queues are handed on in pieces", () => {
  const world = new World({ limits: { inflight: 2000, queuedMessages: 2000 } });
  const a = member(world, "a", { receiveMaximum: 1 });
  const payloads = Array.from({ length: 1000 }, (_, index) => `${index}`);
  publish(world, 1, ...payloads);
  const b = member(world, "b", { receiveMaximum: 2000 });
  die(world, a);
  const first = b.messages();
  expect(first.length).toBeWithin(1, 500);
  world.advance(20);
  expect([...first, ...b.messages()]).toEqual(payloads.map((payload) => `t=${payload}`));
});

test("a stopping broker hands on nothing", () => {
  const world = new World();
  member(world, "a");
  publish(world, 1, "x");
  const b = member(world, "b");
  world.driver.order({ type: "stopping" });
  world.advance(0);
  expect(b.messages()).toEqual([]);
});
