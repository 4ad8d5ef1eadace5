import { existsSync } from "node:fs";
import { parseArgs } from "node:util";
import { type Broker, mosquitto, mqttd, otherBroker, forwarder } from "./broker.ts";

/** The options can't be carried out. Exit code 2. */
export class UsageError extends Error {
  override name = "UsageError";
}

/** The options of both benchmarks. */
export interface CommonOptions {
  readonly runs: number;
  /** mosquitto is the first one, if it is installed. */
  readonly brokers: readonly Broker[];
  readonly version: 4 | 5;
  readonly json: boolean;
}

export const commonHelp = `  --runs N            runs of each cell; the result is their median (3)
  --mqttd PATH        the mqttd to measure (dist/mqttd)
  --mosquitto PATH    the mosquitto to compare with (default: from PATH or /usr/sbin)
  --broker NAME=CMD   another broker, or another command for one of these two; {port} in CMD stands
                      for the port; repeatable
  --v5                MQTT 5.0 instead of 3.1.1
  --json              NDJSON on stdout, text on stderr
  --help`;

/** Options by name; throws UsageError. `flags` have no value, `values` have one, `lists` many. */
export interface Parsed {
  has(flag: string): boolean;
  value(name: string): string | undefined;
  list(name: string): readonly string[];
}

const common = {
  flags: ["v5", "json", "help"],
  values: ["runs", "mqttd", "mosquitto"],
  lists: ["broker"],
};

export function parseOptions(
  args: readonly string[],
  own: { flags: readonly string[]; values: readonly string[]; lists: readonly string[] },
): Parsed {
  const names = (kind: "flags" | "values" | "lists") => [...common[kind], ...own[kind]];
  const options = Object.fromEntries([
    ...names("flags").map((name) => [name, { type: "boolean" as const }] as const),
    ...names("values").map((name) => [name, { type: "string" as const }] as const),
    ...names("lists").map((name) => [name, { type: "string" as const, multiple: true }] as const),
  ]);
  let values: Record<string, string | boolean | (string | boolean)[] | undefined>;
  try {
    ({ values } = parseArgs({ args: [...args], options }));
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
  return {
    has: (flag) => values[flag] === true,
    value: (name) => [values[name]].flat().find((value) => typeof value === "string"),
    list: (name) => [values[name] ?? []].flat().filter((value) => typeof value === "string"),
  };
}

export function commonOptions(parsed: Parsed): CommonOptions {
  return {
    runs: wholeNumber(parsed, "runs", 3),
    brokers: brokersOf(parsed),
    version: parsed.has("v5") ? 5 : 4,
    json: parsed.has("json"),
  };
}

export function wholeNumber(parsed: Parsed, name: string, otherwise: number): number {
  const text = parsed.value(name);
  if (text === undefined) return otherwise;
  const number = Number(text);
  if (Number.isInteger(number) && number > 0) return number;
  throw new UsageError(`--${name} takes a whole number above 0, not ${text}`);
}

function brokersOf(parsed: Parsed): Broker[] {
  const brokers = new Map<string, Broker>();
  const mosquittoPath = parsed.value("mosquitto") ?? findMosquitto();
  if (mosquittoPath !== null) brokers.set("mosquitto", mosquitto(mosquittoPath));
  const mqttdPath = parsed.value("mqttd") ?? "dist/mqttd";
  if (existsSync(mqttdPath)) brokers.set("mqttd", mqttd(mqttdPath));
  else if (parsed.value("mqttd") !== undefined)
    throw new UsageError(`--mqttd ${mqttdPath}: there is no such file`);
  for (const given of parsed.list("broker")) {
    const [, name, commandLine] = /^([\w.-]+)=(.+)$/.exec(given) ?? [];
    if (name === undefined || commandLine === undefined || !commandLine.includes("{port}"))
      throw new UsageError(`--broker takes NAME=CMD with {port} in CMD, not ${given}`);
    brokers.set(name, otherBroker(name, commandLine));
  }
  if (parsed.has("ceiling")) brokers.set("forwarder", forwarder());
  if (brokers.size === 0)
    throw new UsageError(
      "no broker to measure: build mqttd (npm run build), install mosquitto, or name one with --broker",
    );
  return [...brokers.values()];
}

function findMosquitto(): string | null {
  return (
    Bun.which("mosquitto") ?? (existsSync("/usr/sbin/mosquitto") ? "/usr/sbin/mosquitto" : null)
  );
}
