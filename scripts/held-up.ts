import path from "node:path";
import { heldUpOf } from "../tests/support/held-up.ts";
import { root } from "./command.ts";
import type { Meter } from "./meter.ts";
import { type PlayedTest, TestRun } from "./test-run.ts";

/** How often a test that was held up is played again at most. */
const timesMax = 3;
const fewAtOnce = 4;

export interface PlayedAgain {
  readonly passed: readonly PlayedTest[];
  readonly failed: readonly PlayedTest[];
  /** Each time the machine was busy. */
  readonly unjudged: readonly PlayedTest[];
  readonly problems: readonly string[];
}

/**
 * Plays those tests again that were held up while the machine was busy: file by file, with no other
 * test beside them.
 * One that was held up while it had time to spare has failed: then it was our own doing.
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
        // A few first, since most of each is waiting; those that suffer from that, one by one.
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

/** What a reader has to know of it, at the end of the output. */
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

/** By the meter: it lost as much time meanwhile as the test was held up. */
async function wasBusy({ message }: PlayedTest, meter: Meter): Promise<boolean> {
  const { ms, from, to } = heldUpOf(message);
  return (await meter.busyMs(from, to)) >= ms;
}

function nameOf({ file, names }: PlayedTest): string {
  return [file, ...names].join(" > ");
}

/** Of several tests of one name. */
function worst(tests: readonly PlayedTest[]): PlayedTest | undefined {
  const of = (outcome: PlayedTest["outcome"]) => tests.find((test) => test.outcome === outcome);
  return of("failed") ?? of("held up") ?? of("passed");
}

/** Of exactly these, as bun test names them. */
function pattern(tests: readonly PlayedTest[]): string {
  const names = tests.map(({ names }) => names.join(" ").replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"));
  return `^(?:${names.join("|")})$`;
}
