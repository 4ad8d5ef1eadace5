import { expect, test } from "bun:test";
import { auditWills } from "../support/will-audit.ts";
import { endOf, mortal, watcherOf } from "../support/mortal.ts";
import { World } from "../support/world.ts";

for (const version of [3, 4, 5] as const) {
  test(`at a shutdown wills are published before their subscribers are closed (v${version})`, () => {
    const world = new World();
    // One subscriber is older than the mortal, one is younger: neither may be closed first.
    const older = watcherOf(world, "wills/#", "older");
    const client = mortal(world, { version });
    const younger = watcherOf(world, "wills/#", "younger");
    world.driver.order({ type: "stopping" });
    for (const watcher of [older, younger]) {
      expect(watcher.received.map(({ cmd }) => cmd)).toEqual(["publish", "disconnect"]);
      expect(watcher.messages()).toEqual(["wills/mortal=gone"]);
      expect(watcher.take("disconnect")).toMatchObject([{ reasonCode: 0x8b }]);
      expect(watcher.closedBy).toBe("end");
    }
    const told = client.take("disconnect").map(({ reasonCode }) => reasonCode);
    expect(told).toEqual(version === 5 ? [0x8b] : []);
    expect(endOf(world, client)).toMatchObject({
      cause: "shuttingDown",
      will: { fate: "published", reach: { delivered: 2 } },
    });
    auditWills(world);
    expect(world.broker.view()).toMatchObject({ connections: [], sessions: [], deadlines: 0 });
  });
}

test("at a shutdown delayed wills are published too, in the order of their due times", () => {
  const world = new World();
  const watcher = watcherOf(world);
  mortal(world, { id: "third", delay: 90, expiry: 600 }).drop("reset");
  mortal(world, { id: "first", delay: 30, expiry: 600 }).drop("reset");
  world.advance(1000);
  mortal(world, { id: "second", delay: 40, expiry: 600 }).drop("reset");
  mortal(world, { id: "armed", delay: 40, expiry: 600 });
  world.driver.order({ type: "stopping" });
  expect(watcher.messages()).toEqual([
    "wills/first=gone",
    "wills/second=gone",
    "wills/third=gone",
    "wills/armed=gone",
  ]);
  expect(world.noted("will").map(({ clientId, by }) => [clientId, by])).toEqual([
    ["first", "broker stopped"],
    ["second", "broker stopped"],
    ["third", "broker stopped"],
  ]);
  const wills = auditWills(world);
  expect(wills.map(({ fate }) => fate?.fate)).toEqual(Array.from({ length: 4 }, () => "published"));
  expect(world.broker.view().connections).toEqual([]);
});

test("after a shutdown no client is accepted, and no will is published late", () => {
  const world = new World();
  mortal(world, { delay: 30, expiry: 60 }).drop("reset");
  const waiting = world.open();
  world.driver.order({ type: "stopping" });
  expect(endOf(world, waiting)).toMatchObject({ cause: "shuttingDown", wasConnected: false });
  const late = world.open();
  expect(endOf(world, late)).toMatchObject({ cause: "shuttingDown", wasConnected: false });
  expect(late.closedBy).toBe("end");
  world.advance(3_600_000);
  expect(world.noted("will")).toHaveLength(1);
  auditWills(world);
  expect(world.broker.view()).toMatchObject({ connections: [], sessions: [], deadlines: 0 });
});
