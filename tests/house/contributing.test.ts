import { Glob } from "bun";
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import path from "node:path";
import { spawnSync } from "../support/child.ts";
import { codeSpansOf, documents, fencesOf } from "../support/documents.ts";

// What CONTRIBUTING.md and docs/architecture.md name exists, and the printed run loop runs.

const root = path.resolve(import.meta.dir, "../..");
const files = [...new Glob("{src,tests,scripts,bench,docs}/**/*.*").scanSync({ cwd: root })];
const checked = ["CONTRIBUTING.md", "docs/architecture.md"] as const;

function textOf(name: string): string {
  const text = documents().get(name);
  if (text === undefined) throw new Error(`there is no ${name}`);
  return text;
}

/** Names of files and folders in backquotes that do not exist. FAMILY.ts stands for any name. */
function missingIn(document: string): string[] {
  // A list item of `src/x/`, with its indented lines, names files of that folder.
  const parts = document.split(/^(?=\S)/m);
  return parts.flatMap((part) => {
    const [, folder = ""] = /^- `(src\/[\w/-]+\/)`/.exec(part) ?? [];
    return codeSpansOf(part)
      .filter((span) => /^[\w*./-]+(?:\.ts|\/)$/.test(span) && !/[A-Z]{3}/.test(span))
      .filter((span) => !isThere(span, folder));
  });
}

/** Whole paths, or the end of one below `folder`. */
function isThere(name: string, folder: string): boolean {
  const end = name.endsWith("/") ? `${name}**` : name;
  const globs = [end, `${folder}**/${end}`].map((text) => new Glob(text));
  return files.some((file) => globs.some((glob) => glob.match(file)));
}

/** `name` in `file`, where the file exports no such name. */
function missingNamesIn(document: string): string[] {
  return [...document.matchAll(/`(\w+)` in `([\w./-]+\.ts)`/g)].flatMap(
    ([text, name, file = ""]) => {
      const source = readFileSync(path.join(root, file), "utf8");
      const isExported = new RegExp(`^export (?:function\\*?|const) ${name}\\b`, "m").test(source);
      return isExported ? [] : [text];
    },
  );
}

for (const name of checked) {
  test(`every file and folder that ${name} names exists`, () => {
    expect(missingIn(textOf(name))).toEqual([]);
  });
}

test("docs/architecture.md names every file of the core's rules and of the driver", () => {
  const named = codeSpansOf(textOf("docs/architecture.md")).map((span) => path.basename(span));
  const own = files.filter((file) => /^src\/(?:core|server\/driver)\/[^/]+\.ts$/.test(file));
  expect(own.length).toBeGreaterThan(70);
  expect(own.filter((file) => !named.includes(path.basename(file)))).toEqual([]);
});

test("what CONTRIBUTING.md says is decided in a file is exported by it", () => {
  expect(missingNamesIn(textOf("CONTRIBUTING.md"))).toEqual([]);
  expect(textOf("CONTRIBUTING.md")).toMatch(/`allowedSilenceMs` in `/);
});

test("a file, a folder or a name that does not exist is found", () => {
  const document =
    "- `src/core/`: `broker.ts`, `driver.ts`, `records/`, `rooms/`, `FAMILY.ts`\n" +
    "Next\n`driver.ts`, `src/gone.ts`, `src/core/io.ts`, `inspect-*.ts`";
  expect(missingIn(document)).toEqual(["driver.ts", "rooms/", "src/gone.ts"]);
  expect(missingNamesIn("`gone` in `src/core/io.ts`, `after` in `src/core/io.ts`")).toHaveLength(1);
});

test("the run loop of CONTRIBUTING.md is tests/house/run-loop.ts, and prints what it says", () => {
  const fences = fencesOf(textOf("CONTRIBUTING.md"));
  const at = fences.findIndex(({ language }) => language === "ts");
  const source = readFileSync(path.join(root, "tests/house/run-loop.ts"), "utf8")
    .replaceAll('"../../src/', '"./src/')
    .replaceAll('"./run-loop-input.ts"', '"./tests/house/run-loop-input.ts"');
  expect(fences[at]?.text).toBe(source);
  const { stdout } = spawnSync([process.execPath, "tests/house/run-loop.ts"], root);
  expect(stdout.toString().replaceAll(/ +$/gm, "")).toBe(fences[at + 1]?.text ?? "");
});
