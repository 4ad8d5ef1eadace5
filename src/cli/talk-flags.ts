import { type CliError, usageError } from "../config/cli-error.ts";
import { quoted, shellWord } from "../config/problem.ts";
import { readFormat } from "../talk/format.ts";
import { takesPair } from "../talk/properties.ts";
import type { PrintOptions, PublishOptions, Source } from "../talk/request.ts";
import { filterFlaw } from "../wire/filter.ts";
import type { Arguments, ReadingRules } from "./arguments.ts";
import { declareClientFlags, declareWillFlags, numberFrom, topicFrom } from "./client-flags.ts";
import type { Command } from "./command.ts";
import { declareTransportFlags } from "./transport-flags.ts";

/** The flags of `pub`, `sub` and `rr`, as mosquitto's clients have them. */

export function declareTalkFlags(command: Command): Command {
  declareTransportFlags(declareClientFlags(command))
    .option("--protocol-version <VERSION>", "the same as -V")
    .option("-i, --id <ID>", "client id (default: a random one)")
    .option("-I, --id-prefix <PREFIX>", "client id: this, and the process id")
    .option("-k, --keepalive <SECONDS>", "keepalive (default 60; 0: none)")
    .option("-c, --disable-clean-session", "keep the session of this client id; needs --id")
    .option(
      "-x, --session-expiry-interval <SECONDS>",
      "how long the session is kept; -1: for ever (MQTT 5)",
    );
  return declareWillFlags(command)
    .option(
      "-D, --property <COMMAND> <PROPERTY> <VALUE>",
      "a property of connect, publish, subscribe, unsubscribe, disconnect or will; user-property " +
        "takes a key and a value (MQTT 5; repeatable)",
      { type: [] },
    )
    .option(
      "--disconnect-reason <CODE>",
      "end with this reason code; with 0x04 the broker publishes the will (MQTT 5)",
    )
    .option("--no-disconnect", "end without DISCONNECT, so that the broker publishes the will")
    .option("--no-reconnect", "end when the connection is lost (exit code 3)")
    .option("-d, --debug", "write a line for each packet to stderr")
    .option("--quiet", "write no errors and remarks while it runs")
    .option("--nodelay", "taken for mosquitto's sake: nothing is delayed");
}

const noPsk = "TLS goes by certificates: --cafile, --cert, --key";
const noEngine = "keys are PEM files: --key";

export const talkRules: ReadingRules = {
  hintFor: (word) => (/^[\w$+#/.-]+$/.test(word) ? `for a topic: -t ${shellWord(word)}` : null),
  strangers: {
    A: "the system chooses the address that it connects from",
    bind: "the system chooses the address that it connects from",
    S: "name the broker: -h HOST",
    proxy: "there is no SOCKS proxy; wss:// passes most others",
    psk: noPsk,
    "psk-identity": noPsk,
    ciphers: "TLS 1.2 or 1.3 with the runtime's ciphers",
    "tls-version": "TLS 1.3, or else 1.2, is agreed upon with the broker",
    "tls-alpn": "no protocol is asked for in TLS; a WebSocket is wss://",
    "tls-engine": noEngine,
    keyform: noEngine,
    "tls-use-os-certs": "the system's CAs are trusted without it",
    "tls-engine-kpass-sha1": noEngine,
  },
  takesMore: (flag, values) =>
    flag === "property" && values.length === 3 && takesPair(values[1] ?? ""),
};

export function declarePublishFlags(command: Command): Command {
  return command
    .option("-t, --topic <TOPIC>", "topic to publish on; --url may have it: mqtt://HOST/TOPIC")
    .option("-m, --message <TEXT>", "the payload")
    .option("-f, --file <FILE>", "the payload is the contents of this file")
    .option("-s, --stdin-file", "the payload is standard input")
    .option("-n, --null-message", "an empty payload; with -r it deletes a retained message")
    .option("-q, --qos <QOS>", "QoS: 0, 1 or 2 (default 0)");
}

export function declarePrintFlags(command: Command): Command {
  return command
    .option("-v, --verbose", "print the topic before the payload")
    .option("-F, --format <FORMAT>", "print messages in this format")
    .option("--pretty", "print the JSON of --json, %j and %J over several lines")
    .option("--json", "print NDJSON: one object for each message")
    .option("-N, --no-newline", "print no line feed after a message")
    .option("-R, --no-retained", "print no retained messages");
}

/** How the request is published. Throws CliError. */
export function publishFrom(
  given: Arguments,
  properties: PublishOptions["properties"],
): PublishOptions {
  const topic = topicFrom(given, "topic") ?? topicOfUrl(given);
  if (topic === null) throw usageError("no topic to publish on", "give one: -t TOPIC");
  if (/[+#]/.test(topic)) {
    throw usageError(`--url: found ${quoted(topic)}, allowed: a topic without wildcards`);
  }
  return { topic, qos: qosFrom(given, "qos") ?? 0, retain: given.has("retain"), properties };
}

/** What the flags have as payload. Throws CliError unless it is one. */
export function sourceFrom(given: Arguments, takesLines: boolean): Source {
  const flags = ["message", "file", "stdin-file", "null-message"];
  const named = (takesLines ? [...flags, "stdin-line"] : flags).filter((flag) => given.has(flag));
  const [one, another] = named;
  if (one === undefined) {
    const lines = takesLines ? ", -l each line of it" : "";
    throw usageError(
      "no payload",
      `-m TEXT, -f FILE, -s standard input${lines}, or -n an empty message`,
    );
  }
  if (another !== undefined) {
    throw usageError(`--${one} and --${another} are two payloads`, "give one of them");
  }
  switch (one) {
    case "message":
      return { type: "text", payload: Buffer.from(given.text("message") ?? "") };
    case "file":
      return { type: "file", name: given.text("file") };
    case "stdin-file":
      return { type: "file", name: null };
    case "stdin-line":
      return { type: "lines" };
    default:
      return { type: "text", payload: Buffer.alloc(0) };
  }
}

/** How messages are printed. Throws CliError. */
export function printFrom(given: Arguments): PrintOptions {
  const format = given.text("format");
  const endsLines = !given.has("no-newline");
  const pretty = given.has("pretty");
  if (given.has("json")) {
    if (format !== null) throw usageError("--json and --format are two forms", "give one of them");
    if (!endsLines) throw usageError("--json prints lines", "leave out -N");
    if (given.has("verbose")) throw usageError("--json has the topic already", "leave out -v");
    return { form: { type: "json", pretty }, endsLines };
  }
  if (format === null) {
    if (pretty) throw prettyNothing();
    return { form: { type: given.has("verbose") ? "verbose" : "payload" }, endsLines };
  }
  const pieces = readFormat(format);
  if (typeof pieces === "string") {
    throw usageError(`--format: found ${pieces}`, "mqttd sub --help has the list");
  }
  const hasJson = pieces.some((piece) => piece.type === "field" && /^j$/i.test(piece.field));
  if (pretty && !hasJson) throw prettyNothing();
  return { form: { type: "format", pieces, pretty }, endsLines };
}

function prettyNothing(): CliError {
  return usageError("--pretty is for JSON", "with --json, or -F %j or %J");
}

/** Null: not given. Throws CliError. */
export function qosFrom(given: Arguments, flag: string): 0 | 1 | 2 | null {
  const qos = numberFrom(given, flag, [0, 2], "a QoS");
  return qos === null ? null : qos === 0 ? 0 : qos === 1 ? 1 : 2;
}

/** The topic in `mqtt://host/topic`, which mosquitto's clients take as it is; null: none. */
export function topicOfUrl(given: Arguments): string | null {
  const url = given.text("url") ?? "";
  // The path of a WebSocket, or of a unix socket, is no topic.
  if (/^(?!mqtts?:)[a-z][a-z+]*:\/\//i.test(url)) return null;
  const [, topic = ""] = /^[^/]*\/(.*)$/su.exec(url.replace(/^mqtts?:\/\//i, "")) ?? [];
  return topic === "" ? null : topic;
}

/** Topic filters of a repeatable flag. Throws CliError. */
export function filtersFrom(given: Arguments, flag: string): readonly string[] {
  const filters = given.texts(flag);
  for (const filter of filters) {
    const flaw = filter === "" ? "it is empty" : filterFlaw(filter);
    if (flaw !== null) {
      throw usageError(`--${flag}: found ${quoted(filter)}, allowed: a topic filter (${flaw})`);
    }
  }
  return filters;
}

/** Milliseconds of a timeout in seconds, which may be a fraction; null: not given. Throws CliError. */
export function secondsFrom(given: Arguments, flag: string, most: number): number | null {
  const written = given.text(flag);
  if (written === null) return null;
  const value = /^(?:\d{1,9}(?:\.\d*)?|\.\d+)s?$/.test(written)
    ? Number.parseFloat(written)
    : Number.NaN;
  if (value <= most) return value * 1000;
  throw usageError(`--${flag}: found ${quoted(written)}, allowed: seconds up to ${most}`);
}
