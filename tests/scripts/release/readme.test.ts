import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import path from "node:path";
import packageJson from "../../../package.json" with { type: "json" };
import { packageReadme } from "../../../scripts/release/readme.ts";

const root = path.resolve(import.meta.dir, "../../..");

test("the README of the npm package has no link that leads nowhere, and says how to use the package", () => {
  const text = packageReadme(readFileSync(path.join(root, "README.md"), "utf8"));
  const links = Array.from(text.matchAll(/\]\(([^)]*)\)/g), ([, to = ""]) => to);
  expect(links.length).toBeGreaterThan(0);
  for (const link of links) expect(link).toStartWith("https://");
  expect(text).not.toContain("npm run serve");
  expect(text).toContain("npx mqttd serve");
  // The file that a reader of the sources would look for.
  expect(text).toContain("Ten causes, and how to see each (docs/why-did-my-will-not-fire.md)");
});

test("a picture and a link that is its own text", () => {
  const readme =
    "# a\n\n![two\nlines](x.svg)\n\n[b.md](b.md) [c](d.md#e)\n\n## Two commands\n\nrest\n";
  expect(packageReadme(readme)).toStartWith("# a\n\nb.md c (d.md)\n\n## Use\n");
  expect(() => packageReadme("# a\n")).toThrow("## Two commands");
});

test("npm installs nothing with the package: what the builds need is inside them", () => {
  expect(packageJson).not.toHaveProperty("dependencies");
});
