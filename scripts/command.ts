import path from "node:path";

/** The project's folder; every script works from there, wherever it was called. */
export const root = path.resolve(import.meta.dir, "..");

export interface CommandResult {
  readonly ok: boolean;
  /** Standard output and error as they came. */
  readonly output: string;
}

/** One step of the project's checks. */
export interface Step {
  readonly name: string;
  readonly command: readonly string[];
  /** Milliseconds after which it counts as failed. */
  readonly limitMs: number;
}

/** An executable of a development dependency. */
export function tool(name: string): string {
  return path.join(root, "node_modules/.bin", name);
}

/** Runs a step; prints one line with its time, and its output if it failed. */
export async function runStep(step: Step): Promise<boolean> {
  const begin = performance.now();
  const { ok, output } = await run(step);
  const seconds = ((performance.now() - begin) / 1000).toFixed(1);
  console.log(`${ok ? "ok    " : "FAILED"} ${step.name} (${seconds} s)`);
  if (!ok) console.log(output.trimEnd());
  return ok;
}

async function run(step: Step): Promise<CommandResult> {
  try {
    const child = Bun.spawn([...step.command], {
      cwd: root,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      timeout: step.limitMs,
      killSignal: "SIGKILL",
    });
    const [out, err, code] = await Promise.all([
      child.stdout.text(),
      child.stderr.text(),
      child.exited,
    ]);
    const late = child.signalCode === null ? "" : `\nended by ${child.signalCode}`;
    return { ok: code === 0, output: out + err + late };
  } catch (error) {
    // The command does not exist: dependencies are not installed.
    return { ok: false, output: String(error) };
  }
}
