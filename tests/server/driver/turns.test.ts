import { expect, test } from "bun:test";
import { Budget } from "../../../src/core/budget.ts";
import { Clock } from "../../../src/server/driver/clock.ts";
import { Turns } from "../../../src/server/driver/turns.ts";
import { World } from "../../support/world.ts";

interface Task {
  readonly name: string;
  units: number;
}

/** Turns whose loop the test runs, one turn at a time. */
class Bench {
  readonly budget = new Budget();
  readonly turns: Turns<Task>;
  /** Work done in this turn, in order. */
  log: string[] = [];
  due = 0;
  output = 0;
  #next: (() => void) | null = null;
  #now = 0;

  constructor(units: number, msOfUnit = 0) {
    const clock = new Clock({ monotonic: () => this.#now, wall: () => 0, sinceBoot: () => 0 });
    const spend = (name: string): void => {
      this.budget.spent += 1;
      this.#now += msOfUnit;
      this.log.push(name);
    };
    this.turns = new Turns<Task>(
      (work) => void (this.#next = work),
      clock,
      this.budget,
      {
        begin: () => this.turns.begin(clock.now()),
        due: () => {
          for (; this.due > 0 && !this.turns.isOver; this.due--) spend("due");
          return this.due > 0;
        },
        flush: () => {
          for (; this.output > 0 && !this.turns.isOver; this.output--) spend("output");
          return this.output > 0;
        },
        run: (task) => {
          do {
            task.units -= 1;
            spend(task.name);
          } while (task.units > 0 && !this.turns.isOver);
          return task.units > 0;
        },
        end: () => this.turns.end(),
      },
      units,
    );
  }

  /** Runs the next turn and returns how much of what it did; null: no turn was asked for. */
  turn(): Record<string, number> | null {
    const run = this.#next;
    if (run === null) return null;
    this.#next = null;
    this.log = [];
    run();
    const counts: Record<string, number> = {};
    for (const name of this.log) counts[name] = (counts[name] ?? 0) + 1;
    return counts;
  }
}

test("each kind of work has its part of a turn, and a part is left for the callbacks that follow", () => {
  const bench = new Bench(120);
  const old = { name: "old", units: 1000 };
  bench.turns.add(old);
  // Alone, it gets what the others leave.
  expect(bench.turn()).toEqual({ old: 100 });
  bench.due = 1000;
  bench.turns.addDue();
  bench.turns.add({ name: "fresh", units: 5 });
  expect(bench.turn()).toEqual({ due: 20, fresh: 5, old: 75 });
  bench.output = 30;
  expect(bench.turn()).toEqual({ due: 20, output: 30, old: 50 });
  expect(bench.budget.isUsedUp).toBe(false);
});

test("what was cut is not continued while output waits, which it would add to", () => {
  const bench = new Bench(120);
  bench.turns.add({ name: "old", units: 1000 });
  bench.turn();
  bench.output = 150;
  expect(bench.turn()).toEqual({ output: 100 });
  expect(bench.turn()).toEqual({ output: 50, old: 50 });
});

test("ends wait for nobody's long work, and keep nobody who has just arrived waiting", () => {
  const bench = new Bench(120);
  bench.turns.add({ name: "old", units: 1000 });
  bench.turn();
  for (let number = 0; number < 100; number++) bench.turns.addEnd({ name: "end", units: 2 });
  expect(bench.turns.hasEnds).toBe(true);
  bench.turns.add({ name: "ping", units: 1 });
  // What the others leave of their parts is for the ends.
  expect(bench.turn()).toEqual({ ping: 1, end: 80, old: 19 });
  expect(bench.log[0]).toBe("ping");
  bench.output = 1000;
  expect(bench.turn()).toMatchObject({ end: 40 });
  bench.output = 0;
  while (bench.turn() !== null);
  expect(bench.turns.hasEnds).toBe(false);
});

test("tasks that were cut take turns, a slice each, and one that has just arrived goes first", () => {
  const bench = new Bench(120);
  for (let number = 0; number < 20; number++) bench.turns.add({ name: `t${number}`, units: 50 });
  const first = bench.turn() ?? {};
  expect(Object.keys(first)).toEqual(["t0", "t1", "t2", "t3", "t4", "t5"]);
  expect(first).toMatchObject({ t0: 20, t3: 20, t4: 10 });
  bench.turns.add({ name: "ping", units: 1 });
  bench.turn();
  // Those that arrived earlier had not had their first slice.
  expect(bench.log.indexOf("ping")).toBe(-1);
  bench.turn();
  expect(bench.log.indexOf("ping")).toBeLessThan(60);
  let turns = 0;
  while (bench.turn() !== null) turns += 1;
  expect(turns).toBeLessThan(12);
});

test("a slow machine ends a turn by its clock, and every kind still makes progress", () => {
  const bench = new Bench(10_000, 0.125);
  bench.due = 1000;
  bench.turns.addDue();
  bench.turns.add({ name: "fresh", units: 5000 });
  const counts = bench.turn() ?? {};
  expect(counts["due"]).toBe(50);
  // One step in each part.
  expect(counts["fresh"]).toBe(2);
});

test("callbacks share a budget until they have used a part of it", () => {
  const bench = new Bench(120);
  bench.budget.spent = 19;
  bench.turns.end();
  expect(bench.turn()).toBeNull();
  bench.budget.spent = 20;
  bench.turns.end();
  expect(bench.turn()).toEqual({});
  expect(bench.budget.spent).toBe(0);
});

test("the time that passed before a callback does not count in its turn", () => {
  const world = new World();
  const subscribers = Array.from({ length: 500 }, (_, number) => {
    const client = world.open();
    client.connect({ clientId: `s${number}` });
    client.subscribe("gone");
    return client;
  });
  world.advance(60_000);
  const will = { topic: "gone", payload: Buffer.from("x"), qos: 0, retain: false } as const;
  world.open().connect({ clientId: "c", will });
  world.advance(60_000);
  // No turn of the loop follows this order before the test looks.
  world.driver.order({ type: "kicked", clientId: "c" });
  expect(subscribers.map((client) => client.take("publish").length)).toEqual(
    subscribers.map(() => 1),
  );
});

test("last words that wait for a turn are published, in order, before the end of their connection", () => {
  const world = new World({ unitsOfTurn: 1 });
  const watcher = world.open();
  watcher.connect({ clientId: "w" });
  watcher.subscribe("#");
  const client = world.open();
  client.connect({
    clientId: "c",
    will: { topic: "will", payload: Buffer.from("gone"), qos: 0, retain: false },
  });
  const words = Array.from({ length: 50 }, (_, word) => `word/${word}`);
  for (const word of words) client.publish(word, "x");
  client.drop("eof");
  expect(watcher.messages()).toEqual([...words.map((word) => `${word}=x`), "will=gone"]);
});

test("a DISCONNECT that waits for a turn discards the will, whatever ends the connection first", () => {
  for (const end of ["eof", "reset", "kick", "takeover", "stop"] as const) {
    const world = new World({ unitsOfTurn: 1 });
    const client = world.open();
    client.connect({
      clientId: "c",
      will: { topic: "will", payload: Buffer.from("gone"), qos: 0, retain: false },
    });
    // In one chunk, so that the first packet uses up the turn.
    const publish = Uint8Array.of(0x30, 4, 0, 1, 0x61, 0x62);
    client.sendQuietly(Uint8Array.of(...publish, ...publish, 0xe0, 0));
    if (end === "kick") world.driver.order({ type: "kicked", clientId: "c" });
    else if (end === "stop") world.driver.order({ type: "stopping" });
    else if (end === "takeover") world.open().connect({ clientId: "c" });
    else client.drop(end);
    world.advance(100);
    const [ended] = world.noted("ended");
    expect([end, ended?.cause, ended?.will?.fate]).toEqual([end, "disconnected", "discarded"]);
  }
});
