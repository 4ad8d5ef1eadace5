import { expect, test } from "bun:test";
import { testsOf } from "../../scripts/test-run.ts";

const heldUp =
  '<failure type="HeldUp" message="rst: held up for 9 ms between 2026-01-01T00:00:00.000Z and 2026-01-01T00:00:01.000Z">x</failure>';
const withoutWords = '<failure type="Error" />';

/** The report of a file with two tests, `one` and `two`. */
function report(one: string, two: string): string {
  const tests = `<testcase name="one">${one}</testcase><testcase name="two">${two}</testcase>`;
  return `<testsuites><testsuite name="a.test.ts">${tests}</testsuite></testsuites>`;
}

const outcomes = (junit: string): string[] => testsOf(junit).map(({ outcome }) => outcome);

test("a failure without words, beside one that was held up, is played again with it", () => {
  expect(outcomes(report(heldUp, withoutWords))).toEqual(["held up", "held up"]);
  const [one, two] = testsOf(report(withoutWords, heldUp));
  expect(one?.message).toBe(two?.message ?? "");
});

test("any other failure is one", () => {
  expect(outcomes(report("", withoutWords))).toEqual(["passed", "failed"]);
  const worded = '<failure type="Error" message="not within 20000 ms">x</failure>';
  expect(outcomes(report(heldUp, worded))).toEqual(["held up", "failed"]);
});
