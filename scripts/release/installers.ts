import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import packageJson from "../../package.json" with { type: "json" };
import { dockerfile } from "./dockerfile.ts";
import { homebrewFormula } from "./homebrew.ts";
import { scoopManifest } from "./scoop.ts";

/** What installers tell of a release. */
export interface Release {
  readonly version: string;
  readonly description: string;
  readonly license: string;
  /** Where the folders of versions are, without a slash at its end. */
  readonly baseUrl: string;
  /** By the name of the target: those that were made. */
  readonly archives: ReadonlyMap<string, Archive>;
}

export interface Archive {
  readonly url: string;
  readonly sha256: string;
}

const templates = path.join(import.meta.dir, "templates");

/** Writes the installers for the archives that were made; those of others are left out. */
export function writeInstallers(
  folder: string,
  version: string,
  baseUrl: string,
  archives: ReadonlyMap<string, Archive>,
): void {
  const { description, license } = packageJson;
  const release: Release = { version, description, license, baseUrl, archives };
  const texts: Readonly<Record<string, string | null>> = {
    "install.sh": fromTemplate("install.sh", release),
    "mqttd.service": fromTemplate("mqttd.service", release),
    "mqttd.rb": homebrewFormula(release),
    // In a folder of its own: mqttd started beside a mqttd.json takes it for its configuration.
    "scoop/mqttd.json": scoopManifest(release),
    Dockerfile: dockerfile(release),
  };
  for (const [name, text] of Object.entries(texts)) {
    if (text === null) continue;
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), text);
  }
}

function fromTemplate(name: string, { version, baseUrl }: Release): string {
  return readFileSync(path.join(templates, name), "utf8")
    .replaceAll("@VERSION@", version)
    .replaceAll("@BASE_URL@", baseUrl);
}
