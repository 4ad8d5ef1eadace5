import { expect, test } from "bun:test";
import { clientOf } from "../../src/core/queries/clients.ts";
import type { ProtocolError } from "../../src/core/reason.ts";
import type { TestClient } from "../support/client.ts";
import { auditAtEnd } from "../support/will-audit.ts";
import { endOf, isOpen, mortal, watcherOf } from "../support/mortal.ts";
import { World } from "../support/world.ts";

/** The rest of a turn that was cut short; the event loop runs it, not the clock. */
const nextTurn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

/**
 * The client requests more output than the broker buffers and reads nothing, so the broker stops
 * reading it.
 */
function holdBack(client: TestClient): void {
  client.room = 0;
  for (let pings = 0; pings <= 200; pings++) client.ping();
  expect(client.paused).toBe(true);
}

test("time in which the broker does not read does not count", async () => {
  const world = new World({ outputBytes: 200, limits: { stallTimeoutMs: 1_000_000 } });
  const client = mortal(world, { keepalive: 10 });
  holdBack(client);
  world.advance(10_000);
  world.advance(600_000);
  expect(isOpen(world, client)).toBe(true);
  client.drain();
  await nextTurn();
  expect(client.paused).toBe(false);
  world.advance(14_999);
  expect(isOpen(world, client)).toBe(true);
  world.advance(1);
  expect(endOf(world, client)).toMatchObject({ cause: "keepAliveExpired", silentMs: 15_000 });
  auditAtEnd(world);
});

test("silence before the pause counts together with silence after it", () => {
  const world = new World();
  const client = mortal(world, { keepalive: 10 });
  const told = (type: "paused" | "resumed"): void => {
    world.broker.handle({ type, connection: 0 }, world.clock.now());
  };
  world.advance(6000);
  told("paused");
  world.advance(100_000);
  told("resumed");
  // A packet of another client, after which the driver sets its timer again.
  world.open();
  world.advance(8999);
  expect(isOpen(world, client)).toBe(true);
  world.advance(1);
  expect(endOf(world, client)).toMatchObject({ cause: "keepAliveExpired", silentMs: 15_000 });
  auditAtEnd(world);
});

test("B1: a client that reads nothing while the broker does not read it is ended as stalled", () => {
  const world = new World({ outputBytes: 200, limits: { stallTimeoutMs: 30_000 } });
  const watcher = watcherOf(world, "wills/#");
  const client = mortal(world, { keepalive: 10 });
  holdBack(client);
  world.advance(29_999);
  expect(isOpen(world, client)).toBe(true);
  world.advance(1);
  expect(endOf(world, client).cause).toBe("stalled");
  expect(client.closedBy).toBe("reset");
  expect(watcher.messages()).toEqual(["wills/mortal=gone"]);
  auditAtEnd(world);
});

test("B3: packets that arrived while the broker did not read are handled before the end", () => {
  const world = new World({ outputBytes: 200, limits: { stallTimeoutMs: 1_000_000 } });
  const watcher = watcherOf(world);
  const client = mortal(world, { keepalive: 10, will: { topic: "last" } });
  holdBack(client);
  watcher.received.length = 0;
  client.publish("last", "words");
  world.advance(5000);
  expect(watcher.messages()).toEqual([]);
  client.drop("reset");
  expect(watcher.messages()).toEqual(["last=words", "last=gone"]);
  // The packets were read at the end; silence is never negative.
  expect(endOf(world, client).silentMs).toBe(0);
  auditAtEnd(world);
});

test("a packet at the end of a pause is no close call because of the pause", () => {
  const world = new World({ outputBytes: 200, limits: { stallTimeoutMs: 1_000_000 } });
  const client = mortal(world, { keepalive: 10 });
  world.advance(6000);
  holdBack(client);
  client.ping();
  client.ping();
  world.advance(60_000);
  client.drop();
  const connection = clientOf(world.broker, "mortal")?.connections[0];
  expect(connection?.lastPacket.type).toBe("PINGREQ");
  expect(connection?.closestCallMs).toBe(9000);
});

test("the wait for a verdict on CONNECT is the broker's, and not part of the silence", () => {
  const answers: ((refused: ProtocolError | null) => void)[] = [];
  let slow = true;
  const world = new World({
    authenticate: (_credentials, answer) => (slow ? void answers.push(answer) : answer(null)),
  });
  const client = world.open();
  expect(client.connect({ clientId: "patient", keepalive: 10 })).toBeUndefined();
  world.advance(8000);
  slow = false;
  answers.shift()?.(null);
  expect(client.take("connack")).toHaveLength(1);
  expect(client.paused).toBe(false);
  world.advance(14_999);
  expect(isOpen(world, client)).toBe(true);
  world.advance(1);
  expect(endOf(world, client)).toMatchObject({ cause: "keepAliveExpired", silentMs: 15_000 });
  auditAtEnd(world);
});
