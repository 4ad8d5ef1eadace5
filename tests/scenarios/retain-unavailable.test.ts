import { describe, expect, test } from "bun:test";
import type { Limits } from "../../src/core/limits.ts";
import { eventLine } from "../../src/server/event-hub.ts";
import { connected, StoredWorld } from "../support/held-store.ts";

/**
 * `limits.retain` is switched off while there are retained messages, in the store or in memory: nobody
 * gets them (v5-3.2.2.3.5: they are not supported), and they stay for when it is on again.
 */

const off: Partial<Limits> = { retain: false };
/** It takes one message at a time. */
const lasting = {
  ...({ clientId: "s", clean: false, protocolVersion: 5 } as const),
  properties: { sessionExpiryInterval: 600, receiveMaximum: 1 },
} as const;

function retaining(topics = 1): StoredWorld {
  const world = new StoredWorld();
  const publisher = connected(world, { clientId: "p" });
  for (let topic = 0; topic < topics; topic++) {
    publisher.publish(`r/${topic}`, "x", { retain: true, qos: 1 });
  }
  world.keep();
  return world;
}

function reconfigure({ broker, driver }: StoredWorld, limits: Partial<Limits>): void {
  driver.reconfigure({ ...broker.limits, ...limits }, 1024 * 1024);
}

/** What a new subscriber gets. */
function replayed(world: StoredWorld, filter: string): string[] {
  const client = connected(world, { clientId: "late" });
  client.subscribe(filter);
  world.keep();
  return client.messages();
}

function restoredLine(world: StoredWorld): string {
  const [event] = world.noted("restored");
  if (event === undefined) throw new Error("the broker tells what it has restored");
  return eventLine(event, world.broker.now).text;
}

describe.each(["r/0", "r/+", "#"])("a subscription to %s", (filter) => {
  test("gets none of those that a store has; they stay there, and the log says so", () => {
    const second = retaining().restart(0, 0, { limits: off });
    expect(replayed(second, filter)).toEqual([]);
    expect(restoredLine(second)).toContain(
      "1 retained message (kept, but not sent: limits.retain), ",
    );
    expect(second.store.kept.retained.size).toBe(1);
    const third = second.restart(0, 0, {});
    expect(restoredLine(third)).toContain("1 retained message, ");
    expect(replayed(third, filter)).toEqual(["r/0=x"]);
  });

  test("gets none of those of before a reload", () => {
    const world = retaining();
    reconfigure(world, off);
    expect(replayed(world, filter)).toEqual([]);
    reconfigure(world, { retain: true });
    expect(replayed(world, filter)).toEqual(["r/0=x"]);
  });
});

test.each(["a restart", "a reload"])(
  "after %s the rest of what an older subscription was to get is not sent either",
  (after) => {
    const world = retaining(50);
    const client = connected(world, lasting);
    client.subscribe({ topic: "r/#", qos: 1 });
    world.keep();
    const [first] = client.take("publish");
    expect(first).toMatchObject({ topic: "r/0" });
    expect(world.broker.sessions.get("s")?.replays.size).toBe(1);
    let [next, back] = [world, client];
    if (after === "a restart") {
      next = world.restart(0, 0, { limits: off });
      back = connected(next, lasting);
      expect(back.take("publish")).toMatchObject([{ topic: "r/0", dup: true }]);
    } else reconfigure(world, off);
    back.send({ cmd: "puback", messageId: first?.messageId ?? 0 });
    next.keep();
    expect(back.messages()).toEqual([]);
    expect(next.broker.sessions.get("s")?.replays.size).toBe(0);
    expect([...next.store.kept.subscriptions.values()]).toMatchObject([{ owesRetained: false }]);
  },
);

test("the broker's own are sent", () => {
  const world = new StoredWorld({ limits: off, sysIntervalMs: 10_000 });
  world.advance(10_000);
  world.keep();
  expect(replayed(world, "$SYS/broker/uptime").length).toBe(1);
});
