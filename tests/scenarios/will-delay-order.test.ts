import { expect, test } from "bun:test";
import { auditAtEnd, auditWills } from "../support/will-audit.ts";
import { mortal, watcherOf } from "../support/mortal.ts";
import { World } from "../support/world.ts";

test("E5: wills are published by their due time, not by the length of their delay", () => {
  const world = new World();
  const watcher = watcherOf(world);
  mortal(world, { id: "long", delay: 60, expiry: 600 }).drop("reset");
  world.advance(50_000);
  mortal(world, { id: "short", delay: 20, expiry: 600 }).drop("reset");
  world.advance(9999);
  expect(watcher.messages()).toEqual([]);
  world.advance(1);
  expect(watcher.messages()).toEqual(["wills/long=gone"]);
  world.advance(9999);
  expect(watcher.messages()).toEqual([]);
  world.advance(1);
  expect(watcher.messages()).toEqual(["wills/short=gone"]);
  auditAtEnd(world);
});

test("E5: steady drops with shorter delays do not delay an older will", () => {
  const world = new World();
  const watcher = watcherOf(world, "wills/old");
  mortal(world, { id: "old", delay: 30, expiry: 600 }).drop("reset");
  for (let second = 1; second < 30; second++) {
    world.advance(1000);
    mortal(world, { id: `new${second}`, delay: 5, expiry: 600 }).drop("reset");
  }
  world.advance(999);
  expect(watcher.messages()).toEqual([]);
  world.advance(1);
  expect(watcher.messages()).toEqual(["wills/old=gone"]);
  auditAtEnd(world);
});

test("E5: a hundred wills with delays in any order are each published at their own time", () => {
  const world = new World();
  const due = new Map<string, number>();
  const ended = new Map<string, number>();
  for (let index = 0; index < 100; index++) {
    world.advance(137);
    // Coprime to 100: every delay occurs once, in no order.
    const delay = 1 + ((index * 37) % 100);
    mortal(world, { id: `m${index}`, delay, expiry: 600 }).drop("reset");
    ended.set(`m${index}`, world.now);
    due.set(`m${index}`, world.now + delay * 1000);
  }
  auditWills(world);
  world.advance(120_000);
  const fates = world.noted("will");
  expect(fates).toHaveLength(100);
  for (const { clientId, endedAt, will } of fates) {
    if (will.fate !== "published") throw new Error("a will was not published");
    expect((ended.get(clientId) ?? 0) + will.at - endedAt).toBe(due.get(clientId) ?? -1);
    expect(will.at).toBe(will.due);
  }
  const order = [...due].toSorted((a, b) => a[1] - b[1]).map(([clientId]) => clientId);
  expect(fates.map(({ clientId }) => clientId)).toEqual(order);
  auditAtEnd(world);
});

test("E5: a cancelled will takes no other one with it", () => {
  const world = new World();
  const watcher = watcherOf(world);
  for (let index = 0; index < 20; index++) {
    mortal(world, { id: `m${index}`, delay: 10 + (index % 5), expiry: 600 }).drop("reset");
  }
  world.advance(5000);
  const back = [3, 4, 11, 19];
  for (const index of back) {
    world.open().connect({ clientId: `m${index}`, protocolVersion: 5, clean: false });
  }
  world.advance(20_000);
  const wanted = Array.from({ length: 20 }, (_, index) => index)
    .filter((index) => !back.includes(index))
    .map((index) => `wills/m${index}=gone`);
  expect(watcher.messages().toSorted()).toEqual(wanted.toSorted());
  auditAtEnd(world);
});
