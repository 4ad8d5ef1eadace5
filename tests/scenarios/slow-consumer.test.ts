import { expect, test } from "bun:test";
import type { TestClient } from "../support/client.ts";
import { World, type WorldOptions } from "../support/world.ts";

const kilobyte = "x".repeat(1000);

/** A subscriber `s` whose kernel accepts nothing more, and a publisher. */
function scene(
  qos: 0 | 1,
  options: WorldOptions = {},
): { world: World; slow: TestClient; source: TestClient } {
  const world = new World({ outputBytes: 2500, ...options });
  const slow = world.open();
  slow.connect({
    clientId: "s",
    protocolVersion: 5,
    properties: { sessionExpiryInterval: 60, receiveMaximum: 1000 },
    will: { topic: "wills", payload: Buffer.from("gone"), qos: 0, retain: false },
  });
  slow.subscribe({ topic: "t", qos });
  slow.room = 0;
  const source = world.open();
  source.connect({ clientId: "p", protocolVersion: 5 });
  return { world, slow, source };
}

function publish(source: TestClient, qos: 0 | 1, ...names: string[]): void {
  for (const name of names) source.publish("t", name + kilobyte, { qos });
}

/** The names of the messages that have arrived. */
function names(client: TestClient): string {
  return client
    .take("publish")
    .map(({ payload }) => payload.toString().slice(0, 1))
    .join("");
}

test("output that the kernel does not accept waits, and is sent in order once it does", () => {
  const { slow, source } = scene(0);
  publish(source, 0, "a", "b");
  expect(slow.received).toEqual([]);
  slow.drain(1500);
  expect(names(slow)).toBe("a");
  slow.drain();
  expect(names(slow)).toBe("b");
});

test("a packet that the kernel accepted in pieces arrives whole", () => {
  const { slow, source } = scene(1);
  publish(source, 1, "a", "b");
  for (let taken = 0; taken < 2100; taken += 7) slow.drain(7);
  expect(names(slow)).toBe("ab");
});

test("above the limit, QoS 0 is dropped, and that is logged once", () => {
  const { world, slow, source } = scene(0);
  publish(source, 0, "a", "b", "c", "d", "e", "f");
  expect(world.noted("dropping")).toEqual([
    { event: "dropping", clientId: "s", why: "blocked", topic: "t" },
  ]);
  slow.drain();
  expect(names(slow)).toBe("abc");
  publish(source, 0, "g");
  expect(names(slow)).toBe("g");
});

test("a drop after a recovery is logged again", () => {
  const { world, slow, source } = scene(0);
  publish(source, 0, "a", "b", "c", "d");
  slow.drain();
  slow.room = 0;
  publish(source, 0, "a", "b", "c", "d");
  expect(world.noted("dropping")).toHaveLength(2);
});

test("above the limit, QoS 1 is queued, and is sent in order once the output has drained", () => {
  const { world, slow, source } = scene(1);
  publish(source, 1, "a", "b", "c", "d", "e", "f");
  expect(world.broker.view().sessions[0]).toMatchObject({ inflight: 3, queue: { messages: 3 } });
  expect(source.take("puback")).toHaveLength(6);
  slow.drain(2000);
  publish(source, 1, "g");
  expect(names(slow)).toBe("a");
  slow.drain();
  expect(names(slow)).toBe("bcdefg");
  expect(world.noted("dropping")).toEqual([]);
});

test("where QoS 0 waits too, it is queued and stays in order", () => {
  const { world, slow, source } = scene(0, { limits: { queueQos0: true } });
  publish(source, 0, "a", "b", "c", "d", "e");
  slow.drain();
  publish(source, 0, "f");
  world.advance(10);
  expect(names(slow)).toBe("abcdef");
});

test("the session's queue bounds the messages that wait for a blocked consumer", () => {
  const { world, slow, source } = scene(1, { limits: { queuedMessages: 2, holdTimeoutMs: 0 } });
  publish(source, 1, "a", "b", "c", "d", "e", "f", "g");
  expect(world.noted("dropping")).toMatchObject([{ clientId: "s", why: "queue full" }]);
  slow.drain();
  expect(names(slow)).toBe("abcde");
});

test("a slow consumer does not delay the others", () => {
  const { world, source } = scene(0);
  const quick = world.open();
  quick.connect({ clientId: "q" });
  quick.subscribe({ topic: "t", qos: 1 });
  publish(source, 0, "a", "b", "c", "d", "e", "f");
  expect(names(quick)).toBe("abcdef");
});

test("a consumer that reads nothing for the stall limit is reset, and its will published", () => {
  const { world, slow, source } = scene(1);
  source.subscribe("wills");
  world.advance(5000);
  publish(source, 1, "a");
  world.advance(29_999);
  expect(slow.closedBy).toBeNull();
  world.advance(1);
  expect(slow.closedBy).toBe("reset");
  expect(source.messages()).toEqual(["wills=gone"]);
  expect(world.noted("ended")).toMatchObject([{ cause: "stalled", will: { fate: "published" } }]);
});

test("a consumer that reads a little is slow, not stalled", () => {
  const { world, slow, source } = scene(1);
  publish(source, 1, "a");
  for (let time = 0; time < 20; time++) {
    world.advance(29_999);
    slow.drain(1);
  }
  expect(slow.closedBy).toBeNull();
  world.advance(30_000);
  expect(slow.closedBy).toBe("reset");
});

test("a consumer that reads only what the kernel holds is slow, not stalled", () => {
  const { world, slow, source } = scene(1);
  slow.unread = 5_000_000;
  publish(source, 1, "a");
  for (let time = 0; time < 20; time++) {
    world.advance(29_999);
    slow.unread -= 1000;
    world.advance(1);
  }
  expect(slow.closedBy).toBeNull();
  world.advance(29_999);
  expect(slow.closedBy).toBeNull();
  world.advance(1);
  expect(slow.closedBy).toBe("reset");
  expect(world.noted("ended")).toMatchObject([{ cause: "stalled" }]);
});

test("the kernel's backlog is checked every second, so that a stall is found in time", () => {
  const { world, slow, source } = scene(1);
  slow.unread = 5_000_000;
  publish(source, 1, "a");
  const seconds = (count: number): void => {
    for (let second = 0; second < count; second++) {
      world.advance(1000);
      world.driver.heartbeat();
    }
  };
  seconds(3);
  slow.unread -= 1000;
  seconds(30);
  expect(slow.closedBy).toBeNull();
  seconds(1);
  expect(slow.closedBy).toBe("reset");
});

test("growth of the kernel's backlog is no progress", () => {
  const { world, slow, source } = scene(1);
  slow.unread = 1000;
  publish(source, 1, "a");
  world.advance(29_000);
  slow.unread = 2000;
  world.advance(1000);
  expect(slow.closedBy).toBe("reset");
});

test("its PINGREQs count, however much waits for it in large messages", () => {
  const { world, source } = scene(0, { outputBytes: 2500 });
  const large = world.open();
  large.connect({ clientId: "large", keepalive: 10 });
  large.subscribe("t");
  large.room = 0;
  source.publish("t", Buffer.alloc(100_000));
  for (let second = 0; second < 200; second += 10) {
    world.advance(10_000);
    large.ping();
    large.drain(10);
  }
  expect([large.paused, large.closedBy]).toEqual([false, null]);
  const view = world.broker.view().connections.find(({ clientId }) => clientId === "large");
  expect(view?.lastPacket.at).toBe(world.clock.now());
  // And so does its silence.
  world.advance(14_999);
  large.drain(10);
  expect(large.closedBy).toBeNull();
  world.advance(1);
  expect(world.noted("ended").at(-1)).toMatchObject({ cause: "keepAliveExpired" });
});

test("a drained consumer is not stalled", () => {
  const { world, slow, source } = scene(1);
  publish(source, 1, "a");
  world.advance(29_999);
  slow.drain();
  world.advance(3_600_000);
  expect(slow.closedBy).toBeNull();
});

test("messages in flight to a stalled consumer are resent when it returns", () => {
  const { world, source } = scene(1);
  publish(source, 1, "a", "b", "c", "d");
  world.advance(30_000);
  const back = world.open();
  const connack = back.connect({
    clientId: "s",
    protocolVersion: 5,
    clean: false,
    properties: { sessionExpiryInterval: 60 },
  });
  expect(connack?.sessionPresent).toBe(true);
  expect(back.received.map((packet) => packet.cmd === "publish" && packet.dup)).toEqual([
    true,
    true,
    true,
    false,
  ]);
  expect(names(back)).toBe("abcd");
});

test("a retained replay waits while its subscriber is blocked", () => {
  const world = new World({ outputBytes: 2500 });
  const source = world.open();
  source.connect({ clientId: "p" });
  for (let index = 0; index < 500; index++) {
    source.publish(`r/${index}`, kilobyte, { retain: true });
  }
  const slow = world.open();
  slow.connect({ clientId: "s" });
  slow.room = 0;
  slow.subscribe("r/#");
  world.advance(1000);
  slow.drain();
  world.advance(100);
  expect(slow.take("publish")).toHaveLength(500);
});

test("a connection that stalls in the turn of a delivery is reset, and no longer counts as closing", () => {
  const world = new World({ sysIntervalMs: 20_000, limits: { stallTimeoutMs: 30_000 } });
  // A client on the broker's machine would have slept as long.
  const client = world.open({}, "192.0.2.1");
  client.connect({ clientId: "s" });
  world.advance(0);
  client.room = 0;
  client.subscribe("$SYS/#");
  // Both are due when the machine wakes, the delivery first.
  world.sleep(60_000);
  expect(client.closedBy).toBe("reset");
  expect(world.noted("ended").map(({ cause }) => cause)).toEqual(["stalled"]);
  expect(world.driver.closing).toBe(0);
});
