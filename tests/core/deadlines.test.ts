import { expect, test } from "bun:test";
import fc from "fast-check";
import { AssertionFault } from "../../src/core/assert.ts";
import { Deadline, Deadlines } from "../../src/core/deadlines.ts";
import { millis } from "./messages.ts";

type Step =
  | { readonly do: "set"; readonly which: number; readonly due: number }
  | { readonly do: "clear"; readonly which: number }
  | { readonly do: "pop"; readonly now: number };

const which = fc.integer({ min: 0, max: 19 });
const time = fc.integer({ min: 0, max: 30 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("set"), which, due: time }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("clear"), which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("pop"), now: time }) },
);

test("the heap equals a sorted list, whatever is set, moved and cleared", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200, size: "max" }), (steps) => {
      const heap = new Deadlines<number>();
      const deadlines = Array.from({ length: 20 }, (_, index) => new Deadline(index));
      let list: { which: number; due: number; order: number }[] = [];
      for (const [order, action] of steps.entries()) {
        const deadline = action.do === "pop" ? undefined : deadlines[action.which];
        if (action.do === "pop") {
          const first = list[0];
          const wanted = first !== undefined && first.due <= action.now ? first.which : null;
          expect(heap.pop(millis(action.now))?.owner ?? null).toBe(wanted);
          if (wanted !== null) list.shift();
        } else if (deadline !== undefined) {
          list = list.filter((entry) => entry.which !== action.which);
          if (action.do === "set") {
            heap.set(deadline, millis(action.due));
            list.push({ which: action.which, due: action.due, order });
            list.sort((a, b) => a.due - b.due || a.order - b.order);
          } else {
            heap.clear(deadline);
          }
        }
        expect(heap.size).toBe(list.length);
        expect<number | null>(heap.next()).toBe(list[0]?.due ?? null);
        const set = new Set(list.map((entry) => entry.which));
        for (const one of deadlines) expect(one.isSet).toBe(set.has(one.owner));
      }
    }),
    { numRuns: 200 },
  );
});

test("deadlines due at one time fire in the order in which they were set", () => {
  const heap = new Deadlines<number>();
  for (let index = 0; index < 100; index++) heap.set(new Deadline(index), millis(5));
  const order = Array.from({ length: 100 }, () => heap.pop(millis(5))?.owner);
  expect(order).toEqual(Array.from({ length: 100 }, (_, index) => index));
});

test("no deadline fires before it is due", () => {
  const heap = new Deadlines<string>();
  heap.set(new Deadline("a"), millis(10));
  expect(heap.pop(millis(9.999))).toBeNull();
  expect(heap.pop(millis(10))?.owner).toBe("a");
  expect(heap.next()).toBeNull();
});

test("a deadline without a finite time is a fault", () => {
  const heap = new Deadlines<string>();
  for (const due of [Number.NaN, Infinity]) {
    expect(() => heap.set(new Deadline("a"), millis(due))).toThrow(AssertionFault);
  }
});
