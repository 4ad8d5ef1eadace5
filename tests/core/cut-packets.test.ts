import { expect, test } from "bun:test";
import { Broker } from "../../src/core/broker.ts";
import type { Effect } from "../../src/core/io.ts";
import type { ClientPacket, ConnectPacket } from "../../src/core/packet.ts";
import { millis } from "./messages.ts";

const listener = { name: "tcp", mountPoint: "", connections: Infinity, allowAnonymous: true };
const now = millis(0);
const a = 1;
const b = 2;

/** A broker whose budget is used up after every piece of work, and its two clients. */
class Cutting {
  readonly broker = new Broker({}, now);

  constructor() {
    for (const connection of [a, b]) this.connect(connection, `c${connection}`);
  }

  connect(connection: number, clientId: string): void {
    const { broker } = this;
    const opened = { connection, remote: `r${connection}`, isLocal: false, listener, token: "t" };
    broker.handle({ type: "opened", ...opened }, now);
    this.received(connection, { ...connectPacket, clientId });
    broker.handle({ type: "authenticated", connection, refused: null }, now);
  }

  received(connection: number, packet: ClientPacket): readonly Effect[] {
    this.broker.budget.limit = this.broker.budget.spent;
    return this.broker.handle({ type: "received", connection, packet }, now);
  }

  continued(connection: number): readonly Effect[] {
    this.broker.budget.limit = this.broker.budget.spent;
    return this.broker.handle({ type: "continued", connection }, now);
  }

  subscribe(connection: number, ...filters: string[]): readonly Effect[] {
    const subscriptions = filters.map((filter) => {
      return {
        filter,
        qos: 1,
        noLocal: false,
        retainAsPublished: false,
        retainHandling: 0,
      } as const;
    });
    const subscriptionIdentifier = null;
    const rest = { subscriptionIdentifier, subscriptions, undecoded: 0 };
    return this.received(connection, { type: "subscribe", packetId: 7, ...rest });
  }

  publish(connection: number, topic: string, retain = false): readonly Effect[] {
    return this.received(connection, {
      ...{ type: "publish", topic, qos: 0, retain, dup: false, packetId: 0 },
      payload: new TextEncoder().encode(topic),
      ...{ properties: null, expirySeconds: null, topicAlias: 0, frame: null },
    });
  }

  /** One turn in which what is due gets hardly any of the budget. */
  deadline(): readonly Effect[] {
    this.broker.budget.limit = this.broker.budget.spent;
    const unread = { asked: 0, connections: new Set<number>(), newcomers: false };
    return this.broker.handle({ type: "deadline", unread }, this.broker.now);
  }
}

const connectPacket: ConnectPacket = {
  type: "connect",
  version: 5,
  bridge: false,
  clientId: "",
  cleanStart: true,
  keepAliveSeconds: 0,
  username: null,
  password: null,
  will: null,
  sessionExpiryInterval: null,
  receiveMaximum: 65_535,
  maximumPacketSize: null,
  topicAliasMaximum: 0,
  requestProblemInformation: true,
  authenticationMethod: null,
};

/** What is sent, and what is cut. */
function sent(effects: readonly Effect[]): string[] {
  return effects.flatMap((effect) => {
    if (effect.type === "cut") return [`cut ${effect.connection}`];
    if (effect.type === "send") {
      const { packet } = effect;
      return "reasons" in packet ? [`${packet.type} ${packet.reasons.join()}`] : [packet.type];
    }
    if (effect.type !== "deliver") return [];
    return effect.to.map(({ connection }) => `${effect.message.topic} to ${connection}`);
  });
}

test("SUBACK follows the last filter, and retained messages follow SUBACK", () => {
  const world = new Cutting();
  world.publish(b, "r/1", true);
  expect(sent(world.subscribe(a, "r/#", "x", "y"))).toEqual(["cut 1"]);
  // The first filter is in force, the others are not yet.
  expect(sent(world.publish(b, "r/2"))).toEqual(["r/2 to 1"]);
  expect(sent(world.publish(b, "y"))).toEqual([]);
  expect(sent(world.continued(a))).toEqual(["cut 1"]);
  // Nor does what waits for the client overtake it.
  expect(sent(world.broker.handle({ type: "drained", connection: a }, now))).toEqual([]);
  expect(sent(world.continued(a))).toEqual(["suback 1,1,1", "r/1 to 1"]);
  expect(sent(world.publish(b, "y"))).toEqual(["y to 1"]);
});

test("UNSUBACK follows the last filter", () => {
  const world = new Cutting();
  world.broker.budget.limit = Infinity;
  world.subscribe(a, "x", "y");
  world.continued(a);
  const packet = { type: "unsubscribe", packetId: 8, filters: ["x", "none", "y"] } as const;
  expect(sent(world.received(a, packet))).toEqual(["cut 1"]);
  expect(sent(world.publish(b, "x"))).toEqual([]);
  expect(sent(world.publish(b, "y"))).toEqual(["y to 1"]);
  expect(sent(world.continued(a))).toEqual(["cut 1"]);
  expect(sent(world.continued(a))).toEqual(["unsuback 0,17,0"]);
  expect(sent(world.publish(b, "y"))).toEqual([]);
});

test("a connection that ends in the middle of its SUBSCRIBE leaves nothing behind", () => {
  const world = new Cutting();
  const { memory } = world.broker;
  const { unfinished } = memory.byKind;
  world.subscribe(a, "x", "y", "z");
  expect(memory.byKind.unfinished).toBeGreaterThan(unfinished);
  // Its peer takes no data.
  world.broker.handle({ type: "waiting", connection: a }, now);
  const late = millis(world.broker.limits.stallTimeoutMs);
  const unread = { asked: 1, connections: new Set<number>(), newcomers: false };
  world.broker.handle({ type: "deadline", unread }, late);
  expect([...world.broker.sessions.keys()]).toEqual(["c2"]);
  expect(memory.byKind.unfinished).toBe(unfinished);
});

test("a session that has ended gets nothing more while its subscriptions are taken out of the tree", () => {
  const world = new Cutting();
  const { broker } = world;
  world.connect(3, "c3");
  const { subscriptions } = broker.memory.byKind;
  world.subscribe(a, "x", "y/+", "$share/g/z", "v");
  for (let filter = 1; filter < 4; filter++) world.continued(a);
  world.subscribe(3, "$share/g/z");
  broker.budget.limit = broker.budget.spent;
  broker.handle({ type: "closed", connection: a, how: "eof" }, now);
  expect(broker.subscriptions.size).toBeGreaterThan(1);
  for (const topic of ["x", "y/1", "v"]) expect(sent(world.publish(b, topic))).toEqual([]);
  // The other member of the group gets all.
  for (let message = 0; message < 3; message++)
    expect(sent(world.publish(b, "z"))).toEqual(["z to 3"]);
  for (let turn = 0; turn < 4; turn++) world.deadline();
  expect(broker.subscriptions.size).toBe(1);
  expect(broker.nextDeadline()).toBe(null);
  broker.handle({ type: "closed", connection: 3, how: "eof" }, broker.now);
  for (let turn = 0; turn < 4; turn++) world.deadline();
  expect(broker.memory.byKind.subscriptions).toBe(subscriptions);
});

test("a client that returns before its ended session's subscriptions are gone has only its new ones", () => {
  const world = new Cutting();
  world.subscribe(a, "x", "y");
  world.continued(a);
  world.broker.budget.limit = world.broker.budget.spent;
  world.broker.handle({ type: "closed", connection: a, how: "eof" }, now);
  world.connect(3, "c1");
  world.subscribe(3, "y");
  expect(sent(world.publish(b, "x"))).toEqual([]);
  expect(sent(world.publish(b, "y"))).toEqual(["y to 3"]);
  for (let turn = 0; turn < 3; turn++) world.deadline();
  expect(world.broker.subscriptions.size).toBe(1);
  expect(sent(world.publish(b, "y"))).toEqual(["y to 3"]);
});

test("a connection whose packets wait in the driver makes no room, and its connect timeout does not run", () => {
  const broker = new Broker({ limits: { connections: 2, connectTimeoutMs: 1000 } }, now);
  const open = (connection: number): readonly Effect[] => {
    const opened = { connection, remote: `r${connection}`, isLocal: false, listener, token: "t" };
    return broker.handle({ type: "opened", ...opened }, now);
  };
  open(1);
  open(2);
  broker.handle({ type: "paused", connection: 1 }, now);
  expect(open(3)).toContainEqual({ type: "close", connection: 2, how: "reset" });
  broker.handle({ type: "paused", connection: 3 }, now);
  expect(open(4)).toContainEqual({ type: "close", connection: 4, how: "reset" });
  const unread = { asked: 0, connections: new Set<number>(), newcomers: false };
  broker.handle({ type: "deadline", unread }, millis(5000));
  expect([...broker.connections.keys()]).toEqual([1, 3]);
  // No CONNECT was among them.
  broker.handle({ type: "resumed", connection: 1 }, millis(5000));
  broker.handle({ type: "deadline", unread: { ...unread, asked: 1 } }, millis(5000));
  expect([...broker.connections.keys()]).toEqual([3]);
});

test("sessions that are due while newcomers wait are looked at within the budget", () => {
  const broker = new Broker({}, now);
  const sessions = 1000;
  for (let connection = 0; connection < sessions; connection++) {
    const opened = { connection, remote: "r", isLocal: false, listener, token: "t" };
    broker.handle({ type: "opened", ...opened }, now);
    const packet = { ...connectPacket, clientId: `c${connection}`, sessionExpiryInterval: 1 };
    broker.handle({ type: "received", connection, packet: { ...packet, version: 5 } }, now);
    broker.handle({ type: "authenticated", connection, refused: null }, now);
    broker.handle({ type: "closed", connection, how: "eof" }, now);
  }
  const unread = { asked: 0, connections: new Set<number>(), newcomers: true };
  const { spent } = broker.budget;
  broker.budget.limit = spent + 100;
  broker.handle({ type: "deadline", unread }, millis(2000));
  expect(broker.budget.spent - spent).toBeLessThan(100);
  expect(broker.sessions.size).toBe(sessions);
  broker.budget.limit = Infinity;
  broker.handle({ type: "deadline", unread: { ...unread, newcomers: false } }, millis(2000));
  expect(broker.sessions.size).toBe(0);
});
