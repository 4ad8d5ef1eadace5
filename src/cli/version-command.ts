import { canHashArgon2 } from "../server/accounts/password-hash.ts";
import { missingTlsFeatures, socketPoll } from "../server/platform.ts";
import { apiVersion } from "../api/api.ts";
import type { Arguments } from "./arguments.ts";
import { type CliCommand, type Command, declare, type Surroundings } from "./command.ts";
import { commandPage, exitCodes } from "./help.ts";
import { versionLine } from "./version.ts";

/** `mqttd version`: what this executable is. */
export function versionCommand(): CliCommand {
  const command = declareVersion();
  return {
    command,
    rules: {},
    help: commandPage(command, {
      about:
        "Prints the version, as mqttd --version does; with --json also the runtime, the target, and " +
        "what they can do: name it in a report of a fault.",
      sections: [
        {
          title: "Features (--json)",
          rows: [
            ["protocols", "versions of MQTT"],
            ["transports", "of listeners"],
            [
              "tcpDetectors",
              "sets TCP's own timeouts, and looks into sockets before it ends a client",
            ],
            ["crl, keyLog", "TLS: lists of revoked certificates, --tls-keylog"],
            ["argon2id", "passwd --scheme argon2id"],
          ],
        },
        exitCodes(["0", "2", "70", "130, 143"], { "0": "done", "2": "usage" }),
      ],
    }),
    run: runVersion,
  };
}

function declareVersion(): Command {
  return declare("version", "version, runtime, target and features")
    .usage("version [FLAGS]")
    .option("--json", "print JSON, on one line")
    .option("-h, --help", "show this help")
    .example("mqttd version")
    .example("mqttd version --json");
}

async function runVersion(given: Arguments, { print, version }: Surroundings): Promise<number> {
  print(
    given.has("json") ? `${JSON.stringify(await description(version))}\n` : versionLine(version),
  );
  return 0;
}

async function description(version: Surroundings["version"]) {
  const missing = missingTlsFeatures();
  return {
    name: "mqttd",
    ...version,
    runtime: runtime(),
    target: `${process.platform}-${process.arch}`,
    api: apiVersion,
    features: {
      protocols: ["3.1", "3.1.1", "5.0"],
      transports: ["tcp", "tls", "ws", "wss", "unix"],
      tcpDetectors: (await socketPoll()) !== null,
      crl: !missing.crl,
      keyLog: !missing.keyLog,
      argon2id: canHashArgon2,
    },
  };
}

/** `process.versions` of Bun and Deno names the Node that they stand for too. */
function runtime(): { readonly name: string; readonly version: string } {
  const { bun, deno, node } = process.versions as Readonly<Record<string, string | undefined>>;
  if (bun !== undefined) return { name: "bun", version: bun };
  if (deno !== undefined) return { name: "deno", version: deno };
  return { name: "node", version: node ?? "" };
}
