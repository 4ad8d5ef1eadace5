import * as z from "zod";
import { root } from "../command.ts";
import type { Identity } from "../compile.ts";
import type { ContainedPackage } from "./contents.ts";
import { pinned } from "./lockfile.ts";
import { run } from "./run.ts";

const component = z.looseObject({ "bom-ref": z.string() });
const dependency = z.object({ ref: z.string(), dependsOn: z.array(z.string()) });
const document = z.looseObject({
  metadata: z.looseObject({ component }),
  components: z.array(component),
  dependencies: z.array(dependency),
});

/**
 * The bill of materials, CycloneDX as JSON: what `npm sbom` makes of package-lock.json, cut to what
 * the executable contains, and Bun. npm's own choice (`--omit dev`) leaves out packages that a
 * development dependency needs too. Throws an Error if npm does not know a package. `seconds`: of
 * the commit, so that the same sources make the same document.
 */
export async function billOfMaterials(
  { version, commit }: Identity,
  packages: readonly ContainedPackage[],
  seconds: number,
): Promise<string> {
  const words = ["npm", "sbom", "--sbom-format", "cyclonedx", "--package-lock-only"];
  const all = document.parse(JSON.parse(await run(words, { cwd: root })));
  const bun = await pinned("bun");
  const bunRef = `bun@${bun.version}`;
  const inside = new Set([bunRef, ...packages.map((one) => `${one.name}@${one.version}`)]);
  const components = all.components.filter((one) => inside.has(one["bom-ref"]));
  const known = new Set(components.map((one) => one["bom-ref"]));
  const missing = [...inside].filter((ref) => !known.has(ref));
  if (missing.length > 0) throw new Error(`npm sbom does not know ${missing.join(", ")}`);
  const own = all.metadata.component["bom-ref"];
  const ref = `mqttd@${version}`;
  const purl = `pkg:npm/${ref}`;
  const cut = all.dependencies
    .filter((one) => one.ref === own || inside.has(one.ref))
    // Of Bun: its package depends on its executables, which are inside as Bun itself.
    .map((one) => ({
      ref: one.ref === own ? ref : one.ref,
      dependsOn: one.dependsOn.filter((needed) => inside.has(needed)),
    }));
  return `${JSON.stringify(
    {
      ...all,
      serialNumber: `urn:uuid:${Bun.randomUUIDv5(`${purl}#${commit}`, "url")}`,
      metadata: {
        ...all.metadata,
        timestamp: new Date(seconds * 1000).toISOString(),
        lifecycles: [{ phase: "build" }],
        component: {
          ...all.metadata.component,
          ...{ "bom-ref": ref, type: "application", name: "mqttd", version },
          purl,
          properties: [],
        },
      },
      components: components.map((one) => ({ ...one, scope: "required", properties: [] })),
      dependencies: cut,
    },
    null,
    2,
  )}\n`;
}
