import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { writeChecksums } from "../../../scripts/release/checksums.ts";
import { writeInstallers } from "../../../scripts/release/installers.ts";
import { spawn, spawnSync } from "../../support/child.ts";
import { type Ended, environment, Folder } from "../../support/executable.ts";

// install.sh with archives whose mqttd is a script. downloads.test.ts installs a real one.

/** Each test starts some dozens of programs, perhaps on a busy machine. */
setDefaultTimeout(120_000);

const version = "1.2.3";
const systems = ["linux-x64", "linux-arm64", "linux-x64-musl", "darwin-arm64"];

/** A folder of releases, as it would be served. */
function releases(): Folder {
  const folder = new Folder();
  const release = folder.file(`v${version}`);
  for (const target of systems) {
    const name = `mqttd-${version}-${target}`;
    const program = `#!/bin/sh\necho "mqttd ${version} for ${target}"\n`;
    folder.write(`packed/${name}/mqttd`, program);
    chmodSync(folder.file(`packed/${name}/mqttd`), 0o755);
    mkdirSync(release, { recursive: true });
    const archive = path.join(release, `${name}.tar.gz`);
    const packed = spawnSync(["tar", "-czf", archive, name], folder.file("packed"));
    expect(packed.exitCode).toBe(0);
  }
  writeInstallers(release, version, `file://${folder.path}`, new Map());
  writeChecksums(release);
  return folder;
}

/** `fakes`: it runs the uname and the id of a test; busybox has its own inside. */
const shells = [
  { shell: ["dash"], fakes: true },
  { shell: ["bash"], fakes: true },
  { shell: ["busybox", "sh"], fakes: false },
];

for (const { shell, fakes } of shells) {
  const isMissing = Bun.which(shell[0] ?? "") === null;
  const name = `${shell.join(" ")}${isMissing ? " (skipped: no such shell here)" : ""}`;
  describe.skipIf(isMissing || `${process.platform}-${process.arch}` !== "linux-x64")(
    `install.sh with ${name}`,
    () => {
      /** `machine`: what uname prints, by its flag. */
      async function install(
        from: Folder,
        home: Folder,
        args: readonly string[] = [],
        machine: Readonly<Record<string, string>> = { "-s": "Linux", "-m": "x86_64" },
      ): Promise<Ended> {
        const answers = Object.entries(machine).map(([flag, word]) => `${flag}) echo ${word};;`);
        home.write("bin/uname", `#!/bin/sh\ncase $1 in ${answers.join(" ")} esac\n`);
        home.write("bin/id", "#!/bin/sh\necho 1000\n");
        for (const program of ["uname", "id"]) chmodSync(home.file(`bin/${program}`), 0o755);
        const script = from.file(`v${version}/install.sh`);
        await using child = spawn([...shell, script, ...args], {
          cwd: home.path,
          env: environment(home, { PATH: `${home.file("bin")}:${process.env["PATH"]}` }),
          stderr: "pipe",
        });
        const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
        await child.exited;
        home.remove("bin/uname");
        home.remove("bin/id");
        return { code: child.exitCode, stdout, stderr };
      }

      test("installs the executable of this machine, over the one before", async () => {
        using from = releases();
        using home = new Folder({ ".local/bin/mqttd": "the one before" });
        const where = fakes ? [] : ["--dir", home.file(".local/bin")];
        const { code, stdout, stderr } = await install(from, home, where);
        expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
        const file = home.file(".local/bin/mqttd");
        expect(stdout).toBe(
          `downloading file://${from.path}/v${version}/mqttd-${version}-linux-x64.tar.gz\n` +
            `installed mqttd ${version} for linux-x64 as ${file}\n` +
            `${home.file(".local/bin")} is not in PATH: export PATH="${home.file(".local/bin")}:$PATH"\n`,
        );
        expect(readdirSync(home.file(".local/bin"))).toEqual(["mqttd"]);
        expect(statSync(file).mode & 0o777).toBe(0o755);
      });

      const own = fakes ? "" : " (skipped: its uname is its own)";
      test.skipIf(!fakes)(`knows processors and systems${own}`, async () => {
        using from = releases();
        for (const [machine, target] of [
          [{ "-s": "Linux", "-m": "aarch64" }, "linux-arm64"],
          [{ "-s": "Darwin", "-m": "arm64" }, "darwin-arm64"],
        ] as const) {
          using home = new Folder();
          const { stdout } = await install(from, home, ["--dir", home.file("here")], machine);
          expect(stdout).toContain(
            `installed mqttd ${version} for ${target} as ${home.path}/here/`,
          );
        }
        for (const [machine, reason] of [
          [{ "-s": "Linux", "-m": "riscv64" }, "there is no executable for a riscv64 processor"],
          [{ "-s": "FreeBSD", "-m": "amd64" }, "there is no executable for FreeBSD"],
          [{ "-s": "Darwin", "-m": "x86_64" }, "has no executable for darwin-x64"],
        ] as const) {
          using home = new Folder();
          const { code, stderr } = await install(from, home, [], machine);
          expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(reason) });
          expect(home.names()).toEqual(["bin"]);
        }
      });

      test("installs nothing whose checksum differs, nor what does not start", async () => {
        using from = releases();
        const archive = from.file(`v${version}/mqttd-${version}-linux-x64.tar.gz`);
        writeFileSync(archive, "another file");
        using home = new Folder();
        const here = ["--dir", home.file("here")];
        const differs = await install(from, home, here);
        expect(differs).toMatchObject({
          code: 1,
          stderr: expect.stringMatching(
            /^install\.sh: the checksum of mqttd-1\.2\.3-linux-x64\.tar\.gz is [0-9a-f]{64}, and SHA256SUMS has [0-9a-f]{64}: not installed\n$/,
          ),
        });
        writeChecksums(from.file(`v${version}`));
        const noArchive = await install(from, home, here);
        expect(noArchive).toMatchObject({
          code: 1,
          stderr: expect.stringContaining("linux-x64.tar.gz can't be unpacked\n"),
        });
        using broken = releases();
        const name = `mqttd-${version}-linux-x64`;
        broken.write(`packed/${name}/mqttd`, "#!/bin/sh\necho no such library >&2\nexit 127\n");
        spawnSync(
          ["tar", "-czf", broken.file(`v${version}/${name}.tar.gz`), name],
          broken.file("packed"),
        );
        writeChecksums(broken.file(`v${version}`));
        expect(await install(broken, home, here)).toMatchObject({
          code: 1,
          stderr: "install.sh: mqttd for linux-x64 does not start here: no such library\n",
        });
        expect(home.names()).toEqual(["bin"]);
      });

      test("takes releases from a server, too, and says what it can't get", async () => {
        using from = releases();
        using home = new Folder();
        const server = Bun.serve({
          ...{ port: 0, hostname: "127.0.0.1" },
          fetch: (request) => {
            const file = Bun.file(path.join(from.path, new URL(request.url).pathname));
            return file.size > 0 ? new Response(file) : new Response("no", { status: 404 });
          },
        });
        try {
          const url = `http://127.0.0.1:${server.port}`;
          const got = await install(from, home, [
            "--base-url",
            `${url}/`,
            `--dir=${home.file("x")}`,
          ]);
          expect(got.stdout).toContain(`installed mqttd ${version} for linux-x64`);
          const missing = await install(from, home, [
            ...[`--base-url=${url}`, "--version", "v9.9.9", "--dir", home.file("x")],
          ]);
          expect(missing.code).toBe(1);
          expect(missing.stderr).toEndWith(`install.sh: can't download ${url}/v9.9.9/SHA256SUMS\n`);
        } finally {
          await server.stop(true);
        }
      });

      test("a folder named mqttd is in the way", async () => {
        using from = releases();
        using home = new Folder({ "in/mqttd/mine": "" });
        const { code, stderr } = await install(from, home, ["--dir", home.file("in")]);
        expect({ code, stderr }).toEqual({
          code: 1,
          stderr: `install.sh: ${home.file("in/mqttd")} is a folder: choose another folder with --dir\n`,
        });
        expect(readdirSync(home.file("in/mqttd"))).toEqual(["mine"]);
      });

      test("wrong usage is one line with exit code 2", async () => {
        using from = releases();
        using home = new Folder();
        expect(await install(from, home, ["--folder", "x"])).toEqual({
          ...{ code: 2, stdout: "", stderr: "install.sh: unknown argument --folder (--help)\n" },
        });
        // Before it looks for a folder.
        expect(await install(from, home, ["--dir"])).toMatchObject({
          ...{ code: 2, stderr: "install.sh: --dir needs a value (--help)\n" },
        });
        const help = await install(from, home, ["--help"]);
        expect(help).toMatchObject({ code: 0, stderr: "" });
        expect(help.stdout).toContain(`--version V      which version (${version})`);
      });
    },
  );
}

const shellcheck = Bun.which("shellcheck");
const checkTitle = shellcheck === null ? " (skipped: no shellcheck here)" : "";
test.skipIf(shellcheck === null)(`shellcheck finds nothing${checkTitle}`, () => {
  using from = releases();
  const checked = spawnSync([shellcheck ?? "", from.file(`v${version}/install.sh`)]);
  expect(checked.stdout.toString()).toBe("");
});
