import { afterAll } from "bun:test";
import { rmSync } from "node:fs";
import path from "node:path";
import { RuntimeError, unpackRuntime } from "../../../scripts/release/runtimes.ts";
import { dryTargets, targetNamed } from "../../../scripts/release/targets.ts";
import { spawn } from "../../support/child.ts";
import { type Ended, Folder } from "../../support/executable.ts";

const root = path.resolve(import.meta.dir, "../../..");
const cache = path.join(root, "node_modules/.cache/runtimes");

/** Two targets are compiled, compressed and read. */
export const dryRunMs = 600_000;

/** Why no release can be made here; null: it can. Fetches the runtimes that are not there. */
export async function whyNot(): Promise<string | null> {
  if (process.platform !== "linux" || process.arch !== "x64") return "not Linux x64";
  for (const program of ["npm", "tar", "gzip"]) {
    if (Bun.which(program) === null) return `needs ${program}`;
  }
  using folder = new Folder();
  try {
    for (const name of dryTargets) await unpackRuntime(targetNamed(name), cache, folder.path);
    return null;
  } catch (error) {
    if (error instanceof RuntimeError) return error.message;
    throw error;
  }
}

/** Runs scripts/release.ts. */
export async function release(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const command = [process.execPath, path.join(root, "scripts/release.ts"), ...args];
  await using child = spawn(command, { stderr: "pipe", env: { ...process.env, ...env } });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  await child.exited;
  return { code: child.exitCode, stdout, stderr };
}

export interface DryRun {
  readonly ended: Ended;
  /** Folder of the release: `OUT/v1.2.3`. */
  readonly folder: string;
  readonly version: string;
  /** Where its installers look: the folder above, as a URL. */
  readonly baseUrl: string;
}

const version = "1.2.3";
let made: Promise<DryRun> | null = null;

/** A release of this file's tests, made once. */
export function dryRun(): Promise<DryRun> {
  made ??= makeOne();
  return made;
}

async function makeOne(): Promise<DryRun> {
  const folder = new Folder();
  out = folder.path;
  const ended = await release(["--dry-run", "--out", folder.path, "--version", version]);
  return {
    ended,
    folder: folder.file(`v${version}`),
    version,
    baseUrl: `file://${folder.path}`,
  };
}

let out: string | null = null;

afterAll(() => {
  if (out !== null) rmSync(out, { recursive: true, force: true });
});
