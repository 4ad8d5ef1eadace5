import { expect, test } from "bun:test";
import { auditAtEnd } from "../support/will-audit.ts";
import { mortal, watcherOf } from "../support/mortal.ts";
import { World } from "../support/world.ts";

test("E3: the session's end cuts the delay: expiry 0", () => {
  const world = new World();
  const watcher = watcherOf(world);
  mortal(world, { delay: 3600, expiry: 0 }).drop("reset");
  expect(watcher.messages()).toEqual(["wills/mortal=gone"]);
  expect(world.broker.view().sessions.map(({ clientId }) => clientId)).toEqual(["watcher"]);
  auditAtEnd(world);
});

test("E3: the session's end cuts the delay: expiry between 0 and the delay", () => {
  const world = new World();
  const watcher = watcherOf(world);
  mortal(world, { delay: 3600, expiry: 20 }).drop("reset");
  world.advance(19_999);
  expect(watcher.messages()).toEqual([]);
  world.advance(1);
  expect(watcher.messages()).toEqual(["wills/mortal=gone"]);
  expect(world.noted("sessionEnded")).toMatchObject([{ clientId: "mortal", why: "expired" }]);
  world.advance(3_600_000);
  expect(watcher.messages()).toEqual([]);
  auditAtEnd(world);
});

test("E3: the expiry counts from the end of the connection, not from CONNECT", () => {
  const world = new World();
  const watcher = watcherOf(world);
  const client = mortal(world, { delay: 3600, expiry: 20 });
  world.advance(100_000);
  client.drop("reset");
  world.advance(19_999);
  expect(watcher.messages()).toEqual([]);
  world.advance(1);
  expect(watcher.messages()).toEqual(["wills/mortal=gone"]);
  auditAtEnd(world);
});

test("E3: the expiry of the latest CONNECT counts", () => {
  const world = new World();
  const watcher = watcherOf(world);
  mortal(world, { delay: 30, expiry: 60 }).drop("reset");
  world.advance(5000);
  mortal(world, { clean: false, delay: 30, expiry: 10 }).drop("reset");
  world.advance(9999);
  expect(watcher.messages()).toEqual([]);
  world.advance(1);
  expect(watcher.messages()).toEqual(["wills/mortal=gone"]);
  auditAtEnd(world);
});

test("E3: the session stays after its will, for the rest of its time", () => {
  const world = new World();
  const client = mortal(world, { delay: 10, expiry: 60 });
  client.subscribe({ topic: "kept", qos: 1 });
  client.drop("reset");
  world.advance(59_999);
  const [session] = world.broker.view().sessions;
  expect(session).toMatchObject({ clientId: "mortal", will: null });
  const back = world.open();
  const connack = back.connect({ clientId: "mortal", protocolVersion: 5, clean: false });
  expect(connack?.sessionPresent).toBe(true);
  expect(world.noted("will")).toMatchObject([{ by: "due" }]);
  auditAtEnd(world);
});
