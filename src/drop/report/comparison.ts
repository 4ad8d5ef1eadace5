import type { ArmRecord, Recording, ResultRecord, Settings } from "./records.ts";

/** What became of one scenario in one protocol at one address. */
export type Change =
  | "worse"
  | "better"
  /** Judged after, and not before. */
  | "appeared"
  /** Judged before, and not after. */
  | "disappeared"
  | "stayed";

export interface ComparedResult {
  readonly id: string;
  readonly protocol: ResultRecord["protocol"];
  /** At the second address, that of --via. */
  readonly via: boolean;
  readonly change: Change;
  /** Null: it was not played. */
  readonly before: ResultRecord | null;
  readonly after: ResultRecord | null;
  /** The arms of both that are no longer the same. */
  readonly arms: readonly ComparedArm[];
}

export interface ComparedArm {
  readonly arm: string;
  readonly change: "worse" | "better";
  readonly before: ArmRecord;
  readonly after: ArmRecord;
}

export interface Comparison {
  /** In the order of the scenarios in the first run, then what only the second has. */
  readonly results: readonly ComparedResult[];
  /** What else is not the same, a clause each: `keepalive 2 s and 5 s`. */
  readonly differences: readonly string[];
  /** 0, 1: something is worse, or nothing can be compared; 5: a `must` can't be judged any more. */
  readonly exitCode: 0 | 1 | 5;
}

/** Compares two runs: the broker before and after a change. */
export function compare(before: Recording, after: Recording): Comparison {
  const [earlier, later] = [byPlace(before), byPlace(after)];
  const results = [...new Set([...earlier.keys(), ...later.keys()])].map((key) =>
    compared(earlier.get(key), later.get(key), after.run.settings.toleranceMs),
  );
  const order = [...new Set([...before.run.scenarios, ...after.run.scenarios])];
  results.sort(
    (a, b) =>
      order.indexOf(a.id) - order.indexOf(b.id) ||
      Number(a.via) - Number(b.via) ||
      Number.parseFloat(a.protocol) - Number.parseFloat(b.protocol) ||
      a.protocol.length - b.protocol.length,
  );
  return { results, differences: differencesOf(before, after), exitCode: exitCodeOf(results) };
}

export function countOf({ results }: Comparison, change: Change): number {
  return results.filter((result) => result.change === change).length;
}

interface Placed {
  readonly result: ResultRecord;
  readonly via: boolean;
}

/** The broker may have another address in the other run: what counts is which of the two it is. */
function byPlace({ run, results }: Recording): Map<string, Placed> {
  return new Map(
    results.map((result) => {
      const via = run.via !== null && result.target === run.via && run.via !== run.target;
      return [`${result.id} ${result.protocol} ${via}`, { result, via }];
    }),
  );
}

function compared(
  earlier: Placed | undefined,
  later: Placed | undefined,
  toleranceMs: number,
): ComparedResult {
  const [before, after] = [earlier?.result ?? null, later?.result ?? null];
  const { id = "", protocol = "5" } = before ?? after ?? {};
  const arms = armsOf(before, after, toleranceMs);
  const via = (earlier ?? later)?.via ?? false;
  return { id, protocol, via, change: changeOf(before, after, arms), before, after, arms };
}

function changeOf(
  before: ResultRecord | null,
  after: ResultRecord | null,
  arms: readonly ComparedArm[],
): Change {
  const [was, is] = [isJudged(before), isJudged(after)];
  if (!was || !is) return was === is ? "stayed" : is ? "appeared" : "disappeared";
  if (arms.some(({ change }) => change === "worse")) return "worse";
  return arms.some(({ change }) => change === "better") ? "better" : "stayed";
}

/** Where the gravest arm is the same, another one may have changed. */
function armsOf(
  before: ResultRecord | null,
  after: ResultRecord | null,
  toleranceMs: number,
): ComparedArm[] {
  return (before?.arms ?? []).flatMap((was) => {
    const is = after?.arms.find(({ arm }) => arm === was.arm);
    const change = is === undefined ? null : armChange(was, is, toleranceMs);
    if (is === undefined || change === null) return [];
    return [{ arm: was.arm, change, before: was, after: is }];
  });
}

const gravity: Readonly<Record<ArmRecord["verdict"], number | null>> = {
  pass: 0,
  late: 1,
  finding: 2,
  fail: 3,
  inconclusive: null,
};

/** Null: the same, or one of them could not be judged. */
function armChange(
  before: ArmRecord,
  after: ArmRecord,
  toleranceMs: number,
): ComparedArm["change"] | null {
  const [was, is] = [gravity[before.verdict], gravity[after.verdict]];
  if (was === null || is === null) return null;
  if (was !== is) return is > was ? "worse" : "better";
  if (before.verdict !== "late") return null;
  const [wasLate, isLate] = [latenessOf(before), latenessOf(after)];
  const [least, most] = [Math.min(wasLate, isLate), Math.max(wasLate, isLate)];
  // A broker that looks for silent clients now and then is never late by the same time twice.
  if (most < 2 * least || most - least <= toleranceMs) return null;
  return isLate > wasLate ? "worse" : "better";
}

function latenessOf({ dueMs, gotMs }: ArmRecord): number {
  return (gotMs ?? 0) - (dueMs ?? 0);
}

export function isJudged(result: ResultRecord | null): boolean {
  if (result === null) return false;
  return result.verdict !== "skipped" && result.verdict !== "inconclusive";
}

function exitCodeOf(results: readonly ComparedResult[]): Comparison["exitCode"] {
  if (results.some(({ change }) => change === "worse")) return 1;
  if (!results.some(({ before, after }) => isJudged(before) && isJudged(after))) return 1;
  const isLost = ({ change, before, after }: ComparedResult): boolean =>
    change === "disappeared" && after?.verdict === "inconclusive" && before?.grade === "must";
  return results.some(isLost) ? 5 : 0;
}

const settingNames: Readonly<Record<keyof Settings, string>> = {
  keepAlive: "--keepalive",
  waitMs: "--wait",
  toleranceMs: "--tolerance",
  longWait: "the longer wait",
  serial: "--serial",
  strict: "--strict",
  clientId: "--id",
  username: "--username",
  willTopic: "--will-topic",
  willPayload: "--will-payload",
  willQos: "--will-qos",
  willRetain: "--will-retain",
  willDelay: "--will-delay",
  deniedTopic: "--denied-topic",
};

/** Other settings or another mqttd explain a change as well as the broker does. */
function differencesOf(before: Recording, after: Recording): string[] {
  const [was, is] = [before.run.settings, after.run.settings];
  const keys = Object.keys(settingNames) as (keyof Settings)[]; // The keys of the table.
  const settings = keys.flatMap((key) =>
    was[key] === is[key]
      ? []
      : [differs(settingNames[key], valueText(key, was), valueText(key, is))],
  );
  const versions =
    before.run.mqttd === after.run.mqttd && before.run.commit === after.run.commit
      ? []
      : [differs("mqttd", versionText(before), versionText(after))];
  return [...settings, ...versions, ...brokersOf(before, after)];
}

/** Only what both have said: a broker may have learned to say it. */
function brokersOf(before: Recording, after: Recording): string[] {
  const both = [before.run.brokerVersion ?? null, after.run.brokerVersion ?? null];
  if (both.includes(null) || brokerText(before) === brokerText(after)) return [];
  return [differs("the broker", brokerText(before), brokerText(after))];
}

function differs(name: string, before: string, after: string): string {
  return `${name} ${before} before, ${after} after`;
}

function valueText(key: keyof Settings, settings: Settings): string {
  const value = settings[key];
  if (value === null) return "not given";
  if (typeof value === "boolean") return value ? "on" : "off";
  if (key === "keepAlive" || key === "willDelay") return `${value} s`;
  return key.endsWith("Ms") ? `${value} ms` : String(value);
}

export function versionText({ run: { mqttd, commit } }: Pick<Recording, "run">): string {
  return commit === null ? mqttd : `${mqttd} (commit ${commit})`;
}

/** The broker in its own words, at the address and at that of --via if it says something else there. */
export function brokerText({ run }: Pick<Recording, "run">): string {
  const { brokerVersion, via, viaBrokerVersion } = run;
  const first = saidText(brokerVersion);
  const isSame = via === null || viaBrokerVersion === brokerVersion;
  return isSame ? first : `${first}; via the second address: ${saidText(viaBrokerVersion)}`;
}

function saidText(version: string | null | undefined): string {
  return version === undefined ? "not recorded" : (version ?? "not said by the broker");
}
