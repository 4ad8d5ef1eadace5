import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { SmallMap } from "../../src/core/small-map.ts";

test("it is a Map, whatever is set and deleted", () => {
  const key = fc.integer({ min: 0, max: 14 });
  const step = fc.record({ key, isDelete: fc.boolean(), value: fc.integer() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const [small, map] = [new SmallMap<number, { value: number }>(), new Map()];
      for (const { key: at, isDelete, value } of steps) {
        if (isDelete) expect(small.delete(at)).toBe(map.delete(at));
        else for (const each of [small, map]) each.set(at, { value });
        expect(small.get(at)).toEqual(map.get(at));
        expect(small.size).toBe(map.size);
        expect([...small]).toEqual([...map]);
      }
    }),
  );
});

test.each([3, 20])("of %d entries each is reached once while all are deleted", (count) => {
  const small = new SmallMap<number, object>();
  for (let key = 0; key < count; key++) small.set(key, {});
  const reached: number[] = [];
  for (const [key] of small) {
    reached.push(key);
    small.delete(key);
  }
  expect(reached).toHaveLength(count);
  expect(small.size).toBe(0);
});
