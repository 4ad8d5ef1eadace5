import type { Assignment, Loaded, Sources } from "../config/load.ts";
import { nearest } from "../config/nearest.ts";
import { bare, quoted } from "../config/problem.ts";
import type { Arguments } from "./arguments.ts";
import { usesColor } from "./color.ts";
import { described, wordsOf } from "./offer.ts";
import { settingOffer } from "./setting-offer.ts";
import { levels } from "../log/events.ts";
import { type CliCommand, type Command, declare, type Surroundings } from "./command.ts";
import { usageError } from "../config/cli-error.ts";
import { guardLan, lanAssignments, lanText, lanUrls } from "./lan.ts";
import { certificateReader, checkFiles, printChecked, problemsOf } from "./config-check.ts";
import { plantedQuirks } from "../core/quirks/planted.ts";
import { type Like, likeNamed, likeNames, likes } from "../core/quirks/likes.ts";
import {
  commandPage,
  exitCodes,
  type HelpPage,
  type HelpRow,
  helpText,
  textColumns,
} from "./help.ts";

/** `mqttd serve`: runs the broker until a signal stops it. */
export function serveCommand(): CliCommand {
  const command = declareServe();
  return {
    command,
    rules: { hintFor: hintForPositional },
    help: commandPage(command, {
      about:
        "Runs the broker until SIGINT or SIGTERM stops it. SIGHUP reloads the configuration, SIGUSR1 " +
        "prints clients, deadlines and wills. The log goes to stderr.",
      sections: [
        {
          title: "Configuration",
          text: [
            "Flags win over the environment, the environment over the file, the file over defaults.",
            "Environment: MQTTD_ and the path in capitals, MQTTD_LIMITS__PACKET_SIZE for " +
              "limits.packetSize, MQTTD_LISTENERS__0__PORT for listeners.0.port.",
            "File: --config, else MQTTD_CONFIG, else mqttd.json or mqttd.jsonc in this folder, " +
              "else mqttd/config.json in XDG_CONFIG_HOME (default ~/.config).",
          ],
        },
        {
          title: "Misbehaviour",
          rows: likes.map(({ name, summary }): HelpRow => [name, summary ?? ""]),
          text: ["mqttd serve --like help lists these and the single quirks."],
        },
        exitCodes(["0", "2", "70", "130, 143"], {
          "0": "stopped by SIGINT or SIGTERM",
          "130, 143": "ended at once by a second SIGINT or SIGTERM",
        }),
      ],
    }),
    completion: {
      values: {
        set: settingOffer,
        like: () =>
          described([
            ...likeNames().map((name) => [name, likeNamed(name)?.summary ?? ""] as const),
            ["help", "lists them"],
          ]),
        "log-level": () => wordsOf(levels),
        "log-format": () => wordsOf(["human", "json", "auto"]),
      },
    },
    run: runServe,
  };
}

function declareServe(): Command {
  return declare("serve", "run the broker")
    .usage("serve [FLAGS]")
    .option("-p, --port <PORT>", "port of the first listener; 0 takes a free one (default 1883)")
    .option(
      "--host <ADDRESS>",
      "address of the first listener (default: localhost, both 127.0.0.1 and ::1)",
    )
    .option(
      "--lan",
      "accept other machines: shows their address and a QR code; needs a password file",
    )
    .option("--anonymous", "with --lan: without a password")
    .option(
      "--data <DIR>",
      "keep sessions, messages and wills in this folder, so that they survive the broker",
    )
    .option("-c, --config <FILE>", "configuration file, JSON with comments")
    .option("--set <PATH=VALUE>", "set any key of the configuration; may be repeated", { type: [] })
    .option("-t, --test-config", "check the configuration, print ok or every problem, and exit")
    .option("--ready-file <FILE>", "write the addresses to this file once clients can connect")
    .option(
      "--tls-keylog <FILE>",
      "append the secrets of TLS connections to this file, for Wireshark",
    )
    .option("-v, --verbose", "log every packet (log level debug)", { type: [] })
    .option("-q, --quiet", "log errors only (log level error)")
    .option("--log-level <LEVEL>", "error, warn, info or debug (default info)")
    .option(
      "--log-format <FORMAT>",
      "human, json (NDJSON), or auto: human on a terminal (default human)",
    )
    .option(
      "--color <WHEN>",
      "auto, always or never (default auto: on a terminal, unless NO_COLOR is set)",
    )
    .option(
      "--like <NAME>",
      "misbehave on purpose, like another broker or by one quirk; --like help lists all",
    )
    .option("-h, --help", "show this help")
    .example("mqttd serve")
    .example("mqttd serve --port 1884 --set limits.packetSize=64KiB --verbose")
    .example("mqttd serve --port 0 --ready-file mqttd.ready --log-format json")
    .example("mqttd serve --data ./mqttd-data")
    .example("mqttd serve --lan --anonymous")
    .example("mqttd serve --like rumqttd-0.19")
    .example("MQTTD_LIMITS__KEEP_ALIVE_MAX=60s mqttd serve --test-config");
}

async function runServe(given: Arguments, surroundings: Surroundings): Promise<number> {
  const readyFile = given.text("ready-file");
  if (readyFile === "") throw usageError('--ready-file: found "", allowed: the name of a file');
  if (given.text("like") === "help") {
    surroundings.print(helpText(likesHelp(), textColumns(surroundings.screen("stdout"))));
    return 0;
  }
  const like = likeOf(given.text("like"));
  const { load } = await import("../config/load.ts");
  const asked: Sources = {
    configFile: given.text("config"),
    flags: [...assignments(given), ...lanAssignments(given)],
    env: surroundings.env,
    readFile: surroundings.readFile,
  };
  const read = await loadGuarded(asked, given, surroundings);
  if (typeof read === "number") return read;
  const { loaded, sources } = read;
  const readCertificates = await certificateReader(loaded, surroundings.readFile);
  const certificates = readCertificates(loaded);
  const keyLog = await keyLogOf(given);
  if (given.has("test-config")) {
    const { problems, warnings } = await checkFiles(loaded, certificates);
    if (problems.length > 0) throw usageError(problems.join("\n"));
    if (keyLog !== null) {
      const { checkKeyLog } = await import("../server/key-log.ts");
      checkKeyLog(keyLog);
    }
    printChecked(loaded, warnings, surroundings);
    return 0;
  }
  if (certificates.problems.length > 0) throw usageError(certificates.problems.join("\n"));
  const { log } = loaded.settings;
  const { env, stderrIsTerminal } = surroundings;
  const { serve } = await surroundings.loadServer();
  return serve({
    config: loaded.settings,
    file: loaded.file,
    readyFile,
    color: usesColor(log.color, env, stderrIsTerminal),
    logFormat: log.format === "auto" ? (stderrIsTerminal ? "human" : "json") : log.format,
    version: surroundings.version.version,
    like,
    loaded,
    certificates,
    readCertificates,
    keyLog,
    env: surroundings.env,
    ...(given.has("lan") && {
      onListening: (urls) =>
        surroundings.print(lanText(lanUrls(urls[0] ?? ""), loaded.settings, surroundings)),
    }),
    reload: (inForce) => {
      // A reload does not wait for a pipe: clients wait for the broker meanwhile.
      const readFile = (path: string) => surroundings.readFile(path, 0);
      return load({ ...sources, readFile }, inForce);
    },
  });
}

/** Reads the configuration; with `--lan` and no password it asks for one. Throws CliError. */
async function loadGuarded(
  sources: Sources,
  given: Arguments,
  surroundings: Surroundings,
): Promise<{ readonly loaded: Loaded; readonly sources: Sources } | number> {
  const { load } = await import("../config/load.ts");
  const loaded = load(sources);
  if (!loaded.ok) {
    const isChecked = given.has("test-config");
    const problems = isChecked ? await problemsOf(loaded, surroundings.readFile) : loaded.problems;
    throw usageError(problems.join("\n"));
  }
  const more = await guardLan(given, loaded.settings, surroundings);
  if (typeof more === "number") return more;
  if (more.length === 0) return { loaded, sources };
  const guarded = { ...sources, flags: [...sources.flags, ...more] };
  const again = load(guarded);
  if (!again.ok) throw usageError(again.problems.join("\n"));
  return { loaded: again, sources: guarded };
}

async function keyLogOf(given: Arguments): Promise<string | null> {
  const file = given.text("tls-keylog");
  if (file === null) return null;
  if (file === "") throw usageError('--tls-keylog: found "", allowed: the name of a file');
  const { missingTlsFeatures } = await import("../server/platform.ts");
  if (missingTlsFeatures().keyLog)
    throw usageError("--tls-keylog: this runtime writes no key log; run mqttd on Bun");
  return file;
}

/** What `--like help` prints. */
function likesHelp(): HelpPage {
  const names = Object.keys(plantedQuirks);
  return {
    usage: "serve --like NAME",
    about:
      "Runs a broker that misbehaves on purpose, to test how your clients cope. Its log and its " +
      "administration name the quirk.",
    sections: [
      {
        title: "Brokers, with their known quirks",
        rows: likes.map(({ name, summary }): HelpRow => [name, summary ?? ""]),
      },
      ...Object.entries(quirkClasses).map(([letter, title]) => ({
        title,
        rows: names.filter((name) => name.startsWith(letter)).map((name): HelpRow => [name, ""]),
      })),
      {
        title: "Examples",
        commands: ["mqttd serve --like rumqttd-0.19", "mqttd serve --like E1-delay-ignored"],
      },
    ],
  };
}

/** The titles of the quirks, by their first letter. */
const quirkClasses = {
  A: "Single quirks: keepalive",
  B: "Single quirks: connections that break",
  C: "Single quirks: DISCONNECT, errors",
  D: "Single quirks: takeover",
  E: "Single quirks: Will Delay Interval",
  F: "Single quirks: the will's message",
  G: "Single quirks: wills to be refused",
} as const;

function likeOf(name: string | null): Like | null {
  if (name === null) return null;
  const like = likeNamed(name);
  if (like !== null) return like;
  const meant = nearest(name, [...likeNames(), "help"]) ?? likeBegunWith(name);
  const hint = meant === null ? "see mqttd serve --like help" : `did you mean ${meant}?`;
  throw usageError(`--like: found ${quoted(name)}, which is not a known broker or quirk`, hint);
}

/** `mosquito` is near mosquitto-2.0, and `E5` starts one quirk's name. */
function likeBegunWith(name: string): string | null {
  const like = nearest(
    name,
    likes.map((like) => like.name.split("-")[0] ?? ""),
  );
  const begun = (like ?? name).toLowerCase();
  if (begun === "") return null;
  return likeNames().find((other) => other.toLowerCase().startsWith(begun)) ?? null;
}

/** The keys that have a flag of their own. */
const flagPaths = {
  port: "listeners.0.port",
  host: "listeners.0.host",
  data: "store.path",
  "log-level": "log.level",
  "log-format": "log.format",
  color: "log.color",
} as const;

function assignments(given: Arguments): Assignment[] {
  const found: Assignment[] = [];
  for (const [flag, path] of Object.entries(flagPaths)) {
    const value = given.text(flag);
    if (value !== null) found.push({ path, value, name: `--${flag}` });
  }
  if (given.has("verbose")) found.push({ path: "log.level", value: "debug", name: "--verbose" });
  if (given.has("quiet")) found.push({ path: "log.level", value: "error", name: "--quiet" });
  return [...found, ...given.texts("set").map(assignmentOf)];
}

/** Of `--set`. Throws CliError. */
export function assignmentOf(text: string): Assignment {
  const equals = text.indexOf("=");
  if (equals < 1) {
    throw usageError(
      `--set: found ${quoted(text)}, allowed: PATH=VALUE`,
      "for example --set limits.packetSize=64KiB",
    );
  }
  const path = text.slice(0, equals);
  return { path, value: text.slice(equals + 1), name: `--set ${bare(path)}` };
}

/** Hints for arguments in the style of other brokers. */
function hintForPositional(positional: string): string | null {
  if (/^\d+$/.test(positional)) return `for a port: --port ${positional}`;
  if (/\.(jsonc?|conf)$/.test(positional))
    return `for a configuration: --config ${bare(positional)}`;
  return null;
}
