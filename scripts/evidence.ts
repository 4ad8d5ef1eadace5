import path from "node:path";
import { evidenceIn } from "./citations.ts";
import { root } from "./command.ts";
import { flagsOf, runScript } from "./usage.ts";

const help = `npm run evidence

Writes src/standard/evidence.ts, which mqttd rule prints: for each statement of the standards the
sources that cite it and the checks that name it. tests/house/evidence.test.ts fails when it is stale.

Exit codes: 0 written, 2 wrong usage.`;

await runScript(async () => {
  if (flagsOf({ help: { type: "boolean", default: false } }).help) {
    console.log(help);
    return 0;
  }
  const file = path.join(root, "src/standard/evidence.ts");
  const found = await evidenceIn(root);
  await Bun.write(file, sourceOf(found));
  const formatted = Bun.spawnSync([process.execPath, "fmt", "--no-script", file]);
  if (!formatted.success) throw new Error(`bun fmt failed: ${formatted.stderr.toString()}`);
  console.log(`${path.relative(process.cwd(), file)}: ${Object.keys(found).length} statements`);
  return 0;
});

function sourceOf(found: object): string {
  return `import type { Evidence } from "./statement.ts";

/** Made by scripts/evidence.ts from the sources; not to be edited by hand. */
export const evidence: Readonly<Record<string, Evidence>> = ${JSON.stringify(found, null, 2)};
`;
}
