import { utimesSync, readdirSync } from "node:fs";
import path from "node:path";
import { run } from "./run.ts";
import type { Target } from "./targets.ts";

/** Compressing the largest takes some ten seconds. */
const packMs = 300_000;

export function archiveName({ name, os }: Target, version: string): string {
  return `mqttd-${version}-${name}.${os === "win32" ? "zip" : "tar.gz"}`;
}

/**
 * Packs a folder into an archive, with the folder's name before each path: zip for Windows, tar.gz for
 * all others. The same content makes the same archive: every file is of `seconds`, nobody's, and in
 * order. Throws an Error when tar, gzip or zip is missing or fails.
 */
export async function pack(folder: string, archive: string, seconds: number): Promise<void> {
  const [parent, name] = [path.dirname(folder), path.basename(folder)];
  const options = { cwd: parent, env: { TZ: "UTC" }, timeoutMs: packMs };
  if (archive.endsWith(".zip")) {
    const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).sort();
    const all = [name, ...files.map((file) => path.join(name, file))];
    for (const file of all) utimesSync(path.join(parent, file), seconds, seconds);
    await run(["zip", "-q", "-X", "-9", archive, ...all], options);
    return;
  }
  const alike = ["--sort=name", `--mtime=@${seconds}`, "--owner=0", "--group=0", "--numeric-owner"];
  const gzip = "--use-compress-program=gzip -n";
  await run(["tar", ...alike, "--format=ustar", gzip, "-cf", archive, name], options);
}
