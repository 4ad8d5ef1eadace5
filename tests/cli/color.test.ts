import { expect, test } from "bun:test";
import { usesColor } from "../../src/cli/color.ts";

test("an explicit choice wins over everything", () => {
  expect(usesColor("always", { NO_COLOR: "1", TERM: "dumb" }, false)).toBe(true);
  expect(usesColor("never", { FORCE_COLOR: "1" }, true)).toBe(false);
});

test("auto: NO_COLOR, then FORCE_COLOR, then the terminal", () => {
  expect(usesColor("auto", {}, true)).toBe(true);
  expect(usesColor("auto", {}, false)).toBe(false);
  expect(usesColor("auto", { NO_COLOR: "1" }, true)).toBe(false);
  expect(usesColor("auto", { NO_COLOR: "0" }, true)).toBe(false);
  expect(usesColor("auto", { NO_COLOR: "" }, true)).toBe(true);
  expect(usesColor("auto", { FORCE_COLOR: "1" }, false)).toBe(true);
  expect(usesColor("auto", { FORCE_COLOR: "0" }, true)).toBe(false);
  expect(usesColor("auto", { FORCE_COLOR: "false" }, true)).toBe(false);
  expect(usesColor("auto", { FORCE_COLOR: "" }, false)).toBe(false);
  expect(usesColor("auto", { NO_COLOR: "1", FORCE_COLOR: "1" }, true)).toBe(false);
  expect(usesColor("auto", { TERM: "dumb" }, true)).toBe(false);
});
