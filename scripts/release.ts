import { mkdirSync, renameSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { root } from "./command.ts";
import { git, presentIdentity } from "./compile.ts";
import { DraftFolder } from "./draft-folder.ts";
import { makeRelease, type ReleaseRequest } from "./release/make.ts";
import { RuntimeError } from "./release/runtimes.ts";
import { dryTargets, targetNamed, targets } from "./release/targets.ts";
import { flagsOf, runScript, UsageError } from "./usage.ts";

const help = `npm run release -- [options]

Makes the files of a release on Linux x64: an archive for each platform with the executable, manual
pages, completions and licences; checksums; a bill of materials. Bun's runtimes come from npm, with
the checksums of package-lock.json. Reads each executable's format and signature, starts those that
this machine can start, and says what it did not start. Needs npm, tar, gzip and zip.

  --out DIR        where the folder vVERSION is made (dist/release)
  --version V      the version, if not that of package.json
  --base-url URL   where DIR will be served: installers read URL/vVERSION/FILE
                   (file:///DIR, for trying them here)
  --only TARGET    this target alone; may be repeated
  --cache DIR      where downloaded runtimes are kept (node_modules/.cache/runtimes)
  --dry-run        makes only ${dryTargets.join(" and ")}; without --out, removes all again

Targets: ${targets.map(({ name }) => name).join(", ")}.

Exit codes: 0 made, 1 something is wrong with what it made, 2 wrong usage, 3 a runtime can't be had.`;

const usualOut = path.join(root, "dist/release");

const options = {
  out: { type: "string" },
  version: { type: "string" },
  "base-url": { type: "string" },
  only: { type: "string", multiple: true },
  cache: { type: "string", default: path.join(root, "node_modules/.cache/runtimes") },
  "dry-run": { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

await runScript(async () => {
  const values = flagsOf(options);
  if (values.help) {
    console.log(help);
    return 0;
  }
  if (process.platform !== "linux" || process.arch !== "x64") {
    throw new UsageError("a release is made on Linux x64");
  }
  const identity = await presentIdentity();
  const version = versionOf(values.version ?? identity.version);
  const isDry = values["dry-run"];
  if (isDry && values.only !== undefined)
    throw new UsageError("--dry-run chooses the targets itself");
  // Before anything is written.
  const givenUrl = values["base-url"] === undefined ? null : baseUrlOf(values["base-url"]);
  const names = isDry ? dryTargets : (values.only ?? []);
  const chosen = names.length === 0 ? targets : names.map(targetNamed);
  const keeps = !isDry || values.out !== undefined;
  using passing = keeps ? null : new DraftFolder(tmpdir(), "mqttd-release-");
  const out = passing?.path ?? path.resolve(values.out ?? usualOut);
  mkdirSync(out, { recursive: true });
  using draft = new DraftFolder(out, ".release-");
  const request: ReleaseRequest = {
    identity: { ...identity, version },
    targets: chosen,
    cache: path.resolve(values.cache),
    baseUrl: givenUrl ?? pathToFileURL(out).href,
    seconds: commitSeconds(),
    draft: draft.path,
    print: (line) => console.log(line),
  };
  try {
    const isSound = await makeRelease(request);
    if (!isSound) return 1;
    if (keeps) place(path.join(draft.path, "release"), path.join(out, `v${version}`));
    else console.log("dry run: nothing is kept");
    return 0;
  } catch (error) {
    const isMissing = error instanceof RuntimeError;
    console.error(`release: ${error instanceof Error ? error.message : Bun.inspect(error)}`);
    return isMissing ? 3 : 1;
  }
});

function place(from: string, to: string): void {
  rmSync(to, { recursive: true, force: true });
  renameSync(from, to);
  console.log(`made ${path.relative(process.cwd(), to)}`);
}

function versionOf(text: string): string {
  if (/^\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?$/.test(text)) return text;
  throw new UsageError(`--version ${text}: expected one like 1.2.3 or 1.2.3-rc.1`);
}

/** Without the slash at its end. */
function baseUrlOf(text: string): string {
  if (URL.canParse(text) && /^(?:https?|file):\/\/[^'"\\\s]+$/.test(text)) {
    return text.replace(/\/+$/, "");
  }
  throw new UsageError(`--base-url ${text}: expected a URL of https, http or file`);
}

/** The time of the commit, which all files get; outside git that of package.json. */
function commitSeconds(): number {
  const seconds = Number(git("log", "-1", "--format=%ct"));
  if (seconds > 0) return seconds;
  return Math.floor(statSync(path.join(root, "package.json")).mtimeMs / 1000);
}
