import { heapStats } from "bun:jsc";
import { expect, test } from "bun:test";
import { Retained } from "../../src/core/retained.ts";
import { Subscriptions } from "../../src/core/subscriptions.ts";
import { message, millis, session, subscription } from "./messages.ts";

// Memory goes by the number of filters and topics and by their length, not by their levels.
// `scripts/holdings.ts` compares what is counted with what a process grows by.

const mebibyte = 1024 * 1024;
const count = 2000;

function heap(): number {
  // One collection can leave what a second one finds.
  for (let times = 0; times < 2; times++) Bun.gc(true);
  return heapStats().heapSize;
}

/** A text of its own, as one that arrived in a packet. */
function received(text: string): string {
  return Buffer.from(text).toString();
}

const paths: readonly [name: string, path: (index: number) => string][] = [
  ["a number and 189 empty levels", (index) => `${index}${"/".repeat(189)}`],
  ["189 levels that are equal, then a number", (index) => `${"a/".repeat(189)}${index}`],
  ["each with its own branch of one path", (index) => `${"a/".repeat(index % 180)}b${index}`],
];

test.each(paths)(
  "a retained message takes less than 1 kB: %s",
  (_, path) => {
    const before = heap();
    const store = new Retained({ retainedMessages: Infinity, retainedBytes: Infinity });
    for (let index = 0; index < count; index++) {
      const payload = new Uint8Array(5);
      store.store(message(received(path(index)), { payload }), millis(0));
    }
    expect((heap() - before) / count).toBeLessThan(1000);
    expect(store.held / count).toBeWithin(100, 1000);
  },
  180_000,
);

test.each([
  ...paths,
  ["189 levels with +", (index) => `${index}${"/+".repeat(189)}`] satisfies (typeof paths)[number],
])(
  "a subscription takes less than 1.5 kB: %s",
  (_, path) => {
    const before = heap();
    const owner = session("s");
    const tree = new Subscriptions();
    for (let index = 0; index < count; index++) {
      const one = subscription(owner, received(path(index)));
      tree.add(one);
      owner.addSubscription(one);
    }
    expect((heap() - before) / count).toBeLessThan(1500);
    expect(tree.held / count).toBeWithin(300, 1500);
  },
  180_000,
);

test("a short topic that shares a level with a long one does not keep the long one in memory", () => {
  const store = new Retained({ retainedMessages: Infinity, retainedBytes: Infinity });
  const long = (index: number) => `device-with-a-name-${index}/${"x".repeat(60_000)}`;
  const before = heap();
  for (let index = 0; index < 200; index++) {
    for (const name of [long(index), `device-with-a-name-${index}/status`]) {
      store.store(message(received(name), { payload: new Uint8Array(1) }), millis(0));
    }
  }
  expect(heap() - before).toBeGreaterThan(5 * mebibyte);
  for (let index = 0; index < 200; index++) store.clear(long(index));
  expect(heap() - before).toBeLessThan(mebibyte);
  expect(store.count).toBe(200);
}, 180_000);
