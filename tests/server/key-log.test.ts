import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { CliError } from "../../src/config/cli-error.ts";
import { checkKeyLog, KeyLog } from "../../src/server/key-log.ts";
import { spawnSync } from "../support/child.ts";

const folder = mkdtempSync(path.join(tmpdir(), "mqttd-key-log-"));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string): string {
  return path.join(folder, name);
}

/** What both say of a file that can't be a key log. */
function refusals(name: string): readonly string[] {
  const failed = (work: () => unknown): string => {
    try {
      work();
    } catch (error) {
      if (error instanceof CliError) return error.message.replace(folder, "");
      throw error;
    }
    return "accepted";
  };
  return [failed(() => new KeyLog(file(name), () => {})), failed(() => checkKeyLog(file(name)))];
}

test("lines are appended to a file that only its owner may read", () => {
  writeFileSync(file("old"), "first\n", { mode: 0o644 });
  new KeyLog(file("old"), () => {}).write(Buffer.from("second\n"));
  expect(readFileSync(file("old"), "utf8")).toBe("first\nsecond\n");
  expect(statSync(file("old")).mode & 0o777).toBe(0o600);
});

test("a check creates nothing", () => {
  checkKeyLog(file("new"));
  expect(statSync(file("new"), { throwIfNoEntry: false })).toBeUndefined();
});

test.if(process.platform !== "win32")(
  "a pipe, a folder and a missing one are refused at once, by the check too",
  () => {
    expect(spawnSync(["mkfifo", file("pipe")]).exitCode).toBe(0);
    const plain = "can't write the key log /pipe: it exists and is not a plain file";
    expect(refusals("pipe")).toEqual([plain, plain]);
    mkdirSync(file("sub"));
    for (const text of refusals("sub")) expect(text).toContain("directory");
    for (const text of refusals("none/keys")) expect(text).toContain("no such file or directory");
  },
);

test.if(process.platform === "linux")("a device keeps its permissions", () => {
  const before = statSync("/dev/null").mode;
  expect(() => new KeyLog("/dev/null", () => {})).toThrow("it exists and is not a plain file");
  expect(statSync("/dev/null").mode).toBe(before);
});
