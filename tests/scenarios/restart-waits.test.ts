import { describe, expect, test } from "bun:test";
import type { ConnectOptions } from "../support/client.ts";
import { connected, StoredWorld } from "../support/held-store.ts";

/** Wills of before a restart that wait: what ends that before their time, and what does not. */

const gone = { topic: "w", payload: Buffer.from("gone"), qos: 1, retain: false } as const;
const plain: ConnectOptions = { clientId: "a", will: gone };

/** Seconds. */
function lasting(delay: number, expiry: number): ConnectOptions {
  const will = { ...gone, properties: { willDelayInterval: delay } };
  const properties = { sessionExpiryInterval: expiry };
  return { clientId: "a", protocolVersion: 5, clean: false, properties, will };
}

/** A watcher that is not back when the broker stops. */
function persistentWatcher(world: StoredWorld): void {
  const properties = { sessionExpiryInterval: 600 };
  const options = { clientId: "watcher", clean: false, protocolVersion: 5, properties } as const;
  const watcher = connected(world, options);
  watcher.subscribe("w");
  world.keep();
  watcher.drop();
  world.keep();
}

describe.each([{ restartSettleMs: 5000 }, { restartGraceMs: 5000 }])(
  "an orderly stop while wills wait after a restart, %p",
  (waits) => {
    test.each([
      ["without delay", plain],
      ["whose delay was over while no broker ran", lasting(3, 600)],
      ["whose session was over as well", lasting(3, 4)],
      ["that is due after the stop", lasting(12, 600)],
    ])("keeps one for the next start: %s", (_, options) => {
      const first = new StoredWorld(waits);
      persistentWatcher(first);
      connected(first, options);
      const second = first.restart(10_000);
      second.advance(1000);
      second.driver.order({ type: "stopping" });
      second.advance(10_000);
      second.keep();
      expect(second.noted("will")).toEqual([]);

      const third = second.restart();
      const watcher = connected(third, { clientId: "late" });
      watcher.subscribe("w");
      third.keep();
      watcher.take("suback");
      third.advance(4999);
      third.keep();
      expect(watcher.messages()).toEqual([]);
      third.advance(1);
      third.keep();
      expect(watcher.messages()).toEqual(["w=gone"]);
      expect(third.noted("will")).toHaveLength(1);
      expect(third.store.kept.wills.size).toBe(0);
    });
  },
);

test("with a grace Clean Start cancels a will that is not due yet, as one that is", () => {
  for (const [options, fate] of [
    [{ restartGraceMs: 10_000 }, { fate: "cancelled", why: "restart grace" }],
    [{}, { fate: "published" }],
  ] as const) {
    const before = new StoredWorld(options);
    connected(before, lasting(60, 600));
    const world = before.restart(2000);
    world.advance(1000);
    connected(world, { ...lasting(60, 600), clean: true });
    expect(world.noted("will")).toMatchObject([{ clientId: "a", will: fate }]);
    expect(world.broker.sessions.get("a")?.will?.state).toBe("armed");
  }
});

test("when a grace is over, Clean Start publishes a will that is not due yet", () => {
  const before = new StoredWorld({ restartGraceMs: 10_000 });
  connected(before, lasting(60, 600));
  const world = before.restart(2000);
  world.advance(10_000);
  connected(world, { ...lasting(60, 600), clean: true });
  expect(world.noted("will")).toMatchObject([{ will: { fate: "published" } }]);
});

test("a session whose will waited for its client takes no place once that is published", () => {
  const before = new StoredWorld({ restartGraceMs: 5000 });
  connected(before, plain);
  const world = before.restart(1000, 0, { limits: { sessions: 1 }, restartGraceMs: 5000 });
  world.advance(5000);
  world.keep();
  expect(world.noted("will")).toHaveLength(1);
  const { will: _, ...options } = lasting(0, 600);
  connected(world, { ...options, clientId: "new" }).drop();
  world.keep();
  expect(connected(world, { ...options, clientId: "newer" }).closedBy).toBeNull();
  expect([...world.broker.sessions.keys()]).toEqual(["newer"]);
});
