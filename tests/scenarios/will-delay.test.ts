import { describe, expect, test } from "bun:test";
import type { TestClient } from "../support/client.ts";
import { auditAtEnd, auditWills } from "../support/will-audit.ts";
import { endOf, mortal, watcherOf } from "../support/mortal.ts";
import { World, type WorldOptions } from "../support/world.ts";

const never = 0xffff_ffff;

interface Case {
  readonly delay: number;
  readonly expiry: number;
  readonly dueAfter: number;
  readonly world?: WorldOptions;
}

const cases: readonly Case[] = [
  { delay: 0, expiry: 0, dueAfter: 0 },
  { delay: 0, expiry: 60, dueAfter: 0 },
  { delay: 0, expiry: never, dueAfter: 0 },
  { delay: 30, expiry: 0, dueAfter: 0 },
  { delay: 30, expiry: 10, dueAfter: 10 },
  { delay: 30, expiry: 29, dueAfter: 29 },
  { delay: 30, expiry: 30, dueAfter: 30 },
  { delay: 30, expiry: 31, dueAfter: 30 },
  { delay: 30, expiry: never, dueAfter: 30 },
  { delay: 86_400 * 365, expiry: never, dueAfter: 86_400 * 365 },
  { delay: never, expiry: never, dueAfter: never },
  { delay: never, expiry: 7, dueAfter: 7 },
  // The CONNACK's expiry is the one in force.
  { delay: 30, expiry: 60, dueAfter: 20, world: { limits: { sessionExpiryMaxSeconds: 20 } } },
  { delay: 30, expiry: never, dueAfter: 20, world: { limits: { sessionExpiryMaxSeconds: 20 } } },
  { delay: 30, expiry: 60, dueAfter: 0, world: { limits: { sessionExpiryMaxSeconds: 0 } } },
];

describe("a will is due after its delay or the session's life, whichever is shorter", () => {
  for (const { delay, expiry, dueAfter, world: options } of cases) {
    const capped =
      options === undefined ? "" : `, at most ${options.limits?.sessionExpiryMaxSeconds}`;
    test(`E1: delay ${delay}, session expiry ${expiry}${capped}: after ${dueAfter} s`, () => {
      const world = new World(options);
      const watcher = watcherOf(world);
      const client = mortal(world, { delay, expiry });
      world.advance(5000);
      client.drop("reset");
      if (dueAfter > 0) {
        const end = endOf(world, client);
        expect(end.will).toMatchObject({ fate: "delayed", topic: "wills/mortal" });
        if (end.will?.fate !== "delayed") throw new Error("the will is not delayed");
        expect(end.will.due - world.broker.view().now).toBe(dueAfter * 1000);
        auditWills(world);
        world.advance(dueAfter * 1000 - 1);
        expect(watcher.messages()).toEqual([]);
        expect(world.noted("will")).toEqual([]);
        world.advance(1);
        const [will] = world.noted("will");
        expect(will).toMatchObject({ cause: "resetByPeer", will: { fate: "published" } });
        if (will?.will.fate !== "published") throw new Error("the will was not published");
        expect(will.will.at - will.endedAt).toBe(dueAfter * 1000);
        expect(will.will.due).toBe(will.will.at);
      }
      expect(watcher.messages()).toEqual(["wills/mortal=gone"]);
      auditAtEnd(world);
    });
  }
});

interface Ending {
  readonly how: string;
  readonly end: (client: TestClient, world: World) => void;
}

const publishing: readonly Ending[] = [
  { how: "FIN", end: (client) => client.drop("eof") },
  { how: "RST", end: (client) => client.drop("reset") },
  { how: "TCP timeout", end: (client) => client.drop("timeout") },
  { how: "keepalive", end: (_client, world) => world.advance(15_000) },
  { how: "DISCONNECT 0x04", end: (client) => client.send({ cmd: "disconnect", reasonCode: 4 }) },
  { how: "DISCONNECT 0x80", end: (client) => client.send({ cmd: "disconnect", reasonCode: 128 }) },
  { how: "protocol error", end: (client) => client.sendBytes(Uint8Array.of(0xd0, 0x00)) },
  {
    how: "kick",
    end: (_client, world) => world.driver.order({ type: "kicked", clientId: "mortal" }),
  },
];

describe("the delay applies to every end that publishes", () => {
  for (const { how, end } of publishing) {
    test(`E1: ${how}`, () => {
      const world = new World();
      const watcher = watcherOf(world);
      const client = mortal(world, { keepalive: 10, delay: 5, expiry: 60 });
      end(client, world);
      world.advance(4999);
      expect(watcher.messages()).toEqual([]);
      world.advance(1);
      expect(watcher.messages()).toEqual(["wills/mortal=gone"]);
      auditAtEnd(world);
    });
  }
});

test("C3: DISCONNECT 0x00 discards a delayed will", () => {
  const world = new World();
  const watcher = watcherOf(world);
  const client = mortal(world, { delay: 5, expiry: 60 });
  client.send({ cmd: "disconnect", reasonCode: 0 });
  expect(endOf(world, client).will).toMatchObject({ fate: "discarded", why: "disconnect" });
  world.advance(60_000);
  expect(watcher.messages()).toEqual([]);
  auditAtEnd(world);
});

describe("a DISCONNECT that sets the session expiry moves the due time with it", () => {
  const moves = [
    { reasonCode: 0x04, expiry: 0, dueAfter: 0 },
    { reasonCode: 0x80, expiry: 0, dueAfter: 0 },
    { reasonCode: 0x04, expiry: 3, dueAfter: 3 },
    { reasonCode: 0x04, expiry: 600, dueAfter: 30 },
    { reasonCode: 0x04, expiry: never, dueAfter: 30 },
  ];
  for (const { reasonCode, expiry, dueAfter } of moves) {
    test(`C1: 0x${reasonCode.toString(16)} with expiry ${expiry}: after ${dueAfter} s`, () => {
      const world = new World();
      const watcher = watcherOf(world);
      const client = mortal(world, { delay: 30, expiry: 60 });
      client.send({
        cmd: "disconnect",
        reasonCode,
        properties: { sessionExpiryInterval: expiry },
      });
      if (dueAfter > 0) {
        world.advance(dueAfter * 1000 - 1);
        expect(watcher.messages()).toEqual([]);
        world.advance(1);
      }
      expect(watcher.messages()).toEqual(["wills/mortal=gone"]);
      world.advance(3_600_000);
      expect(watcher.messages()).toEqual([]);
      auditAtEnd(world);
    });
  }
});

test("E1: an expiry that DISCONNECT raises is cut to the maximum", () => {
  const world = new World({ limits: { sessionExpiryMaxSeconds: 20 } });
  const watcher = watcherOf(world);
  const client = mortal(world, { delay: 30, expiry: 10 });
  client.send({
    cmd: "disconnect",
    reasonCode: 4,
    properties: { sessionExpiryInterval: 600 },
  });
  world.advance(19_999);
  expect(watcher.messages()).toEqual([]);
  world.advance(1);
  expect(watcher.messages()).toEqual(["wills/mortal=gone"]);
  auditAtEnd(world);
});

test("a delayed will is reported twice: at the end with its due time, and at its fate", () => {
  const world = new World();
  const client = mortal(world, { delay: 30, expiry: 60 });
  client.drop("eof");
  expect(endOf(world, client).will?.fate).toBe("delayed");
  world.advance(30_000);
  expect(world.noted("will")).toMatchObject([
    { clientId: "mortal", cause: "closedByPeer", by: "due", will: { fate: "published" } },
  ]);
  expect(world.noted("ended")).toHaveLength(1);
  auditAtEnd(world);
});
