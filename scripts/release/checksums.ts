import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

export const checksumsName = "SHA256SUMS";

export function sha256Of(file: string): string {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}

/** Writes the file that `sha256sum --check` reads, with all files beside and below it. */
export function writeChecksums(folder: string): void {
  const names = readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name !== checksumsName)
    .map(({ parentPath, name }) => path.relative(folder, path.join(parentPath, name)))
    .sort();
  const lines = names.map((name) => `${sha256Of(path.join(folder, name))}  ${name}\n`);
  writeFileSync(path.join(folder, checksumsName), lines.join(""));
}
