import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { adviceTexts } from "./advice-texts.ts";
import { namesOf } from "./explained.ts";

const pages = readdirSync(import.meta.dir)
  .filter((name) => name.endsWith(".test.ts"))
  .map((name) => readFileSync(path.join(import.meta.dir, name), "utf8"))
  .join("\n");

for (const topic of Object.keys(adviceTexts)) {
  test(`explained: each text of advice on ${topic} is on a page`, () => {
    const names = [...namesOf(topic).values()];
    expect(names.filter((name) => !pages.includes(`<${name}>`))).toEqual([]);
  });
}
