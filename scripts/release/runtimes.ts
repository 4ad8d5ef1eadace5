import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import { pinned, type Pinned } from "./lockfile.ts";
import { run } from "./run.ts";
import type { Target } from "./targets.ts";

/** A runtime that can't be had: no network, no such package, another checksum. */
export class RuntimeError extends Error {}

/** How long npm may take for one runtime, about 50 MB. */
const fetchMs = 300_000;

/**
 * Puts Bun's executable for a target into `folder`; returns its path. Its package comes from `cache`,
 * or from npm into it, and has to have the checksum that package-lock.json pins for the Bun that
 * builds. Throws RuntimeError.
 */
export async function unpackRuntime(
  { runtime, os }: Target,
  cache: string,
  folder: string,
): Promise<string> {
  const tarball = await fetchPackage(await pinned(runtime), cache);
  const into = path.join(folder, path.basename(tarball, ".tgz"));
  mkdirSync(into, { recursive: true });
  await run(["tar", "-xzf", tarball, "-C", into]);
  return path.join(into, "package/bin", os === "win32" ? "bun.exe" : "bun");
}

/**
 * Returns the tarball of a package in the cache, fetched by npm if it is not there. Throws RuntimeError
 * if npm can't bring it, or brings another one than was pinned.
 */
export async function fetchPackage(pin: Pinned, cache: string): Promise<string> {
  const name = `${pin.name.replace("@", "").replace("/", "-")}-${pin.version}.tgz`;
  const file = path.join(cache, name);
  if (await hasChecksum(file, pin)) return file;
  mkdirSync(cache, { recursive: true });
  // Moved when it is whole and right, so that a cache never has another file under this name.
  const draft = mkdtempSync(path.join(cache, ".fetch-"));
  try {
    const wanted = `${pin.name}@${pin.version}`;
    const words = ["npm", "pack", "--silent", "--fetch-retries=1", "--pack-destination", draft];
    await run([...words, wanted], { timeoutMs: fetchMs }).catch((cause: unknown) => {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new RuntimeError(`${wanted} can't be had: ${why}`, { cause });
    });
    const fetched = path.join(draft, name);
    if (!(await hasChecksum(fetched, pin))) {
      throw new RuntimeError(`${wanted} has not the checksum that package-lock.json pins`);
    }
    renameSync(fetched, file);
    return file;
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

async function hasChecksum(file: string, { integrity }: Pinned): Promise<boolean> {
  const there = Bun.file(file);
  if (!(await there.exists())) return false;
  const hash = createHash("sha512")
    .update(await there.bytes())
    .digest("base64");
  return integrity === `sha512-${hash}`;
}
