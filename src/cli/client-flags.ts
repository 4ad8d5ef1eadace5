import type { ClientVersion } from "../client/machine.ts";
import { plainTls, type Target, targetOf } from "../client/target.ts";
import { usageError } from "../config/cli-error.ts";
import { quoted } from "../config/problem.ts";
import { millisecondsOf } from "../config/quantity.ts";
import type { Arguments } from "./arguments.ts";
import type { Command } from "./command.ts";
import { declareLoginFlags, type Login } from "./login.ts";

/** The flags of every client command for the broker and the client itself. */
export function declareClientFlags(command: Command): Command {
  command
    .option("-h, --host <HOST>", "the broker's host (default localhost)")
    .option("-p, --port <PORT>", "its port (default 1883)")
    .option("-L, --url <URL>", "host and port in one: mqtt://user:password@host:port");
  return declareLoginFlags(command).option(
    "-V, --protocol <VERSION>",
    "5, 3.1.1 or 3.1; also mqttv5, mqttv311, mqttv31",
  );
}

/** The flags of a will, as mosquitto's clients have them. */
export function declareWillFlags(command: Command): Command {
  return command
    .option("--will-topic <TOPIC>", "topic of the will")
    .option("--will-payload <TEXT>", "its payload")
    .option("--will-qos <QOS>", "its QoS: 0, 1 or 2")
    .option("--will-retain", "retain it")
    .option("--will-delay <DURATION>", "its delay in seconds, for example 30 or 30s (MQTT 5)");
}

/** The named broker, else localhost; `transport`: of --host and --port. Throws CliError. */
export function targetFrom(
  given: Arguments,
  login: Login,
  transport: "tcp" | "tls" = "tcp",
): Target {
  const url = given.text("url");
  if (url !== null && (given.has("host") || given.has("port"))) {
    throw usageError("--url and --host or --port both name the broker", "give one of them");
  }
  const named =
    url === null
      ? hostTarget(given.text("host") ?? "localhost", given.text("port"), transport)
      : urlTarget(url, "--url");
  return withCredentials(named, login);
}

/** The flags' user name and password win over those of the address. */
export function withCredentials(target: Target, { ambient, ...login }: Login): Target {
  const username = login.username ?? target.username;
  const named = login.password ?? target.password;
  return { ...target, username, password: named ?? (username === null ? null : ambient) };
}

/** Throws CliError. */
export function urlTarget(url: string, flag: string): Target {
  const target = readTarget(url);
  if (typeof target !== "string") return target;
  throw usageError(`${flag}: found ${quoted(withoutPassword(url))}, allowed: ${target}`);
}

/** The version of -V; null: not given. Throws CliError. */
export function versionFrom(given: Arguments, flag = "protocol"): ClientVersion | null {
  const written = given.text(flag);
  if (written === null) return null;
  const version = versions.get(written.toLowerCase());
  if (version === undefined) {
    throw usageError(`--${flag}: found ${quoted(written)}, allowed: 5, 3.1.1 or 3.1`);
  }
  return version;
}

/** A whole number within bounds; null: not given. Throws CliError. */
export function numberFrom(
  given: Arguments,
  flag: string,
  [least, most]: readonly [number, number],
  what: string,
): number | null {
  const written = given.text(flag);
  if (written === null) return null;
  const value = /^(0|[1-9]\d{0,9})$/.test(written) ? Number(written) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw usageError(
    `--${flag}: found ${quoted(written)}, allowed: ${what} from ${least} to ${most}`,
  );
}

/** Milliseconds; a bare number is seconds. Null: not given. Throws CliError. */
export function durationFrom(given: Arguments, flag: string, mostMs: number): number | null {
  const written = given.text(flag);
  if (written === null) return null;
  const isBare = /^\d+$/.test(written);
  const value = /^(never|off)$/.test(written)
    ? null
    : millisecondsOf(isBare ? `${written}s` : written);
  if (value !== null && value <= mostMs) return value;
  throw usageError(
    `--${flag}: found ${quoted(written)}, allowed: seconds, or a duration like "500ms", "90s" or "2m", up to ${mostMs / 1000}s`,
  );
}

/** A topic name; null: not given. Throws CliError. */
export function topicFrom(given: Arguments, flag: string): string | null {
  const topic = given.text(flag);
  if (topic === null) return null;
  const isOne = topic !== "" && !/[+#\0]/.test(topic) && Buffer.byteLength(topic) <= 65_535;
  if (isOne) return topic;
  throw usageError(`--${flag}: found ${quoted(topic)}, allowed: a topic without wildcards`);
}

/** As people write them, mosquitto's forms included. */
const versions: ReadonlyMap<string, ClientVersion> = new Map([
  ["5", 5],
  ["5.0", 5],
  ["mqttv5", 5],
  ["3.1.1", 4],
  ["311", 4],
  ["4", 4],
  ["mqttv311", 4],
  ["3.1", 3],
  ["31", 3],
  ["3", 3],
  ["mqttv31", 3],
]);

/** `targetOf` throws URIError for a user name or password with a stray %. */
function readTarget(url: string): Target | string {
  try {
    return targetOf(url);
  } catch (error) {
    if (error instanceof URIError) return "an address in which a literal % is written %25";
    throw error;
  }
}

function hostTarget(host: string, port: string | null, transport: "tcp" | "tls"): Target {
  const bareHost = host.replace(/^\[(.*)\]$/, "$1");
  if (host.includes("://")) {
    throw usageError(
      `--host: found ${quoted(withoutPassword(host))}, allowed: a host name or an address`,
      "for a whole address: --url",
    );
  }
  if (!/^[\w.:%-]{1,253}$/.test(bareHost)) {
    throw usageError(`--host: found ${quoted(host)}, allowed: a host name or an address`);
  }
  const isPort = port === null || (/^[1-9]\d{0,4}$/.test(port) && Number(port) <= 65_535);
  if (!isPort) {
    throw usageError(`--port: found ${quoted(port)}, allowed: a port from 1 to 65535`);
  }
  return {
    transport,
    host: bareHost,
    port: Number(port ?? (transport === "tls" ? 8883 : 1883)),
    path: "",
    username: null,
    password: null,
    tls: transport === "tls" ? plainTls : null,
  };
}

/** An address that was read, as others may see it. */
export function publicUrl(url: string): string {
  return url.replace(/^((?:[^:/?#]*:\/\/)?[^:@/?#]*):[^/?#]*@/, "$1:...@");
}

/** An unreadable address as an error shows it: any text before its last @ may be of a password. */
function withoutPassword(url: string): string {
  return url.replace(/^((?:[^:/?#]*:\/\/)?[^:@/]*):.*@/s, "$1:...@");
}
