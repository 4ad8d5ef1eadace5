import { writeSync } from "node:fs";
import type { Surroundings } from "./cli/command.ts";
import { CliError } from "./config/cli-error.ts";
import { faultText } from "./cli/fault.ts";
import { StandardOutput } from "./cli/output.ts";
import { runProgram } from "./cli/program.ts";
import { builtVersion } from "./cli/version.ts";
import { readConfigFile } from "./config/file.ts";

/** The entry point, and the only place that ends the process. */

process.on("uncaughtException", endWithError);
process.on("unhandledRejection", endWithError);

await main();

async function main(): Promise<void> {
  const output = new StandardOutput(process.stdout);
  try {
    const code = await runProgram(process.argv.slice(2), surroundings(output));
    await output.written();
    process.exit(code);
  } catch (error) {
    endWithError(error);
  }
}

function surroundings(output: StandardOutput): Surroundings {
  return {
    env: process.env,
    stderrIsTerminal: process.stderr.isTTY,
    readFile: readConfigFile,
    version: builtVersion(),
    print: (text) => output.print(text),
    loadServer: () => import("./server/serve.ts"),
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
