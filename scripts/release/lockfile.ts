import path from "node:path";
import * as z from "zod";
import { root } from "../command.ts";

const shape = z.object({
  packages: z.record(
    z.string(),
    z.object({ version: z.string().optional(), integrity: z.string().optional() }),
  ),
});

/** A package as package-lock.json pins it. */
export interface Pinned {
  readonly name: string;
  readonly version: string;
  /** SHA-512 of its tarball, in the notation of npm. */
  readonly integrity: string;
}

/** Throws an Error if the package is not pinned. */
export async function pinned(name: string): Promise<Pinned> {
  const text: unknown = await Bun.file(path.join(root, "package-lock.json")).json();
  const found = shape.parse(text).packages[`node_modules/${name}`];
  if (found?.version === undefined || found.integrity === undefined) {
    throw new Error(`package-lock.json does not pin ${name}`);
  }
  return { name, version: found.version, integrity: found.integrity };
}
