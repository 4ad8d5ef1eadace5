/**
 * Runs a program and prints, as JSON on stdout, how it ended and its peak memory. This is a process
 * of its own because a child's peak starts at that of the process that forked it.
 */
import { spawn } from "./child.ts";

/** The command to run. */
export interface MeasureOrder {
  readonly command: string[];
  readonly cwd: string;
  readonly env: Record<string, string>;
  readonly boundMs: number;
}

/** How the program ended, and what it used. */
export interface Measured {
  /** Null: a signal ended it. */
  readonly code: number | null;
  /** The first 10,000 characters of each. */
  readonly stdout: string;
  readonly stderr: string;
  /** Of the whole output. */
  readonly stdoutLength: number;
  /** Whether the whole output is printable characters and line ends. */
  readonly isPrintable: boolean;
  /** Peak resident memory. */
  readonly peakBytes: number;
}

const [order = ""] = process.argv.slice(2);
// `measured`, in the file beside this one, wrote it.
const { command, cwd, env, boundMs } = JSON.parse(order) as MeasureOrder;
await using child = spawn(command, {
  cwd,
  env,
  stdin: "ignore",
  stdout: "pipe",
  stderr: "pipe",
  timeout: boundMs,
  killSignal: "SIGKILL",
});
const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
await child.exited;
const peakBytes = child.resourceUsage()?.maxRSS ?? 0;
const cut = (text: string): string => (text.length > 10_000 ? text.slice(0, 10_000) : text);
const measured: Measured = {
  code: child.exitCode,
  stdout: cut(stdout),
  stderr: cut(stderr),
  stdoutLength: stdout.length,
  isPrintable: !/[^\n\P{C}]|\p{Zl}|\p{Zp}/u.test(stdout + stderr),
  peakBytes,
};
console.log(JSON.stringify(measured));
