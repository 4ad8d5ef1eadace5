import { expect, test } from "bun:test";
import { Clock, systemTime, type TimeSource } from "../../../src/server/driver/clock.ts";

/** A machine whose three clocks the test sets. */
class Machine implements TimeSource {
  ran = 0;
  slept = 0;
  stepped = 0;
  monotonic(): number {
    return this.ran;
  }
  wall(): number {
    return 1_000_000 + this.ran + this.slept + this.stepped;
  }
  sinceBoot(): number {
    // It has whole seconds, and started some time before the process.
    return Math.floor((5_000_500 + this.ran + this.slept) / 1000) * 1000;
  }
}

test("it starts at the wall clock and runs by the monotonic one", () => {
  const machine = new Machine();
  const clock = new Clock(machine);
  expect<number>(clock.now()).toBe(1_000_000);
  machine.ran += 1234.5;
  expect<number>(clock.now()).toBe(1_001_234.5);
});

test("steps of the wall clock change nothing", () => {
  const machine = new Machine();
  const clock = new Clock(machine);
  for (const step of [3_600_000, -7_200_000]) {
    machine.stepped += step;
    expect(clock.catchUp()).toBe(0);
    expect<number>(clock.now()).toBe(1_000_000);
  }
});

test("after a sleep it moves forward, once", () => {
  const machine = new Machine();
  const clock = new Clock(machine);
  machine.ran += 10_000;
  machine.slept += 60_000;
  expect<number>(clock.now()).toBe(1_010_000);
  expect(clock.catchUp()).toBe(60_000);
  expect<number>(clock.now()).toBe(1_070_000);
  expect(clock.catchUp()).toBe(0);
  machine.slept += 5000;
  expect(clock.catchUp()).toBe(5000);
  expect<number>(clock.now()).toBe(1_075_000);
});

test("the coarse steps of the time since boot are no sleep, over any time", () => {
  const machine = new Machine();
  const clock = new Clock(machine);
  for (let time = 0; time < 10_000; time++) {
    machine.ran += 777;
    expect(clock.catchUp()).toBe(0);
  }
  expect<number>(clock.now()).toBe(1_000_000 + 7_770_000);
});

test("it never runs backwards", () => {
  const machine = new Machine();
  const clock = new Clock(machine);
  let before = clock.now();
  for (let time = 0; time < 1000; time++) {
    machine.ran += time % 7;
    machine.slept += time % 100 === 0 ? 3000 : 0;
    machine.stepped -= 50;
    clock.catchUp();
    const now = clock.now();
    expect(now).toBeGreaterThanOrEqual(before);
    before = now;
  }
});

test("the system's clocks meet the requirements", () => {
  const clock = new Clock(systemTime);
  const before = Date.now();
  const now = clock.now();
  expect(now).toBeGreaterThan(before - 1000);
  expect(now).toBeLessThan(Date.now() + 1000);
  expect(clock.catchUp()).toBe(0);
  expect(systemTime.monotonic()).toBeLessThanOrEqual(systemTime.monotonic());
});
