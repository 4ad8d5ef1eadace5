import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { root } from "../command.ts";
import type { ContainedPackage } from "./contents.ts";
import { pinned } from "./lockfile.ts";

const ownTexts = path.join(import.meta.dir, "licences");
/** In which a package has its terms; in the order in which they are shown. */
const licenceFile = /^(?:licen[cs]e|copying|notice|copyrightnotice)(?:\.(?:md|txt))?$/i;

/** Packages whose tarball has no such file, and the texts that their package.json refers to. */
const textsElsewhere: Readonly<Record<string, readonly string[]>> = {
  "@bufbuild/protobuf": [
    path.join(root, "node_modules/reflect-metadata/LICENSE"),
    path.join(ownTexts, "protobuf-varint.txt"),
  ],
};

/**
 * The terms of everything in an executable: mqttd, each package, and Bun with what it links. Throws an
 * Error for a package without terms.
 */
export async function licenceTexts(packages: readonly ContainedPackage[]): Promise<string> {
  const { version } = await pinned("bun");
  const bunTypes = await pinned("bun-types");
  if (bunTypes.version !== version) {
    throw new Error(`bun-types has the terms of Bun ${bunTypes.version}, not of ${version}`);
  }
  const parts = [
    part("mqttd", readFileSync(path.join(root, "LICENSE"), "utf8")),
    ...packages.map((one) =>
      part(`${one.name} ${one.version} (${one.license})`, textsOf(one).join("\n\n")),
    ),
    part(`Bun ${version}, the runtime`, bunTerms()),
    part("LGPL 2, of JavaScriptCore in Bun", ownText("LGPL-2.0.txt")),
    part("LGPL 2.1, of TinyCC in Bun", ownText("LGPL-2.1.txt")),
  ];
  return `Licences of what is inside mqttd\n\n${parts.join("\n\n")}\n`;
}

function textsOf({ name, folder }: ContainedPackage): string[] {
  const files = readdirSync(folder)
    .filter((file) => licenceFile.test(file))
    .sort()
    .map((file) => path.join(folder, file));
  const all = files.length > 0 ? files : (textsElsewhere[name] ?? []);
  if (all.length === 0) throw new Error(`${name} has no file with its licence`);
  return all.map((file) => readFileSync(file, "utf8").trim());
}

function ownText(name: string): string {
  return readFileSync(path.join(ownTexts, name), "utf8");
}

/** The page of Bun's documentation, which says what Bun links and how to link it anew. */
function bunTerms(): string {
  const file = path.join(root, "node_modules/bun-types/docs/project/license.mdx");
  return readFileSync(file, "utf8").replace(/^---\n[^]*?\n---\n/, "");
}

function part(title: string, text: string): string {
  return `${"=".repeat(80)}\n${title}\n${"=".repeat(80)}\n\n${text.trim()}`;
}
