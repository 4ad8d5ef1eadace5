import { expect, test } from "bun:test";
import { auditAtEnd } from "../support/will-audit.ts";
import { endOf, isOpen, mortal, watcherOf } from "../support/mortal.ts";
import { World } from "../support/world.ts";

const day = 86_400_000;
/** The address of a machine that does not sleep with the broker's. */
const remote = "192.0.2.1";

for (const step of [365 * day, -365 * day, 15_000, -1]) {
  test(`a step of the wall clock by ${step} ms changes nothing`, () => {
    const world = new World();
    const watcher = watcherOf(world);
    const silent = mortal(world, { id: "silent", keepalive: 10 });
    const delayed = mortal(world, { id: "delayed", expiry: 100, delay: 15 });
    delayed.drop("reset");
    world.advance(7000);
    world.stepWallClock(step);
    expect(world.noted("woke")).toEqual([]);
    world.advance(7999);
    expect(isOpen(world, silent)).toBe(true);
    expect(watcher.messages()).toEqual([]);
    world.advance(1);
    expect(endOf(world, silent)).toMatchObject({ cause: "keepAliveExpired", silentMs: 15_000 });
    expect(watcher.messages().toSorted()).toEqual(["wills/delayed=gone", "wills/silent=gone"]);
    auditAtEnd(world);
  });
}

test("after a suspend, deadlines that passed during the sleep are found at once", () => {
  const world = new World();
  const watcher = watcherOf(world);
  const silent = mortal(world, { id: "silent", keepalive: 10, host: remote });
  const delayed = mortal(world, { id: "delayed", expiry: 1000, delay: 20 });
  delayed.drop("reset");
  world.advance(5000);
  world.sleep(3_600_000);
  expect(world.noted("woke")).toEqual([{ event: "woke", asleepMs: 3_600_000 }]);
  expect(endOf(world, silent)).toMatchObject({ cause: "keepAliveExpired", silentMs: 3_605_000 });
  expect(watcher.messages()).toEqual(["wills/silent=gone", "wills/delayed=gone"]);
  const [will] = world.noted("will");
  expect(will).toMatchObject({ by: "due", will: { fate: "published" } });
  if (will?.will.fate !== "published") throw new Error("the will was not published");
  // The event itself shows that the will is late, and by how much.
  expect(will.will.due - will.endedAt).toBe(20_000);
  expect(will.will.at - will.will.due).toBe(3_585_000);
  auditAtEnd(world);
});

// The timer still counts from before the sleep: it is set again only for another due time.
test("after a suspend, a deadline that is not yet due waits for the rest of its time", () => {
  const world = new World();
  const watcher = watcherOf(world);
  const client = mortal(world, { keepalive: 60, host: remote });
  const delayed = mortal(world, { id: "delayed", expiry: 1000, delay: 90 });
  delayed.drop("reset");
  world.advance(10_000);
  world.sleep(50_000);
  expect(isOpen(world, client)).toBe(true);
  world.advance(29_999);
  expect(isOpen(world, client)).toBe(true);
  expect(watcher.messages()).toEqual([]);
  world.advance(1);
  expect(endOf(world, client).silentMs).toBe(90_000);
  expect(watcher.messages().toSorted()).toEqual(["wills/delayed=gone", "wills/mortal=gone"]);
  auditAtEnd(world);
});

test("a suspend does not end a client that sends in time afterwards", () => {
  const world = new World();
  const client = mortal(world, { keepalive: 60, host: remote });
  world.sleep(80_000);
  client.ping();
  world.advance(89_999);
  expect(isOpen(world, client)).toBe(true);
  world.advance(1);
  expect(endOf(world, client).cause).toBe("keepAliveExpired");
  auditAtEnd(world);
});

test("a client on the broker's own machine slept as well: it has as much time left as before", () => {
  const world = new World();
  const [local, local6] = ["127.0.0.1", "[::1]"].map((host, index) =>
    mortal(world, { id: `local${index}`, keepalive: 10, host }),
  );
  world.advance(5000);
  world.sleep(3_600_000);
  world.advance(9999);
  expect(world.noted("ended")).toEqual([]);
  world.advance(1);
  for (const client of [local, local6]) {
    if (client === undefined) throw new Error("there are two");
    expect(endOf(world, client)).toMatchObject({ cause: "keepAliveExpired", silentMs: 15_000 });
  }
  auditAtEnd(world);
});

test("packets of a remote client count, although they are read before the suspend is noticed", () => {
  const world = new World();
  const client = mortal(world, { keepalive: 10, host: remote });
  world.advance(14_000);
  world.sleep(3_600_000, () => client.ping());
  expect(isOpen(world, client)).toBe(true);
  world.advance(14_999);
  expect(isOpen(world, client)).toBe(true);
  world.advance(1);
  expect(endOf(world, client)).toMatchObject({ cause: "keepAliveExpired", silentMs: 15_000 });
  auditAtEnd(world);
});
