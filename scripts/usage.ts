import { parseArgs, type ParseArgsConfig } from "node:util";

/** What was typed wrong, in a line. */
export class UsageError extends Error {}

/** The flags of a script, by their names. Throws UsageError. */
export function flagsOf<const Options extends NonNullable<ParseArgsConfig["options"]>>(
  options: Options,
) {
  return wordsOf(options, false).values;
}

/** The flags, and the words beside them where there may be some. Throws UsageError. */
export function wordsOf<const Options extends NonNullable<ParseArgsConfig["options"]>>(
  options: Options,
  allowPositionals = true,
) {
  try {
    return parseArgs({ options, allowPositionals });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** Ends the process with what `main` returns, or with 2 where its usage was wrong. */
export async function runScript(main: () => number | Promise<number>): Promise<never> {
  try {
    process.exit(await main());
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${error.message} (--help)`);
    process.exit(2);
  }
}
