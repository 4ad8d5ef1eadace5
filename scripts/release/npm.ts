import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import packageJson from "../../package.json" with { type: "json" };
import { root } from "../command.ts";
import type { Identity } from "../compile.ts";
import { buildCommand, buildLibrary } from "../library.ts";
import { packageReadme } from "./readme.ts";
import { run } from "./run.ts";
import { executableName, type Target } from "./targets.ts";

/** Compressing an executable takes some ten seconds. */
const packMs = 300_000;

/** A platform's executable, and the licences that go with it. */
export interface PlatformFiles {
  readonly target: Target;
  readonly executable: string;
  readonly licences: readonly string[];
}

/** The package of one platform: `npm install mqttd` takes the one that fits, by os, cpu and libc. */
export async function packPlatform(
  { version }: Identity,
  { target, executable, licences }: PlatformFiles,
  draft: string,
  out: string,
): Promise<void> {
  const folder = path.join(draft, "npm", target.name);
  mkdirSync(folder, { recursive: true });
  cpSync(executable, path.join(folder, executableName(target)));
  for (const file of licences) cpSync(file, path.join(folder, path.basename(file)));
  await packFolder(folder, out, {
    ...{ name: nameOf(target), version, license: packageJson.license },
    description: `The mqttd executable for ${target.name}. Install the package mqttd.`,
    ...{ os: [target.os], cpu: [target.cpu], preferUnplugged: true },
    ...(target.libc === null ? {} : { libc: [target.libc] }),
    // Its own name ends in none: npm takes only what is listed.
    files: [executableName(target), ...licences.map((file) => path.basename(file))],
  });
}

/**
 * The package `mqttd`: the command, which starts the executable of a platform's package, the program
 * as JavaScript for where there is none, and the module for tests. Nothing is to be installed
 * with it but one platform's package.
 */
export async function packMain(
  identity: Identity,
  targets: readonly Target[],
  licences: readonly string[],
  draft: string,
  out: string,
): Promise<void> {
  const folder = path.join(draft, "npm", "mqttd");
  mkdirSync(folder, { recursive: true });
  await buildLibrary(folder);
  await buildCommand(folder, identity);
  const readme = readFileSync(path.join(root, "README.md"), "utf8");
  writeFileSync(path.join(folder, "README.md"), packageReadme(readme));
  for (const file of licences) cpSync(file, path.join(folder, path.basename(file)));
  const { version } = identity;
  const { description, license, engines } = packageJson;
  await packFolder(folder, out, {
    ...{ name: "mqttd", version, description, license, engines, type: "module" },
    bin: { mqttd: "launch.js" },
    exports: { ".": { types: "./mqttd.d.ts", default: "./mqttd.js" } },
    types: "mqttd.d.ts",
    files: readdirSync(folder),
    optionalDependencies: Object.fromEntries(targets.map((target) => [nameOf(target), version])),
  });
}

async function packFolder(folder: string, out: string, manifest: object): Promise<void> {
  mkdirSync(out, { recursive: true });
  writeFileSync(path.join(folder, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  const words = ["npm", "pack", "--silent", "--ignore-scripts", "--pack-destination", out];
  await run([...words, folder], { timeoutMs: packMs });
}

function nameOf({ name }: Target): string {
  return `@mqttd/${name}`;
}
