import type { Archive, Release } from "./installers.ts";

const systems = [
  { block: "on_macos", target: "darwin" },
  { block: "on_linux", target: "linux" },
];
const processors = [
  { block: "on_arm", cpu: "arm64" },
  { block: "on_intel", cpu: "x64" },
];

/**
 * Homebrew's audit wants at most 80 characters with the formula's name and a colon, no article at
 * the start, not the name again, and no full stop.
 */
const desc = "MQTT broker for a dev laptop: exact keepalives and wills, explained";

/** A formula for Homebrew on macOS and Linux; null: none of its archives was made. */
export function homebrewFormula(release: Release): string | null {
  const { version, license, baseUrl, archives } = release;
  const blocks = systems.flatMap(({ block, target }) => {
    const inner = processors.flatMap((processor) => {
      const archive = archives.get(`${target}-${processor.cpu}`);
      return archive === undefined ? [] : [ofProcessor(processor.block, archive)];
    });
    return inner.length === 0 ? [] : [`  ${block} do\n${inner.join("\n")}  end\n`];
  });
  if (blocks.length === 0) return null;
  return `class Mqttd < Formula
  desc ${JSON.stringify(desc)}
  homepage ${JSON.stringify(baseUrl)}
  version ${JSON.stringify(version)}
  license ${JSON.stringify(license)}

${blocks.join("\n")}
  depends_on macos: :ventura

  def install
    bin.install "mqttd"
    man1.install Dir["man/*.1"]
    man7.install Dir["man/*.7"]
    bash_completion.install "completions/mqttd.bash" => "mqttd"
    zsh_completion.install "completions/_mqttd"
    fish_completion.install "completions/mqttd.fish"
  end

  service do
    run [opt_bin/"mqttd", "serve"]
    keep_alive true
    error_log_path var/"log/mqttd.log"
  end

  test do
    assert_match "mqttd #{version}", shell_output("#{bin}/mqttd --version")
  end
end
`;
}

function ofProcessor(block: string, { url, sha256 }: Archive): string {
  return `    ${block} do\n      url "${url}"\n      sha256 "${sha256}"\n    end\n`;
}
