import { expect, test } from "bun:test";
import { configurationPage } from "../../scripts/configuration-page.ts";
import { configKeys, dotted, valuePaths, variableOf } from "../../src/config/keys.ts";
import { loaded } from "../config/sources.ts";
import { documents, fencesOf } from "../support/documents.ts";

const page = documents().get("docs/configuration.md") ?? "";

test("docs/configuration.md is that of the schema; else: npm run configuration", () => {
  expect(page).toBe(configurationPage());
});

test("it has every key, with its variable", () => {
  for (const path of valuePaths(configKeys(), 0)) {
    const key = dotted(path).replace(/\.0(?=\.|$)/g, "[N]");
    expect(page).toContain(`- \`${key}\`: `);
    expect(page.replace(/\s+/g, " ")).toContain(`Variable: \`${variableOf(path)}\``);
  }
});

test("its examples are valid", () => {
  const examples = fencesOf(page).filter(({ language }) => language === "jsonc");
  expect(examples.length).toBeGreaterThan(1);
  for (const { text } of examples) loaded({ files: { "mqttd.jsonc": text } });
});
