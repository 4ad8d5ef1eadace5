import { expect, test } from "bun:test";
import { World } from "../support/world.ts";

/** All filters of 13 levels that are `a` or `+`, with one more that no topic has. */
const filters = Array.from({ length: 2 ** 13 }, (_, bits) => {
  const levels = Array.from({ length: 13 }, (_unused, level) => ((bits >> level) & 1 ? "+" : "a"));
  return `${levels.join("/")}/none`;
});

test("filters whose + make every PUBLISH slow are refused by limits.filterShapes, in one log line", () => {
  for (const [protocolVersion, code] of [
    [5, 0x97],
    [4, 0x80],
  ] as const) {
    const world = new World({ limits: { filterShapes: 50 } });
    const client = world.open();
    client.connect({ clientId: `v${protocolVersion}`, protocolVersion });
    const granted = client.subscribe(...filters)?.granted ?? [];
    // 64 have + only on the first six levels.
    expect(granted.filter((reason) => reason === 0)).toHaveLength(64 + 50);
    expect(granted.filter((reason) => reason === code)).toHaveLength(2 ** 13 - 64 - 50);
    const refused = world.noted("subscribed").filter(({ reason }) => reason >= 0x80);
    expect(refused).toMatchObject([{ limit: "filterShapes", reason: 0x97 }]);
    const { subscriptions } = world.broker;
    const before = subscriptions.steps;
    client.publish(`${"a/".repeat(13)}x`, "x");
    expect(subscriptions.steps - before).toBeWithin(100, (64 + 50) * 15);
  }
});

test("a shape is free again when its last filter goes, and ordinary filters never need one", () => {
  const world = new World({ limits: { filterShapes: 1 } });
  const [one, other] = ["one", "other"].map((clientId) => {
    const client = world.open();
    client.connect({ clientId, protocolVersion: 5 });
    return client;
  });
  const [deep, deeper] = ["1/2/3/4/5/6/+", "1/2/3/4/5/6/7/+"] as const;
  expect(one?.subscribe(deep)?.granted).toEqual([0]);
  expect(other?.subscribe(deep, deeper, "+/status", "#", "+/+/+/+/+/+/#")?.granted).toEqual([
    0, 0x97, 0, 0, 0,
  ]);
  one?.drop();
  expect(other?.subscribe(deeper)?.granted).toEqual([0x97]);
  other?.unsubscribe(deep);
  expect(other?.subscribe(deeper)?.granted).toEqual([0]);
});
