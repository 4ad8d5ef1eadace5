import { expect, test } from "bun:test";
import { copyFileSync, mkdirSync } from "node:fs";
import path from "node:path";
import * as z from "zod";
import { spawnSync } from "../support/child.ts";
import { Folder } from "../support/executable.ts";

const root = path.resolve(import.meta.dir, "../..");
const built = ["cli.js", "launch.js", "mqttd", "mqttd.d.ts", "mqttd.js", "store-worker.js"];

test("npm pack takes the module and the command for Node, and not the executable of this machine", () => {
  using folder = new Folder();
  mkdirSync(folder.file("dist"));
  for (const name of ["package.json", "README.md", "LICENSE", ".gitignore"]) {
    copyFileSync(path.join(root, name), folder.file(name));
  }
  for (const name of built) folder.write(`dist/${name}`, "");
  const packed = spawnSync(["npm", "pack", "--dry-run", "--json"], folder.path);
  const [{ files }] = z
    .tuple([z.object({ files: z.array(z.object({ path: z.string() })) })])
    .parse(JSON.parse(packed.stdout.toString()));
  expect(files.map(({ path }) => path).sort()).toEqual([
    ...["LICENSE", "README.md", "dist/cli.js", "dist/launch.js", "dist/mqttd.d.ts"],
    ...["dist/mqttd.js", "dist/store-worker.js", "package.json"],
  ]);
});
