import { expect, test } from "bun:test";
import { accessBy } from "../support/access.ts";
import { auditAtEnd, auditWills } from "../support/will-audit.ts";
import { mortal, watcherOf } from "../support/mortal.ts";
import { World } from "../support/world.ts";

test("E2: a return that resumes the session cancels the will, up to the last millisecond", () => {
  const world = new World();
  const watcher = watcherOf(world);
  mortal(world, { delay: 30, expiry: 60 }).drop("reset");
  world.advance(29_999);
  const back = world.open();
  const connack = back.connect({ clientId: "mortal", protocolVersion: 5, clean: false });
  expect(connack?.sessionPresent).toBe(true);
  expect(world.noted("will")).toMatchObject([
    {
      by: "resumed",
      cause: "resetByPeer",
      will: { fate: "cancelled", topic: "wills/mortal", why: "resumed" },
    },
  ]);
  world.advance(3_600_000);
  expect(watcher.messages()).toEqual([]);
  auditAtEnd(world);
});

test("E2: a return at the due time is too late", () => {
  const world = new World();
  const watcher = watcherOf(world);
  mortal(world, { delay: 30, expiry: 60 }).drop("reset");
  world.advance(30_000);
  const back = world.open();
  const connack = back.connect({ clientId: "mortal", protocolVersion: 5, clean: false });
  expect(connack?.sessionPresent).toBe(true);
  expect(watcher.messages()).toEqual(["wills/mortal=gone"]);
  auditAtEnd(world);
});

test("E2: a v4 client that resumes the session cancels it too", () => {
  const world = new World();
  const watcher = watcherOf(world);
  mortal(world, { delay: 30, expiry: 60 }).drop("reset");
  world.advance(10_000);
  world.open().connect({ clientId: "mortal", clean: false });
  world.advance(3_600_000);
  expect(watcher.messages()).toEqual([]);
  auditAtEnd(world);
});

test("E2: each return cancels the previous will, and arms its own", () => {
  const world = new World();
  const watcher = watcherOf(world);
  for (let life = 0; life < 10; life++) {
    const client = mortal(world, {
      clean: false,
      delay: 30,
      expiry: 60,
      will: { payload: `${life}` },
    });
    world.advance(20_000);
    client.drop("reset");
    world.advance(20_000);
    auditWills(world);
  }
  expect(watcher.messages()).toEqual([]);
  world.advance(10_000);
  expect(watcher.messages()).toEqual(["wills/mortal=9"]);
  const wills = auditAtEnd(world);
  expect(wills.map(({ fate }) => fate?.fate)).toEqual([
    ...Array.from({ length: 9 }, () => "cancelled" as const),
    "published",
  ]);
});

test("E2: a return without a will cancels the old will, and arms none", () => {
  const world = new World();
  const watcher = watcherOf(world);
  mortal(world, { delay: 30, expiry: 60 }).drop("reset");
  const back = world.open();
  back.connect({
    clientId: "mortal",
    protocolVersion: 5,
    clean: false,
    properties: { sessionExpiryInterval: 60 },
  });
  back.drop("reset");
  world.advance(3_600_000);
  expect(watcher.messages()).toEqual([]);
  auditAtEnd(world);
});

test("D2: a return with Clean Start 1 publishes at once", () => {
  const world = new World();
  const watcher = watcherOf(world);
  mortal(world, { delay: 30, expiry: 60 }).drop("reset");
  world.advance(10_000);
  const back = world.open();
  const connack = back.connect({ clientId: "mortal", protocolVersion: 5, clean: true });
  expect(connack?.sessionPresent).toBe(false);
  expect(watcher.messages()).toEqual(["wills/mortal=gone"]);
  const [will] = world.noted("will");
  expect(will).toMatchObject({ by: "session ended", will: { fate: "published" } });
  if (will?.will.fate !== "published") throw new Error("the will was not published");
  expect(will.will.at - will.endedAt).toBe(10_000);
  // The session's end has advanced it: it is neither early nor late.
  expect(will.will.due).toBe(will.will.at);
  expect(world.noted("sessionEnded")).toMatchObject([{ clientId: "mortal", why: "replaced" }]);
  world.advance(3_600_000);
  expect(watcher.messages()).toEqual([]);
  auditAtEnd(world);
});

test("E2: a refused return cancels nothing", () => {
  const world = new World({
    access: accessBy({ mayPublish: (_who, topic) => topic !== "denied" }),
  });
  const watcher = watcherOf(world);
  for (const clean of [false, true]) {
    mortal(world, { delay: 30, expiry: 60 }).drop("reset");
    const back = world.open();
    const connack = back.connect({
      clientId: "mortal",
      protocolVersion: 5,
      clean,
      will: { topic: "denied", payload: "x" },
    });
    expect(connack?.reasonCode).toBe(0x87);
    expect(watcher.messages()).toEqual([]);
    world.advance(30_000);
    expect(watcher.messages()).toEqual(["wills/mortal=gone"]);
  }
  auditAtEnd(world);
});
