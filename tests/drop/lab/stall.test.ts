import { expect, test } from "bun:test";
import { StallMeter } from "../../../src/drop/lab/stall.ts";

test("the longest stall counts, and only what of it lies between the two moments", () => {
  let now = 0;
  using meter = new StallMeter(() => now);
  /** The meter looks at each of these moments. */
  const looks = (...moments: readonly number[]): void => {
    for (const moment of moments) {
      now = moment;
      meter.between(moment, moment);
    }
  };
  // Every 20 ms, then held up for 150 ms three times, and once for 400 ms.
  looks(20, 40, 210, 230, 400, 420, 590);
  now = 1010;
  expect(meter.between(0, 1010)).toBe(400);
  expect(meter.between(0, 600)).toBe(150);
  expect(meter.between(900, 1010)).toBe(110);
  expect(meter.between(0, 50)).toBe(0);
});
