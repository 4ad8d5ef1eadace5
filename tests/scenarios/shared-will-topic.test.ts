import { expect, test } from "bun:test";
import { clientOf } from "../../src/core/queries/clients.ts";
import { mortal } from "../support/mortal.ts";
import { World } from "../support/world.ts";

// Many clients may have their wills on one topic. None of them looks at all others.

const clients = 300;
const will = { topic: "wills/all", payload: "gone", retain: true } as const;

/** Counts how often the origin of any will's record is read. */
function readsOfOrigins({ broker }: World): () => number {
  let reads = 0;
  for (const record of broker.records.wills.records()) {
    const { origin } = record;
    Object.defineProperty(record, "origin", {
      get: () => {
        reads += 1;
        return origin;
      },
    });
  }
  return () => reads;
}

test("a client that shares its will's topic with many does not look at all of them", () => {
  const world = new World();
  for (let count = 0; count < clients; count++) {
    // Half of them are gone, and their wills delayed.
    const expiry = { expiry: 600, delay: 600 };
    const client = mortal(world, { id: `c${count}`, will, ...(count < clients / 2 && expiry) });
    if (count < clients / 2) client.drop();
  }
  const reads = readsOfOrigins(world);
  const one = mortal(world, { id: "one", will });
  one.publish(will.topic, "birth", { retain: true });
  mortal(world, { id: "other", will }).drop();
  one.drop();
  expect(clientOf(world.broker, `c${clients - 1}`)?.willTopic?.others.count).toBe(clients / 2 - 1);
  expect(reads()).toBeLessThan(50);
});

test("the armed wills of one topic are counted and named as clients come, go and wait", () => {
  const world = new World();
  const othersOf = (id: string) => clientOf(world.broker, id)?.willTopic?.others;
  const open = (id: string, delay = 0) => mortal(world, { id, will, expiry: 600, delay });
  const [a, b, c] = [open("a"), open("b", 60), open("c")];
  expect(othersOf("a")).toEqual({ count: 2, clientIds: ["b", "c"] });
  b.drop();
  expect(othersOf("a")).toEqual({ count: 1, clientIds: ["c"] });
  // Its client is not connected, so it is no other of itself.
  expect(othersOf("b")?.clientIds.toSorted()).toEqual(["a", "c"]);
  open("b", 60);
  expect(othersOf("a")?.clientIds.toSorted()).toEqual(["b", "c"]);
  c.drop();
  a.drop();
  expect(othersOf("c")).toEqual({ count: 1, clientIds: ["b"] });
  for (let count = 0; count < 20; count++) open(`more ${count}`);
  expect(othersOf("b")).toMatchObject({ count: 20 });
  expect(othersOf("b")?.clientIds).toHaveLength(10);
  expect(othersOf("b")?.clientIds).not.toContain("b");
});
