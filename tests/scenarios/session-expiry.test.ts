import { expect, test } from "bun:test";
import type { TestClient } from "../support/client.ts";
import { World } from "../support/world.ts";

function connect(world: World, sessionExpiryInterval?: number): TestClient {
  const client = world.open();
  client.connect({
    clientId: "a",
    protocolVersion: 5,
    clean: false,
    ...(sessionExpiryInterval !== undefined && { properties: { sessionExpiryInterval } }),
  });
  return client;
}

function sessions(world: World): number {
  return world.broker.view().sessions.length;
}

function disconnect(client: TestClient, sessionExpiryInterval: number): void {
  client.send({ cmd: "disconnect", reasonCode: 0, properties: { sessionExpiryInterval } });
}

test("v5-3.1.2-23: a session ends when its Session Expiry Interval has passed, not before", () => {
  const world = new World();
  const client = connect(world, 60);
  client.subscribe("t");
  world.advance(3_600_000);
  client.drop();
  world.advance(59_999);
  expect(sessions(world)).toBe(1);
  expect(world.broker.view().subscriptions).toBe(1);
  world.advance(1);
  expect(sessions(world)).toBe(0);
  expect(world.broker.view().subscriptions).toBe(0);
  expect(world.noted("sessionEnded")).toMatchObject([{ clientId: "a", why: "expired" }]);
});

test("without a Session Expiry Interval, or with 0, a session ends with its connection", () => {
  for (const interval of [undefined, 0]) {
    const world = new World();
    connect(world, interval).drop();
    expect(sessions(world)).toBe(0);
  }
});

test("0xFFFFFFFF: the session never expires", () => {
  const world = new World();
  connect(world, 0xffff_ffff).drop();
  world.advance(200 * 365 * 86_400_000);
  expect(sessions(world)).toBe(1);
  expect(world.broker.view().deadlines).toBe(0);
});

test("a client that returns in time keeps the session, and its interval restarts at the next end", () => {
  const world = new World();
  connect(world, 60).drop();
  world.advance(50_000);
  const second = connect(world, 60);
  world.advance(50_000);
  expect(sessions(world)).toBe(1);
  second.drop();
  world.advance(59_999);
  expect(sessions(world)).toBe(1);
  world.advance(1);
  expect(sessions(world)).toBe(0);
});

test("the interval is that of the latest CONNECT", () => {
  const world = new World();
  connect(world, 1000).drop();
  connect(world).drop();
  expect(sessions(world)).toBe(0);
});

test("DISCONNECT can make the interval shorter or longer, and end the session with 0", () => {
  const world = new World();
  disconnect(connect(world, 60), 5);
  world.advance(4999);
  expect(sessions(world)).toBe(1);
  world.advance(1);
  expect(sessions(world)).toBe(0);

  disconnect(connect(world, 60), 600);
  world.advance(599_999);
  expect(sessions(world)).toBe(1);
  world.advance(1);
  expect(sessions(world)).toBe(0);

  disconnect(connect(world, 60), 0);
  expect(sessions(world)).toBe(0);
});

test("DISCONNECT cannot exceed the broker's maximum", () => {
  const world = new World({ limits: { sessionExpiryMaxSeconds: 100 } });
  disconnect(connect(world, 60), 0xffff_ffff);
  world.advance(99_999);
  expect(sessions(world)).toBe(1);
  world.advance(1);
  expect(sessions(world)).toBe(0);
});

test("v5-3.14.2.2.2: DISCONNECT that raises the interval from 0 is a protocol error", () => {
  const world = new World();
  const client = connect(world, 0);
  disconnect(client, 60);
  expect(client.take("disconnect")).toMatchObject([{ reasonCode: 0x82 }]);
  expect(sessions(world)).toBe(0);
  expect(world.noted("ended")).toMatchObject([{ cause: "protocolError" }]);
});

test("DISCONNECT with 0 is valid where the interval was 0", () => {
  const world = new World();
  const client = connect(world, 0);
  disconnect(client, 0);
  expect(client.take("disconnect")).toEqual([]);
  expect(world.noted("ended")).toMatchObject([{ cause: "disconnected" }]);
});

test("sessions end in the order of their due times, whatever their previous order", () => {
  const world = new World();
  for (const [clientId, sessionExpiryInterval] of [
    ["c", 30],
    ["a", 10],
    ["b", 20],
  ] as const) {
    const client = world.open();
    client.connect({ clientId, protocolVersion: 5, properties: { sessionExpiryInterval } });
    client.drop();
  }
  world.advance(30_000);
  expect(world.noted("sessionEnded").map(({ clientId }) => clientId)).toEqual(["a", "b", "c"]);
});
