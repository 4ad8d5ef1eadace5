import type { RetainedAccount, TurnedAwayAccount } from "../../core/records/broker-account.ts";
import type { WillAccount } from "../../core/records/will-account.ts";
import { hostOf } from "../../core/records/turned-away.ts";
import type { Overview, Predecessor } from "../../api/api.ts";
import { duration } from "../../log/duration.ts";
import { clause, name } from "../../log/foreign.ts";
import { awayOf, died, predecessorDied } from "../../log/predecessor.ts";
import { onPurposeLine } from "./on-purpose.ts";
import { type Advice, type Explanation, sentence, type StoryLine } from "./parts.ts";

/** What the broker can tell though it does not know a client id. */
type Known = Pick<
  Overview,
  "now" | "startedAt" | "recentEnds" | "turnedAway" | "predecessor" | "restart" | "store"
> &
  Partial<Pick<Overview, "like">>;

/**
 * The same for a client id that the broker knows nothing of. What it knew before it was started is
 * gone, and who was cut off before its client id could be read has an address only: a person who asks
 * is told of both. `nearest`: ids that it does know.
 */
export function explainUnknown(
  clientId: string,
  known: Known,
  nearest: readonly string[],
  levels: readonly LevelOf[] = [],
): Explanation {
  const { now, startedAt, predecessor = null, turnedAway = [] } = known;
  const suspects = turnedAway.filter((one) => isSuspect(one));
  const near = nearest.length === 0 ? "" : ` Did you mean ${nearest.map(name).join(" or ")}?`;
  const unseen =
    awayOf(known.restart) !== null
      ? `The broker does not run, and its store knows nothing of ${name(clientId)}.`
      : typeof known.store === "string"
        ? `${name(clientId)} has never connected to a broker on this store (or has been forgotten since).`
        : `${name(clientId)} has not connected since the broker started ` +
          `${duration(Math.max(0, now - startedAt))} ago (or the broker has since forgotten it).`;
  const verdict =
    unseen +
    near +
    (predecessor === null
      ? ""
      : ` ${predecessorDied(predecessor)}: if ${name(clientId)} was connected then, its will is lost, ` +
        `and was not published.`) +
    suspicion(suspects, now);
  return {
    clientId,
    now,
    away: null,
    onPurpose: onPurposeLine(known),
    verdict: sentence(verdict),
    before: null,
    story: [start(known), ...namelessEnds(known)],
    next: [],
    advice: [
      ...levels.map((level) => levelAdvice(clientId, level)),
      ...suspects.slice(0, suspectsNamed).map(suspectAdvice),
      ...advice(clientId, predecessor),
    ],
    others: [],
  };
}

/** A topic on which a client has its will, or a message is retained, that has the asked id as a level. */
export interface LevelOf {
  readonly topic: string;
  readonly of: "will" | "retained";
  /** Whose will it is, or who published the message; null: not known. */
  readonly clientId: string | null;
  /** Its will has its fate; absent: it is armed or waits, or it is about no will. */
  readonly isOver?: true;
  /** A client whose will topic differs in that level alone; absent: none. */
  readonly beside?: string;
}

/** Topics named on a page. */
const levelsNamed = 3;

/** The topics that have this id as a level, those of a known client first, each once. */
export function levelsOf(
  clientId: string,
  wills: readonly WillAccount[],
  retained: readonly RetainedAccount[],
): LevelOf[] {
  const found = new Map<string, LevelOf>();
  const add = (level: LevelOf): void => {
    const { topic } = level;
    if (found.size === levelsNamed || found.has(topic)) return;
    if (topic.split("/").includes(clientId)) found.set(topic, level);
  };
  // Those without a fate first: their clients are there.
  const order = ({ fate }: WillAccount): number => (fate === null ? 0 : 1);
  for (const { topic, clientId: whose, fate } of wills.toSorted((a, b) => order(a) - order(b))) {
    add({ topic, of: "will", clientId: whose, ...(fate !== null && { isOver: true as const }) });
  }
  for (const will of wills) {
    const elsewhere = will.own?.elsewhere ?? null;
    if (elsewhere !== null) add({ topic: elsewhere, of: "retained", clientId: will.clientId });
  }
  for (const { topic } of retained) add({ topic, of: "retained", clientId: null });
  // Only now: each of these looks at all wills.
  return [...found.values()].map((level) => {
    if (level.clientId !== null) return level;
    const beside = wills.find((will) => isBeside(level.topic, will.topic, clientId))?.clientId;
    return beside === undefined ? level : { ...level, beside };
  });
}

/** Whether two topics differ in this level of the first alone. */
function isBeside(topic: string, other: string, level: string): boolean {
  const [levels, others] = [topic.split("/"), other.split("/")];
  if (levels.length !== others.length || topic === other) return false;
  return levels.every((one, index) => one === others[index] || one === level);
}

function levelAdvice(asked: string, { topic, of, clientId, beside, isOver }: LevelOf): Advice {
  const head = `${name(asked)} is a level of the topic ${name(topic)}`;
  const ask = (who: string): string =>
    `\`mqttd inspect explain ${name(who)}\` is about that client`;
  const text =
    clientId === null
      ? `${head}, which holds a retained message${published(beside)} A topic's level is not a client id, ` +
        `and a will covers its own topic alone.`
      : of === "will"
        ? `${head}, on which ${name(clientId)} ${isOver === true ? "had" : "has"} its will: ${ask(clientId)}.`
        : `${head}, on which ${name(clientId)} has published a retained message: ${ask(clientId)}. A will ` +
          `covers its own topic alone.`;
  return { topic: "levelOfTopic", ...sentence(text) };
}

function published(beside: string | undefined): string {
  return beside === undefined
    ? ": look for the client that publishes it."
    : `. ${name(beside)} may publish it, as its will is on a topic that differs in this level alone: ask ` +
        `\`mqttd inspect explain ${name(beside)}\`.`;
}

function start({ startedAt: at, predecessor = null, restart, store = null }: Known): StoryLine {
  const away = awayOf(restart);
  if (away !== null) return { at: away.at, ...sentence(`The broker ${died(away)}.`) };
  if (store !== null) {
    return { at, ...sentence("The broker started, with what its store had kept.") };
  }
  const head = "The broker started. It keeps sessions, retained messages and wills in memory";
  const text =
    predecessor === null
      ? `${head}: what an earlier process held when it was killed is lost, and its wills never fire.`
      : `${head}. ${predecessorDied(predecessor)}: what it held is lost, and its armed wills never fire.`;
  return { at, ...sentence(text) };
}

/** Ends of connections that may be those of the asked client. Oldest first. */
function namelessEnds({ recentEnds, turnedAway = [] }: Known): StoryLine[] {
  const others = recentEnds.filter(({ clientId, cause, remote }) => {
    const isKnown = turnedAway.some(
      (one) => one.cause === cause && hostOf(one.remote) === hostOf(remote),
    );
    return clientId === null && !isKnown;
  });
  return [...turnedAway, ...others.map((end) => ({ ...end, count: 1 }))]
    .toSorted((a, b) => a.at - b.at)
    .map((end) => ({ at: end.at, ...sentence(`${turnedAwayText(end)}.`) }));
}

type NamelessEnd = Omit<TurnedAwayAccount, "cause">;

function turnedAwayText({ remote, clientId, causeText, detail, count }: NamelessEnd): string {
  const from = count === 1 ? name(remote) : name(hostOf(remote));
  const why = detail === null ? "" : `, ${clause(detail)}`;
  const last = count === 1 ? ":" : "; the last:";
  if (clientId !== null) {
    const what = count === 1 ? "A CONNECT" : `${count} CONNECTs`;
    return `${what} from ${from} as ${name(clientId)} failed${last} ${causeText}${why}`;
  }
  const what = count === 1 ? "A connection" : `${count} connections`;
  const whose = count === 1 ? "its client id was" : "their client ids were";
  return `${what} from ${from} ended before ${whose} read${last} ${causeText}${why}`;
}

const handshakes: Partial<Record<TurnedAwayAccount["cause"], string>> = {
  tlsFailed: "a TLS handshake",
  webSocketFailed: "a WebSocket handshake",
  proxyFailed: "a PROXY header",
};

/** Whether a program that means this broker was turned away; other bytes may be anybody's. */
function isSuspect({ cause, clientId }: TurnedAwayAccount): boolean {
  return clientId !== null || cause === "refused" || handshakes[cause] !== undefined;
}

/** Addresses that advice names. */
const suspectsNamed = 3;

/** The likely reason, after the verdict: the latest connection that was turned away. */
function suspicion([latest]: readonly TurnedAwayAccount[], now: number): string {
  if (latest === undefined) return "";
  const { at, clientId, cause, causeText, detail, count } = latest;
  const as = clientId === null ? "without a client id" : `as ${name(clientId)}`;
  const handshake = handshakes[cause];
  const what = handshake ?? "a CONNECT";
  const whose = `from ${name(hostOf(latest.remote))}${handshake === undefined ? ` ${as}` : ""}`;
  const times = count === 1 ? "" : `, the last of ${count}`;
  const why = detail === null ? causeText : clause(detail);
  return ` Likely reason: ${what} ${whose} failed ${duration(Math.max(0, now - at))} ago${times}: ${why}.`;
}

function suspectAdvice({ remote, cause, clientId }: TurnedAwayAccount): Advice {
  const head = `If its program runs at ${name(hostOf(remote))}`;
  const handshake = handshakes[cause];
  const text =
    handshake !== undefined
      ? `${head}: mend what made ${handshake} fail, since no client id is read before; ` +
        "`mqttd inspect tail` shows each attempt."
      : clientId === null
        ? `${head}: give it a client id.`
        : `${head}, it sends the client id ${name(clientId)}: \`mqttd inspect explain ${name(clientId)}\` ` +
          "is about that one.";
  return { topic: "turnedAway", ...sentence(text) };
}

function advice(clientId: string, predecessor: Predecessor | null): Advice[] {
  const text =
    "Look at the client id that its program really sends: some libraries draw a new one for each " +
    "start, and some put something before the one that you give them. `mqttd serve --verbose` logs " +
    "each CONNECT.";
  const stop =
    `If ${name(clientId)} was connected when an earlier process was killed: end the broker with Ctrl-C ` +
    `or SIGTERM instead, so that it publishes every will, those that wait too, before it ends.`;
  const other: Advice = { topic: "unknownClient", ...sentence(text) };
  // Without a trace of it, nothing tells that a process was killed.
  if (predecessor === null) return [other];
  return [{ topic: "killedBroker", ...sentence(stop) }, other];
}
