import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { spawn } from "../support/child.ts";

/** The real process: exit codes, streams, and a closed reader. */

const folder = mkdtempSync(join(tmpdir(), "mqttd-cli-"));
afterAll(() => rmSync(folder, { recursive: true }));

const main = fileURLToPath(import.meta.resolve("../../src/main.ts"));
const root = fileURLToPath(import.meta.resolve("../../"));
const planted = fileURLToPath(import.meta.resolve("./planted-fault.ts"));

async function ended(command: readonly string[], env: Record<string, string> = {}) {
  await using child = spawn(command, {
    cwd: folder,
    env: { ...process.env, ...env },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { stdout, stderr, code };
}

const mqttd = (...args: string[]) => ended([process.execPath, main, ...args]);

/** Runs in a shell, where `mqttd` is the program. */
function shell(script: string) {
  const program = `mqttd() { '${process.execPath}' '${main}' "$@"; }`;
  return ended(["sh", "-c", `${program}; ${script}`]);
}

test("success is 0, a usage error is 2 with one line on stderr", async () => {
  expect(await mqttd("--version")).toEqual({ stdout: "mqttd 0.1.0-dev\n", stderr: "", code: 0 });
  expect(await mqttd("srve")).toEqual({
    stdout: "",
    stderr: 'mqttd: unknown command "srve" (did you mean serve?)\n',
    code: 2,
  });
});

test("the configuration in the folder is read, and a folder of that name is reported", async () => {
  writeFileSync(join(folder, "mqttd.jsonc"), '{\n  "limits": { "packetSise": 1 }\n}\n');
  expect(await mqttd("serve", "--test-config")).toEqual({
    stdout: "",
    stderr:
      "mqttd: mqttd.jsonc:2:15 limits.packetSise: unknown key, did you mean limits.packetSize?\n",
    code: 2,
  });
  rmSync(join(folder, "mqttd.jsonc"));
  expect((await mqttd("serve", "-t", "-c", folder)).stderr).toBe(
    `mqttd: ${folder}: is a folder, allowed: a file\n`,
  );
});

test("a reader that closes early is no error, and gets no stack", async () => {
  if (process.platform === "win32") return;
  expect(await shell("mqttd --help | head -1")).toEqual({
    stdout: "Usage: mqttd COMMAND [FLAGS]\n",
    stderr: "",
    code: 0,
  });
  expect(await shell("{ mqttd --help; echo $? >&2; } | :")).toMatchObject({ stderr: "0\n" });
});

test("output that can't be written is an error", async () => {
  if (process.platform !== "linux") return;
  const { stderr, code } = await shell("mqttd --help >/dev/full");
  expect(stderr).toStartWith("mqttd: can't write the output: ENOSPC");
  expect(code).toBe(2);
});

test("closed streams change nothing about the exit code", async () => {
  if (process.platform === "win32") return;
  expect((await shell("mqttd srve 2>&-")).code).toBe(2);
});

for (const way of ["throw", "later", "reject"]) {
  test(`a fault prints the error and exits with 70: ${way}`, async () => {
    const command = [process.execPath, "--preload", planted, main, "--help"];
    const { stdout, stderr, code } = await ended(command, { PLANTED_FAULT: way });
    expect(stdout).toBe("");
    expect(stderr).toStartWith("mqttd: a fault of its own: AssertionFault: planted\n");
    expect(stderr).toContain("planted-fault.ts");
    expect(code).toBe(70);
  });
}

test("the same sources run under Deno", async () => {
  const deno = join(root, "node_modules/.bin/deno");
  const run = (...args: string[]) =>
    ended([deno, "run", "-A", "--no-lock", "--node-modules-dir=manual", main, ...args], {
      NO_COLOR: "1",
      DENO_NO_UPDATE_CHECK: "1",
      HOME: folder,
    });
  expect(await run("serve", "-t", "-c", "none.json")).toEqual({
    stdout: "",
    stderr: "mqttd: none.json: no such file (named by --config)\n",
    code: 2,
  });
  expect(await run("--version")).toEqual({ stdout: "mqttd 0.1.0-dev\n", stderr: "", code: 0 });
});
