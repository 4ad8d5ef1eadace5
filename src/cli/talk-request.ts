import { randomBytes } from "node:crypto";
import type { ConnectOptions } from "../client/client.ts";
import type { ClientVersion } from "../client/machine.ts";
import { usageError } from "../config/cli-error.ts";
import type { ReadFile } from "../config/file.ts";
import { quoted } from "../config/problem.ts";
import { Reason, reasonName } from "../core/reason.ts";
import {
  isBinary,
  propertiesOf,
  type PropertyFlags,
  propertyCommands,
} from "../talk/properties.ts";
import type { Goodbye, Source, TalkRequest } from "../talk/request.ts";
import type { Arguments } from "./arguments.ts";
import { durationFrom, numberFrom, topicFrom, versionFrom } from "./client-flags.ts";
import type { Surroundings } from "./command.ts";
import { type Login, loginFrom } from "./login.ts";
import { type Completion, described, nothing, wordsOf } from "./offer.ts";
import { qosFrom } from "./talk-flags.ts";
import { brokerFrom } from "./transport-flags.ts";

/** Of the client that a command is when no flag says otherwise. */
export interface TalkDefaults {
  readonly name: "pub" | "sub" | "rr";
  readonly version: ClientVersion;
}

/** What `pub`, `sub` and `rr` have in common. Throws CliError. */
export function talkRequest(
  given: Arguments,
  login: Login,
  readFile: ReadFile,
  defaults: TalkDefaults,
  properties: PropertyFlags,
): TalkRequest {
  const version = spokenVersion(given, defaults.version);
  const target = brokerFrom(given, login, readFile);
  if (target.password !== null && target.username === null && version !== 5) {
    throw usageError(
      "a password needs --username: MQTT 3.1.1 has no password alone",
      "give both, or -V 5",
    );
  }
  const credentials = {
    ...(target.username !== null && { username: target.username }),
    ...(target.password !== null && { password: Buffer.from(target.password) }),
  };
  const will = willFrom(given, properties);
  return {
    target,
    version,
    connect: {
      clientId: clientIdFrom(given, defaults.name),
      keepalive: numberFrom(given, "keepalive", [0, 65_535], "seconds") ?? 60,
      clean: !given.has("disable-clean-session"),
      ...credentials,
      ...(will !== null && { will }),
      ...(version === 5 && { properties: connectProperties(given, properties) }),
    },
    reconnects: !given.has("no-reconnect"),
    goodbye: goodbyeFrom(given, properties),
    quiet: given.has("quiet"),
    debug: given.has("debug"),
  };
}

/** As `loginFrom`, for commands whose payload may be standard input. Throws CliError. */
export async function talkLogin(
  given: Arguments,
  source: Source,
  surroundings: Surroundings,
): Promise<Login> {
  const file = given.text("pw-file") ?? "";
  const isInput = source.type === "lines" || (source.type === "file" && isStandardInput(source));
  if (isInput && (file === "-" || inputFiles.has(file))) {
    throw usageError(
      `--pw-file ${file} and the payload are both standard input`,
      "--pw-file FILE, or MQTTD_PASSWORD",
    );
  }
  return loginFrom(given, surroundings);
}

function isStandardInput({ name }: { readonly name: string | null }): boolean {
  return name === null || inputFiles.has(name);
}

/** Files that are standard input. */
const inputFiles: ReadonlySet<string> = new Set(["/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"]);

const fiveOnly = [
  ...["property", "session-expiry-interval", "will-delay", "disconnect-reason"],
  "retain-as-published",
] as const;

/** A flag of MQTT 5 chooses MQTT 5, unless -V says otherwise. */
function spokenVersion(given: Arguments, standard: ClientVersion): ClientVersion {
  const named = versionFrom(given, "protocol") ?? versionFrom(given, "protocol-version");
  if (named === 5) return 5;
  const flag = fiveOnly.find((name) => given.declares(name) && given.has(name));
  if (flag === undefined) return named ?? standard;
  if (named !== null) throw usageError(`--${flag} needs MQTT 5`, "-V 5");
  return 5;
}

function clientIdFrom(given: Arguments, name: string): string {
  const id = given.text("id");
  const prefix = given.text("id-prefix");
  if (id !== null && prefix !== null) {
    throw usageError("--id and --id-prefix are two client ids", "give one of them");
  }
  if (given.has("disable-clean-session") && (id ?? "") === "") {
    throw usageError("--disable-clean-session needs a client id", "give one: -i ID");
  }
  if (prefix !== null) return `${prefix}${process.pid}`;
  return id ?? `mqttd-${name}-${randomBytes(4).toString("hex")}`;
}

const forEver = 0xffff_ffff;

function connectProperties(
  given: Arguments,
  flags: PropertyFlags,
): NonNullable<ConnectOptions["properties"]> {
  const properties = flags.of("connect") ?? {};
  const written = given.text("session-expiry-interval");
  const kept = given.has("disable-clean-session") ? forEver : undefined;
  const interval = written === null ? kept : expiryFrom(written);
  return {
    ...properties,
    ...(interval !== undefined && { sessionExpiryInterval: interval }),
  };
}

function expiryFrom(written: string): number {
  if (written === "-1" || written === "∞" || written === "never") return forEver;
  const value = /^(0|[1-9]\d{0,9})s?$/.test(written) ? Number.parseInt(written, 10) : Number.NaN;
  if (value <= forEver) return value;
  throw usageError(
    `--session-expiry-interval: found ${quoted(written)}, allowed: seconds from 0 to ${forEver}, or -1 for ever`,
  );
}

const delayMaxMs = 4_294_967_295_000;

function willFrom(
  given: Arguments,
  flags: PropertyFlags,
): NonNullable<ConnectOptions["will"]> | null {
  const topic = topicFrom(given, "will-topic");
  const delayMs = durationFrom(given, "will-delay", delayMaxMs);
  const properties = flags.of("will");
  if (topic === null) {
    const flag = ["will-payload", "will-qos", "will-retain", "will-delay"].find((name) =>
      given.has(name),
    );
    if (flag !== undefined) throw usageError(`--${flag} needs a will`, "--will-topic TOPIC");
    if (properties !== undefined) {
      throw usageError("--property will needs a will", "--will-topic TOPIC");
    }
    return null;
  }
  const all = {
    ...properties,
    ...(delayMs !== null && { willDelayInterval: Math.round(delayMs / 1000) }),
  };
  return {
    topic,
    payload: Buffer.from(given.text("will-payload") ?? ""),
    qos: qosFrom(given, "will-qos") ?? 0,
    retain: given.has("will-retain"),
    ...(Object.keys(all).length > 0 && { properties: all }),
  };
}

/** Reason codes that a client may send (v5 table 3.10). */
const reasons: readonly number[] = [
  ...[Reason.normalDisconnection, Reason.disconnectWithWill, Reason.unspecifiedError],
  ...[Reason.malformedPacket, Reason.protocolError, Reason.implementationSpecificError],
  ...[Reason.topicNameInvalid, Reason.receiveMaximumExceeded, Reason.topicAliasInvalid],
  ...[Reason.packetTooLarge, Reason.messageRateTooHigh, Reason.quotaExceeded],
  ...[Reason.administrativeAction, Reason.payloadFormatInvalid],
];

/** Values of flags for the completions of shells. */
export const talkCompletion: Completion = {
  values: {
    "disconnect-reason": () =>
      described(reasons.map((code) => [hexOf(code), reasonName(code) ?? ""] as const)),
    property: (_, [command, name, value]) => {
      if (command === undefined) return wordsOf(propertyCommands);
      if (name === undefined) return wordsOf(propertiesOf(command));
      return isBinary(name) && value === undefined ? wordsOf(["0", "1"]) : nothing;
    },
  },
};

function goodbyeFrom(given: Arguments, flags: PropertyFlags): Goodbye {
  const written = given.text("disconnect-reason");
  const disconnects = !given.has("no-disconnect");
  if (written !== null && !disconnects) {
    throw usageError("--no-disconnect sends no --disconnect-reason", "give one of them");
  }
  const code =
    written === null ? 0 : Number(/^(0x[\da-f]{1,2}|\d{1,3})$/i.test(written) ? written : "?");
  if (!reasons.includes(code)) {
    const name = reasonName(code);
    throw usageError(
      `--disconnect-reason: found ${quoted(written ?? "")}, allowed: ${reasons.map(hexOf).join(", ")}`,
      name === null ? "0x04 makes the broker publish the will" : `a client does not send "${name}"`,
    );
  }
  return {
    disconnects,
    reasonCode: code,
    properties: flags.of("disconnect"),
    isChosen: written !== null || !disconnects,
  };
}

function hexOf(code: number): string {
  return `0x${code.toString(16).padStart(2, "0")}`;
}
