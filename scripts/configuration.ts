import path from "node:path";
import { configurationPage } from "./configuration-page.ts";
import { root } from "./command.ts";
import { flagsOf, runScript } from "./usage.ts";

const help = `npm run configuration

Writes docs/configuration.md from the schema of the configuration. tests/house/configuration.test.ts
fails when it is stale.

Exit codes: 0 written, 2 wrong usage.`;

await runScript(async () => {
  if (flagsOf({ help: { type: "boolean", default: false } }).help) {
    console.log(help);
    return 0;
  }
  const file = path.join(root, "docs/configuration.md");
  await Bun.write(file, configurationPage());
  console.log(path.relative(process.cwd(), file));
  return 0;
});
