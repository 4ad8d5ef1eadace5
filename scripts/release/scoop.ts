import type { Release } from "./installers.ts";

/** A manifest for Scoop on Windows; null: the archive for Windows was not made. */
export function scoopManifest(release: Release): string | null {
  const { version, description, license, baseUrl, archives } = release;
  const archive = archives.get("windows-x64");
  if (archive === undefined) return null;
  const { url, sha256 } = archive;
  const name = (version: string): string => `mqttd-${version}-windows-x64`;
  const anyVersion = `${baseUrl}/v$version`;
  return `${JSON.stringify(
    {
      ...{ version, description, homepage: baseUrl, license },
      architecture: { "64bit": { url, hash: sha256, extract_dir: name(version) } },
      bin: "mqttd.exe",
      autoupdate: {
        architecture: {
          "64bit": {
            url: `${anyVersion}/${name("$version")}.zip`,
            hash: { url: `${anyVersion}/SHA256SUMS` },
            extract_dir: name("$version"),
          },
        },
      },
    },
    null,
    2,
  )}\n`;
}
