import { expect, test } from "bun:test";
import { forgetRoutes, hasSubscribers } from "../../src/core/publish.ts";
import { World } from "../support/world.ts";

const bound = 250_000;

function subscribe(world: World, sessions: number, filter: (index: number) => string): void {
  for (let index = 0; index < sessions; index++) {
    const client = world.open();
    client.connect({ clientId: `s${index}` });
    client.subscribe(filter(index));
  }
}

/** Looks up so many topics. Returns the most recipients and groups remembered at once. */
function lookUp({ broker }: World, topics: number): number {
  let most = 0;
  let remembered = 0;
  for (let index = 0; index < topics; index++) {
    hasSubscribers(broker, `r/${index}`);
    if (index % 500 !== 0) continue;
    remembered = 0;
    for (const { match } of broker.routes.values()) {
      remembered += match.recipients.length + match.groups.length;
    }
    most = Math.max(most, remembered);
  }
  return most;
}

test("routes with many recipients are remembered for fewer topics", () => {
  const world = new World();
  subscribe(world, 100, () => "r/#");
  const most = lookUp(world, 9000);
  expect(most).toBeWithin(bound / 2, bound + 1);
});

test("routes with many groups are remembered for fewer topics", () => {
  const world = new World();
  subscribe(world, 100, (index) => `$share/g${index}/r/#`);
  expect(lookUp(world, 9000)).toBeWithin(bound / 2, bound + 1);
});

test("routes that got more recipients since are counted anew", () => {
  const world = new World();
  subscribe(world, 1, () => "r/#");
  expect(lookUp(world, 9000)).toBeWithin(8000, 9001);
  subscribe(world, 100, () => "r/#");
  expect(lookUp(world, 9000)).toBeWithin(bound / 2, bound + 1);
});

test("routes and the matches that they share give back their memory once", () => {
  const world = new World();
  const { routes } = world.broker.memory;
  subscribe(world, 100, () => "r/#");
  lookUp(world, 10);
  expect(routes.bytes).toBeGreaterThan(0);
  forgetRoutes(world.broker);
  expect(routes.bytes).toBe(0);
  subscribe(world, 1, () => "r/#");
  expect(routes.bytes).toBe(0);
});
