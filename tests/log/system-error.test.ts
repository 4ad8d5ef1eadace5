import { expect, test } from "bun:test";
import { openSync, renameSync } from "node:fs";
import { systemErrorText } from "../../src/log/system-error.ts";
import { Folder } from "../support/executable.ts";

function errorOf(attempt: () => void): unknown {
  try {
    attempt();
  } catch (error) {
    return error;
  }
  throw new Error("it did not fail");
}

test("the system's message, without its code and file names", () => {
  using folder = new Folder();
  const none = folder.file("none");
  const opened = errorOf(() => openSync(`${none}/a, open 'b'.4711.tmp`, "wx"));
  expect(String(opened)).toContain(".tmp");
  expect(systemErrorText(opened)).toBe("no such file or directory");
  const renamed = errorOf(() => renameSync(`${none}/a.tmp`, `${none}/b`));
  expect(String(renamed)).toContain("a.tmp");
  expect(systemErrorText(renamed)).toBe("no such file or directory");
  expect(systemErrorText(new Error("something else, with a comma"))).toBe(
    "something else, with a comma",
  );
  expect(systemErrorText("thrown")).toBe("thrown");
});
