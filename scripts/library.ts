import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { root } from "./command.ts";

const room = path.join(root, "src/embed");

/**
 * Builds the module `mqttd`, which Bun, Node and Deno import, into a folder: `mqttd.js` with all that
 * it needs, and `mqttd.d.ts`. Returns the size of the first in bytes.
 */
export async function buildLibrary(folder: string): Promise<number> {
  mkdirSync(folder, { recursive: true });
  const built = await Bun.build({
    entrypoints: [path.join(room, "mqttd.ts")],
    target: "node",
    format: "esm",
    // Only Bun has it, and only Bun asks for it.
    external: ["bun:ffi"],
  });
  for (const message of built.logs) console.error(Bun.inspect(message));
  const [output] = built.outputs;
  if (!built.success || output === undefined) throw new Error("the bundler found errors");
  const script = await output.text();
  place(folder, "mqttd.js", script);
  const types = await Bun.file(path.join(room, "api.ts")).text();
  place(folder, "mqttd.d.ts", `${types}\nexport declare const startBroker: StartBroker;\n`);
  return script.length;
}

/** Renames it into its place, so that a program that loads it sees all of it or the one before. */
function place(folder: string, name: string, text: string): void {
  const draft = path.join(folder, `.${name}.${process.pid}`);
  writeFileSync(draft, text);
  renameSync(draft, path.join(folder, name));
}
