import { copyFileSync, cpSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { root } from "../command.ts";
import { definitions, type Identity } from "../compile.ts";
import { archiveName, pack } from "./archive.ts";
import { sha256Of, writeChecksums } from "./checksums.ts";
import { type Contents, contentsOf } from "./contents.ts";
import { type Made, makeExecutable } from "./executable.ts";
import { type Archive, writeInstallers } from "./installers.ts";
import { licenceTexts } from "./licences.ts";
import { packMain, packPlatform } from "./npm.ts";
import { run } from "./run.ts";
import { billOfMaterials } from "./sbom.ts";
import { executableName, type Target } from "./targets.ts";

export interface ReleaseRequest {
  readonly identity: Identity;
  readonly targets: readonly Target[];
  /** Folder of downloaded runtimes. */
  readonly cache: string;
  /** Where the release will be served, without a slash at its end. */
  readonly baseUrl: string;
  /** The time of every file, seconds since the epoch. */
  readonly seconds: number;
  /** Folder for everything; the files of the release are then in its folder `release`. */
  readonly draft: string;
  /** Gets a line for each file that was made. */
  readonly print: (line: string) => void;
}

/** Makes the files of a release. False: something is wrong with one, which was printed. */
export async function makeRelease(request: ReleaseRequest): Promise<boolean> {
  const { identity, targets, cache, seconds, draft, print } = request;
  const { version } = identity;
  const release = path.join(draft, "release");
  mkdirSync(release, { recursive: true });
  const contents = await contentsOf();
  const common = await commonFiles(request, await licenceTexts(contents.packages));
  print(`mqttd ${version} (${identity.commit})`);
  const made: Made[] = [];
  const archives = new Map<string, Archive>();
  const packages = path.join(release, "npm");
  const licences = licenceFiles.map((name) => path.join(common, name));
  for (const target of targets) {
    const one = await makeExecutable(target, identity, cache, path.join(draft, target.name));
    const archive = path.join(release, archiveName(target, version));
    const folder = path.join(draft, "packed", target.name, `mqttd-${version}-${target.name}`);
    cpSync(common, folder, { recursive: true });
    copyFileSync(one.file, path.join(folder, executableName(target)));
    await pack(folder, archive, seconds);
    const url = `${request.baseUrl}/v${version}/${path.basename(archive)}`;
    archives.set(target.name, { url, sha256: sha256Of(archive) });
    const files = { target, executable: one.file, licences };
    await packPlatform(identity, files, draft, packages);
    print(lineOf(one, Bun.file(archive).size));
    made.push(one);
  }
  await packMain(identity, targets, licences, draft, packages);
  const bill = await billOfMaterials(identity, contents.packages, seconds);
  writeFileSync(path.join(release, `mqttd-${version}.cdx.json`), bill);
  writeInstallers(release, version, request.baseUrl, archives);
  writeChecksums(release);
  print(sizesOf(made, contents));
  const notRun = made.filter((one) => one.notRun !== null);
  if (notRun.length > 0) print(`not run: ${notRun.map(({ target }) => target.name).join(", ")}`);
  return made.every(({ problems }) => problems.length === 0);
}

const licenceFiles = ["LICENSE", "THIRD-PARTY-LICENSES.txt"] as const;

/** Folder with what every archive has beside the executable. */
async function commonFiles({ draft, identity }: ReleaseRequest, licences: string): Promise<string> {
  const folder = path.join(draft, "common");
  const completions = path.join(folder, "completions");
  mkdirSync(completions, { recursive: true });
  const [own, others] = licenceFiles;
  copyFileSync(path.join(root, own), path.join(folder, own));
  writeFileSync(path.join(folder, others), licences);
  const defines = Object.entries(definitions(identity)).map((pair) => pair.join("="));
  const mqttd = async (...words: string[]): Promise<string> => {
    const flags = defines.flatMap((define) => ["--define", define]);
    return run([process.execPath, ...flags, path.join(root, "src/main.ts"), ...words]);
  };
  await mqttd("man", path.join(folder, "man"));
  for (const [shell, name] of [
    ["bash", "mqttd.bash"],
    ["zsh", "_mqttd"],
    ["fish", "mqttd.fish"],
  ] as const) {
    writeFileSync(path.join(completions, name), await mqttd("completions", shell));
  }
  return folder;
}

function lineOf({ target, bytes, facts, notRun, problems }: Made, packed: number): string {
  const words = [
    ...facts,
    ...(notRun === null ? [] : [`not run: ${notRun}`]),
    ...problems.map((problem) => `WRONG: ${problem}`),
  ];
  return `${target.name.padEnd(16)} ${mb(bytes)}, packed ${mb(packed)}: ${words.join("; ")}`;
}

/** What makes the executables large. */
function sizesOf(made: readonly Made[], { packages, ownBytes }: Contents): string {
  const [first] = made;
  if (first === undefined) return "";
  const packageBytes = packages.map(({ bytes }) => bytes).reduce(sum, 0);
  const rest = first.bytes - first.runtimeBytes - ownBytes - packageBytes;
  return (
    `of ${first.target.name}: Bun ${mb(first.runtimeBytes)}, mqttd's code ${mb(ownBytes)}, ` +
    `packages ${mb(packageBytes)}, bytecode ${mb(rest)}`
  );
}

function mb(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function sum(a: number, b: number): number {
  return a + b;
}
