import path from "node:path";
import { runChecks } from "./check.ts";
import { root, runStep } from "./command.ts";
import { adoptOrphans, descendants, killDescendants } from "./descendants.ts";
import { heldUpText, playAgain } from "./held-up.ts";
import { Meter } from "./meter.ts";
import { TestRun } from "./test-run.ts";
import { runScript, wordsOf } from "./usage.ts";

/** scripts/test.ts starts this, and holds the other end of its standard input. */

const help = `npm test -- [options] [PATTERN...]

Runs checks, build, and tests in random order. The last line is "N passed, N failed", and
", N skipped" if any were; a check counts as a test.

  --seed N       repeat the order of an earlier run
  --tests-only   skip checks and build
  PATTERN        part of a test file's path (tests)

Exit codes: 0 all passed, 1 a failure, 2 wrong usage, 129, 130, 143 ended by a signal.`;

const options = {
  seed: { type: "string" },
  "tests-only": { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** Up to this many tests may stay unjudged on a busy machine; more make the run fail. */
const unjudgedMax = 5;
/** The time for processes that tests started to end by themselves, after the tests. */
const partingMs = 10_000;

const total: Counts = { passed: 0, failed: 0, skipped: 0 };

await runScript(async () => {
  const { values, positionals } = wordsOf(options);
  if (values.help) {
    console.log(help);
    return 0;
  }
  adoptOrphans();
  process.stdin.on("close", () => void killDescendants().then(() => process.exit(1))).resume();
  if (!values["tests-only"]) {
    const checked = await runChecks();
    total.passed += checked.passed;
    total.failed += checked.failed;
    const built = await runStep({
      name: "build",
      command: [process.execPath, path.join(root, "scripts/build.ts")],
      limitMs: 300_000,
    });
    total[built ? "passed" : "failed"]++;
  }
  const seed = values.seed ?? String(crypto.getRandomValues(new Uint32Array(1))[0]);
  await runTests(seed, positionals.length > 0 ? positionals : ["tests"]);
  const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : "";
  console.log(`${total.passed} passed, ${total.failed} failed${skipped}`);
  return total.failed === 0 ? 0 : 1;
});

async function runTests(seed: string, patterns: readonly string[]): Promise<void> {
  console.log(`tests in random order; to repeat it: --seed ${seed}`);
  await using meter = new Meter();
  await meter.reportUntil(Date.now());
  const run = await TestRun.play([
    ...["--randomize", "--seed", seed],
    // Most files wait for a network or a clock, so three at a time keep two cores busy.
    ...["--parallel=3", ...patterns],
    // Concurrent tests of one file mostly wait.
    "--max-concurrency=48",
  ]);
  for (const { outcome } of run.tests) if (outcome !== "held up") total[outcome]++;
  const again = await playAgain(run.tests, meter);
  total.passed += again.passed.length;
  total.failed += again.failed.length;
  const isRed = again.unjudged.length > unjudgedMax;
  total[isRed ? "failed" : "skipped"] += again.unjudged.length;
  for (const problem of [...run.problems, ...again.problems, ...(await leftRunning(meter.pid))]) {
    console.log(`FAILED ${problem}`);
    total.failed++;
  }
  for (const line of heldUpText(again, isRed)) console.log(line);
}

/** Kills the processes that tests left running. Returns a line for each. */
async function leftRunning(meter: number): Promise<string[]> {
  const left = () => descendants().filter(({ pid }) => pid !== meter);
  const until = performance.now() + partingMs;
  while (left().length > 0 && performance.now() < until) await Bun.sleep(20);
  const names = left().map(({ pid, command }) => `left running by a test: ${command} (pid ${pid})`);
  await killDescendants();
  return names;
}
