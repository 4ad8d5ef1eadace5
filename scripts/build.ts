import { rm, stat } from "node:fs/promises";
import path from "node:path";
import { parseArgs } from "node:util";
import { root } from "./command.ts";

/**
 * Makes the one executable. `--target bun-linux-arm64` (or another of Bun's) builds for another
 * machine, `--outfile FILE` puts it somewhere else than dist/mqttd.
 */

const entry = path.join(root, "src/main.ts");

const { values } = parseArgs({
  options: {
    target: { type: "string" },
    outfile: { type: "string", default: path.join(root, "dist/mqttd") },
  },
});

if (!(await Bun.file(entry).exists())) {
  fail(`the entry point ${path.relative(process.cwd(), entry)} does not exist`);
}
const begin = performance.now();
const version = await packageVersion();
const commit = commitName();
const outfile = path.resolve(values.outfile);
const target = values.target;

// A build that fails leaves no executable of an earlier one to be taken for its own.
await rm(outfile, { force: true });

const built = await Bun.build({
  entrypoints: [entry],
  // Top-level await needs the module format.
  format: "esm",
  minify: true,
  bytecode: true,
  define: {
    MQTTD_VERSION: JSON.stringify(version),
    MQTTD_COMMIT: JSON.stringify(commit),
  },
  // What lies about in the folder where the broker is started must not run in it.
  compile: {
    outfile,
    autoloadBunfig: false,
    autoloadDotenv: false,
    ...(target === undefined ? {} : { target: compileTarget(target) }),
  },
}).catch((error: unknown) => fail(describe(error)));

for (const message of built.logs) console.error(Bun.inspect(message));
if (!built.success) fail("the build failed");
const made = built.outputs[0]?.path ?? outfile;
const { size } = await stat(made);
const seconds = ((performance.now() - begin) / 1000).toFixed(1);
const megabytes = (size / 1e6).toFixed(1);
console.log(
  `${path.relative(process.cwd(), made)}: mqttd ${version} (${commit}), ${megabytes} MB, ` +
    `${target ?? "this machine"}, ${seconds} s`,
);

async function packageVersion(): Promise<string> {
  const manifest: unknown = await Bun.file(path.join(root, "package.json")).json();
  if (typeof manifest === "object" && manifest !== null && "version" in manifest) {
    return String(manifest.version);
  }
  return fail("package.json has no version");
}

/** The short hash; `-dirty` when tracked files differ from it; `unknown` outside git. */
function commitName(): string {
  const hash = git("rev-parse", "--short", "HEAD");
  if (hash === null) return "unknown";
  return git("status", "--porcelain", "--untracked-files=no") === "" ? hash : `${hash}-dirty`;
}

function git(...words: string[]): string | null {
  try {
    const ran = Bun.spawnSync(["git", ...words], { cwd: root, stderr: "ignore" });
    return ran.success ? ran.stdout.toString().trim() : null;
  } catch {
    // There is no git on this machine.
    return null;
  }
}

function compileTarget(name: string): Bun.Build.CompileTarget {
  if (!/^bun-(linux|darwin|windows)-(x64|arm64)(-[a-z]+)*$/.test(name)) {
    fail(`--target ${name}: expected one like bun-linux-arm64`);
  }
  // Bun itself refuses the combinations that do not exist.
  return name as Bun.Build.CompileTarget;
}

function describe(error: unknown): string {
  return error instanceof AggregateError
    ? error.errors.map((one) => Bun.inspect(one)).join("\n")
    : Bun.inspect(error);
}

function fail(why: string): never {
  console.error(`build: ${why}`);
  process.exit(1);
}
