import path from "node:path";
import { root } from "./command.ts";

/** What an executable says of itself: `mqttd --version`. */
export interface Identity {
  readonly version: string;
  /** The short hash; `-dirty` when tracked files differ from it; `unknown` outside git. */
  readonly commit: string;
}

/** Where an executable is to run. */
export interface Platform {
  readonly target: Bun.Build.CompileTarget;
  /** Bun's own executable for the target; null: Bun downloads it. */
  readonly runtime: string | null;
}

/** The version of package.json, and the commit that is checked out. */
export async function presentIdentity(): Promise<Identity> {
  return { version: await packageVersion(), commit: commitName() };
}

export function definitions({ version, commit }: Identity): Record<string, string> {
  return { MQTTD_VERSION: JSON.stringify(version), MQTTD_COMMIT: JSON.stringify(commit) };
}

/** What an executable is made of: the program, and the thread of a store, beside it. */
export const entries: readonly string[] = ["main.ts", "store/worker.ts"];

/**
 * Compiles the program and its runtime into one file, for this machine if `platform` is null. Returns
 * the path of the file: for Windows, Bun adds the extension.
 */
export async function compile(
  outfile: string,
  identity: Identity,
  platform: Platform | null,
): Promise<string> {
  const back = process.cwd();
  // Bun writes a draft of its own into the current folder.
  process.chdir(path.dirname(outfile));
  try {
    const built = await Bun.build({
      entrypoints: entries.map((file) => path.join(root, "src", file)),
      // Top-level await needs the module format.
      format: "esm",
      minify: true,
      bytecode: true,
      define: {
        ...definitions(identity),
        MQTTD_STORE_WORKER: JSON.stringify(`./${entries[1]}`),
      },
      // Files in the folder where the broker is started must not run in it.
      compile: {
        outfile,
        autoloadBunfig: false,
        autoloadDotenv: false,
        ...(platform === null ? {} : { target: platform.target }),
        ...(platform === null || platform.runtime === null
          ? {}
          : { executablePath: platform.runtime }),
      },
    });
    for (const message of built.logs) console.error(Bun.inspect(message));
    if (!built.success) throw new Error("the bundler found errors");
    return built.outputs[0]?.path ?? outfile;
  } finally {
    process.chdir(back);
  }
}

async function packageVersion(): Promise<string> {
  const manifest: unknown = await Bun.file(path.join(root, "package.json")).json();
  if (typeof manifest === "object" && manifest !== null && "version" in manifest) {
    return String(manifest.version);
  }
  throw new Error("package.json has no version");
}

function commitName(): string {
  const hash = git("rev-parse", "--short", "HEAD");
  if (hash === null) return "unknown";
  return git("status", "--porcelain", "--untracked-files=no") === "" ? hash : `${hash}-dirty`;
}

/** What git prints; null: an error, or no git on this machine. */
export function git(...words: string[]): string | null {
  try {
    const ran = Bun.spawnSync(["git", ...words], { cwd: root, stderr: "ignore" });
    return ran.success ? ran.stdout.toString().trim() : null;
  } catch {
    return null;
  }
}
