import { expect, test } from "bun:test";
import { mkdirSync, readdirSync, statSync } from "node:fs";
import path from "node:path";
import { spawn } from "../support/child.ts";
import { Folder } from "../support/executable.ts";
import { eventually } from "../support/inbox.ts";

const script = path.resolve(import.meta.dir, "../../scripts/build.ts");
const limitMs = 180_000;

function started(folder: Folder, ...args: string[]) {
  const command = [process.execPath, script, "--outfile", "dist/mqttd", ...args];
  return spawn(command, { cwd: folder.path, stderr: "pipe" });
}

async function build(folder: Folder, ...args: string[]) {
  await using child = started(folder, ...args);
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  await child.exited;
  return { code: child.exitCode, stdout, stderr };
}

test.concurrent(
  "the old executable stays until the new one replaces it, also with two builds at once",
  async () => {
    using folder = new Folder({ "dist/mqttd": "the old one" });
    const file = folder.file("dist/mqttd");
    const old = statSync(file).ino;
    const seen = new Set<number | undefined>();
    // No number: the file is missing. A watcher would report it too late.
    const look = (): unknown => seen.add(statSync(file, { throwIfNoEntry: false })?.ino);
    const looking = setInterval(look, 1);
    const builds = Promise.all([build(folder), build(folder)]);
    const results = await builds.finally(() => clearInterval(looking));
    look();
    for (const { code, stdout, stderr } of results) {
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout).toStartWith("dist/mqttd: mqttd 0.1.0 (");
    }
    expect([seen.has(old), seen.has(undefined)]).toEqual([true, false]);
    expect(seen.size).toBeGreaterThan(1);
    expect(folder.names()).toEqual(["dist", "dist/mqttd"]);
    await using version = spawn([file, "--version"]);
    expect(await version.stdout.text()).toStartWith("mqttd 0.1.0 ");
  },
  limitMs,
);

test.concurrent(
  "a failed build keeps the old executable and reports the failure, and nothing else",
  async () => {
    using folder = new Folder({ "dist/mqttd": "the old one" });
    // No such machine exists, which Bun itself detects.
    const { code, stdout, stderr } = await build(folder, "--target", "bun-windows-x64-musl");
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    const made = statSync(folder.file("dist/mqttd")).mtime.toISOString();
    expect(stderr).toEndWith(`\nbuild: dist/mqttd is still the one of ${made}\n`);
    expect(stderr).not.toContain(".build-");
    expect(folder.names()).toEqual(["dist", "dist/mqttd"]);
    expect(folder.text("dist/mqttd")).toBe("the old one");

    using taken = new Folder();
    mkdirSync(taken.file("dist/mqttd"), { recursive: true });
    const refused = await build(taken);
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toMatch(/^build: EISDIR: .*\n$/);
    expect(refused.stderr).not.toContain(".build-");
    expect(taken.names()).toEqual(["dist", "dist/mqttd"]);
  },
  limitMs,
);

test.concurrent(
  "a cancelled build leaves nothing behind",
  async () => {
    using folder = new Folder({ "dist/mqttd": "the old one" });
    await using child = started(folder);
    await eventually(
      () => readdirSync(folder.file("dist")).length > 1,
      () => "it does not begin",
    );
    child.kill("SIGTERM");
    await child.exited;
    expect(child.exitCode).toBe(143);
    expect(folder.names()).toEqual(["dist", "dist/mqttd"]);
    expect(folder.text("dist/mqttd")).toBe("the old one");
  },
  limitMs,
);

test("wrong usage gives one line and exit code 2", async () => {
  using folder = new Folder();
  expect(await build(folder, "--outfil", "x")).toMatchObject({
    ...{ code: 2, stderr: expect.stringMatching(/^Unknown option '--outfil'.* \(--help\)\n$/) },
  });
  expect(await build(folder, "--target", "linux")).toMatchObject({
    ...{ code: 2, stderr: "--target linux: expected one like bun-linux-arm64 (--help)\n" },
  });
  expect(folder.names()).toEqual([]);
});
