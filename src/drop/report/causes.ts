import { clause } from "../../log/foreign.ts";
import { duration } from "../../log/duration.ts";
import type { Failure, Result } from "../scenario.ts";
import { isKeepaliveRow } from "./summary.ts";

/** Results that are not right for one and the same cause, told once. */
export interface Matter {
  /** Of the gravest of them. */
  readonly verdict: "fail" | "finding" | "late";
  /** Scenario ids, in the order of the catalogue; with the arm where there is one. */
  readonly names: readonly string[];
  /** The scenario that shows it best. */
  readonly id: string;
  readonly results: readonly Result[];
  /** One clause: what was seen. */
  readonly seen: string;
  /** What it means for the user; null: nothing is known beyond what was seen. */
  readonly means: string | null;
}

/** What is not right, each cause once: the gravest first, then in the order of the catalogue. */
export function mattersOf(results: readonly Result[]): Matter[] {
  const left = new Set(results.filter(isWrong));
  const take = (belongs: (result: Result) => boolean): Result[] => {
    const taken = [...left].filter(belongs);
    for (const result of taken) left.delete(result);
    return taken;
  };
  const matters: Matter[] = [];
  const mute = waysOf(results).filter((way) => isMute(results.filter(way)));
  const noWills = take((result) => result.failure === "never" && mute.some((way) => way(result)));
  if (noWills.length > 0) matters.push(matterOf(noWills, "rst", "no will came at all"));
  const timeless = waysOf(results).filter((way) => hasNoDeadline(results.filter(way)));
  const unfound = take(
    (result) =>
      result.failure === "never" && isKeepaliveRow(result) && timeless.some((way) => way(result)),
  );
  if (unfound.length > 0) matters.push(matterOf(unfound, "half-open"));
  const late = take((result) => result.failure === "late" && isKeepaliveRow(result));
  if (late.length > 0) matters.push(lateDeadlines(late));
  while (left.size > 0) {
    const [first] = left;
    if (first === undefined) break;
    matters.push(matterOf(take((other) => isSame(first, other))));
  }
  const place = (matter: Matter): number =>
    Math.min(...matter.results.map((result) => results.indexOf(result)));
  const gravity = (matter: Matter): number => grave.indexOf(matter.verdict);
  return matters.sort((a, b) => gravity(a) - gravity(b) || place(a) - place(b));
}

const grave = ["fail", "finding", "late"] as const;

function isWrong({ verdict }: Result): boolean {
  return verdict === "fail" || verdict === "finding" || verdict === "late";
}

/** The same scenario fails alike in another protocol, or at another address. */
function isSame(a: Result, b: Result): boolean {
  return a.id === b.id && a.failure === b.failure && a.arm === b.arm && a.verdict === b.verdict;
}

type Way = (result: Result) => boolean;

/** One for each protocol at each address: whether a result is of it. */
function waysOf(results: readonly Result[]): Way[] {
  const keys = new Set(results.map((result) => `${result.protocol} ${result.target}`));
  return [...keys].map((key) => (result) => `${result.protocol} ${result.target}` === key);
}

/** Not even a reset brings a will, and nothing else did either. */
function isMute(results: readonly Result[]): boolean {
  const isNever = (id: string): boolean =>
    results.some((result) => result.id === id && result.failure === "never");
  const deaths = results.filter(({ failure }) => failure === "never").length;
  return isNever("rst") && deaths > 1 && results.every(({ gotMs }) => gotMs === null);
}

function hasNoDeadline(results: readonly Result[]): boolean {
  return results.some(({ id, failure }) => id === "half-open" && failure === "never");
}

function lateDeadlines(results: readonly Result[]): Matter {
  const lateness = results.flatMap(({ latenessMs }) => latenessMs ?? []);
  const [least, most] = [Math.min(...lateness), Math.max(...lateness)];
  const range =
    results.length === 1 || most - least < 100
      ? duration(most)
      : `${duration(least)} to ${duration(most)}`;
  const means =
    "The broker looks for dead clients only now and then. With a keepalive of K expect the will at " +
    `1.5 K, and later by up to a fixed step, whatever K is (${duration(most)} was seen here).`;
  const matter = matterOf(results, "half-open", `the deadline fires ${range} late`);
  const [only, another] = results;
  return { ...matter, means: another === undefined ? (only?.means ?? means) : means };
}

function matterOf(results: readonly Result[], shows?: string, seen?: string): Matter {
  const best = results.find(({ id }) => id === shows) ?? results[0];
  const gravest = grave.find((verdict) => results.some((result) => result.verdict === verdict));
  return {
    verdict: gravest ?? "fail",
    names: [...new Set(results.map(nameOf))],
    id: best?.id ?? "",
    results,
    seen: seen ?? seenIn(results),
    means: best?.means ?? wordsFor(best?.failure ?? null),
  };
}

function nameOf({ id, arm }: Result): string {
  return arm === "" ? id : `${id} [${clause(arm)}]`;
}

/** Where they differ in numbers only, one speaks for all. */
function seenIn(results: readonly Result[]): string {
  const forms = new Map<string, Result>();
  for (const result of results) {
    const form = result.detail.replace(/\d+(\.\d+)?/g, "#");
    if (!forms.has(form)) forms.set(form, result);
  }
  return [...forms.values()].map(({ detail }) => clause(detail)).join("; ");
}

/** For failures of which the catalogue says nothing. */
function wordsFor(failure: Failure | null): string | null {
  switch (failure) {
    case "never":
      return "Whoever watches this client is not told of its death.";
    case "early":
      return "A client that still has time is taken for dead.";
    case "late":
      return "Whoever watches this client is told too late.";
    case "twice":
      return "Whoever counts deaths counts this one more than once.";
    case "spurious":
      return "A client that is well is reported dead.";
    case "altered":
      return "The will is not delivered as the client gave it.";
    case "broken":
    case "alive":
    case "down":
    case null:
      return null;
  }
}
