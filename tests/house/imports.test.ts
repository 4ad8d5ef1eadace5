import { expect, test } from "bun:test";
import { Copy } from "./copy.ts";

/** Folders of a layer may import all layers below it; the core imports nothing. */
const layers = [
  ["main.ts"],
  ["cli", "embed"],
  ["server", "drop", "inspect", "load", "talk"],
  ["transport", "websocket", "standard", "wire", "client", "log", "config", "api", "store"],
  ["core"],
] as const;

const target = (folder: string) => (folder === "main.ts" ? "main.ts" : `${folder}/noun.ts`);

/** Whether a file in `from` may import one in `to`, according to the table alone. */
function allowed(from: string, to: string): boolean {
  const level = (folder: string) => layers.findIndex((layer) => layer.some((f) => f === folder));
  if (from === to) return true;
  // Server, drop, inspect, load and talk do not import each other; the small layers below may share their
  // nouns.
  if (level(from) === level(to)) return level(from) === 3;
  return level(from) < level(to);
}

test("an import in the wrong direction fails the linter, one in the right direction passes", async () => {
  await using copy = await Copy.of();
  const folders = layers.flat().filter((folder) => folder !== "main.ts");
  await copy.plant("src/main.ts", "export const noun = 1;\n");
  for (const folder of folders)
    await copy.plant(`src/${folder}/noun.ts`, "export const noun = 1;\n");
  const wrong: string[] = [];
  const planted: string[] = [];
  for (const from of folders) {
    for (const to of layers.flat()) {
      if (from === to) continue;
      for (const [kind, statement] of [
        ["value", `import { noun } from "../${target(to)}";\nexport const plant = noun;`],
        ["type", `import type { noun } from "../${target(to)}";\nexport type Plant = typeof noun;`],
        ["dynamic", `export const plant: unknown = import("../${target(to)}");`],
        ["again", `export { noun } from "../${target(to)}";`],
        ["deep", `import { noun } from "../${from}/../${target(to)}";\nexport const plant = noun;`],
      ] as const) {
        const file = `src/${from}/${kind}-of-${to.replace(".ts", "")}.ts`;
        await copy.plant(file, `${statement}\n`);
        planted.push(file);
        if (!allowed(from, to)) wrong.push(file);
      }
    }
  }
  expect((await refused(copy)).sort()).toEqual(wrong.sort());
  expect(wrong.length).toBeGreaterThan(100);
  expect(planted.length).toBeGreaterThan(wrong.length);
}, 180_000);

/** The files of a ring of imports, by name, and whether every import in it is one of values. */
const rings = {
  "two values": {
    isOfValues: true,
    files: {
      "two-a": 'import { b } from "./two-b.ts";\nexport const a = 1;\nexport const ofB = () => b;',
      "two-b": 'import { a } from "./two-a.ts";\nexport const b = 1;\nexport const ofA = () => a;',
    },
  },
  "three values, one passed on": {
    isOfValues: true,
    files: {
      "three-a":
        'import { c } from "./three-c.ts";\nexport const a = 1;\nexport const ofC = () => c;',
      "three-b":
        'import { a } from "./three-a.ts";\nexport const b = 1;\nexport const ofA = () => a;',
      "three-c": 'export { b as c } from "./three-b.ts";',
    },
  },
  "values, beside a type": {
    isOfValues: true,
    files: {
      "beside-a":
        'import { b, type B } from "./beside-b.ts";\nexport const a = 1;\nexport const ofB = (): B => b;',
      "beside-b":
        'import { a } from "./beside-a.ts";\nexport type B = number;\nexport const b = 1;\nexport const ofA = () => a;',
    },
  },
  "a value one way, a type the other": {
    isOfValues: false,
    files: {
      "half-a": 'import type { B } from "./half-b.ts";\nexport const a: B = 1;',
      "half-b": 'import { a } from "./half-a.ts";\nexport type B = number;\nexport const b = a;',
    },
  },
  "two types": {
    isOfValues: false,
    files: {
      "types-a": 'import type { B } from "./types-b.ts";\nexport type A = B | 1;',
      "types-b": 'import type { A } from "./types-a.ts";\nexport type B = A[];',
    },
  },
} as const;

test("a ring of values fails the linter, one of types passes", async () => {
  await using copy = await Copy.of();
  const wrong: string[] = [];
  for (const folder of layers.flat().filter((name) => name !== "main.ts")) {
    for (const { isOfValues, files } of Object.values(rings)) {
      for (const [name, source] of Object.entries(files)) {
        const file = `src/${folder}/${name}.ts`;
        await copy.plant(file, `${source}\n`);
        if (isOfValues) wrong.push(file);
      }
    }
  }
  // Between two rooms of a layer, each of which may import the other.
  const across = ["src/wire/across.ts", "src/log/across.ts"] as const;
  const source = (room: string) =>
    `import { own as other } from "../${room}/across.ts";\nexport const own = 1;\nexport const ofOther = () => other;\n`;
  await copy.plant(across[0], source("log"));
  await copy.plant(across[1], source("wire"));
  expect(await refused(copy)).toEqual([]);
  expect((await refused(copy, "no-cycle")).sort()).toEqual([...wrong, ...across].sort());
  expect(wrong).toContain("src/core/two-a.ts");
}, 180_000);

test("src imports nothing from tests, scripts or bench", async () => {
  await using copy = await Copy.of();
  const planted: string[] = [];
  for (const folder of layers.flat().filter((name) => name !== "main.ts")) {
    for (const outside of ["tests", "scripts", "bench"]) {
      const file = `src/${folder}/from-${outside}.ts`;
      await copy.plant(file, `export { noun } from "../../${outside}/noun.ts";\n`);
      planted.push(file);
    }
  }
  expect((await refused(copy)).sort()).toEqual(planted.sort());
}, 180_000);

test("only main.ts and scripts end the process", async () => {
  await using copy = await Copy.of();
  const files = [
    "src/main.ts",
    "scripts/build.ts",
    "src/cli/serve.ts",
    "src/server/driver/driver.ts",
  ];
  for (const file of files) await copy.plant(file, "process.exit(1);\n");
  const found = await copy.lint();
  expect(files.filter((file) => found.get(file)?.join().includes("(no-process-exit)"))).toEqual([
    "src/cli/serve.ts",
    "src/server/driver/driver.ts",
  ]);
}, 180_000);

test("in tests, only tests/support/child.ts starts programs", async () => {
  await using copy = await Copy.of();
  const files = ["tests/support/child.ts", "tests/support/other.ts", "tests/cli/some.test.ts"];
  for (const file of files)
    await copy.plant(file, 'Bun.spawn(["true"]);\nBun.spawnSync(["true"]);\n');
  const found = await copy.lint();
  const refusals = files.map((file) => found.get(file)?.join().split("(no-restricted-properties)"));
  expect(refusals.map((parts) => (parts?.length ?? 1) - 1)).toEqual([0, 2, 2]);
}, 180_000);

/** Files in which the linter's `rule` refuses an import. */
async function refused(copy: Copy, rule = "no-restricted-imports"): Promise<string[]> {
  const found = [...(await copy.lint())];
  return found
    .filter(([, messages]) => messages.some((text) => text.includes(`(${rule})`)))
    .map(([file]) => file);
}
