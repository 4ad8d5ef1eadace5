import { writeSync } from "node:fs";
import type { Surroundings } from "./cli/command.ts";
import { CliError } from "./config/cli-error.ts";
import { faultText } from "./cli/fault.ts";
import { readInput } from "./cli/input.ts";
import { StandardOutput } from "./cli/output.ts";
import { runProgram } from "./cli/program.ts";
import { builtVersion } from "./cli/version.ts";
import { readConfigFile } from "./config/file.ts";
import { signalCodesBase } from "./config/signal-codes.ts";

/** The entry point, and the only place that ends the process. */

/** What was printed before a signal has so long to leave the process. */
const afterSignalMs = 500;

process.on("uncaughtException", endWithError);
process.on("unhandledRejection", endWithError);

await main();

async function main(): Promise<void> {
  const output = new StandardOutput(process.stdout);
  const words = new StandardOutput(process.stderr);
  try {
    const code = await runProgram(process.argv.slice(2), surroundings(output, words));
    // A reader that is stuck is waited for, but not by a user who wants out.
    if (code > signalCodesBase) setTimeout(() => process.exit(code), afterSignalMs);
    // Nobody can be told that stderr can't be written.
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
    readInput: async () => readInput(process.stdin),
    version: builtVersion(),
    print: (text) => output.print(text),
    flushed: async () => output.flushed(),
    printError: (text) => words.print(text),
    screen: (stream) => {
      const { isTTY, columns, rows } = process[stream];
      // A terminal that does not know its size says 0, or nothing.
      return isTTY ? { columns: columns || 80, rows: rows || 24 } : null;
    },
    loadServer: () => import("./server/serve.ts"),
    loadDrop: () => import("./cli/drop-run.ts"),
  };
}

function endWithError(error: unknown): never {
  try {
    // At once, and in one piece: nothing of this process may run once it has found a fault of its own.
    writeSync(2, error instanceof CliError ? error.text : faultText(error));
  } catch {
    // Nobody reads; the exit code still says it.
  }
  process.exit(error instanceof CliError ? error.exitCode : 70);
}
