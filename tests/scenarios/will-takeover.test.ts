import { describe, expect, test } from "bun:test";
import { auditAtEnd } from "../support/will-audit.ts";
import { endOf, mortal, watcherOf } from "../support/mortal.ts";
import { World } from "../support/world.ts";

/**
 * The matrix of v5-3.1.4-3: the old session continues only if the new connection resumes it and it
 * does not end with its connection; the will is cancelled only if the session continues and the
 * will has a delay.
 */
const matrix = [false, true].flatMap((clean) =>
  [0, 30].flatMap((delay) =>
    [0, 10, 60, 0xffff_ffff].map((expiry) => {
      const goesOn = !clean && expiry > 0;
      return { clean, delay, expiry, goesOn, spared: goesOn && delay > 0 };
    }),
  ),
);

describe("a takeover publishes the old will, unless the session continues and the will has a delay", () => {
  for (const { clean, delay, expiry, goesOn, spared } of matrix) {
    const name = `${clean ? "Clean Start" : "resumed"}, delay ${delay}, session expiry ${expiry}`;
    test(`${delay > 0 && !spared ? "D2" : "D1"}: ${name}: ${spared ? "cancelled" : "published"}`, () => {
      const world = new World();
      const watcher = watcherOf(world);
      const old = mortal(world, { delay, expiry });
      old.received.length = 0;
      world.advance(1000);
      const connack = world.open().connect({
        clientId: "mortal",
        protocolVersion: 5,
        clean,
        properties: { sessionExpiryInterval: 5 },
      });
      expect(connack).toMatchObject({ reasonCode: 0, sessionPresent: goesOn });
      expect(old.take("disconnect").map(({ reasonCode }) => reasonCode)).toEqual([0x8e]);
      expect(old.closedBy).toBe("end");
      expect(endOf(world, old)).toMatchObject({
        cause: "takenOver",
        will: { fate: spared ? "cancelled" : "published" },
      });
      expect(watcher.messages()).toEqual(spared ? [] : ["wills/mortal=gone"]);
      expect(world.noted("will")).toEqual([]);
      world.advance(3_600_000);
      expect(watcher.messages()).toEqual([]);
      auditAtEnd(world);
    });
  }
});

describe("v3 and v4 have no delay: every takeover publishes", () => {
  for (const version of [3, 4] as const) {
    for (const oldClean of [true, false]) {
      for (const clean of [true, false]) {
        test(`D1: v${version}, clean session ${oldClean}, then ${clean}`, () => {
          const world = new World();
          const watcher = watcherOf(world);
          const old = mortal(world, { version, clean: oldClean });
          const connack = world
            .open()
            .connect({ clientId: "mortal", protocolVersion: version, clean });
          expect(connack?.returnCode).toBe(0);
          if (version === 4) expect(connack?.sessionPresent).toBe(!oldClean && !clean);
          expect(endOf(world, old).cause).toBe("takenOver");
          expect(watcher.messages()).toEqual(["wills/mortal=gone"]);
          auditAtEnd(world);
        });
      }
    }
  }
});

test("D1: the new connection's will is its own", () => {
  const world = new World();
  const watcher = watcherOf(world);
  mortal(world, { expiry: 60, will: { payload: "first" } });
  const second = mortal(world, { clean: false, expiry: 60, will: { payload: "second" } });
  const third = mortal(world, { clean: false, expiry: 60, will: { payload: "third" } });
  expect(watcher.messages()).toEqual(["wills/mortal=first", "wills/mortal=second"]);
  expect(endOf(world, second).cause).toBe("takenOver");
  third.send({ cmd: "disconnect" });
  world.advance(3_600_000);
  expect(watcher.messages()).toEqual([]);
  auditAtEnd(world);
});

test("D1: a client that returns without a will takes over all the same", () => {
  const world = new World();
  const watcher = watcherOf(world);
  mortal(world, { version: 4, clean: false });
  const next = world.open();
  next.connect({ clientId: "mortal", clean: false });
  expect(watcher.messages()).toEqual(["wills/mortal=gone"]);
  next.drop("reset");
  expect(endOf(world, next).will).toBeNull();
  expect(watcher.messages()).toEqual([]);
  auditAtEnd(world);
});

test("D1: the old will is published before anything that the new connection sends", () => {
  const world = new World();
  const watcher = watcherOf(world);
  mortal(world, { version: 4, will: { topic: "status", payload: "offline" } });
  const next = world.open();
  next.connect({ clientId: "mortal" });
  next.publish("status", "online");
  expect(watcher.messages()).toEqual(["status=offline", "status=online"]);
  auditAtEnd(world);
});

test("D1: a client that subscribes to its own will gets it after its return", () => {
  const world = new World();
  const old = mortal(world, { version: 4, clean: false, will: { qos: 1 } });
  old.subscribe({ topic: "wills/#", qos: 1 });
  const next = world.open();
  next.connect({ clientId: "mortal", clean: false });
  expect(next.messages()).toEqual(["wills/mortal=gone"]);
  expect(old.messages()).toEqual([]);
  expect(endOf(world, old).will).toMatchObject({ reach: { delivered: 0, queued: 1 } });
  auditAtEnd(world);
});

test("a client that is not accepted takes nothing over", () => {
  const world = new World({
    authenticate: ({ username }, answer) =>
      answer(username === "thief" ? { reason: 0x87, statement: "v5-3.1.4-2", detail: "no" } : null),
  });
  const watcher = watcherOf(world);
  const old = mortal(world, { expiry: 60, delay: 30 });
  const thief = world.open();
  const connack = thief.connect({ clientId: "mortal", protocolVersion: 5, username: "thief" });
  expect(connack?.reasonCode).toBe(0x87);
  old.ping();
  expect(old.take("pingresp")).toHaveLength(1);
  expect(watcher.messages()).toEqual([]);
  auditAtEnd(world);
});
