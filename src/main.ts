import { writeSync } from "node:fs";
import { isatty } from "node:tty";
import type { Surroundings } from "./cli/command.ts";
import { CliError } from "./config/cli-error.ts";
import { faultText } from "./cli/fault.ts";
import { readInput } from "./cli/input.ts";
import { StandardOutput } from "./cli/output.ts";
import { runProgram } from "./cli/program.ts";
import { type Ask, asker } from "./cli/prompt.ts";
import { remarksFor } from "./cli/remark.ts";
import { builtVersion } from "./cli/version.ts";
import { readConfigFile } from "./config/file.ts";
import { signalCodesBase } from "./config/signal-codes.ts";
import type { Screen } from "./drop/report/progress.ts";

/** The entry point, and the only place that ends the process. */

/** How long output that was printed before a signal may take to leave the process. */
const afterSignalMs = 500;

process.on("uncaughtException", endWithError);
process.on("unhandledRejection", endWithError);

await main();

async function main(): Promise<void> {
  const output = new StandardOutput(process.stdout);
  const words = new StandardOutput(process.stderr);
  try {
    const code = await runProgram(process.argv.slice(2), surroundings(output, words));
    // Without a signal the process waits for a stuck reader; after one, only for so long.
    if (code > signalCodesBase) setTimeout(() => process.exit(code), afterSignalMs);
    // There is nowhere to report that stderr can't be written.
    await words.written().catch(() => {});
    await output.written();
    process.exit(code);
  } catch (error) {
    endWithError(error);
  }
}

function surroundings(output: StandardOutput, words: StandardOutput): Surroundings {
  return {
    env: process.env,
    stderrIsTerminal: process.stderr.isTTY,
    readFile: readConfigFile,
    stdin: () => process.stdin,
    readInput: async () => readInput(process.stdin),
    askSecret: askerOf(true),
    askLine: askerOf(false),
    version: builtVersion(),
    print: (text) => output.print(text),
    flushed: async () => output.flushed(),
    printError: (text) => words.print(remarksFor(screenOf("stderr")?.columns ?? null, text)),
    screen: screenOf,
    loadServer: () => import("./server/serve.ts"),
    loadStoredBroker: () => import("./server/admin/stored-broker.ts"),
    loadDrop: () => import("./cli/drop-run.ts"),
    loadTalk: async () => ({
      ...(await import("./cli/pub-run.ts")),
      ...(await import("./cli/sub-run.ts")),
      ...(await import("./cli/rr-run.ts")),
    }),
    loadBench: () => import("./cli/bench-run.ts"),
  };
}

function screenOf(stream: "stdout" | "stderr"): Screen | null {
  const { isTTY, columns, rows } = process[stream];
  // A terminal that does not know its size reports 0 or undefined.
  return isTTY ? { columns: columns || 80, rows: rows || 24 } : null;
}

function askerOf(isSecret: boolean): Ask | null {
  if (!isatty(0)) return null;
  const show = (text: string): void => void process.stderr.write(text);
  return asker(() => process.stdin, show, isSecret);
}

function endWithError(error: unknown): never {
  try {
    // Synchronously: after a fault of its own the process must run nothing else.
    const columns = screenOf("stderr")?.columns ?? null;
    writeSync(2, error instanceof CliError ? remarksFor(columns, error.text) : faultText(error));
  } catch {
    // Stderr has no reader; the exit code still reports it.
  }
  process.exit(error instanceof CliError ? error.exitCode : 70);
}
