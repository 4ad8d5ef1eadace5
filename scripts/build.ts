import { mkdirSync, renameSync, statSync } from "node:fs";
import path from "node:path";
import { root } from "./command.ts";
import { compile, presentIdentity } from "./compile.ts";
import { DraftFolder } from "./draft-folder.ts";
import { buildCommand, buildLibrary } from "./library.ts";
import { flagsOf, runScript, UsageError } from "./usage.ts";

const help = `npm run build -- [options]

Builds the one executable in a folder beside it and renames it, so a running one is not
disturbed. A failed build keeps the previous executable, and says so. Without options it
also builds dist/mqttd.js and dist/mqttd.d.ts, the module "mqttd" for tests, and dist/launch.js and
dist/cli.js, the command for Node and Deno.

  --outfile FILE   where to put it (dist/mqttd)
  --target NAME    another platform, one of Bun's: bun-linux-arm64, bun-darwin-arm64, ...

Exit codes: 0 built, 1 the build failed, 2 wrong usage.`;

/** In the folder that package.json names. */
const usualOutfile = path.join(root, "dist/mqttd");

const options = {
  target: { type: "string" },
  outfile: { type: "string", default: usualOutfile },
  help: { type: "boolean", default: false },
} as const;

await runScript(async () => {
  const values = flagsOf(options);
  if (values.help) {
    console.log(help);
    return 0;
  }
  const target = values.target === undefined ? null : compileTarget(values.target);
  const outfile = path.resolve(values.outfile);
  try {
    console.log(await build(outfile, target));
    if (outfile === usualOutfile && target === null) console.log(await library());
    return 0;
  } catch (error) {
    console.error(`build: ${describe(error)}`);
    const there = Bun.file(outfile);
    if (await there.exists()) {
      const made = new Date(there.lastModified).toISOString();
      console.error(`build: ${shown(outfile)} is still the one of ${made}`);
    }
    return 1;
  }
});

/** Builds the executable. Returns the line that describes it. */
async function build(outfile: string, target: Bun.Build.CompileTarget | null): Promise<string> {
  const begin = performance.now();
  const identity = await presentIdentity();
  const parent = path.dirname(outfile);
  mkdirSync(parent, { recursive: true });
  // For this build only, and on the same file system, so that a rename suffices.
  using folder = new DraftFolder(parent, ".build-");
  const platform = target === null ? null : { target, runtime: null };
  try {
    const draft = await compile(path.join(folder.path, path.basename(outfile)), identity, platform);
    // For Windows, Bun adds the extension if there is none.
    const made = path.join(parent, path.basename(draft));
    const { size } = statSync(draft);
    renameSync(draft, made);
    const seconds = ((performance.now() - begin) / 1000).toFixed(1);
    return (
      `${shown(made)}: mqttd ${identity.version} (${identity.commit}), ${mb(size)}, ` +
      `${target ?? "this machine"}, ${seconds} s`
    );
  } catch (error) {
    // Show the reader the name of the executable, not that of the draft.
    throw new Error(describe(error).replaceAll(folder.path, parent), { cause: error });
  }
}

/** Builds the module for tests and the command of the npm package. Returns a line for each. */
async function library(): Promise<string> {
  const folder = path.dirname(usualOutfile);
  const [module, command] = [
    await buildLibrary(folder),
    await buildCommand(folder, await presentIdentity()),
  ];
  return (
    `${shown(path.join(folder, "mqttd.js"))}, mqttd.d.ts: the module for tests, ${mb(module)}\n` +
    `${shown(path.join(folder, "launch.js"))}, cli.js, store-worker.js: the command for Node and ` +
    `Deno, ${mb(command)}`
  );
}

function mb(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function compileTarget(name: string): Bun.Build.CompileTarget {
  if (!/^bun-(linux|darwin|windows)-(x64|arm64)(-[a-z]+)*$/.test(name)) {
    throw new UsageError(`--target ${name}: expected one like bun-linux-arm64`);
  }
  // Bun itself refuses the combinations that do not exist.
  return name as Bun.Build.CompileTarget;
}

function shown(file: string): string {
  return path.relative(process.cwd(), file);
}

function describe(error: unknown): string {
  if (error instanceof AggregateError) {
    return error.errors.map((one) => Bun.inspect(one)).join("\n");
  }
  return error instanceof Error ? error.message : Bun.inspect(error);
}
