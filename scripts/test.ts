import { mkdtemp, rm } from "node:fs/promises";
import { constants, tmpdir } from "node:os";
import path from "node:path";
import { adoptOrphans, kill, killDescendants } from "./descendants.ts";

/**
 * The test command: runs scripts/suite.ts, which says what it takes and prints, and ends with its
 * exit code. Whatever ends a run (a failure, Ctrl-C, a signal, even SIGKILL to one of the two),
 * nothing that it has started goes on, and its folder for temporary files is removed: the suite has
 * a session of its own, and a standard input that ends when this process does.
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
    // Its session; what has made one of its own is found below.
    kill(-suite.pid);
  });
}
await suite.exited;
await killDescendants();
await rm(folder, { recursive: true, force: true });
process.exit(calledOff === null ? (suite.exitCode ?? 1) : 128 + constants.signals[calledOff]);
