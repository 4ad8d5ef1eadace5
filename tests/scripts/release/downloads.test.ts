import { beforeAll, describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import path from "node:path";
import packageJson from "../../../package.json" with { type: "json" };
import { spawnSync } from "../../support/child.ts";
import { Folder } from "../../support/executable.ts";
import { dryRun, dryRunMs, release, whyNot } from "./dry-run.ts";

const why = await whyNot();
const title = `a release${why === null ? "" : ` (skipped: ${why})`}`;

describe.skipIf(why !== null)(title, () => {
  beforeAll(async () => {
    await dryRun();
  }, dryRunMs);

  test("each executable is looked at, and what was not started is named", async () => {
    const { ended } = await dryRun();
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    const [first, ...lines] = ended.stdout.trimEnd().split("\n");
    expect(first).toMatch(/^mqttd 1\.2\.3 \([0-9a-f]+(?:-dirty)?\)$/);
    expect(lines.map((line) => line.replace(/\d+(?:\.\d+)? MB/g, "N MB"))).toEqual([
      "linux-x64        N MB, packed N MB: ELF x64, glibc 2.17; started",
      expect.stringMatching(
        /^darwin-arm64 {5}N MB, packed N MB: Mach-O arm64, macOS 13\.0; ad-hoc signature, \d{5} pages verified; not run: no darwin-arm64 machine here$/,
      ),
      "of linux-x64: Bun N MB, mqttd's code N MB, packages N MB, bytecode N MB",
      "not run: darwin-arm64",
      expect.stringMatching(/^made .*v1\.2\.3$/),
    ]);
  });

  test("an archive has the executable, pages, completions and licences of all that is inside", async () => {
    const { folder, version } = await dryRun();
    using unpacked = new Folder();
    const archive = path.join(folder, `mqttd-${version}-linux-x64.tar.gz`);
    expect(spawnSync(["tar", "-xzf", archive, "-C", unpacked.path]).exitCode).toBe(0);
    const inside = unpacked.file(`mqttd-${version}-linux-x64`);
    expect(readdirSync(inside).sort()).toEqual([
      ...["LICENSE", "THIRD-PARTY-LICENSES.txt", "completions", "man", "mqttd"],
    ]);
    const said = spawnSync([path.join(inside, "mqttd"), "--version"], unpacked.path);
    expect(said.stdout.toString()).toStartWith(`mqttd ${version} (commit `);
    expect(readdirSync(path.join(inside, "completions")).sort()).toEqual([
      ...["_mqttd", "mqttd.bash", "mqttd.fish"],
    ]);
    const page = await Bun.file(path.join(inside, "man/mqttd-serve.1")).text();
    expect(page).toContain(`"mqttd ${version}"`);
    const terms = await Bun.file(path.join(inside, "THIRD-PARTY-LICENSES.txt")).text();
    for (const name of ["zod", "ws", "mqtt-packet", "@bufbuild/protobuf", "Bun", "LGPL 2.1"]) {
      expect(terms).toMatch(new RegExp(`^${name}[ ,]`, "m"));
    }
  });

  test("the checksums are those of the files, all of them", async () => {
    const { folder } = await dryRun();
    const checked = spawnSync(["sha256sum", "--check", "--strict", "SHA256SUMS"], folder);
    const files = readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name !== "SHA256SUMS")
      .map(({ name }) => `${name}: OK\n`)
      .sort();
    expect(checked.stdout.toString()).toBe(files.join(""));
    expect(files.length).toBeGreaterThan(2);
  });

  test("the bill of materials has each package inside, and Bun", async () => {
    const { folder, version } = await dryRun();
    const bill: unknown = await Bun.file(path.join(folder, `mqttd-${version}.cdx.json`)).json();
    const libraries = ["bun", "mqtt-packet", "websocket-frames", "zod"].map((name) =>
      expect.objectContaining({ name, hashes: [expect.objectContaining({ alg: "SHA-512" })] }),
    );
    expect(bill).toMatchObject({
      bomFormat: "CycloneDX",
      metadata: { component: { name: "mqttd", version, purl: `pkg:npm/mqttd@${version}` } },
      components: expect.arrayContaining(libraries),
    });
    // Neither tools of development nor types.
    expect(JSON.stringify(bill)).not.toMatch(/"(?:name|purl)":"[^"]*(?:knip|types)/);
  });
});

test("wrong usage is one line with exit code 2", async () => {
  const wrong = async (...args: string[]) => {
    const { code, stdout, stderr } = await release(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    return stderr;
  };
  expect(await wrong("--only", "linux-x86")).toBe(
    "--only linux-x86: expected one of linux-x64, linux-arm64, linux-x64-musl, linux-arm64-musl, " +
      "darwin-x64, darwin-arm64, windows-x64 (--help)\n",
  );
  expect(await wrong("--version", "v1")).toStartWith("--version v1: expected one like 1.2.3");
  expect(await wrong("--base-url", "ftp://here")).toStartWith("--base-url ftp://here: expected");
  expect(await wrong("--dry-run", "--only", "linux-x64")).toStartWith("--dry-run chooses");
});

test("a runtime that npm can't bring is one line with exit code 3, and leaves nothing", async () => {
  const { bun } = packageJson.devDependencies;
  // What lies in the cache under the name of a runtime has another checksum.
  using folder = new Folder({ [`cache/oven-bun-linux-aarch64-${bun}.tgz`]: "another file" });
  const env = {
    npm_config_registry: "http://127.0.0.1:1/",
    npm_config_cache: folder.file("npm"),
    npm_config_fetch_retry_mintimeout: "1",
    npm_config_fetch_retry_maxtimeout: "1",
  };
  const where = ["--out", folder.file("out"), "--cache", folder.file("cache")];
  const { code, stderr } = await release([...where, "--only", "linux-arm64"], env);
  expect({ code, stderr }).toEqual({
    code: 3,
    stderr: expect.stringMatching(
      /^release: @oven\/bun-linux-aarch64@\S+ can't be had: npm pack: /,
    ),
  });
  expect(readdirSync(folder.file("out"))).toEqual([]);
});
