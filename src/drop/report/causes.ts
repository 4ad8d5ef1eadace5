import { clause } from "../../log/foreign.ts";
import type { Failure, Result } from "../scenario.ts";
import { lateDeadlines, noDeadline } from "./deadlines.ts";
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
  if (unfound.length > 0) matters.push(matterOf(unfound, "half-open", noDeadline(unfound)));
  const lates = waysOf(results).filter((way) => isLate(results.filter(way)));
  const late = take(
    (result) =>
      result.failure === "late" && isKeepaliveRow(result) && lates.some((way) => way(result)),
  );
  if (late.length > 0) matters.push({ ...matterOf(late, "half-open"), ...lateDeadlines(late) });
  // One cause, whatever the drop was to be.
  const alive = take((result) => result.failure === "alive");
  if (alive.length > 0) matters.push(matterOf(alive, "reconnect"));
  while (left.size > 0) {
    const [first] = left;
    if (first === undefined) break;
    matters.push(matterOf(take((other) => isSame(first, other))));
  }
  const place = (matter: Matter): number =>
    Math.min(...matter.results.map((result) => results.indexOf(result)));
  const gravity = ({ verdict, results: [first] }: Matter): number =>
    first?.failure === "down" ? -1 : grave.indexOf(verdict);
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

/** Where `half-open` is not, something else than the timer makes a deadline late. */
function isLate(results: readonly Result[]): boolean {
  return results.some(({ id, failure }) => id === "half-open" && failure === "late");
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
      return "Subscribers are not told that this client died.";
    case "early":
      return "A client that still has time is reported dead.";
    case "late":
      return "Subscribers are told too late that this client died.";
    case "twice":
      return "Subscribers that count deaths count this one more than once.";
    case "spurious":
      return "A client that is alive is reported dead.";
    case "altered":
      return "Subscribers do not get the will as the client gave it.";
    case "broken":
    case "alive":
    case "down":
    case null:
      return null;
  }
}
