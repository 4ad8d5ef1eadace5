import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { commands } from "../../src/cli/commands.ts";
import { manPages } from "../../src/cli/man.ts";
import { manText } from "../../src/cli/man-page.ts";
import { spawn } from "../support/child.ts";
import { mqttd } from "./surroundings.ts";

let folder = "";

beforeAll(async () => {
  folder = path.join(mkdtempSync(path.join(tmpdir(), "mqttd-man-")), "man");
  const { code, stdout, stderr } = await mqttd(["man", folder], {
    env: { SOURCE_DATE_EPOCH: String(Date.UTC(2026, 10, 30) / 1000) },
  });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toBe(`${readdirSync(folder).length} manual pages in ${folder}\n`);
});
afterAll(() => rmSync(path.dirname(folder), { recursive: true }));

function files(): string[] {
  return readdirSync(folder).sort();
}

/** A formatter's standard output; its errors are the test's. */
async function formatted(command: readonly string[]): Promise<string> {
  await using child = spawn(command, {
    cwd: folder,
    env: { ...process.env, LC_ALL: "C.UTF-8", MANWIDTH: "80", MANPAGER: "cat" },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  expect({ command, stderr, code: await child.exited }).toEqual({ command, stderr: "", code: 0 });
  return stdout;
}

const installed = (name: string): boolean => Bun.which(name) !== null;

test("a page for the program, each command and each verb", () => {
  expect(files()).toContain("mqttd.1");
  for (const { name } of commands) expect(files()).toContain(`mqttd-${name}.1`);
  expect(files()).toContain("mqttd-inspect-wills.1");
  expect(files()).toContain("mqttd-codes.7");
});

test("each flag of a command is in its page, and what names another page is there", async () => {
  const names = new Set(files());
  for (const { name, page, seeAlso } of await manPages()) {
    const text = manText({ name, section: 1, summary: "", page, seeAlso }, "1.0", "2026-11-30");
    for (const { title, rows = [] } of page.sections) {
      if (title !== "Flags") continue;
      for (const [term] of rows) expect(text).toContain(term.trim().replaceAll("-", "\\-"));
    }
    for (const other of seeAlso) expect(names).toContain(other.replace(/\((\d)\)$/, ".$1"));
  }
});

test("what a shell reads is printed as it is typed", () => {
  const page = {
    usage: "x",
    about: ".starts with a full stop",
    sections: [{ title: "Examples", commands: ["'quoted' \\ `x` ~/a^b --flag ä"] }],
  };
  const text = manText(
    { name: "x", section: 1, summary: "s", page, seeAlso: [] },
    "1",
    "2026-11-30",
  );
  expect(text).toContain("\n\\&.starts with a full stop\n");
  expect(text).toContain(
    "\n\\(aqquoted\\(aq \\(rs \\(gax\\(ga \\(ti/a\\(hab \\-\\-flag \\[u00E4]\n",
  );
});

test.skipIf(!installed("groff"))("groff: no warnings", async () => {
  for (const file of files()) await formatted(["groff", "-man", "-Tutf8", "-ww", file]);
});

test.skipIf(!installed("mandoc"))("mandoc: no warnings", async () => {
  expect(await formatted(["mandoc", "-Tlint", "-W", "warning", ...files()])).toBe("");
});

test.skipIf(!installed("man"))("man shows a page", async () => {
  const text = await formatted(["man", "-l", "./mqttd-serve.1"]);
  // oxlint-disable-next-line no-control-regex -- Bold is a character struck twice.
  const plain = text.replaceAll(/.\u0008/g, "");
  expect(Bun.stripANSI(plain)).toMatch(/-p, --port PORT\s+port of the first listener/);
  expect(Bun.stripANSI(plain)).toMatch(/EXIT STATUS/);
});

test("a folder that can't be written, and none at all, are errors in usage", async () => {
  expect(await mqttd(["man"])).toMatchObject({ code: 2 });
  const { code, stderr } = await mqttd(["man", path.join(folder, "mqttd.1")]);
  expect(code).toBe(2);
  expect(stderr).toContain("can't write to");
});
