import { expect, test } from "bun:test";
import fc from "fast-check";
import { AssertionFault } from "../../src/core/assert.ts";
import { InflightWindow, type Outgoing } from "../../src/core/inflight.ts";
import { Memory } from "../../src/core/memory.ts";
import { message } from "./messages.ts";

function add(window: InflightWindow, qos: 1 | 2 = 1): Outgoing {
  const copy = { qos, retain: false, identifiers: null, shared: null } as const;
  return window.add(message("t"), copy, 0);
}

test("the window equals a map by packet id", () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 30 }), { maxLength: 300 }), (steps) => {
      const window = new InflightWindow(new Memory());
      const map = new Map<number, Outgoing>();
      for (const action of steps) {
        // Few are added at a time, so that ids wrap around their ring; one can stay for long.
        const oldest = [...map.keys()][action % 4];
        if (action < 16 || oldest === undefined) {
          const added = add(window);
          expect(map.has(added.packetId)).toBe(false);
          map.set(added.packetId, added);
        } else {
          const outgoing = window.get(oldest);
          expect(outgoing).toBe(map.get(oldest) ?? null);
          if (outgoing !== null) window.remove(outgoing);
          map.delete(oldest);
          expect(window.get(oldest)).toBeNull();
        }
        expect(window.count).toBe(map.size);
        expect(window.inOrder()).toEqual([...map.values()]);
      }
    }),
    { numRuns: 200 },
  );
});

test("packet ids wrap after 65,535, never to 0, and skip one that is still in flight", () => {
  const window = new InflightWindow(new Memory());
  const stuck = add(window);
  expect(stuck.packetId).toBe(1);
  const seen: number[] = [];
  for (let time = 0; time < 65_540; time++) {
    const outgoing = add(window);
    seen.push(outgoing.packetId);
    window.remove(outgoing);
  }
  expect(seen.slice(0, 3)).toEqual([2, 3, 4]);
  expect(seen.slice(65_532, 65_537)).toEqual([65_534, 65_535, 2, 3, 4]);
  expect(window.get(1)).toBe(stuck);
  const last = add(window);
  expect(window.inOrder()).toEqual([stuck, last]);
});

test("an order outlives the ring: the first sent stays first after ids have wrapped", () => {
  const window = new InflightWindow(new Memory());
  for (let time = 0; time < 65_530; time++) window.remove(add(window));
  const sent = Array.from({ length: 12 }, () => add(window));
  expect(sent.map(({ packetId }) => packetId)).toEqual([
    65_531, 65_532, 65_533, 65_534, 65_535, 1, 2, 3, 4, 5, 6, 7,
  ]);
  expect(window.inOrder()).toEqual(sent);
});

test("all 65,535 ids can be in use, and one more is a fault", () => {
  const window = new InflightWindow(new Memory());
  const ids = new Set<number>();
  for (let time = 0; time < 65_535; time++) ids.add(add(window).packetId);
  expect(ids.size).toBe(65_535);
  expect(ids.has(0)).toBe(false);
  expect(() => add(window)).toThrow(AssertionFault);
  const middle = window.get(30_000);
  if (middle === null) throw new Error("id 30,000 is taken");
  window.remove(middle);
  expect(add(window).packetId).toBe(30_000);
});

test("a message in flight is removed once; a second time is a fault", () => {
  const window = new InflightWindow(new Memory());
  const outgoing = add(window);
  window.remove(outgoing);
  expect(() => window.remove(outgoing)).toThrow(AssertionFault);
  expect(window.get(0)).toBeNull();
});

test("a place serves one message after another, and keeps none of them", () => {
  const memory = new Memory();
  const window = new InflightWindow(memory);
  const places = new Set<Outgoing>();
  for (let time = 0; time < 100; time++) {
    const outgoing = add(window);
    places.add(outgoing);
    window.remove(outgoing);
    expect(outgoing.message).toBeNull();
  }
  expect(places.size).toBe(window.places);
  expect(memory.messages.bytes).toBe(0);
});

test("an empty ring gives its memory back, and packet ids go on", () => {
  const memory = new Memory();
  const window = new InflightWindow(memory);
  const first = add(window);
  window.shrink();
  expect(window.get(first.packetId)).toBe(first);
  window.remove(first);
  window.shrink();
  expect([window.places, memory.inflight.bytes]).toEqual([0, 0]);
  expect(window.get(first.packetId)).toBeNull();
  expect(add(window).packetId).toBe(2);
});

test("QoS 1 awaits PUBACK, QoS 2 PUBREC and then PUBCOMP", () => {
  const window = new InflightWindow(new Memory());
  const first = add(window);
  const second = add(window, 2);
  expect([first.awaited, second.awaited]).toEqual(["puback", "pubrec"]);
  window.released(second);
  expect(second.awaited).toBe("pubcomp");
  expect(() => window.released(first)).toThrow(AssertionFault);
});
