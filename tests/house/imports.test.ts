import { expect, test } from "bun:test";
import { Copy } from "./copy.ts";

/** Folders of a layer may import all layers below it; the core imports nothing. */
const layers = [
  ["main.ts"],
  ["cli"],
  ["server", "drop", "inspect"],
  ["transport", "store", "wire", "client", "log", "config", "admin"],
  ["core"],
] as const;

const target = (folder: string) => (folder === "main.ts" ? "main.ts" : `${folder}/noun.ts`);

/** Whether a file in `from` may import one in `to`, read off the table alone. */
function allowed(from: string, to: string): boolean {
  const level = (folder: string) => layers.findIndex((layer) => layer.some((f) => f === folder));
  if (from === to) return true;
  // Server, drop and inspect know nothing of each other; the small layers below may share their nouns.
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
}, 60_000);

test("src imports nothing of tests, scripts or bench", async () => {
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
}, 60_000);

test("only main.ts and scripts end the process", async () => {
  await using copy = await Copy.of();
  const files = ["src/main.ts", "scripts/build.ts", "src/cli/serve.ts", "src/server/driver.ts"];
  for (const file of files) await copy.plant(file, "process.exit(1);\n");
  const found = await copy.lint();
  expect(files.filter((file) => found.get(file)?.join().includes("(no-process-exit)"))).toEqual([
    "src/cli/serve.ts",
    "src/server/driver.ts",
  ]);
}, 60_000);

test("only tests/support/child.ts starts programs of tests", async () => {
  await using copy = await Copy.of();
  const files = ["tests/support/child.ts", "tests/support/other.ts", "tests/cli/some.test.ts"];
  for (const file of files)
    await copy.plant(file, 'Bun.spawn(["true"]);\nBun.spawnSync(["true"]);\n');
  const found = await copy.lint();
  const refusals = files.map((file) => found.get(file)?.join().split("(no-restricted-properties)"));
  expect(refusals.map((parts) => (parts?.length ?? 1) - 1)).toEqual([0, 2, 2]);
}, 60_000);

/** Files in which the linter refuses an import. */
async function refused(copy: Copy): Promise<string[]> {
  const found = [...(await copy.lint())];
  return found
    .filter(([, messages]) => messages.some((text) => text.includes("(no-restricted-imports)")))
    .map(([file]) => file);
}
