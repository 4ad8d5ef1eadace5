import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { runChecks } from "./check.ts";
import { root, runStep } from "./command.ts";

/**
 * Everything that says whether the project is sound: checks, build, tests in random order. The last
 * line is `N passed, N failed`, with `, N skipped` where that is so; a check counts as a test.
 *
 * `--seed N` repeats an order. Further words are given to `bun test` as file patterns.
 */

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** Of one test; those that wait for something have shorter bounds of their own. */
const testLimitMs = 30_000;
const allTestsLimitMs = 15 * 60_000;

const { values, positionals } = parseArgs({
  options: { seed: { type: "string" } },
  allowPositionals: true,
});
const seed = values.seed ?? String(crypto.getRandomValues(new Uint32Array(1))[0]);

const checked = await runChecks();
const built = await runStep({
  name: "build",
  command: [process.execPath, path.join(root, "scripts/build.ts")],
  limitMs: 300_000,
});
const tested = await runTests(positionals.length > 0 ? positionals : ["tests"]);
const total: Counts = {
  passed: checked.passed + (built ? 1 : 0) + tested.passed,
  failed: checked.failed + (built ? 0 : 1) + tested.failed,
  skipped: tested.skipped,
};
const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : "";
console.log(`${total.passed} passed, ${total.failed} failed${skipped}`);
process.exit(total.failed === 0 ? 0 : 1);

async function runTests(patterns: readonly string[]): Promise<Counts> {
  console.log(`tests in random order; to repeat it: --seed ${seed}`);
  const folder = await mkdtemp(path.join(os.tmpdir(), "mqttd-test-"));
  const report = path.join(folder, "junit.xml");
  try {
    const child = Bun.spawn(
      [
        ...[process.execPath, "test", "--randomize", "--seed", seed],
        // Most files wait for a network or a clock, so that three at a time keep two cores busy.
        "--parallel=3",
        ...["--timeout", String(testLimitMs)],
        ...["--reporter", "junit", "--reporter-outfile", report, ...patterns],
      ],
      {
        cwd: root,
        // With CI set, a snapshot that is missing fails instead of being written.
        env: { ...process.env, CI: "true" },
        stdin: "ignore",
        stdout: "inherit",
        stderr: "inherit",
        timeout: allTestsLimitMs,
        killSignal: "SIGKILL",
      },
    );
    await child.exited;
    const file = Bun.file(report);
    const counts = countTests((await file.exists()) ? await file.text() : "");
    return withoutSilentFailure(counts, child.exitCode, child.signalCode);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** One test case is one `<testcase>`; what it holds says what became of it. */
function countTests(junit: string): Counts {
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  for (const [, body = ""] of junit.matchAll(
    /<testcase\b(?:[^>"]|"[^"]*")*?(?:\/>|>([\s\S]*?)<\/testcase>)/g,
  )) {
    if (/<(failure|error)\b/.test(body)) counts.failed++;
    else if (/<skipped\b/.test(body)) counts.skipped++;
    else counts.passed++;
  }
  return counts;
}

/**
 * A run that failed without a failed test (a file that does not load, an error between tests, a
 * crash, the time limit), or in which nothing ran, is a failure of its own.
 */
function withoutSilentFailure(
  counts: Counts,
  code: number | null,
  signal: string | number | null,
): Counts {
  if (counts.passed + counts.failed === 0) {
    console.log("FAILED no test ran");
    return { ...counts, failed: counts.failed + 1 };
  }
  if (code === 0 || counts.failed > 0) return counts;
  console.log(`FAILED bun test ended with ${signal ?? `exit code ${code}`}`);
  return { ...counts, failed: counts.failed + 1 };
}
