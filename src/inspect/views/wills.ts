import type { WillsAnswer } from "../../api/api.ts";
import type { WillAccount } from "../../core/records/will-account.ts";
import { duration, setting, stoodStill } from "../../log/duration.ts";
import { name } from "../../log/foreign.ts";
import { cancelled, discardedWhy, expiryText, publication } from "../../log/will.ts";
import { ago, around } from "./moment.ts";
import { predecessorDied } from "../../log/predecessor.ts";
import { cellName, drawn, table, type ViewStyle } from "./table.ts";

/** What was asked for. Null: any. */
interface WillsAsked {
  readonly which: string | null;
  readonly clientId: string | null;
  readonly topic: string | null;
}

/** Each will with its fate, newest first. */
export function willsLines(
  { now, wills, predecessor }: WillsAnswer,
  style: ViewStyle,
  asked: WillsAsked = { which: null, clientId: null, topic: null },
): string[] {
  const lost =
    predecessor === undefined || predecessor === null
      ? []
      : drawn(
          `${predecessorDied(predecessor)}: its armed wills are lost, and not listed`,
          style.columns,
          2,
        );
  if (wills.length === 0) return [noneText(asked), ...lost];
  const rows = wills.map((will) => [cellName(will.clientId), when(will, now), what(will)]);
  return [...table(["CLIENT", "WHEN", "WILL"], rows, style), ...lost];
}

const kinds: Readonly<Record<string, string>> = {
  pending: "armed or delayed ",
  fired: "published ",
  notFired: "discarded or cancelled ",
};

function noneText({ which, clientId, topic }: WillsAsked): string {
  const of = clientId === null ? "" : ` of ${name(clientId)}`;
  const on = topic === null ? "" : ` on ${name(topic)}`;
  return `no ${kinds[which ?? ""] ?? ""}wills${of}${on}`;
}

/** One will in a sentence. */
export function willText(will: WillAccount, now: number): string {
  return `${what(will)}, ${when(will, now)}`;
}

type Published = NonNullable<WillAccount["fate"]> & { readonly fate: "published" };

function when({ fate, dueAt, end, armedAt }: WillAccount, now: number): string {
  if (fate !== null) return ago(now, fate.at);
  return end === null || dueAt === null ? ago(now, armedAt) : `due ${around(now, dueAt)}`;
}

/** Its state, the cause of the connection's end, and the statement that applies. */
function what(will: WillAccount): string {
  const { fate, end, steps } = will;
  const parts = end === null ? ["its client is connected"] : [end.causeText];
  if (fate !== null && fate.by !== null && fate.by !== "due") {
    parts.push(fate.by === "restart grace" ? cancelled[fate.by] : fate.by);
  }
  if (fate?.fate === "discarded" && fate.why !== "disconnect") parts.push(discardedWhy(fate));
  return `${stateOf(will)}: ${parts.join(", ")} [${steps.at(-1)?.rule ?? ""}]`;
}

function stateOf(will: WillAccount): string {
  const { state, fate, topic, qos, retain, delaySeconds, messageExpirySeconds, end } = will;
  const delay = delaySeconds === 0 ? [] : [`delay ${setting(delaySeconds * 1000)}`];
  const times = [...delay, ...expiryText(messageExpirySeconds)];
  if (fate?.fate === "published") {
    return publication(topic, fate.reach, [`q${qos}`, ...times, ...lateTexts(fate, end)]);
  }
  const facts = [`q${qos}`, ...(retain ? ["retained"] : []), ...times];
  return `${state} on ${name(topic)} (${facts.join(", ")})`;
}

function lateTexts({ lateMs, stoodStillMs }: Published, end: WillAccount["end"]): string[] {
  // The time at which the silence began is unknown.
  const waited = end?.lastPacketWaitedMs;
  if (waited !== undefined) {
    return [`up to ${duration(lateMs + waited)} late`, "the broker itself had stood still"];
  }
  const late = lateMs < 0 ? `${duration(-lateMs)} early` : `${duration(lateMs)} late`;
  return stoodStillMs === undefined ? [late] : [late, stoodStill(stoodStillMs)];
}
