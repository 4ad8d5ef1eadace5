import path from "node:path";
import * as z from "zod";
import { root } from "../command.ts";
import { entries } from "../compile.ts";

/** An npm package of which the executable contains code. */
export interface ContainedPackage {
  readonly name: string;
  readonly version: string;
  /** As the package says, in SPDX's notation where it does. */
  readonly license: string;
  readonly folder: string;
  /** Minified code, without bytecode. */
  readonly bytes: number;
}

export interface Contents {
  readonly packages: readonly ContainedPackage[];
  /** The project's own code, minified. */
  readonly ownBytes: number;
}

const manifest = z.object({ name: z.string(), version: z.string(), license: z.string() });

/** Bundles the program, and returns what the bundler took in: more than it needs would not be there. */
export async function contentsOf(): Promise<Contents> {
  const built = await Bun.build({
    entrypoints: entries.map((file) => path.join(root, "src", file)),
    ...{ format: "esm", target: "bun", minify: true, metafile: true },
  });
  const outputs = Object.values(built.metafile?.outputs ?? {});
  if (outputs.length === 0) throw new Error("the bundler does not say what it took in");
  const sizes = new Map<string | null, number>();
  const inputs = outputs.flatMap((output) => Object.entries(output.inputs));
  for (const [file, { bytesInOutput }] of inputs) {
    if (bytesInOutput === 0) continue;
    const folder = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path.resolve(file))?.[0] ?? null;
    sizes.set(folder, (sizes.get(folder) ?? 0) + bytesInOutput);
  }
  const packages: ContainedPackage[] = [];
  for (const [folder, bytes] of sizes) {
    if (folder === null) continue;
    const text: unknown = await Bun.file(path.join(folder, "package.json")).json();
    packages.push({ ...manifest.parse(text), folder, bytes });
  }
  const nameOf = ({ name, version }: ContainedPackage): string => `${name}@${version}`;
  packages.sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  return { packages, ownBytes: sizes.get(null) ?? 0 };
}
