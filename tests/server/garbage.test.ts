import { expect, test } from "bun:test";
import { setImmediate } from "node:timers/promises";
import { Garbage } from "../../src/server/garbage.ts";
import { garbageCollector } from "../../src/server/platform.ts";

const mebibyte = 1024 * 1024;
const limit = 320 * mebibyte;
/** From this size on garbage is collected, and again when the process has grown by a step. */
const large = 416 * mebibyte;
const step = 40 * mebibyte;
/** So much is read between two collections of young garbage. */
const readStep = 20 * mebibyte;

/** A process whose collections take `took` ms. `sizeAt`: its bytes. */
class Process {
  now = 0;
  readonly all: number[] = [];
  readonly young: number[] = [];
  readonly garbage: Garbage;

  constructor(sizeAt: (now: number, lastAt: number) => number, took = 1, memory = limit) {
    const collect = (times: number[]) => (): void => {
      times.push(this.now);
      this.now += took;
    };
    this.garbage = new Garbage(
      { limit: memory },
      {
        now: () => this.now,
        size: () => sizeAt(this.now, this.all.at(-1) ?? 0),
        all: collect(this.all),
        young: collect(this.young),
      },
    );
  }

  /** Looks for ten seconds. */
  look(): readonly number[] {
    for (let beat = 0; beat < 10_000; beat += 100) {
      this.now = Math.max(this.now, beat);
      this.garbage.look();
    }
    return this.all;
  }

  /** Reads so many bytes in chunks, at once. */
  read(bytes: number): readonly number[] {
    for (let left = bytes; left > 0; left -= mebibyte) this.garbage.read(mebibyte);
    return this.young;
  }
}

test("a process that keeps to its limit is left alone", () => {
  const process = new Process(() => large - 1);
  expect(process.look()).toEqual([]);
  expect(process.read(10 * readStep)).toEqual([]);
});

test("garbage is collected as soon as the process is too large, and again when it has grown anew", () => {
  const sizes = (now: number, lastAt: number): number =>
    large / 2 + ((now - lastAt) * large) / 2 / 1000;
  expect(new Process(sizes, 0).look()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9].map((s) => s * 1000));
});

test("a process that stays large, or grows slowly, is collected once, or once for each step", () => {
  expect(new Process(() => 2 * large).look()).toEqual([0]);
  const slow = new Process((now) => 2 * large + (step * now) / 4000, 0);
  expect(slow.look()).toEqual([0, 4000, 8000]);
});

test("collections take at most a third of the time", () => {
  const sizes = (now: number, lastAt: number): number => (now - lastAt > 100 ? 2 * large : large);
  expect(new Process(sizes).look().length).toBeGreaterThan(40);
  expect(new Process(sizes, 500).look().length).toBeLessThan(8);
});

test("between two looks, a large process is collected each time that so much was read", () => {
  const process = new Process(() => large, 0);
  expect(process.read(readStep - mebibyte)).toEqual([]);
  expect(process.read(mebibyte)).toEqual([0]);
  expect(process.read(3 * readStep)).toEqual([0, 0, 0, 0]);
});

test("young collections take at most a third of the time too", () => {
  const process = new Process(() => large, 10);
  process.read(10 * readStep);
  expect(process.young).toEqual([0]);
  process.now = 30;
  process.read(10 * readStep);
  expect(process.young).toEqual([0, 30]);
});

test("all garbage that is collected was young too", () => {
  const process = new Process(() => large, 0);
  process.read(readStep - mebibyte);
  process.garbage.look();
  expect(process.all).toEqual([0]);
  expect(process.read(readStep - mebibyte)).toEqual([]);
});

test("without a limit nothing is collected", () => {
  const process = new Process(() => Infinity, 1, Infinity);
  expect(process.look()).toEqual([]);
  expect(process.read(10 * readStep)).toEqual([]);
});

test.each(["young", "all"] as const)(
  "the runtime of the executable can collect: %s",
  async (how) => {
    const collector = await garbageCollector();
    const collected: number[] = [];
    const registry = new FinalizationRegistry<number>((at) => void collected.push(at));
    const make = (at: number): void => registry.register({}, at);
    for (let at = 0; at < 1000; at++) make(at);
    collector?.[how]();
    // The turns in which it is told: the runtime itself collects such a small heap in a second or more.
    for (let turns = 0; turns < 20 && collected.length === 0; turns++) await setImmediate();
    expect(collected.length).toBeGreaterThan(0);
  },
);
