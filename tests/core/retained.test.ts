import { expect, test } from "bun:test";
import fc from "fast-check";
import { Retained } from "../../src/core/retained.ts";
import { allOf } from "../../src/core/steps.ts";
import { matches } from "../../src/core/topic.ts";
import { levels, message, millis } from "./messages.ts";

const unlimited = { retainedMessages: Infinity, retainedBytes: Infinity };
const never = () => millis(0);

const topic = fc
  .array(fc.constantFrom(...levels), { minLength: 1, maxLength: 6 })
  .map((names) => names.join("/"))
  .filter((name) => name !== "");
const filter = fc
  .tuple(
    fc.array(fc.constantFrom(...levels, "+"), { minLength: 1, maxLength: 6 }),
    fc.constantFrom("", "/#"),
  )
  .map(([names, end]) => names.join("/") + end)
  .filter((name) => name !== "");

test("each filter finds the same as the plain definition, and clearing every topic leaves nothing", () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ topic, clear: fc.constantFrom(false, false, true) }), { maxLength: 40 }),
      fc.array(filter, { minLength: 1, maxLength: 10 }),
      (steps, filters) => {
        const store = new Retained(unlimited);
        const kept = new Map<string, string>();
        for (const [index, { topic: name, clear }] of steps.entries()) {
          if (clear) {
            expect(store.clear(name)).toBe(kept.delete(name));
          } else {
            const payload = new TextEncoder().encode("x".repeat(index));
            expect(store.store(message(name, { payload }), millis(0))).toBe(true);
            kept.set(name, "x".repeat(index));
          }
          expect(store.count).toBe(kept.size);
        }
        for (const wanted of [...filters, "#", "+/#"]) {
          const found = allOf(store.match(wanted, never)).map(({ topic: name }) => name);
          const expected = [...kept.keys()].filter((name) => matches(wanted, name));
          expect(found.toSorted()).toEqual(expected.toSorted());
        }
        for (const name of kept.keys()) {
          const [found] = allOf(store.match(name, never));
          expect(new TextDecoder().decode(found?.payload)).toBe(kept.get(name) ?? "none");
        }
        for (const name of kept.keys()) expect(store.clear(name)).toBe(true);
        expect([store.count, store.bytes, store.held]).toEqual([0, 0, 0]);
      },
    ),
    { numRuns: 300 },
  );
});

test("a limit counts the state after the message is stored", () => {
  const store = new Retained({ retainedMessages: 2, retainedBytes: 100 });
  const sized = (name: string, bytes: number) =>
    message(name, { payload: new Uint8Array(bytes - 2 * name.length) });
  expect(store.store(sized("a", 60), millis(0))).toBe(true);
  expect(store.store(sized("b", 41), millis(0))).toBe(false);
  expect(store.store(sized("b", 40), millis(0))).toBe(true);
  expect(store.store(sized("c", 1 + 1), millis(0))).toBe(false);
  expect(store.store(sized("a", 61), millis(0))).toBe(false);
  expect(store.store(sized("a", 50), millis(0))).toBe(true);
  expect([store.count, store.bytes]).toEqual([2, 90]);
});

test("the next lookup removes an expired message", () => {
  const store = new Retained(unlimited);
  store.store(message("a", { expiresAt: millis(1000) }), millis(0));
  store.store(message("b"), millis(0));
  let now = millis(999);
  const found = () =>
    allOf(store.match("#", () => now))
      .map(({ topic: name }) => name)
      .toSorted();
  expect(found()).toEqual(["a", "b"]);
  now = millis(1000);
  expect(found()).toEqual(["b"]);
  expect(store.count).toBe(1);
});

test("no step visits more than one level, whatever the filter", () => {
  const store = new Retained(unlimited);
  for (let index = 0; index < 1000; index++)
    store.store(message(`device${index}/status`), millis(0));
  for (const wanted of ["+/nothing", "+/status/more", "#", "+/status"]) {
    const steps = [...store.match(wanted, never)].length;
    expect(steps).toBeGreaterThanOrEqual(1000);
  }
});

test("the store may change while an answer is read in pieces", () => {
  const store = new Retained(unlimited);
  for (let index = 0; index < 10; index++) store.store(message(`t/${index}`), millis(0));
  const answer = store.match("t/#", never);
  const found = new Set<string>();
  for (let next = answer.next(); next.done !== true; next = answer.next()) {
    if (next.value === null) continue;
    found.add(next.value.topic);
    // Removes everything but the messages found, and stores another.
    for (let index = 0; index < 10; index++) {
      if (!found.has(`t/${index}`)) store.clear(`t/${index}`);
    }
    store.store(message("t/new"), millis(0));
  }
  expect([...found]).toHaveLength(1);
  expect(store.count).toBe(2);
});

/** What becomes of one topic between two steps of an answer. */
const change = fc.record({ after: fc.nat(30), topic, clear: fc.boolean() });

test("an answer read in pieces has each topic once that was there all the time, and none that came since", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(topic, { maxLength: 25 }),
      filter,
      fc.array(change, { maxLength: 30 }),
      (topics, wanted, changes) => {
        const store = new Retained(unlimited);
        for (const name of topics) store.store(message(name), millis(0));
        const lasting = new Set(topics.filter((name) => matches(wanted, name)));
        const found: string[] = [];
        let step = 0;
        for (const one of store.match(wanted, never)) {
          if (one !== null) {
            expect(store.has(one.topic)).toBe(true);
            found.push(one.topic);
          }
          for (const { topic: name, clear } of changes.filter(({ after }) => after === step)) {
            if (clear) store.clear(name);
            else store.store(message(name), millis(0));
            if (clear && !found.includes(name)) lasting.delete(name);
          }
          step += 1;
        }
        expect(new Set(found).size).toBe(found.length);
        expect(found.filter((name) => lasting.has(name)).toSorted()).toEqual(
          [...lasting].toSorted(),
        );
        expect(found.filter((name) => !topics.includes(name))).toEqual([]);
      },
    ),
    { numRuns: 2000 },
  );
});

test("an answer ends, however many topics are stored meanwhile", () => {
  const store = new Retained(unlimited);
  store.store(message("t/first"), millis(0));
  let steps = 0;
  for (const found of store.match("#", never)) {
    for (let more = 0; more < 10; more++) store.store(message(`t/${steps}/${more}`), millis(0));
    steps += 1;
    expect(found?.topic ?? "t/first").toBe("t/first");
    if (steps === 5) break;
  }
  expect(steps).toBeLessThan(5);
});

test("a topic that came since, in the place of an old one, hides no later one", () => {
  const store = new Retained(unlimited);
  for (const name of ["a", "b"]) store.store(message(name), millis(0));
  const answer = store.match("#", never);
  answer.next();
  store.store(message("a/new"), millis(0));
  store.clear("a");
  expect(allOf(answer).map(({ topic: name }) => name)).toEqual(["b"]);
});

test("expired messages make room where a limit is reached, and only as many as needed", () => {
  const store = new Retained({ retainedMessages: 3, retainedBytes: 1000 });
  const expiring = (name: string, expiresAt: number) =>
    message(name, { expiresAt: millis(expiresAt) });
  for (const [name, at] of [
    ["late", 3000],
    ["soon", 1000],
    ["later", 2000],
  ] as const) {
    store.store(expiring(name, at), millis(0));
  }
  expect(store.store(message("a"), millis(999))).toBe(false);
  expect(store.store(message("a"), millis(2500))).toBe(true);
  expect([store.has("soon"), store.has("later"), store.count]).toEqual([false, true, 3]);
  expect(store.store(message("a", { payload: new Uint8Array(900) }), millis(2500))).toBe(true);
  expect(store.store(message("b", { payload: new Uint8Array(90) }), millis(2500))).toBe(false);
  expect([store.has("later"), store.has("late")]).toEqual([false, true]);
});

test("a message that replaced an expiring one stays", () => {
  const store = new Retained(unlimited);
  store.store(message("a", { expiresAt: millis(1000) }), millis(0));
  store.store(message("a"), millis(0));
  store.store(message("b", { expiresAt: millis(1000) }), millis(0));
  store.store(message("b", { expiresAt: millis(2000) }), millis(0));
  expect(store.nextExpiry).toBe(millis(2000));
  expect([store.expire(millis(1999), 10), store.count]).toEqual([0, 2]);
  expect([store.expire(millis(2000), 10), store.has("a"), store.has("b")]).toEqual([
    1,
    true,
    false,
  ]);
  expect(store.nextExpiry).toBeNull();
});
