import path from "node:path";
import { usageError } from "../config/cli-error.ts";
import type { ReadFile } from "../config/file.ts";
import { nearest } from "../config/nearest.ts";
import { quoted } from "../config/problem.ts";
import { catalogue, quickSet } from "../drop/scenarios/catalogue.ts";
import type { RunOptions } from "../drop/run.ts";
import type { Scenario } from "../drop/scenario.ts";
import type { WillPlan } from "../drop/stage.ts";
import type { Arguments } from "./arguments.ts";
import { durationFrom, numberFrom, publicUrl, topicFrom, versionFrom } from "./client-flags.ts";
import { type ColorChoice, colorFrom } from "./color.ts";
import type { Login } from "./login.ts";
import { namesBroker, targetsFrom } from "./transport-flags.ts";

/** The checked request of `mqttd simulate-drop`. */
export interface DropRequest extends Omit<RunOptions, "has" | "signal" | "watch"> {
  /** Start a broker for the run; of the target only the credentials are used. */
  readonly embedded: boolean;
  readonly strict: boolean;
  readonly json: boolean;
  /** The name of a file. */
  readonly junit: string | null;
  readonly html: string | null;
  /** The arguments once more, for reports: without passwords. */
  readonly command: readonly string[];
  readonly color: ColorChoice;
}

/** Defaults; the help names them. */
export const dropDefaults = {
  keepAliveSeconds: 2,
  waitMs: 8000,
  toleranceMs: 1000,
  triesAlone: 2,
  versionWaitMs: 500,
} as const;

const hourMs = 3_600_000;

/** Throws CliError for the first problem. */
export function dropRequest(given: Arguments, login: Login, readFile: ReadFile): DropRequest {
  const embedded = given.has("embedded");
  if (embedded && namesBroker(given)) {
    throw usageError(
      "--embedded starts a broker of its own, over TCP",
      "leave out --host, --port, --url, --unix, --via and the flags of TLS",
    );
  }
  if (embedded && given.has("broker-pid")) {
    throw usageError("--broker-pid names another process", "--embedded has none of its own");
  }
  const [junit, html] = [reportFile(given, "junit"), reportFile(given, "html")];
  if (junit !== null && html !== null && path.resolve(junit) === path.resolve(html)) {
    throw usageError("--junit and --html name the same file");
  }
  const { target, via } = targetsFrom(given, login, readFile);
  const version = versionFrom(given);
  const versions = version === null ? ([4, 5] as const) : [version];
  if (target.password !== null && target.username === null && version !== 5) {
    throw usageError(
      "a password needs --username: MQTT 3.1.1 has no password alone",
      "give both, or -V 5",
    );
  }
  return {
    ...chosen(given),
    versions,
    target,
    embedded,
    via,
    keepAliveSeconds: keepAliveSecondsFrom(given),
    waitMs: durationFrom(given, "wait", 24 * hourMs) ?? dropDefaults.waitMs,
    goesOn: !given.has("no-wait"),
    triesAlone: dropDefaults.triesAlone,
    versionWaitMs: dropDefaults.versionWaitMs,
    toleranceMs: durationFrom(given, "tolerance", hourMs) ?? dropDefaults.toleranceMs,
    clientId: clientIdFrom(given),
    will: willFrom(given),
    deniedTopic: topicFrom(given, "denied-topic"),
    restartCommand: textFrom(given, "restart-command", "a command"),
    brokerPid: numberFrom(given, "broker-pid", [1, 2 ** 31 - 1], "a process id"),
    serial: given.has("serial"),
    strict: given.has("strict"),
    json: given.has("json"),
    junit,
    html,
    command: ["simulate-drop", ...given.words(publicValue)],
    color: colorFrom(given),
  };
}

function reportFile(given: Arguments, flag: "junit" | "html"): string | null {
  return textFrom(given, flag, "the name of a file");
}

function publicValue(flag: string, value: string): string {
  if (flag === "pw") return "...";
  return flag === "url" || flag === "via" ? publicUrl(value) : value;
}

/** The scenario of that name. Throws CliError with the nearest one. */
export function scenarioNamed(id: string, from = "simulate-drop"): Scenario {
  const found = catalogue.find((scenario) => scenario.id === id.toLowerCase());
  if (found !== undefined) return found;
  const meant = nearest(
    id,
    catalogue.map((scenario) => scenario.id),
  );
  throw usageError(
    `${from}: there is no scenario ${quoted(id)}`,
    meant === null ? hintForStranger(id) : `did you mean ${meant}?`,
  );
}

/** The hint for a word that looks like a broker's address. */
function hintForStranger(word: string): string {
  if (/^(mqtts?|wss?|mqtt\+unix):\/\//.test(word)) return "for an address: --url";
  if (/^\d+$/.test(word)) return `for a port: --port ${word}`;
  if (/^[\w-]+(\.[\w-]+)+$/.test(word) || word === "localhost") return `for a host: -h ${word}`;
  return "see mqttd simulate-drop --list";
}

function chosen(given: Arguments): Pick<DropRequest, "scenarios" | "named"> {
  const named = new Set(given.positionals.map((id) => scenarioNamed(id).id));
  if (given.has("all") && named.size > 0) {
    throw usageError("--all plays every scenario", "give some IDs, or --all");
  }
  const asked = given.has("all")
    ? catalogue
    : named.size === 0
      ? quickSet()
      : catalogue.filter(({ id }) => named.has(id));
  const excepted = new Set(
    given
      .texts("except")
      .flatMap((text) => text.split(","))
      .map((id) => scenarioNamed(id.trim(), "--except").id),
  );
  const scenarios = asked.filter(({ id }) => !excepted.has(id));
  if (scenarios.length === 0) throw usageError("--except leaves no scenario to play");
  return { scenarios, named };
}

function keepAliveSecondsFrom(given: Arguments): number {
  if (given.text("keepalive") === "0") {
    throw usageError(
      '--keepalive: found "0", allowed: seconds from 1 to 65535',
      "for keepalive 0: mqttd simulate-drop keepalive-0",
    );
  }
  return numberFrom(given, "keepalive", [1, 65_535], "seconds") ?? dropDefaults.keepAliveSeconds;
}

function clientIdFrom(given: Arguments): string | null {
  return textFrom(given, "id", "a client id, or no --id at all");
}

function willFrom(given: Arguments): Partial<WillPlan> {
  const topic = topicFrom(given, "will-topic");
  const payload = given.text("will-payload");
  const qos = numberFrom(given, "will-qos", [0, 2], "a QoS");
  const delay = durationFrom(given, "will-delay", 24 * hourMs);
  if (payload === "") {
    throw usageError(
      '--will-payload: found "", allowed: a text that identifies this will',
      "for an empty retained will: mqttd simulate-drop retain-clear",
    );
  }
  return {
    ...(topic !== null && { topic }),
    ...(payload !== null && { payload: Buffer.from(payload) }),
    ...(qos !== null && { qos: qos === 0 ? 0 : qos === 1 ? 1 : 2 }),
    ...(given.has("will-retain") && { retain: true }),
    ...(delay !== null && { delay: Math.round(delay / 1000) }),
  };
}

function textFrom(given: Arguments, flag: string, form: string): string | null {
  const text = given.text(flag);
  if (text === "") throw usageError(`--${flag}: found "", allowed: ${form}`);
  return text;
}
