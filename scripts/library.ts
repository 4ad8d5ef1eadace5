import { chmodSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { root } from "./command.ts";
import { definitions, entries, type Identity } from "./compile.ts";

const room = path.join(root, "src/embed");

/**
 * Builds the module `mqttd`, which Bun, Node and Deno import, into a folder: `mqttd.js` with all that
 * it needs, and `mqttd.d.ts`. Returns the size of the first in bytes.
 */
export async function buildLibrary(folder: string): Promise<number> {
  mkdirSync(folder, { recursive: true });
  const script = await bundle(path.join(room, "mqttd.ts"));
  place(folder, "mqttd.js", script);
  const types = await Bun.file(path.join(room, "api.ts")).text();
  place(folder, "mqttd.d.ts", `${types}\nexport declare const startBroker: StartBroker;\n`);
  return script.length;
}

/**
 * Builds the command for Node and Deno into a folder: `launch.js`, which starts an installed executable
 * or `cli.js`, the program, with `store-worker.js`. Returns their size in bytes.
 */
export async function buildCommand(folder: string, identity: Identity): Promise<number> {
  mkdirSync(folder, { recursive: true });
  const [program = "", worker = ""] = entries.map((file) => path.join(root, "src", file));
  const define = {
    ...definitions(identity),
    MQTTD_STORE_WORKER: JSON.stringify("./store-worker.js"),
  };
  const files = {
    "cli.js": await bundle(program, define),
    "store-worker.js": await bundle(worker),
    "launch.js": `#!/usr/bin/env node\n${await bundle(path.join(root, "src/launch.ts"))}`,
  };
  for (const [name, script] of Object.entries(files)) place(folder, name, script);
  chmodSync(path.join(folder, "launch.js"), 0o755);
  return Object.values(files).reduce((bytes, script) => bytes + script.length, 0);
}

/** One file for Node and Deno. */
async function bundle(entry: string, define: Record<string, string> = {}): Promise<string> {
  const built = await Bun.build({
    ...{ entrypoints: [entry], target: "node", format: "esm", define },
    // Only Bun has them, and only Bun asks for them.
    external: ["bun:ffi", "bun:jsc"],
    plugins: [esmOfJsonc],
  });
  for (const message of built.logs) console.error(Bun.inspect(message));
  const [output] = built.outputs;
  if (!built.success || output === undefined) throw new Error("the bundler found errors");
  return output.text();
}

/**
 * For Node, the bundler takes the file under `main`, which loads its parts in a way that no bundler
 * sees. Its `module` has them all.
 */
const esmOfJsonc: Bun.BunPlugin = {
  name: "jsonc-parser as a module",
  setup: (build) => {
    const file = path.join(root, "node_modules/jsonc-parser/lib/esm/main.js");
    build.onResolve({ filter: /^jsonc-parser$/ }, () => ({ path: file }));
  },
};

/** Renames it into its place, so that a program that loads it sees all of it or the one before. */
function place(folder: string, name: string, text: string): void {
  const draft = path.join(folder, `.${name}.${process.pid}`);
  writeFileSync(draft, text);
  renameSync(draft, path.join(folder, name));
}
