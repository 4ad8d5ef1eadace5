import { expect, test } from "bun:test";
import { cpSync, mkdirSync, readFileSync } from "node:fs";
import path from "node:path";
import * as z from "zod";
import { spawnSync } from "../support/child.ts";
import { Folder } from "../support/executable.ts";

const root = path.resolve(import.meta.dir, "../..");
const built = ["cli.js", "launch.js", "mqttd", "mqttd.d.ts", "mqttd.js", "store-worker.js"];
const documents = [
  "CHANGELOG.md",
  "CONTRIBUTING.md",
  "README.md",
  "SECURITY.md",
  "bench/README.md",
];

/** What `npm pack` takes of the sources, once they are built. */
function packed(): string[] {
  using folder = new Folder();
  for (const name of ["dist", "bench"]) mkdirSync(folder.file(name));
  for (const name of [...documents, "docs", "package.json", "LICENSE", ".gitignore"]) {
    cpSync(path.join(root, name), folder.file(name), { recursive: true });
  }
  for (const name of built) folder.write(`dist/${name}`, "");
  const { stdout } = spawnSync(["npm", "pack", "--dry-run", "--json"], folder.path);
  const [{ files }] = z
    .tuple([z.object({ files: z.array(z.object({ path: z.string() })) })])
    .parse(JSON.parse(stdout.toString()));
  return files.map(({ path }) => path);
}

test("npm pack takes the module and the command for Node with the documents, and not the executable of this machine", () => {
  const files = packed();
  expect(files.filter((file) => !file.startsWith("docs/")).sort()).toEqual([
    ...["CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "README.md", "SECURITY.md"],
    ...["bench/README.md", "dist/cli.js", "dist/launch.js", "dist/mqttd.d.ts", "dist/mqttd.js"],
    ...["dist/store-worker.js", "package.json"],
  ]);
  // The first page of a package.
  const readme = readFileSync(path.join(root, "README.md"), "utf8");
  const links = Array.from(readme.matchAll(/\]\((?!https:)([^)#]+)[^)]*\)/g), ([, to = ""]) => to);
  expect(links.length).toBeGreaterThan(10);
  expect(links.filter((link) => !files.includes(link))).toEqual([]);
});
