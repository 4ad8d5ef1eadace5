import type { Spawn } from "bun";

type Readable = Spawn.Readable;
type Writable = Spawn.Writable;

/**
 * Starts a program for a test, with the tests' environment (preload.ts): Bun.spawn alone passes on
 * the environment with which this process started. Bound with `await using`, the program is killed
 * however the test ends, with a signal that it cannot ignore, unlike SIGTERM.
 */
export function spawn<
  const In extends Writable = "ignore",
  const Out extends Readable = "pipe",
  const Err extends Readable = "inherit",
>(
  command: readonly string[],
  options?: Spawn.SpawnOptions<In, Out, Err>,
): Bun.Subprocess<In, Out, Err> {
  return Bun.spawn([...command], { env: process.env, killSignal: "SIGKILL", ...options });
}

/** The same, for a program that exits at once by itself. */
export function spawnSync(
  command: readonly string[],
  cwd = process.cwd(),
): Bun.SyncSubprocess<"pipe", "pipe"> {
  return Bun.spawnSync([...command], { cwd, env: process.env, stdin: "ignore", stderr: "pipe" });
}
