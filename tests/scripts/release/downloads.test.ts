import { beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync } from "node:fs";
import path from "node:path";
import packageJson from "../../../package.json" with { type: "json" };
import { sha256Of } from "../../../scripts/release/checksums.ts";
import { spawnSync } from "../../support/child.ts";
import { Folder } from "../../support/executable.ts";
import { eventually } from "../../support/inbox.ts";
import { Image, whyNoImage } from "./image.ts";
import { expectServes, npmProject, runtimes } from "./npm-project.ts";
import { dryRun, dryRunMs, release, whyNot } from "./dry-run.ts";

/** Programs of 120 MB are compressed, unpacked and started, perhaps on a busy machine. */
const limitMs = 300_000;
setDefaultTimeout(limitMs);

const why = await whyNot();
const others = why === null ? await runtimes() : [];
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
    const files = readdirSync(folder, { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile() && entry.name !== "SHA256SUMS")
      .map(({ parentPath, name }) => path.relative(folder, path.join(parentPath, name)))
      .map((name) => `${name}: OK\n`)
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

  test("install.sh installs it, and it runs", async () => {
    const { folder, version } = await dryRun();
    using home = new Folder();
    const words = ["sh", path.join(folder, "install.sh"), "--dir", home.file("bin")];
    const installed = spawnSync(words, home.path);
    expect(installed.stderr.toString()).toBe("");
    const said = spawnSync([home.file("bin/mqttd"), "--version"], home.path);
    expect(said.stdout.toString()).toStartWith(`mqttd ${version} (commit `);
    expect(home.names()).toEqual(["bin", "bin/mqttd"]);
  });

  test("the installers name the archives by their checksums", async () => {
    const { folder, version } = await dryRun();
    for (const [name, target] of [
      ["mqttd.rb", "darwin-arm64"],
      ["mqttd.rb", "linux-x64"],
      ["Dockerfile", "linux-x64"],
    ] as const) {
      const archive = path.join(folder, `mqttd-${version}-${target}.tar.gz`);
      const text = await Bun.file(path.join(folder, name)).text();
      expect(text).toContain(sha256Of(archive));
      expect(text).toContain(`file://${archive}`);
    }
  });

  const noImage = whyNoImage();
  const imageTitle = noImage === null ? "" : ` (skipped: ${noImage})`;
  test.skipIf(noImage !== null)(
    `the Dockerfile makes an image that serves, and that its health check asks${imageTitle}`,
    async () => {
      const { folder, version } = await dryRun();
      const dockerfile = await Bun.file(path.join(folder, "Dockerfile")).text();
      using image = new Image(dockerfile, process.execPath, { TARGETARCH: "amd64" });
      await using container = image.run();
      const mqttd = (...words: string[]) => image.exec(container.pid, ["mqttd", ...words]);
      await eventually(
        () => image.exec(container.pid).code === 0 || container.exitCode !== null,
        () => `a healthy container: ${JSON.stringify(image.exec(container.pid))}`,
        limitMs / 3,
      );
      expect(container.exitCode).toBeNull();
      expect(mqttd("--version").stdout).toStartWith(`mqttd ${version} (commit `);
      // 127.0.0.2: it listens on more than the two loopback addresses of its default.
      expect(mqttd("pub", "-h", "127.0.0.2", "-t", "a", "-m", "hi", "-r").code).toBe(0);
      expect(mqttd("sub", "-h", "127.0.0.2", "-t", "a", "-C", "1", "-W", "20").stdout).toBe("hi\n");
      // What docker stop sends.
      container.kill("SIGTERM");
      const [log, code] = [await container.stderr.text(), await container.exited];
      expect({ code, log }).toEqual({ code: 0, log: expect.stringContaining(":1883") });
    },
  );

  test("npm installs the executable from files, without a registry", async () => {
    const { folder, version } = await dryRun();
    using project = await npmProject(folder, version, ["mqttd", "mqttd-linux-x64"]);
    expect(project.text("node_modules/@mqttd/linux-x64/package.json")).toContain('"libc"');
    const mqttd = project.file("node_modules/.bin/mqttd");
    const said = spawnSync([mqttd, "version", "--json"], project.path);
    expect(JSON.parse(said.stdout.toString())).toMatchObject({
      ...{ version, runtime: { name: "bun" }, target: "linux-x64" },
    });
    const through = spawnSync(["npx", "--offline", "mqttd", "--version"], project.path);
    expect(through.stdout.toString()).toStartWith(`mqttd ${version} (commit `);
    const wrong = spawnSync([mqttd, "serv"], project.path);
    expect(wrong.exitCode).toBe(2);
    expect(wrong.stderr.toString()).toContain("serve");
    await expectServes([mqttd]);
    // A new Node becomes the executable, an old one waits for it, as Deno does.
    for (const { program, lack } of others) {
      if (lack !== null) continue;
      const command = [...program, project.file("node_modules/mqttd/launch.js")];
      const own = spawnSync([...command, "version", "--json"], project.path);
      expect(own.stderr.toString()).toBe("");
      expect(JSON.parse(own.stdout.toString())).toMatchObject({ runtime: { name: "bun" } });
      await expectServes(command);
    }
  });

  for (const { name, program, lack, isOld } of others) {
    const runtimeTitle = lack === null ? "" : ` (skipped: ${lack})`;
    test.skipIf(lack !== null)(
      `without an executable the package runs in ${name}${runtimeTitle}`,
      async () => {
        const { folder, version } = await dryRun();
        using project = await npmProject(folder, version, ["mqttd"]);
        const command = [...program, project.file("node_modules/mqttd/launch.js")];
        const said = spawnSync([...command, "version", "--json"], project.path);
        if (isOld) {
          expect(said.exitCode).toBe(2);
          expect(said.stderr.toString()).toMatch(
            /^mqttd: no executable for linux-x64 or linux-x64-musl is installed, and mqttd itself needs Node 24; this is Node \d+\.\d+\.\d+\n$/,
          );
          return;
        }
        expect(JSON.parse(said.stdout.toString())).toMatchObject({
          ...{ version, target: "linux-x64", runtime: { name } },
        });
        await expectServes(command);
        project.write(
          "test.mjs",
          'import { startBroker } from "mqttd"; await (await startBroker()).stop();\n',
        );
        const module = spawnSync([...program, "test.mjs"], project.path);
        expect({ code: module.exitCode, stderr: module.stderr.toString() }).toMatchObject({
          code: 0,
        });
      },
    );
  }
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
