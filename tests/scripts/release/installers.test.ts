import { expect, test } from "bun:test";
import { readFileSync, statSync } from "node:fs";
import { type Archive, writeInstallers } from "../../../scripts/release/installers.ts";
import { targets } from "../../../scripts/release/targets.ts";
import { spawnSync } from "../../support/child.ts";
import { Folder } from "../../support/executable.ts";

const version = "1.2.3";
const baseUrl = "https://downloads.example.com/mqttd";

/** Each has another checksum. */
const archives: ReadonlyMap<string, Archive> = new Map(
  targets.map(({ name, os }, index) => [
    name,
    {
      url: `${baseUrl}/v${version}/mqttd-${version}-${name}.${os === "win32" ? "zip" : "tar.gz"}`,
      sha256: String(index).repeat(64),
    },
  ]),
);

function written(from: ReadonlyMap<string, Archive>): Folder {
  const folder = new Folder();
  writeInstallers(folder.path, version, baseUrl, from);
  return folder;
}

test("the formula names the archive and checksum of each machine", () => {
  using folder = written(archives);
  const pairs = [...folder.text("mqttd.rb").matchAll(/url "(.*)"\n\s*sha256 "(.)\2{63}"/g)];
  expect(pairs.map(([, url = "", digit]) => [url.split("/").at(-1), digit])).toEqual([
    ...[
      ["mqttd-1.2.3-darwin-arm64.tar.gz", "5"],
      ["mqttd-1.2.3-darwin-x64.tar.gz", "4"],
    ],
    ...[
      ["mqttd-1.2.3-linux-arm64.tar.gz", "1"],
      ["mqttd-1.2.3-linux-x64.tar.gz", "0"],
    ],
  ]);
});

test("the formula's description keeps to Homebrew's rules", () => {
  using folder = written(archives);
  const [, desc = ""] = /^ {2}desc "(.*)"$/m.exec(folder.text("mqttd.rb")) ?? [];
  expect(desc.length).toBeGreaterThan(20);
  expect(`mqttd: ${desc}`.length).toBeLessThanOrEqual(80);
  expect(desc).not.toMatch(/^(?:an?|the) |mqttd|\.$/i);
});

const ruby = Bun.which("ruby");
const rubyTitle = ruby === null ? " (skipped: no ruby here)" : "";

/** As much of Homebrew as the formula uses: prints what it would download and install. */
const homebrew = `
class Formula
  # Of Kernel.
  def self.test = nil
  def self.method_missing(name, *words, &block)
    case name
    when :on_macos, :on_arm then block.call
    when :on_linux, :on_intel, :service then nil
    else puts [name, *words].inspect
    end
  end
  def method_missing(name, *) = Place.new(name)
end
class Place
  def initialize(name) = @name = name
  def install(*what) = puts([@name, *what].inspect)
end
load ARGV.fetch(0)
Mqttd.new.install
`;

test.skipIf(ruby === null)(`ruby runs the formula${rubyTitle}`, () => {
  using folder = written(archives);
  for (const name of ["completions/_mqttd", "man/mqttd.1", "man/mqttd-codes.7"]) {
    folder.write(name, "");
  }
  folder.write("homebrew.rb", homebrew);
  const ran = spawnSync([ruby ?? "", "homebrew.rb", "./mqttd.rb"], folder.path);
  expect(ran.stderr.toString()).toBe("");
  const lines = ran.stdout.toString().split("\n");
  expect(lines).toContain(`[:url, "${baseUrl}/v1.2.3/mqttd-1.2.3-darwin-arm64.tar.gz"]`);
  expect(lines.slice(-7)).toEqual([
    '[:bin, "mqttd"]',
    '[:man1, ["man/mqttd.1"]]',
    '[:man7, ["man/mqttd-codes.7"]]',
    '[:bash_completion, {"completions/mqttd.bash"=>"mqttd"}]',
    '[:zsh_completion, "completions/_mqttd"]',
    '[:fish_completion, "completions/mqttd.fish"]',
    "",
  ]);
});

test("the manifest for Scoop names the zip, its folder, and where the next version is", () => {
  using folder = written(archives);
  expect(JSON.parse(folder.text("scoop/mqttd.json"))).toMatchObject({
    ...{ version, license: "MIT", bin: "mqttd.exe" },
    architecture: {
      "64bit": {
        url: `${baseUrl}/v1.2.3/mqttd-1.2.3-windows-x64.zip`,
        hash: "6".repeat(64),
        extract_dir: "mqttd-1.2.3-windows-x64",
      },
    },
    autoupdate: {
      architecture: {
        "64bit": {
          url: `${baseUrl}/v$version/mqttd-$version-windows-x64.zip`,
          hash: { url: `${baseUrl}/v$version/SHA256SUMS` },
          extract_dir: "mqttd-$version-windows-x64",
        },
      },
    },
  });
});

test("what was not made is in no installer", () => {
  using folder = written(new Map([...archives].filter(([name]) => name === "linux-x64")));
  expect(folder.names()).toEqual(["Dockerfile", "install.sh", "mqttd.rb", "mqttd.service"]);
  expect(folder.text("mqttd.rb")).not.toMatch(/on_macos|on_arm/);
  expect(folder.text("Dockerfile")).not.toContain("arm64");
  using none = written(new Map());
  expect(none.names()).toEqual(["install.sh", "mqttd.service"]);
});

const analyze = Bun.which("systemd-analyze");
const analyzeTitle = analyze === null ? " (skipped: no systemd-analyze here)" : "";
test.skipIf(analyze === null)(`systemd finds nothing wrong with the unit${analyzeTitle}`, () => {
  using folder = written(archives);
  const unit = folder.text("mqttd.service");
  // It has to find the program.
  folder.write("mqttd.service", unit.replace("/usr/local/bin/mqttd serve", "/bin/true"));
  const checked = spawnSync([analyze ?? "", "verify", folder.file("mqttd.service")]);
  expect(checked.stderr.toString()).toBe("");
  expect(checked.exitCode).toBe(0);
});

test("a placeholder is left in no file", () => {
  using folder = written(archives);
  const names = folder.names().filter((name) => statSync(folder.file(name)).isFile());
  expect(names).toHaveLength(5);
  for (const name of names) {
    expect(readFileSync(folder.file(name), "utf8")).not.toMatch(/@[A-Z_]+@/);
  }
});
