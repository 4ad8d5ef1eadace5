import type { Spawn } from "bun";

interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Default: a minute. */
  readonly timeoutMs?: number;
}

/** Runs a command; returns what it printed. Throws an Error with its words if it failed. */
export async function run(
  command: readonly string[],
  { cwd, env, timeoutMs = 60_000 }: RunOptions = {},
): Promise<string> {
  const options: Spawn.SpawnOptions<"ignore", "pipe", "pipe"> = {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: timeoutMs,
    killSignal: "SIGKILL",
    ...(cwd === undefined ? {} : { cwd }),
    ...(env === undefined ? {} : { env: { ...process.env, ...env } }),
  };
  const child = Bun.spawn([...command], options);
  const [out, words, code] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  if (code === 0) return out;
  const end = child.signalCode === null ? `exit code ${code}` : child.signalCode;
  const said = (words.trim() || out.trim()).split("\n").slice(-5).join("\n");
  throw new Error(`${command.slice(0, 2).join(" ")}: ${end}${said === "" ? "" : `: ${said}`}`);
}
