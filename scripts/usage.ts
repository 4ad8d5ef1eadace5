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
  } catch (fault) {
    throw new UsageError(fault instanceof Error ? fault.message : String(fault));
  }
}

/** Ends the process with what `main` returns, or with 2 where its usage was wrong. */
export async function runScript(main: () => number | Promise<number>): Promise<never> {
  try {
    process.exit(await main());
  } catch (fault) {
    if (!(fault instanceof UsageError)) throw fault;
    console.error(`${fault.message} (--help)`);
    process.exit(2);
  }
}
