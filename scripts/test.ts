import { mkdtemp, rm } from "node:fs/promises";
import { constants, tmpdir } from "node:os";
import path from "node:path";
import { adoptOrphans, kill, killDescendants } from "./descendants.ts";

/**
 * The test command: runs scripts/suite.ts (see its `help`) and exits with its exit code. However a run
 * ends (a failure, Ctrl-C, a signal, even SIGKILL to one of the two), every process that it started
 * ends with it, and its temporary folder is removed: the suite has a session of its own, and a
 * standard input that closes when this process ends.
 */

const folder = await mkdtemp(path.join(tmpdir(), "mqttd-test-"));
adoptOrphans();
const suite = Bun.spawn(
  [process.execPath, path.join(import.meta.dir, "suite.ts"), ...process.argv.slice(2)],
  {
    detached: true,
    env: { ...process.env, TMPDIR: folder },
    stdin: "pipe",
    stdout: "inherit",
    stderr: "inherit",
  },
);
let calledOff: "SIGHUP" | "SIGINT" | "SIGTERM" | null = null;
for (const signal of ["SIGHUP", "SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    calledOff ??= signal;
    // Kills the suite's session; killDescendants finds processes in other sessions.
    kill(-suite.pid);
  });
}
await suite.exited;
await killDescendants();
await rm(folder, { recursive: true, force: true });
process.exit(calledOff === null ? (suite.exitCode ?? 1) : 128 + constants.signals[calledOff]);
