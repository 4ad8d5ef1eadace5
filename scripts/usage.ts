import { parseArgs, type ParseArgsConfig } from "node:util";

/** A mistake on the command line, in one line. */
export class UsageError extends Error {}

/** Parses a script's flags. Throws UsageError. */
export function flagsOf<const Options extends NonNullable<ParseArgsConfig["options"]>>(
  options: Options,
) {
  return wordsOf(options, false).values;
}

/** Parses a script's flags, and its other arguments if it allows some. Throws UsageError. */
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

/** The value of a flag that is a whole number from `least` on. Throws UsageError. */
export function wholeNumber(flag: string, text: string, least = 0): number {
  const number = Number(text);
  if (text !== "" && Number.isSafeInteger(number) && number >= least) return number;
  const from = least === 0 ? "" : ` from ${least} on`;
  throw new UsageError(`--${flag} takes a whole number${from}, not ${text}`);
}

/** Ends the process with the exit code that `main` returns, or with 2 on wrong usage. */
export async function runScript(main: () => number | Promise<number>): Promise<never> {
  try {
    process.exit(await main());
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${error.message} (--help)`);
    process.exit(2);
  }
}
