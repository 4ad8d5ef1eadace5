import type { ClientAnswer } from "../../api/api.ts";
import { type EndCause, ends, type WillOnEnd } from "../../core/end-causes.ts";
import { likeNamed } from "../../core/quirks/likes.ts";
import { type Rules, standardRules } from "../../core/quirks/rules.ts";
import type { WillAccount } from "../../core/records/will-account.ts";
import { duration } from "../../log/duration.ts";
import { clause, name } from "../../log/foreign.ts";
import { connectionOf, nextOf, sentence, type Sentence } from "./parts.ts";

/** What a broker that misbehaves on purpose (`--like`) changes in an explanation. */

type Liked = Pick<ClientAnswer, "like">;
type Fate = NonNullable<WillAccount["fate"]>;

/** The rules in force; those of the standard where the quirk is of a version that we do not know. */
export function rulesOf({ like }: Liked): Rules {
  const rules = like === null || like === undefined ? undefined : likeNamed(like)?.rules;
  return rules === undefined ? standardRules : { ...standardRules, ...rules };
}

/** The first line of every page about a broker that misbehaves; null: it does not. */
export function onPurposeLine({ like }: Liked): Sentence | null {
  if (like === null || like === undefined) return null;
  const summary = likeNamed(like)?.summary ?? null;
  const does = summary === null ? "" : `: ${clause(summary)}`;
  return sentence(
    `This broker misbehaves on purpose (--like ${name(like)})${does}. What it did here is not ` +
      `necessarily what the standard asks for.`,
  );
}

const keepAlive = ["v4-3.1.2-24", "v5-3.1.2-22"];
const published = ["v4-3.1.2-8", "v5-3.1.2-8", "v4-3.1.2-10", "v5-3.1.2-10"];
const discarded = ["v4-3.14.4-3", "v5-3.14.4-3"];
const cancelled = ["v5-3.1.3-9"];

/** The statements that a broker does not obey if a field departs from the standard. */
const obeyed: { readonly [Field in keyof Rules]: readonly string[] } = {
  keepAliveFactor: keepAlive,
  keepAliveResetBy: keepAlive,
  keepAliveSweepMs: keepAlive,
  countsUnreadAsSilence: keepAlive,
  keepAliveForNoneSeconds: [...keepAlive, "v4-3.1.2.10", "v5-3.1.2.10"],
  keepAliveInWholeSeconds: keepAlive,
  judgesWhileOutputWaits: keepAlive,
  lateInCrowdMs: keepAlive,
  tcpDetectors: [],
  willOnEnd: [...published, ...discarded],
  willLostWhen: published,
  willLagMs: [...published, ...cancelled],
  disconnectCutsDelay: published,
  disconnectSetsExpiry: [...published, ...cancelled],
  goodbyeWithPropertiesIsError: [...published, ...discarded],
  expiryMayBeRaised: published,
  willWaitsFor: [...published, ...cancelled],
  willReaches: published,
  publishLagMs: published,
  willOnTakeover: [...published, ...cancelled],
  deadlineAfterTakeover: keepAlive,
  returnCancelsWill: [...published, ...cancelled],
  sessionEndCutsDelay: [...published, ...cancelled],
  delayedWills: published,
  willQosMin: published,
  willQosMax: published,
  willKeepsRetain: published,
  willKeepsProperties: published,
  willCopies: published,
  emptyWill: [...published, "v5-3.1.2-7"],
  bridgeHasWill: [...published, "v5-3.1.2-7"],
  willExpiresFrom: published,
  willStaysWithSession: published,
  sendsTooLarge: ["v5-3.1.2-25"],
  wildcardsMatchDollar: ["v4-4.7.2-1", "v5-4.7.2-1"],
  deniedWill: [],
  invalidWill: ["v4-4.7.1-1", "v5-4.7.1-1"],
};

/**
 * A sentence without the statement that it cites, where the broker departs from that on purpose. What
 * the standard asks for instead (`byStandard`) keeps it.
 */
export function cited<One extends Sentence>(one: One, answer: Liked): One {
  const { byStandard, ...rest } = one;
  // The same sentence less its mark.
  const bare = rest as One;
  if (one.rule === null || byStandard === true) return bare;
  return isBroken(rulesOf(answer), one.rule) ? { ...bare, rule: null } : bare;
}

function isBroken(rules: Rules, statement: string): boolean {
  return Object.entries(obeyed).some(([field, statements]) => {
    // The keys of the table.
    const key = field as keyof Rules;
    return rules[key] !== standardRules[key] && statements.includes(statement);
  });
}

/** What the end of a connection does to its will, by the rules in force; takeovers apart. */
export function willOn(rules: Rules, cause: Exclude<EndCause, "takenOver">): WillOnEnd {
  return rules.willOnEnd[cause] ?? ends[cause].will;
}

/** Seconds from the end of the connection to the will; Infinity: until its session is ended. */
export function waitSeconds(rules: Rules, will: WillAccount): number {
  const { delaySeconds: delay } = will;
  const expiry = will.sessionExpirySeconds ?? Infinity;
  if (rules.willWaitsFor === "nothing") return 0;
  if (rules.willWaitsFor === "sessionEnd") return expiry;
  if (rules.sessionEndCutsDelay === "never") return delay;
  if (rules.sessionEndCutsDelay === "onExpiry" && expiry === 0) return delay;
  return Math.min(delay, expiry);
}

/** A shorter difference is the broker's own lateness, and told as such. Milliseconds. */
export const noticedMs = 1000;

/** Where the fate of a will departs from the standard: sentences without their full stops. */
export function departures(answer: ClientAnswer, will: WillAccount, fate: Fate): string[] {
  const rules = rulesOf(answer);
  if (rules === standardRules || fate.fate !== "published" || will.end === null) return [];
  const time = strayOf(answer, will, fate.at);
  const made: string[] = [];
  if (rules.willCopies > 1) made.push(`${rules.willCopies} times`);
  const qos = Math.min(Math.max(will.qos, rules.willQosMin), rules.willQosMax);
  if (qos !== will.qos) made.push(`with QoS ${qos} instead of ${will.qos}`);
  if (will.retain && !rules.willKeepsRetain) made.push("without RETAIN");
  if (will.protocol === "5.0" && !rules.willKeepsProperties) made.push("without its properties");
  const how = made.length === 0 ? [] : [`This broker published it ${made.join(", ")}`];
  return [...(time === null ? [] : [time]), ...how];
}

function strayOf(answer: ClientAnswer, will: WillAccount, at: number): string | null {
  const { end, fate } = will;
  if (end === null || fate === null) return null;
  if (ends[end.cause].will === "discard") return "By the standard it had to be discarded";
  const connection = connectionOf(answer, will);
  const next = connection === null ? null : nextOf(answer, connection);
  const wait = Math.min(will.delaySeconds, end.sessionExpirySeconds ?? Infinity) * 1000;
  const due = end.at + wait;
  const back = next?.connectedAt ?? null;
  if (back !== null && next?.sessionPresent === true && back < Math.min(due, at + 1) && wait > 0) {
    return "By the standard it had to be cancelled: its client had resumed its session before";
  }
  if (fate.by !== null && fate.by !== "due") return null;
  if (end.cause === "takenOver" || end.stoodStillMs !== undefined) return null;
  const early = due - at;
  if (Math.abs(early) < noticedMs) return null;
  return `By the standard it was due ${duration(Math.abs(early))} ${early > 0 ? "later" : "earlier"}`;
}

/** Why the broker may hold no will of a client that set one: a clause; null: it takes every will. */
export function ignoredWills(answer: Liked): string | null {
  const { emptyWill, bridgeHasWill } = rulesOf(answer);
  if (!bridgeHasWill) return "this broker ignores the wills of bridges";
  if (emptyWill === "ignored") return "this broker ignores a will with an empty payload";
  return emptyWill === "clearsOnly"
    ? "this broker ignores a will with an empty payload that is not retained"
    : null;
}

/** What this broker takes for a sign of life, if not every packet; null: every packet. */
export function signsOfLife(answer: Liked): string | null {
  const { keepAliveResetBy } = rulesOf(answer);
  if (keepAliveResetBy === "pingreq") return "only PINGREQ";
  return keepAliveResetBy === "notPingreq" ? "every packet except PINGREQ" : null;
}
