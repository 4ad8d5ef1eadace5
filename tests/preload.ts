import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, setDefaultTimeout } from "bun:test";
import { descendants, killDescendants } from "../scripts/descendants.ts";

/**
 * Runs before each test file (bunfig.toml). Programs under test see nothing of the environment in
 * which the tests run: no terminal colours or width, no language or zone, no home with
 * configurations, no setting of mqttd or of a proxy. Removes every variable that is not listed
 * here.
 *
 * After a file, no program that its tests started is left.
 */

const kept: ReadonlySet<string> = new Set([
  ...["PATH", "TMPDIR", "CI"],
  // For the tests themselves: which executable, and how much.
  ...["MQTTD_EXECUTABLE", "MQTTD_NAIVE_RUNS"],
]);
/** Bound for a program that no test waited for to end. */
const partingMs = 10_000;
/** As long as the test command allows (scripts/test-run.ts); holds for `bun test` with one file. */
const testLimitMs = 180_000;
setDefaultTimeout(testLimitMs);

for (const name of Object.keys(process.env)) if (!kept.has(name)) delete process.env[name];
const home = mkdtempSync(path.join(tmpdir(), "mqttd-home-"));
Object.assign(process.env, {
  ...{ HOME: home, LANG: "C.UTF-8", TZ: "Etc/UTC" },
  MQTTD_RUN_DIR: path.join(home, "run"),
});

afterAll(async () => {
  const until = performance.now() + partingMs;
  let left = descendants();
  while (left.length > 0 && performance.now() < until) {
    // No event tells of the end of a process that another one started.
    await Bun.sleep(10);
    left = descendants();
  }
  if (left.length > 0) await killDescendants();
  rmSync(home, { recursive: true, force: true });
  const names = left.map(({ pid, command }) => `${command} (pid ${pid})`);
  if (left.length > 0) throw new Error(`left running by a test of this file: ${names.join(", ")}`);
});
