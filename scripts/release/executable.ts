import { mkdirSync, statSync } from "node:fs";
import path from "node:path";
import { compile, type Identity } from "../compile.ts";
import { signAdHoc } from "./ad-hoc-signature.ts";
import { inspect } from "./inspection.ts";
import { readMachO } from "./mach-o.ts";
import { unpackRuntime } from "./runtimes.ts";
import { executableName, type Target } from "./targets.ts";
import { starterFor, tryExecutable } from "./trial.ts";

/** An executable that was made and looked at. */
export interface Made {
  readonly target: Target;
  readonly file: string;
  readonly bytes: number;
  /** Of Bun's executable that is inside. */
  readonly runtimeBytes: number;
  /** What was found, in words. */
  readonly facts: readonly string[];
  /** Why it was not started here; null: it was. */
  readonly notRun: string | null;
  /** Empty: it may be released. */
  readonly problems: readonly string[];
}

/**
 * Makes the executable for a target in `folder`, signs it if macOS would refuse it, reads its format
 * and starts it where that is possible. Throws RuntimeError, or an Error of the bundler.
 */
export async function makeExecutable(
  target: Target,
  identity: Identity,
  cache: string,
  folder: string,
): Promise<Made> {
  mkdirSync(folder, { recursive: true });
  const runtime = await unpackRuntime(target, cache, path.join(folder, "runtime"));
  const outfile = path.join(folder, executableName(target));
  const platform = { target: target.compile, runtime };
  const file = await compile(outfile, identity, platform);
  const signed = target.os === "darwin" && (await signIfBroken(file));
  const bytes = await Bun.file(file).bytes();
  const { facts, needs, problems } = inspect(target, bytes, identity);
  const trial = problems.length > 0 ? null : await trialOf(target, file, identity);
  return {
    ...{ target, file, bytes: bytes.length, runtimeBytes: statSync(runtime).size },
    facts: [
      ...facts,
      ...(signed ? ["signed here"] : []),
      ...needs,
      ...(trial?.words === undefined ? [] : [trial.words]),
    ],
    notRun: trial?.notRun ?? null,
    problems: [...problems, ...(trial?.problems ?? [])],
  };
}

interface TrialResult {
  readonly words?: string;
  readonly notRun?: string;
  readonly problems?: readonly string[];
}

async function trialOf(target: Target, file: string, identity: Identity): Promise<TrialResult> {
  const starter = starterFor(target);
  if (typeof starter === "string") return { notRun: starter };
  try {
    await tryExecutable(file, starter, identity);
    return { words: starter.words };
  } catch (error) {
    return { problems: [`${starter.words}: ${error instanceof Error ? error.message : "?"}`] };
  }
}

/** True: it signed the file. */
async function signIfBroken(file: string): Promise<boolean> {
  const bytes = await Bun.file(file).bytes();
  const { signature } = readMachO(bytes);
  const isSound =
    signature !== null &&
    signature.isAdHoc &&
    signature.brokenPages.length + signature.problems.length === 0;
  if (isSound) return false;
  await Bun.write(file, signAdHoc(bytes));
  return true;
}
