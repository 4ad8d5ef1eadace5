import { expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { CliError } from "../../src/config/cli-error.ts";
import { WholeFile } from "../../src/config/whole-file.ts";
import { Folder } from "../support/executable.ts";

function errorFrom(attempt: () => unknown): string {
  try {
    attempt();
  } catch (thrown) {
    if (thrown instanceof CliError) return `${thrown.message} (${thrown.exitCode})`;
    throw thrown;
  }
  return "none";
}

test("a file appears whole, in place of the previous one", () => {
  using folder = new Folder({ report: "old" });
  const file = new WholeFile(folder.file("report"));
  expect(readFileSync(folder.file("report"), "utf8")).toBe("old");
  file.write("new 灯");
  file.abandon();
  expect(readFileSync(folder.file("report"), "utf8")).toBe("new 灯");
  expect(readdirSync(folder.path)).toEqual(["report"]);
});

test("an abandoned draft leaves nothing behind", () => {
  using folder = new Folder();
  new WholeFile(folder.file("report")).abandon();
  expect(readdirSync(folder.path)).toEqual([]);
});

test("a draft that cannot replace its file leaves nothing behind, and reports it", () => {
  using folder = new Folder();
  const path = folder.file("report");
  const file = new WholeFile(path, "the report");
  mkdirSync(`${path}/inside`, { recursive: true });
  expect(errorFrom(() => file.write("new"))).toMatch(
    /^can't write the report: .*directory.* \(2\)$/,
  );
  expect(readdirSync(folder.path)).toEqual(["report"]);
});

test("the draft of a killed process with the same id is no obstacle", () => {
  using folder = new Folder();
  const path = folder.file("report");
  writeFileSync(`${path}.${process.pid}.tmp`, "half of a rep");
  new WholeFile(path).write("all");
  expect(readFileSync(path, "utf8")).toBe("all");
  expect(readdirSync(folder.path)).toEqual(["report"]);
});

test("a place that is not writable is reported at once", () => {
  using folder = new Folder();
  const path = folder.file("none/report");
  expect(errorFrom(() => new WholeFile(path))).toBe(
    `can't write ${path}: no such file or directory (2)`,
  );
  mkdirSync(folder.file("folder"));
  expect(errorFrom(() => new WholeFile(folder.file("folder")))).toBe(
    `can't write ${folder.file("folder")}: it exists and is not a plain file (2)`,
  );
});
