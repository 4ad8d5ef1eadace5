import { expect, test } from "bun:test";
import fc from "fast-check";
import { Queue, type Queued } from "../../src/core/queue.ts";
import { Memory } from "../../src/core/memory.ts";
import { message } from "./messages.ts";

/** Its size is that of its payload: the topic is empty. */
function item(name: string, qos: 0 | 1 | 2, bytes = 1): Queued {
  const payload = new Uint8Array(bytes);
  payload.set(new TextEncoder().encode(name).subarray(0, bytes));
  const copy = { qos, retain: false, identifiers: null, shared: null };
  return { message: message("", { payload }), copy };
}

type Step =
  { readonly push: { readonly qos: 0 | 1 | 2; readonly bytes: number } } | "shift" | "clear";

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      push: fc.record({
        qos: fc.constantFrom<(0 | 1 | 2)[]>(0, 0, 1, 2),
        bytes: fc.integer({ min: 1, max: 40 }),
      }),
    }),
  },
  { weight: 6, arbitrary: fc.constant<"shift">("shift") },
  { weight: 1, arbitrary: fc.constant<"clear">("clear") },
);

test("the queue equals a plain list under the same limits", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const totals = { messages: 7, bytes: 70 };
      const queue = new Queue({ queuedMessages: 6, queuedBytes: 100 }, totals, new Memory());
      let list: Queued[] = [];
      const bytes = () => list.reduce((sum, one) => sum + one.message.payload.length, 0);
      for (const action of steps) {
        if (action === "shift") {
          expect(queue.shift()).toBe(list.shift());
        } else if (action === "clear") {
          queue.clear();
          list = [];
        } else {
          const one = item("", action.push.qos, action.push.bytes);
          let evicted = 0;
          const takes = queue.accepts(one.message, one.copy.qos);
          const full = () => list.length >= 6 || bytes() + action.push.bytes > 100;
          while (full() && one.copy.qos !== 0 && list.some(({ copy }) => copy.qos === 0)) {
            list.splice(
              list.findIndex(({ copy }) => copy.qos === 0),
              1,
            );
            evicted += 1;
          }
          const stored = !full();
          if (stored) list.push(one);
          expect(takes).toBe(stored);
          expect(queue.push(one)).toEqual({ stored, evicted });
        }
        expect([queue.count, queue.bytes, queue.qos0]).toEqual([
          list.length,
          bytes(),
          list.filter(({ copy }) => copy.qos === 0).length,
        ]);
        expect(totals).toEqual({ messages: 7 + list.length, bytes: 70 + bytes() });
      }
    }),
    { numRuns: 300 },
  );
});

test("a message larger than the queue evicts nothing", () => {
  const queue = new Queue(
    { queuedMessages: 6, queuedBytes: 100 },
    { messages: 0, bytes: 0 },
    new Memory(),
  );
  queue.push(item("a", 0, 50));
  expect(queue.push(item("b", 1, 101))).toEqual({ stored: false, evicted: 0 });
  expect(queue.count).toBe(1);
});

test("first in, first out, over many thousands", () => {
  const queue = new Queue(
    { queuedMessages: 10_000, queuedBytes: Infinity },
    { messages: 0, bytes: 0 },
    new Memory(),
  );
  let next = 0;
  const names = (one: Queued | undefined) => new TextDecoder().decode(one?.message.payload);
  for (let index = 0; index < 20_000; index++) {
    queue.push(item(String(index).padStart(5, "0"), 1, 5));
    if (index % 3 === 0) continue;
    expect(names(queue.shift())).toBe(String(next++).padStart(5, "0"));
  }
  while (queue.count > 0) expect(names(queue.shift())).toBe(String(next++).padStart(5, "0"));
  expect(queue.shift()).toBeUndefined();
  expect(queue.bytes).toBe(0);
});

test("places count all messages ever pushed, and skip evicted ones", () => {
  const queue = new Queue(
    { queuedMessages: 2, queuedBytes: 1000 },
    { messages: 0, bytes: 0 },
    new Memory(),
  );
  expect([queue.front, queue.end]).toEqual([0, 0]);
  queue.push(item("x", 0));
  queue.push(item("x", 1));
  expect([queue.front, queue.end]).toEqual([0, 2]);
  // The message with QoS 0 makes room.
  queue.push(item("x", 1));
  expect([queue.front, queue.end]).toEqual([1, 3]);
  queue.shift();
  expect([queue.front, queue.end]).toEqual([2, 3]);
  queue.shift();
  expect([queue.front, queue.end]).toEqual([3, 3]);
});
