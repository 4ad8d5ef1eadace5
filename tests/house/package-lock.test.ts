import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import path from "node:path";

const root = path.resolve(import.meta.dir, "../..");

const partsOf = (value: unknown): Record<string, unknown> => {
  if (typeof value !== "object" || value === null) throw new Error("no object");
  return Object.fromEntries(Object.entries(value));
};
const read = (name: string): Record<string, unknown> =>
  partsOf(JSON.parse(readFileSync(path.join(root, name), "utf8")));

test("npm install finds nothing to change in package-lock.json", () => {
  const own = read("package.json");
  const locked = partsOf(partsOf(read("package-lock.json")["packages"])[""]);
  for (const key of ["name", "version", "bin", "engines", "dependencies", "devDependencies"]) {
    expect({ [key]: locked[key] }).toEqual({ [key]: own[key] });
  }
});
