import path from "node:path";
import { heldUpOf } from "../tests/support/held-up.ts";
import { root } from "./command.ts";
import type { Meter } from "./meter.ts";
import { type PlayedTest, TestRun } from "./test-run.ts";

/** The most repeats of a test that was held up. */
const timesMax = 3;
const fewAtOnce = 4;

export interface PlayedAgain {
  readonly passed: readonly PlayedTest[];
  readonly failed: readonly PlayedTest[];
  /** The machine was busy at every try. */
  readonly unjudged: readonly PlayedTest[];
  readonly problems: readonly string[];
}

/**
 * Repeats the tests that were held up while the machine was busy: file by file, with no other test
 * beside them. A test that was held up while the machine had idle time has failed: mqttd caused the
 * delay.
 */
export async function playAgain(tests: readonly PlayedTest[], meter: Meter): Promise<PlayedAgain> {
  const passed: PlayedTest[] = [];
  const failed: PlayedTest[] = [];
  const problems: string[] = [];
  let waiting = tests.filter(({ outcome }) => outcome === "held up");
  for (let times = 0; waiting.length > 0; times++) {
    const excused: PlayedTest[] = [];
    for (const test of waiting) {
      const busy = await wasBusy(test, meter);
      (busy ? excused : failed).push(test);
    }
    waiting = [];
    if (times === timesMax) return { passed, failed, unjudged: excused, problems };
    if (excused.length > 0) console.log(`\nheld up, and played again alone: ${excused.length}`);
    for (const [file, asked] of Map.groupBy(excused, (test) => test.file)) {
      const run = await TestRun.play([
        ...["--test-name-pattern", pattern(asked), path.resolve(root, file)],
        // First a few at a time, since each mostly waits; then one by one.
        `--max-concurrency=${times === 0 ? fewAtOnce : 1}`,
      ]);
      problems.push(...run.problems);
      for (const test of asked) {
        const outcome = worst(run.tests.filter((one) => nameOf(one) === nameOf(test)));
        if (outcome?.outcome === "held up") waiting.push(outcome);
        else (outcome?.outcome === "passed" ? passed : failed).push(test);
      }
    }
  }
  return { passed, failed, unjudged: [], problems };
}

/** Lists the tests that were held up, as lines for the end of the output. */
export function heldUpText({ passed, failed, unjudged }: PlayedAgain, isRed: boolean): string[] {
  const list = (title: string, tests: readonly PlayedTest[]): string[] =>
    tests.length === 0 ? [] : ["", title, ...tests.map((test) => `  ${nameOf(test)}`)];
  return [
    ...list("held up on a busy machine; passed when played again alone:", passed),
    ...list("FAILED: held up, and the machine was not busy or it failed alone:", failed),
    ...list(
      `${isRed ? "FAILED: " : ""}not run: the machine was busy each of ${timesMax + 1} times:`,
      unjudged,
    ),
  ];
}

/** Whether the meter lost at least as much time in that span as the test was held up. */
async function wasBusy({ message }: PlayedTest, meter: Meter): Promise<boolean> {
  const { ms, from, to } = heldUpOf(message);
  return (await meter.busyMs(from, to)) >= ms;
}

function nameOf({ file, names }: PlayedTest): string {
  return [file, ...names].join(" > ");
}

/** The worst of several tests of one name. */
function worst(tests: readonly PlayedTest[]): PlayedTest | undefined {
  const of = (outcome: PlayedTest["outcome"]) => tests.find((test) => test.outcome === outcome);
  return of("failed") ?? of("held up") ?? of("passed");
}

/** Matches exactly these tests, by the names that bun test gives them. */
function pattern(tests: readonly PlayedTest[]): string {
  const names = tests.map(({ names }) => names.join(" ").replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"));
  return `^(?:${names.join("|")})$`;
}
