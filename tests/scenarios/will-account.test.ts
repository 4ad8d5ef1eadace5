import { expect, test } from "bun:test";
import {
  clientOf,
  clientsOf,
  knownClientIds,
  sessionsOf,
  subscriptionsOf,
} from "../../src/core/queries/clients.ts";
import type { Access } from "../../src/core/access.ts";
import { overviewOf } from "../../src/core/queries/overview.ts";
import { retainedOf, routeFor } from "../../src/core/queries/routes.ts";
import { allOf } from "../../src/core/steps.ts";
import { willsOf } from "../../src/core/queries/wills.ts";
import { accessBy } from "../support/access.ts";
import type { TestClient } from "../support/client.ts";
import { mortal, type MortalOptions, watcherOf } from "../support/mortal.ts";
import { World, type WorldOptions } from "../support/world.ts";

interface Row {
  readonly title: string;
  readonly options?: MortalOptions;
  readonly world?: WorldOptions;
  /** What happens to the client. */
  readonly act: (world: World, client: TestClient) => void;
  readonly cause: string | null;
  readonly steps: readonly string[];
  readonly fate: object | null;
}

const delayed = { keepalive: 10, delay: 30, expiry: 60, clean: false } as const;

const rows: readonly Row[] = [
  {
    title: "it lives",
    act: () => {},
    cause: null,
    steps: ["armed v5-3.1.2-7"],
    fate: null,
  },
  {
    title: "a clean DISCONNECT",
    act: (_, client) => client.send({ cmd: "disconnect", reasonCode: 0 }),
    cause: "disconnected",
    steps: ["armed v5-3.1.2-7", "discarded v5-3.14.4-3"],
    fate: { fate: "discarded", why: "disconnect", by: null },
  },
  {
    title: "a clean DISCONNECT of MQTT 3.1.1",
    options: { version: 4, keepalive: 10 },
    act: (_, client) => client.send({ cmd: "disconnect" }),
    cause: "disconnected",
    steps: ["armed v4-3.1.2-8", "discarded v4-3.14.4-3"],
    fate: { fate: "discarded", why: "disconnect" },
  },
  {
    title: "DISCONNECT with will",
    act: (_, client) => client.send({ cmd: "disconnect", reasonCode: 4 }),
    cause: "disconnectedWithWill",
    steps: ["armed v5-3.1.2-7", "published v5-3.1.2-8"],
    fate: { fate: "published", lateMs: 0, by: null, reach: { delivered: 1, queued: 0 } },
  },
  {
    title: "FIN",
    act: (_, client) => client.drop("eof"),
    cause: "closedByPeer",
    steps: ["armed v5-3.1.2-7", "published v5-3.1.2-8"],
    fate: { fate: "published" },
  },
  {
    title: "the keepalive",
    act: (world) => world.advance(15_000),
    cause: "keepAliveExpired",
    steps: ["armed v5-3.1.2-7", "published v5-3.1.2-8"],
    fate: { fate: "published", lateMs: 0 },
  },
  {
    title: "a takeover",
    act: (world) => void world.open().connect({ clientId: "mortal", protocolVersion: 5 }),
    cause: "takenOver",
    steps: ["armed v5-3.1.2-7", "published v5-3.1.2-8"],
    fate: { fate: "published" },
  },
  {
    title: "the operator",
    act: (world) => world.driver.order({ type: "kicked", clientId: "mortal" }),
    cause: "kicked",
    steps: ["armed v5-3.1.2-7", "published v5-3.1.2-8"],
    fate: { fate: "published" },
  },
  {
    title: "the broker's stop",
    act: (world) => world.driver.order({ type: "stopping" }),
    cause: "shuttingDown",
    steps: ["armed v5-3.1.2-7", "published v5-3.1.2-8"],
    fate: { fate: "published" },
  },
  {
    title: "a delay that runs",
    options: delayed,
    act: (_, client) => client.drop(),
    cause: "resetByPeer",
    steps: ["armed v5-3.1.2-7", "delayed v5-3.1.2-8"],
    fate: null,
  },
  {
    title: "a delay that is over",
    options: delayed,
    act: (world, client) => {
      client.drop();
      world.advance(30_000);
    },
    cause: "resetByPeer",
    steps: ["armed v5-3.1.2-7", "delayed v5-3.1.2-8", "published v5-3.1.2-8"],
    fate: { fate: "published", by: "due", lateMs: 0 },
  },
  {
    title: "a return within the delay",
    options: delayed,
    act: (world, client) => {
      client.drop();
      world.advance(5_000);
      world.open().connect({ clientId: "mortal", protocolVersion: 5, clean: false });
    },
    cause: "resetByPeer",
    steps: ["armed v5-3.1.2-7", "delayed v5-3.1.2-8", "cancelled v5-3.1.3-9"],
    fate: { fate: "cancelled", why: "resumed", by: "resumed" },
  },
  {
    title: "a new session within the delay",
    options: delayed,
    act: (world, client) => {
      client.drop();
      world.open().connect({ clientId: "mortal", protocolVersion: 5, clean: true });
    },
    cause: "resetByPeer",
    steps: ["armed v5-3.1.2-7", "delayed v5-3.1.2-8", "published v5-3.1.2-8"],
    fate: { fate: "published", by: "session ended" },
  },
  {
    title: "a right that was taken back",
    world: { access: deniedOnceAsked() },
    act: (_, client) => client.drop(),
    cause: "resetByPeer",
    steps: ["armed v5-3.1.2-7", "discarded v5-3.1.4-2"],
    fate: { fate: "discarded", why: "denied" },
  },
];

for (const { title, options, world: worldOptions, act, cause, steps, fate } of rows) {
  test(`the account of a will: ${title}`, () => {
    const world = new World(worldOptions);
    watcherOf(world, "wills/#");
    const client = mortal(world, { keepalive: 10, ...options });
    act(world, client);
    const [account] = allOf(willsOf(world.broker, { clientId: "mortal" })).toReversed();
    expect(account?.steps.map(({ state, rule }) => `${state} ${rule}`)).toEqual([...steps]);
    expect<string | null>(account?.end?.cause ?? null).toBe(cause);
    if (fate === null) expect(account?.fate).toBeNull();
    else expect(account?.fate).toMatchObject(fate);
    expect(clientOf(world.broker, "mortal")?.wills.at(-1)).toEqual(account);
    expect(JSON.parse(JSON.stringify(account))).toEqual(account);
  });
}

test("the due times of waiting wills are shown, the soonest first", () => {
  const world = new World();
  mortal(world, { id: "late", ...delayed }).drop();
  mortal(world, { id: "soon", ...delayed, delay: 5 }).drop();
  const { pendingWills, wills } = overviewOf(world.broker);
  expect(
    pendingWills.map(({ clientId, dueAt }) => [
      clientId,
      (dueAt ?? 0) - overviewOf(world.broker).now,
    ]),
  ).toEqual([
    ["soon", 5000],
    ["late", 30_000],
  ]);
  expect(wills).toEqual({ armed: 0, delayed: 2, published: 0, discarded: 0, cancelled: 0 });
  world.advance(30_000);
  expect(overviewOf(world.broker).wills).toMatchObject({ delayed: 0, published: 2 });
});

test("of many waiting wills, the ten that are due soonest are shown", () => {
  const world = new World();
  const delays = Array.from({ length: 50 }, (_, index) => 1 + ((index * 37) % 25));
  for (const [index, delay] of delays.entries()) {
    mortal(world, { id: `dev-${index}`, ...delayed, delay }).drop();
  }
  const soonest = [...delays.entries()].toSorted(([a, x], [b, y]) => x - y || a - b).slice(0, 10);
  expect(overviewOf(world.broker).pendingWills.map(({ clientId }) => clientId)).toEqual(
    soonest.map(([index]) => `dev-${index}`),
  );
});

test("the messages that wait in all sessions are counted as they are queued and sent", () => {
  const world = new World();
  const queued = () => overviewOf(world.broker).queued;
  const subscribers = ["a", "b"].map((clientId) => {
    const client = world.open();
    client.connect({ clientId, clean: false });
    client.subscribe({ topic: "t", qos: 1 });
    client.drop();
    return clientId;
  });
  const source = world.open();
  source.connect({ clientId: "source" });
  for (const payload of ["12345", "123"]) source.publish("t", payload, { qos: 1, messageId: 1 });
  expect(queued()).toEqual({ messages: 4, bytes: 20 });
  const back = world.open();
  back.connect({ clientId: subscribers[0] ?? "", clean: false });
  expect(queued()).toEqual({ messages: 2, bytes: 10 });
  // A clean start ends the other session and discards its queue.
  world.open().connect({ clientId: subscribers[1] ?? "", clean: true });
  expect(queued()).toEqual({ messages: 0, bytes: 0 });
});

test("ledger and histories stay within their limits, whatever ids connect", () => {
  const world = new World({ limits: { ledger: 100 } });
  for (let index = 0; index < 5000; index++) {
    mortal(world, {
      id: `drawn-${index}`,
      keepalive: 10,
      will: { topic: `wills/${index % 300}` },
    }).drop();
  }
  expect(world.broker.records.wills.settled).toBe(100);
  expect(world.broker.records.clients.size).toBe(100);
  expect(world.broker.records.topics.size).toBe(100);
  expect(allOf(willsOf(world.broker))).toHaveLength(100);
  expect(clientOf(world.broker, "drawn-4999")).not.toBeNull();
  expect(clientOf(world.broker, "drawn-4899")).toBeNull();
});

test("one client's history keeps the latest entries of each kind", () => {
  const world = new World();
  for (let round = 0; round < 40; round++) {
    const client = mortal(world, { keepalive: 10 });
    for (let topic = 0; topic < 5; topic++) client.subscribe(`a/${topic}`);
    client.drop();
  }
  const account = clientOf(world.broker, "mortal");
  expect(account?.connections).toHaveLength(16);
  expect(account?.wills).toHaveLength(16);
  expect(account?.events).toHaveLength(50);
  expect(account?.events.at(-1)?.event.event).toBe("ended");
});

test("the account shows the rhythm of pings and the closest call", () => {
  const world = new World();
  const client = mortal(world, { keepalive: 10 });
  for (const wait of [10_000, 10_000, 14_600, 9_000]) {
    world.advance(wait);
    client.ping();
  }
  const [connection] = clientOf(world.broker, "mortal")?.connections ?? [];
  expect(connection).toMatchObject({
    pings: { count: 4, medianMs: 10_000, worstMs: 14_600 },
    closestCallMs: 400,
    lastPacket: { type: "PINGREQ" },
  });
  expect((connection?.deadlineAt ?? 0) - (connection?.lastPacket.at ?? 0)).toBe(15_000);
});

test("a refused CONNECT is recorded under the id that it claimed", () => {
  const world = new World({
    access: accessBy({ mayPublish: () => false }),
  });
  const client = world.open();
  client.connect({
    clientId: "denied",
    protocolVersion: 5,
    will: { topic: "secret", payload: Buffer.from("x"), qos: 0, retain: false },
  });
  expect(clientOf(world.broker, "denied")).toMatchObject({
    session: null,
    connections: [
      { connectedAt: null, end: { cause: "refused", detail: expect.stringContaining("may not") } },
    ],
  });
});

test("a route shows which clients get a topic, by which filter", () => {
  const world = new World();
  const watcher = watcherOf(world, "a/+");
  watcher.subscribe({ topic: "a/b", qos: 1 });
  const away = world.open();
  away.connect({ clientId: "away", clean: false });
  away.subscribe({ topic: "a/#", qos: 1 }, { topic: "a/0", qos: 0 });
  away.drop();
  const shared = world.open();
  shared.connect({ clientId: "shared", protocolVersion: 5 });
  shared.subscribe("$share/g/a/b");
  const noLocal = false;
  expect(allOf(routeFor(world.broker, "a/b"))).toEqual([
    { clientId: "away", connected: false, qos: 1, filters: ["a/#"], noLocal, outcome: "queued" },
    {
      clientId: "watcher",
      connected: true,
      qos: 2,
      filters: ["a/+", "a/b"],
      noLocal,
      outcome: "sent",
    },
    {
      clientId: "shared",
      connected: true,
      qos: 0,
      filters: ["$share/g/a/b"],
      noLocal,
      outcome: "sent",
    },
  ]);
  expect(
    allOf(subscriptionsOf(world.broker))
      .map(({ filter }) => filter)
      .sort(),
  ).toEqual(["$share/g/a/b", "a/#", "a/+", "a/0", "a/b"]);
});

test("retained messages are listed, payloads as base64", () => {
  const world = new World();
  const client = world.open();
  client.connect({ clientId: "a" });
  for (const text of ["f", "fo", "foo", "foob"])
    client.publish(`r/${text}`, text, { retain: true });
  const retained = allOf(retainedOf(world.broker, "r/+"));
  for (const { topic, payload } of retained) {
    expect(Buffer.from(payload, "base64").toString()).toBe(topic.slice(2));
  }
  expect(retained).toHaveLength(4);
  expect(allOf(retainedOf(world.broker, "r/foo"))).toHaveLength(1);
});

test("lateness is counted in cumulative buckets", () => {
  const world = new World();
  const client = world.open();
  client.connect({ clientId: "a", keepalive: 10 });
  world.advance(15_000);
  const { keepAliveLateness, ends, recentEnds } = overviewOf(world.broker);
  expect(keepAliveLateness).toMatchObject({ count: 1, sumMs: 0 });
  expect(keepAliveLateness.buckets.every(({ count }) => count === 1)).toBe(true);
  expect(keepAliveLateness.buckets.at(-1)?.leMs).toBeNull();
  expect(ends.keepAliveExpired).toBe(1);
  expect(recentEnds[0]).toMatchObject({
    clientId: "a",
    cause: "keepAliveExpired",
    will: "no will",
  });
});

test("fates are reported to their subscribers", () => {
  const world = new World({ sysIntervalMs: 10_000 });
  const watcher = watcherOf(world, "$SYS/broker/wills/fates");
  mortal(world, { id: "späť", keepalive: 10 }).drop();
  const [message] = watcher.take("publish");
  expect(JSON.parse(message?.payload.toString() ?? "")).toEqual({
    client: "späť",
    topic: "wills/späť",
    cause: "resetByPeer",
    fate: "published",
    lateMs: 0,
    delivered: 0,
    queued: 0,
    dropped: 0,
    away: 0,
    retained: null,
  });
  const counter = watcherOf(world, "$SYS/broker/wills/published", "counter");
  world.advance(10_000);
  expect(counter.messages()).toContain("$SYS/broker/wills/published=1");
});

/** Allows what CONNECT checks, and nothing after it. */
function deniedOnceAsked(): Access {
  let asked = 0;
  return accessBy({ mayPublish: () => asked++ === 0 });
}

test("offline clients are listed with connected ones", () => {
  const world = new World();
  mortal(world, { id: "away", version: 4, clean: false, keepalive: 10 }).drop();
  mortal(world, { id: "here", keepalive: 10 });
  mortal(world, { id: "gone", keepalive: 10 }).drop();
  const listed = allOf(clientsOf(world.broker)).map(({ clientId, connected }) => [
    clientId,
    connected,
  ]);
  expect(listed).toEqual([
    ["away", false],
    ["here", true],
  ]);
  const kept = allOf(sessionsOf(world.broker)).map(({ session }) => [
    session.clientId,
    session.expirySeconds,
  ]);
  expect(kept).toEqual([
    ["away", null],
    ["here", 0],
  ]);
  expect([...knownClientIds(world.broker)].sort()).toEqual(["away", "gone", "here"]);
});

test("a client whose will waits is remembered, however many clients end after it", () => {
  const world = new World({ limits: { ledger: 2 } });
  const gone = (count: number): void => {
    for (let index = 0; index < count; index++) mortal(world, { id: `after-${index}` }).drop();
  };
  for (const id of ["late", "back"]) mortal(world, { id, delay: 60, expiry: 600 }).drop();
  gone(10);
  expect([...world.broker.records.clients.ids()].toSorted()).toEqual([
    ...["after-8", "after-9", "back", "late"],
  ]);
  expect(clientOf(world.broker, "late")).toMatchObject({
    connections: [{ end: { cause: "resetByPeer" } }],
    wills: [{ state: "delayed" }],
  });
  mortal(world, { id: "back", clean: false, expiry: 600 });
  world.advance(60_000);
  // After its fate it is one of the ended clients, and the latest of them.
  expect(clientOf(world.broker, "late")?.wills).toMatchObject([{ state: "published" }]);
  expect(clientOf(world.broker, "back")?.wills).toMatchObject([
    ...[{ state: "armed" }, { state: "cancelled" }],
  ]);
  gone(1);
  expect(clientOf(world.broker, "late")?.connections).toHaveLength(1);
  gone(2);
  expect(world.broker.records.clients.of("late")).toBeNull();
  expect(world.broker.records.clients.size).toBe(3);
});
