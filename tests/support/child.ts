import type { Spawn } from "bun";

type Readable = Spawn.Readable;
type Writable = Spawn.Writable;

/**
 * Starts a program for a test, with the environment that tests have (preload.ts): Bun.spawn by itself
 * hands on the one that this process was started with. Bound with `await using`, it is killed when the
 * test ends in whatever way, and SIGTERM is nothing that it could ignore.
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

/** The same, where it ends by itself at once. */
export function spawnSync(
  command: readonly string[],
  cwd = process.cwd(),
): Bun.SyncSubprocess<"pipe", "pipe"> {
  return Bun.spawnSync([...command], { cwd, env: process.env, stdin: "ignore", stderr: "pipe" });
}
