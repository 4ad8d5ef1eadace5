import path from "node:path";
import { type BrokerSource, isReachedOver } from "../load/brokers.ts";
import { rows } from "../load/loads/rows.ts";
import { groups, type Row } from "../load/row.ts";
import type { Version } from "../load/packets.ts";
import { usageError } from "../config/cli-error.ts";
import { nearest } from "../config/nearest.ts";
import { quoted } from "../config/problem.ts";
import { authorityOf, isOnThisMachine, type Target, targetText } from "../client/target.ts";
import type { ReadFile } from "../config/file.ts";
import type { Arguments } from "./arguments.ts";
import {
  durationFrom,
  numberFrom,
  urlTarget,
  versionFrom,
  withCredentials,
} from "./client-flags.ts";
import type { Login } from "./login.ts";
import { namedTarget, secured } from "./transport-flags.ts";

/** Defaults; the help names them. */
export const benchDefaults = { runs: 1, seconds: 2 } as const;

/** The checked request of `mqttd bench`. */
export interface BenchRequest {
  readonly rows: readonly Row[];
  /** The first is the one to which the others are compared. */
  readonly brokers: readonly BrokerRequest[];
  readonly runs: number;
  readonly seconds: number;
  readonly version: Version;
  readonly hasBystander: boolean;
  /** The name of a file that keeps the figures; null: none. */
  readonly data: string | null;
  /** No run begins later, milliseconds from the start; Infinity: no bound. */
  readonly withinMs: number;
  readonly json: boolean;
}

/** `embedded` starts this very program. */
export type BrokerRequest = BrokerSource | { readonly kind: "embedded"; readonly name: string };

const runsMost = 100;
const secondsMost = 3600;
const withinMostMs = 7 * 24 * 3_600_000;

/** Throws CliError for the first problem. */
export function benchRequest(given: Arguments, login: Login, readFile: ReadFile): BenchRequest {
  const version = versionFrom(given) ?? 4;
  if (version === 3) {
    throw usageError("--protocol: the loads speak 3.1.1 or 5", "leave it out, or -V 5");
  }
  const rows = rowsFrom(given);
  const brokers = named(brokersFrom(given, login, readFile));
  const isPlayed = ({ over }: Row): boolean =>
    brokers.some((broker) => broker.kind === "embedded" || isReachedOver(broker, over));
  if (!rows.some(isPlayed)) {
    const transports = [...new Set(rows.flatMap(({ over }) => over ?? []))].join(", ");
    throw usageError(
      `--rows: no broker here is reached over ${transports}`,
      "--embedded, a --command with {transport}, or --url mqtts://HOST",
    );
  }
  return {
    ...{ rows, brokers },
    runs: numberFrom(given, "runs", [1, runsMost], "a number of runs") ?? benchDefaults.runs,
    seconds: numberFrom(given, "seconds", [1, secondsMost], "seconds") ?? benchDefaults.seconds,
    version,
    hasBystander: !given.has("no-bystander"),
    data: dataFrom(given),
    withinMs: durationFrom(given, "within", withinMostMs) ?? Infinity,
    json: given.has("json"),
  };
}

function dataFrom(given: Arguments): string | null {
  const data = given.text("data");
  if (data === "") throw usageError('--data: found "", allowed: the name of a file');
  return data;
}

/** In the order of the bench, each once. Throws CliError. */
function rowsFrom(given: Arguments): readonly Row[] {
  const wanted = given.has("rows") ? given.texts("rows") : ["short"];
  const asked = new Set(wanted.flatMap((text) => rowsNamed(text, "--rows")));
  const excepted = new Set(given.texts("except").flatMap((text) => rowsNamed(text, "--except")));
  const chosen = rows.filter((row) => asked.has(row) && !excepted.has(row));
  if (chosen.length === 0) throw usageError("--except leaves no row to play");
  return chosen;
}

function rowsNamed(text: string, flag: string): Row[] {
  return text.split(",").flatMap((part) => {
    const name = part.trim();
    if (name === "all") return [...rows];
    if (name === "short") return rows.filter(({ isShort }) => isShort === true);
    const found = rows.filter((row) => row.name === name || row.group === name);
    if (found.length > 0) return found;
    const known = [...rows.map((row) => row.name), ...Object.keys(groups), "all", "short"];
    const meant = nearest(name, known);
    throw usageError(
      `${flag}: there is no row ${quoted(name)}`,
      meant === null ? "see mqttd bench --list" : `did you mean ${meant}?`,
    );
  });
}

function brokersFrom(given: Arguments, login: Login, readFile: ReadFile): BrokerRequest[] {
  const commands = given.texts("command").map((text) => commandBroker(text));
  const urls = given.texts("url").map((text) => urlBroker(text, login));
  const isHostNamed = ["host", "port", "unix"].some((flag) => given.has(flag));
  const embedded: BrokerRequest[] = given.has("embedded")
    ? [{ kind: "embedded", name: "mqttd" }]
    : [];
  if (urls.length > 0 && isHostNamed) {
    throw usageError("--url and --host, --port or --unix all name the broker", "give one of them");
  }
  const isOther = commands.length + embedded.length > 0;
  const named =
    urls.length > 0 || (isOther && !isHostNamed)
      ? urls
      : [{ name: null, target: namedTarget(given, login) }];
  const targets = secured(
    named.map(({ target }) => target),
    given,
    readFile,
  );
  const running = targets.map((target, at) =>
    runningBroker(named[at]?.name ?? null, target, given),
  );
  if (given.has("broker-pid") && running.length !== 1) {
    throw usageError("--broker-pid is the process of one running broker", "name one with --url");
  }
  return [...running, ...commands, ...embedded];
}

/** `NAME=` before a URL or a command. */
const nameBefore = /^([A-Za-z0-9][\w.-]*)=(.*)$/s;

function urlBroker(text: string, login: Login): { name: string | null; target: Target } {
  const [, name = null, url = text] = nameBefore.exec(text) ?? [];
  return { name, target: withCredentials(urlTarget(url, "--url"), login) };
}

function runningBroker(name: string | null, target: Target, given: Arguments): BrokerSource {
  if (!isOnThisMachine(target) && !given.has("remote")) {
    throw usageError(
      `${targetText(target)} is another machine: a load may stop what others use`,
      "if the broker is yours: --remote",
    );
  }
  const pid = numberFrom(given, "broker-pid", [1, 2 ** 31 - 1], "a process id");
  const place = target.transport === "unix" ? target.path : authorityOf(target);
  return { kind: "running", name: name ?? place, target, pid };
}

function commandBroker(text: string): BrokerSource {
  const [, name = null, line = text] = nameBefore.exec(text) ?? [];
  if (!line.includes("{port}")) {
    throw usageError(
      `--command: found ${quoted(line)}, allowed: a command with {port} for the port`,
      "for example --command 'mosquitto -p {port}'",
    );
  }
  const program = line.trim().split(/\s+/)[0] ?? "";
  return { kind: "command", name: name ?? path.basename(program), line };
}

/** Two brokers with one name get numbers. */
function named(brokers: readonly BrokerRequest[]): BrokerRequest[] {
  return brokers.map((broker, index) => {
    const before = brokers.slice(0, index).filter(({ name }) => name === broker.name).length;
    return before === 0 ? broker : { ...broker, name: `${broker.name}-${before + 1}` };
  });
}
