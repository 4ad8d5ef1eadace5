import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Children } from "./children.ts";
import { UsageError } from "./options.ts";

/** The resources of a benchmark: a folder of its own, and children that end with it. */
export interface Bench {
  readonly folder: string;
  readonly children: Children;
}

/**
 * Runs a benchmark and ends the process: with its exit code, 2 for wrong usage, 130 or 143 by
 * signal. In every case its children end first and its folder is removed.
 */
export async function runBench(
  help: string,
  args: readonly string[],
  main: (bench: Bench) => Promise<number>,
): Promise<never> {
  if (args.includes("--help")) {
    console.log(help);
    process.exit(0);
  }
  const children = new Children();
  const folder = mkdtempSync(join(tmpdir(), "mqttd-bench-"));
  process.on("exit", () => {
    children.killAll();
    rmSync(folder, { recursive: true, force: true });
  });
  process.on("SIGINT", () => process.exit(130));
  process.on("SIGTERM", () => process.exit(143));
  process.on("SIGHUP", () => process.exit(129));
  try {
    process.exit(await main({ folder, children }));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${error.message}\nTry --help.`);
    process.exit(2);
  }
}
