import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import path from "node:path";
import { Copy } from "./copy.ts";

/** What the core must not use, under the linter rule that has to report it. */
const impure = {
  "no-restricted-globals": [
    "export const plant = Date.now();",
    "export const plant = new Date();",
    "export const plant = performance.now();",
    "export const plant = new Intl.DateTimeFormat().format();",
    'export const plant: unknown = Reflect.get(globalThis, "Date");',
    "setTimeout(() => {}, 1);",
    "setInterval(() => {}, 1);",
    "queueMicrotask(() => {});",
    "export const plant = crypto.randomUUID();",
    'export const plant: unknown = require("node:fs");',
    "export const plant: unknown = process.env;",
    "export const plant: unknown = Bun.version;",
    "export const plant: unknown = Deno.version;",
    'export const plant: unknown = fetch("http://127.0.0.1");',
    'console.log("plant");',
    "export const plant = Promise.resolve(1).then((one) => one);",
    "export const plant = new WeakRef({});",
  ],
  "no-restricted-properties": [
    "export const plant = Math.random();",
    'export const plant = Math["random"]();',
    "export const { random } = Math;",
    'export const plant = "a".localeCompare("b");',
  ],
  "no-restricted-imports": [
    'import { readFileSync } from "node:fs";\nexport const plant = readFileSync;',
    'import { serve } from "bun";\nexport const plant = serve;',
    'import { dlopen } from "bun:ffi";\nexport const plant = dlopen;',
    'import { z } from "zod";\nexport const plant = z;',
    'import type { Link } from "../transport/transport.ts";\nexport type Plant = Link;',
    'import { noun } from "./../server/noun.ts";\nexport const plant = noun;',
    'export { noun } from "../server/noun.ts";',
    'export const plant: unknown = import("node:fs");',
  ],
  "no-async-await": [
    "export async function plant(given: PromiseLike<number>): Promise<number> {\n  return await given;\n}",
    "export async function plant(all: AsyncIterable<number>): Promise<void> {\n  for await (const _ of all) continue;\n}",
    "export const plant = async () => 1;",
    "export async function* plant() {\n  yield 1;\n}",
  ],
  "no-top-level-await": [
    "declare const given: PromiseLike<number>;\nexport const plant = await given;",
  ],
  "no-eval": ['export const plant: unknown = eval("1");'],
  "no-new-func": ['export const plant: unknown = new Function("return 1")();'],
} as const;

/** Names that a platform provides: without a platform's types they do not compile. */
const ofPlatform =
  /performance|set\w+\(|queueMicrotask|crypto|require|process|Bun|Deno|fetch|console|"(node|bun|zod)/;

/** The core's own folder, and its rooms. */
const rooms = [
  "src/core",
  ...readdirSync(path.join(import.meta.dir, "../../src/core"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => `src/core/${name}`),
];

const plants = rooms.flatMap((room) =>
  Object.entries(impure).flatMap(([rule, sources]) =>
    sources.map((source, index) => ({
      file: `${room}/planted-${rule}-${index}.ts`,
      rule,
      source: room === "src/core" ? source : source.replace(/"(?=\.\.?\/)/, '"../'),
    })),
  ),
);

test("the present core passes the type checker and the linter", async () => {
  await using copy = await Copy.of("src/core");
  await copy.plant("src/core/planted.ts", "export const plant = 1;\n");
  expect(await copy.typeCheck("src/core")).toEqual(new Map());
  expect(await copy.lint()).toEqual(new Map());
}, 180_000);

test("a clock, timer, randomness, platform import or await in the core fails the linter", async () => {
  expect(rooms.length).toBeGreaterThan(1);
  await using copy = await Copy.of("src/core");
  for (const { file, source } of plants) await copy.plant(file, `${source}\n`);
  const found = await copy.lint();
  const unseen = plants.filter(
    ({ file, rule }) => !found.get(file)?.some((message) => message.includes(`(${rule})`)),
  );
  expect(unseen).toEqual([]);
}, 180_000);

test("a name that only a platform provides does not compile in the core", async () => {
  await using copy = await Copy.of("src/core");
  const platform = plants.filter(({ source }) => ofPlatform.test(source));
  expect(platform.length).toBeGreaterThan(10);
  for (const { file, source } of platform) await copy.plant(file, `${source}\n`);
  const found = await copy.typeCheck("src/core");
  const unseen = platform.filter(
    ({ file }) => !found.get(file)?.some((message) => message.includes("Cannot find")),
  );
  expect(unseen).toEqual([]);
}, 180_000);
