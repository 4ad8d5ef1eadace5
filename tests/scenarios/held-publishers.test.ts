import { describe, expect, test } from "bun:test";
import { clientOf } from "../../src/core/queries/clients.ts";
import type { TestClient } from "../support/client.ts";
import { connectBytes } from "../support/connect-bytes.ts";
import { auditAtEnd } from "../support/will-audit.ts";
import { endOf, isOpen, mortal, watcherOf } from "../support/mortal.ts";
import { World, type WorldOptions } from "../support/world.ts";

/** The rest of a turn that was cut short; the event loop runs it, not the clock. */
const nextTurn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

const burst = 3000;

interface SceneOptions {
  readonly world?: WorldOptions;
  readonly version?: 4 | 5;
  readonly keepalive?: number;
  readonly qos?: 1 | 2;
}

/** A subscriber with a window of three, and a publisher with a will. */
class Scene {
  readonly world: World;
  readonly subscriber: TestClient;
  readonly publisher: TestClient;
  readonly qos: 1 | 2;
  readonly arrived: string[] = [];

  constructor({ world = {}, version = 4, keepalive = 0, qos = 1 }: SceneOptions = {}) {
    this.world = new World(world);
    this.qos = qos;
    this.subscriber = this.world.open();
    const properties = { receiveMaximum: 3, sessionExpiryInterval: 600 };
    this.subscriber.connect({ clientId: "subscriber", protocolVersion: 5, properties });
    this.subscriber.subscribe({ topic: "t", qos });
    this.publisher = mortal(this.world, { id: "publisher", version, keepalive });
  }

  publish(count: number, from = 0): void {
    for (let number = from; number < from + count; number++) {
      this.publisher.publish("t", `${number}`, { qos: this.qos });
    }
  }

  /** The subscriber acknowledges so many messages, or fewer if it has fewer. */
  take(count: number): void {
    while (count > 0) {
      const messages = this.subscriber.take("publish");
      if (messages.length === 0) return;
      this.subscriber.received.push(...messages.slice(count));
      for (const { messageId = 0, payload } of messages.slice(0, count)) {
        this.arrived.push(payload.toString());
        count -= 1;
        if (this.qos === 1) this.subscriber.send({ cmd: "puback", messageId });
        else {
          this.subscriber.send({ cmd: "pubrec", messageId });
          this.subscriber.send({ cmd: "pubcomp", messageId });
        }
      }
    }
  }

  get queued(): number {
    return this.world.broker.sessions.get("subscriber")?.queue.count ?? 0;
  }

  get acknowledged(): number {
    return this.publisher.received.filter(({ cmd }) => cmd === "puback" || cmd === "pubrec").length;
  }

  /** The publisher's packets are ready to be read. */
  get isHeld(): boolean {
    return clientOf(this.world.broker, "publisher")?.connections[0]?.heldFor !== null;
  }
}

const numbers = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${index}`);

describe.each([4, 5] as const)("a burst of 3,000 messages, from a v%d publisher", (version) => {
  test.each([1, 2] as const)("of QoS %d: all arrive, in order", async (qos) => {
    const scene = new Scene({ version, qos, keepalive: 60 });
    const { world } = scene;
    if (version === 4 || qos === 1) scene.publish(burst);
    let sent = version === 5 && qos === 2 ? 0 : burst;
    for (let time = 0; scene.arrived.length < burst && time < 3000; time++) {
      // A v5 publisher keeps to Receive Maximum, 100.
      for (const { messageId = 0 } of scene.publisher.take("pubrec")) {
        scene.publisher.send({ cmd: "pubrel", messageId });
      }
      const unfinished = world.broker.sessions.get("publisher")?.incoming.size ?? 0;
      if (sent < burst && unfinished < 90) {
        scene.publish(10, sent);
        sent += 10;
      }
      world.advance(10);
      scene.take(10);
      await nextTurn();
    }
    expect(scene.arrived).toEqual(numbers(burst));
    expect(world.noted("dropping")).toEqual([]);
    expect(isOpen(world, scene.publisher)).toBe(true);
    expect(scene.publisher.paused).toBe(false);
    auditAtEnd(world);
  });
});

test("slow, 20 a second: the publisher is held repeatedly, and nothing is dropped", async () => {
  const scene = new Scene({ keepalive: 0 });
  scene.publish(burst);
  for (let second = 0; second < 200 && scene.arrived.length < burst; second++) {
    scene.world.advance(1000);
    scene.take(20);
    await nextTurn();
  }
  expect(scene.arrived).toEqual(numbers(burst));
  expect(scene.world.noted("dropping")).toEqual([]);
});

test("a hold starts at half a queue and ends at a quarter", async () => {
  const scene = new Scene();
  scene.publish(502);
  expect([scene.queued, scene.isHeld]).toEqual([499, false]);
  scene.publish(100, 502);
  expect([scene.queued, scene.isHeld, scene.acknowledged]).toEqual([500, true, 503]);
  expect(scene.publisher.paused).toBe(true);
  scene.take(249);
  await nextTurn();
  expect([scene.queued, scene.isHeld]).toEqual([251, true]);
  scene.take(1);
  await nextTurn();
  expect([scene.queued, scene.isHeld]).toEqual([250 + 99, false]);
  expect(scene.publisher.paused).toBe(false);
});

describe("a subscriber that acknowledges nothing", () => {
  test.each([
    [0, 5000],
    [60, 5000],
    [8, 2000],
    [1, 250],
  ])(
    "with a keepalive of %d s, the publisher is held for %d ms, and then messages are dropped",
    async (keepalive, longest) => {
      const scene = new Scene({ keepalive });
      scene.publish(1100);
      const { world } = scene;
      world.advance(longest - 1);
      await nextTurn();
      expect([scene.queued, scene.isHeld]).toEqual([500, true]);
      world.advance(1);
      await nextTurn();
      expect([scene.queued, scene.isHeld, scene.acknowledged]).toEqual([1000, false, 1100]);
      expect(world.noted("dropping")).toEqual([
        { event: "dropping", clientId: "subscriber", why: "queue full", topic: "t" },
      ]);
      expect(world.broker.statistics.publishDropped).toBe(97);
      // Neither this nor another publisher is held again as long as the subscriber acknowledges
      // nothing.
      const other = world.open();
      other.connect({ clientId: "other", keepalive });
      other.publish("t", "x", { qos: 1 });
      scene.publish(1);
      expect([scene.isHeld, other.paused]).toEqual([false, false]);
      // Nor before the queue is short again.
      scene.take(740);
      scene.publish(300);
      expect(scene.isHeld).toBe(false);
      scene.take(310);
      scene.publish(300);
      expect(scene.isHeld).toBe(true);
    },
  );

  test("a subscriber that acknowledges almost nothing does not hold a publisher twice", async () => {
    const scene = new Scene();
    scene.publish(1100);
    const { world } = scene;
    world.advance(2500);
    scene.take(2);
    world.advance(2500);
    await nextTurn();
    expect([scene.isHeld, scene.acknowledged]).toEqual([false, 1100]);
    expect(world.noted("dropping")).toHaveLength(1);
  });

  test("a subscriber that acknowledges three in five seconds holds a publisher again", async () => {
    const scene = new Scene();
    scene.publish(1100);
    const { world } = scene;
    for (let time = 0; time < 100; time++) {
      world.advance(1600);
      scene.take(1);
      await nextTurn();
    }
    expect(scene.isHeld).toBe(true);
    expect(world.noted("dropping")).toEqual([]);
  });

  test("a publisher is not held if the subscriber has acknowledged nothing for as long before", () => {
    const scene = new Scene();
    scene.publish(400);
    scene.world.advance(5000);
    scene.publish(200);
    expect([scene.queued, scene.isHeld]).toEqual([597, false]);
  });

  test("an offline subscriber holds nobody, and one that disconnects releases its publishers", async () => {
    const scene = new Scene();
    scene.publish(600);
    expect(scene.isHeld).toBe(true);
    scene.subscriber.drop();
    await nextTurn();
    expect([scene.isHeld, scene.publisher.paused, scene.acknowledged]).toEqual([false, false, 600]);
    scene.publish(400);
    expect([scene.isHeld, scene.queued]).toEqual([false, 997]);
  });

  test("holdTimeout off: nobody is held", () => {
    const scene = new Scene({ world: { limits: { holdTimeoutMs: 0 } } });
    scene.publish(1100);
    expect([scene.queued, scene.acknowledged]).toEqual([1000, 1100]);
  });
});

describe("the keepalive of a held publisher", () => {
  test("pauses, and resumes where it was", async () => {
    const scene = new Scene({ keepalive: 20 });
    const { world, publisher } = scene;
    world.advance(6000);
    scene.publish(600);
    world.advance(4999);
    expect(scene.isHeld).toBe(true);
    world.advance(1);
    await nextTurn();
    // The broker read the backlog at that moment.
    world.advance(29_999);
    expect(isOpen(world, publisher)).toBe(true);
    world.advance(1);
    expect(endOf(world, publisher)).toMatchObject({
      cause: "keepAliveExpired",
      silentMs: 30_000,
      will: { fate: "published" },
    });
    auditAtEnd(world);
  });

  test("consecutive holds take half of it at most, so that its PINGREQ is answered", async () => {
    const scene = new Scene({ keepalive: 8 });
    const { world, publisher } = scene;
    scene.publish(burst);
    publisher.ping();
    let answeredAt = Infinity;
    for (let now = 0; now < 8000 && answeredAt === Infinity; now += 10) {
      world.advance(10);
      if (now % 100 === 0) scene.take(1);
      await nextTurn();
      if (publisher.take("pingresp").length > 0) answeredAt = world.now;
    }
    expect(answeredAt).toBeGreaterThanOrEqual(4000);
    expect(answeredAt).toBeLessThan(4500);
    expect(world.noted("dropping")).toMatchObject([{ why: "queue full" }]);
  });

  test("messages that it sent before its end are forwarded before its will, however slow the subscriber", async () => {
    const scene = new Scene({ keepalive: 60 });
    const { world, publisher } = scene;
    const watcher = watcherOf(world, "wills/#");
    scene.publish(700);
    expect(scene.isHeld).toBe(true);
    publisher.drop("reset");
    await nextTurn();
    expect(scene.queued).toBe(697);
    expect(endOf(world, publisher).cause).toBe("resetByPeer");
    expect(watcher.messages()).toEqual(["wills/publisher=gone"]);
    world.advance(10_000);
    auditAtEnd(world);
  });

  test("a waiting DISCONNECT discards its will", async () => {
    const scene = new Scene({ keepalive: 60 });
    scene.publish(700);
    scene.publisher.send({ cmd: "disconnect" });
    scene.publisher.drop("eof");
    await nextTurn();
    expect(endOf(scene.world, scene.publisher)).toMatchObject({
      cause: "disconnected",
      will: { fate: "discarded" },
    });
  });
});

describe("no publisher waits for a subscriber that waits for it", () => {
  function pair(world: World): TestClient[] {
    return ["a", "b"].map((clientId) => {
      const client = world.open();
      client.connect({ clientId, protocolVersion: 5, properties: { receiveMaximum: 3 } });
      client.subscribe({ topic: `to/${clientId}`, qos: 1 });
      return client;
    });
  }

  test("a client that publishes to itself is not held", () => {
    const world = new World();
    const [client] = pair(world);
    for (let number = 0; number < 1200; number++) client?.publish("to/a", "x", { qos: 1 });
    expect(client?.paused).toBe(false);
    expect(world.noted("dropping")).toMatchObject([{ clientId: "a", why: "queue full" }]);
  });

  test("of two clients that publish to each other, one is read", () => {
    const world = new World();
    const [a, b] = pair(world);
    for (let number = 0; number < 600; number++) {
      a?.publish("to/b", "x", { qos: 1 });
      b?.publish("to/a", "x", { qos: 1 });
    }
    expect([a?.paused, b?.paused]).toEqual([true, false]);
  });

  test("of three in a ring, not all are held", () => {
    const world = new World();
    const ring = [...pair(world)];
    const c = world.open();
    c.connect({ clientId: "c", protocolVersion: 5, properties: { receiveMaximum: 3 } });
    c.subscribe({ topic: "to/c", qos: 1 });
    const [a, b] = ring;
    for (let number = 0; number < 600; number++) {
      a?.publish("to/b", "x", { qos: 1 });
      b?.publish("to/c", "x", { qos: 1 });
      c.publish("to/a", "x", { qos: 1 });
    }
    expect([a?.paused, b?.paused, c.paused]).toEqual([true, true, false]);
  });
});

test("a held publisher delays only the clients that wait for it", async () => {
  const scene = new Scene();
  scene.publish(600);
  const { world } = scene;
  const watcher = watcherOf(world, "t");
  const other = world.open();
  other.connect({ clientId: "other" });
  other.publish("t", "zero");
  other.publish("elsewhere", "x", { qos: 1 });
  other.ping();
  expect(other.received.map(({ cmd }) => cmd)).toEqual(["puback", "pingresp"]);
  expect(watcher.messages()).toEqual(["t=zero"]);
});

test("a client that has sent FIN is read at once", async () => {
  const scene = new Scene({ keepalive: 60 });
  scene.publish(700);
  const { publisher, world } = scene;
  world.advance(100);
  expect(scene.isHeld).toBe(true);
  publisher.leaving = true;
  world.advance(50);
  await nextTurn();
  expect([scene.isHeld, publisher.paused, scene.queued]).toEqual([false, false, 697]);
  publisher.drop("eof");
  expect(endOf(world, publisher).cause).toBe("closedByPeer");
});

test("the log and the accounts show both sides of a hold", () => {
  const scene = new Scene({ keepalive: 40 });
  scene.publish(600);
  const { broker } = scene.world;
  const { now } = broker;
  expect(clientOf(broker, "publisher")?.connections[0]).toMatchObject({
    paused: true,
    heldFor: { clientId: "subscriber", since: now, until: now + 5000 },
  });
  expect(clientOf(broker, "subscriber")?.session?.holds).toEqual({
    count: 1,
    clientIds: ["publisher"],
  });
});

describe.each(["takes over", "is kicked", "is stopped with its broker"] as const)(
  "v4-3.14.4-3, v5-3.14.4-3: a DISCONNECT that waits unread behind a hold discards the will of a client that %s",
  (how) => {
    test.each([4, 5] as const)("v%d", async (version) => {
      const scene = new Scene({ version, keepalive: 60 });
      const { world, publisher } = scene;
      scene.publish(600);
      expect(scene.isHeld).toBe(true);
      publisher.send({ cmd: "disconnect" });
      expect(isOpen(world, publisher)).toBe(true);
      if (how === "takes over") {
        const next = world.open();
        next.connect({ clientId: "publisher", protocolVersion: version });
        for (let turn = 0; turn < 50 && next.received.length === 0; turn++) {
          world.advance(1);
          await nextTurn();
        }
        expect(next.take("connack")).toHaveLength(1);
      } else if (how === "is kicked") {
        world.driver.order({ type: "kicked", clientId: "publisher" });
      } else {
        world.driver.order({ type: "stopping" });
      }
      world.check();
      expect(endOf(world, publisher)).toMatchObject({
        cause: "disconnected",
        will: { fate: "discarded" },
      });
    });
  },
);

test("a takeover of a held connection that sends nothing more publishes its will, and the new connection stays open", async () => {
  const scene = new Scene({ keepalive: 60 });
  const { world, publisher } = scene;
  scene.publish(600);
  const next = world.open();
  next.connect({ clientId: "publisher" });
  next.ping();
  for (let turn = 0; turn < 50; turn++) {
    world.advance(1);
    await nextTurn();
  }
  expect(endOf(world, publisher)).toMatchObject({
    cause: "takenOver",
    will: { fate: "published" },
  });
  expect(next.received.map(({ cmd }) => cmd)).toEqual(["connack", "pingresp"]);
  auditAtEnd(world);
});

test("a CONNECT that waits for a held connection, and whose peer closes, is read before its end", () => {
  const scene = new Scene({ keepalive: 60 });
  const { world } = scene;
  scene.publish(600);
  const next = world.open();
  next.connect({ clientId: "publisher" });
  next.drop("eof");
  world.advance(100);
  expect(endOf(world, next)).toMatchObject({ cause: "closedByPeer", wasConnected: true });
  auditAtEnd(world);
});

test("v5-3.1.0-2: a second CONNECT that waits unread behind a hold ends the connection, as always", () => {
  const scene = new Scene({ version: 5, keepalive: 60 });
  const { world, publisher } = scene;
  scene.publish(600);
  publisher.send({
    ...{ cmd: "connect", protocolId: "MQTT", protocolVersion: 5 },
    ...{ clientId: "publisher", clean: true, keepalive: 60 },
  });
  publisher.drop("eof");
  expect(endOf(world, publisher)).toMatchObject({ cause: "protocolError" });
  auditAtEnd(world);
});

test("a CONNECT that arrives with its FIN, and waits for a held connection, is read before what follows it", () => {
  const scene = new Scene({ keepalive: 60 });
  const { world } = scene;
  scene.publish(600);
  const next = world.open();
  const connect = connectBytes({ version: 4, clientId: "publisher" });
  next.sendBytes(Uint8Array.of(...connect, 0xc0, 0));
  next.drop("eof");
  world.advance(100);
  expect(endOf(world, next)).toMatchObject({ cause: "closedByPeer", wasConnected: true });
  auditAtEnd(world);
});
