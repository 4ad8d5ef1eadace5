import type { WillsAnswer } from "../../api/api.ts";
import type { WillAccount } from "../../core/records/shapes.ts";
import { duration, setting, stoodStill } from "../../log/duration.ts";
import { name } from "../../log/foreign.ts";
import { discarded, publication } from "../../log/will.ts";
import { ago, ahead } from "./moment.ts";
import { cellName, table, type ViewStyle } from "./table.ts";

/** Each will with its fate, newest first. */
export function willsLines({ now, wills }: WillsAnswer, style: ViewStyle): string[] {
  if (wills.length === 0) return ["no wills"];
  const rows = wills.map((will) => [cellName(will.clientId), when(will, now), what(will)]);
  return table(["CLIENT", "WHEN", "WILL"], rows, style);
}

/** One will in a sentence. */
export function willText(will: WillAccount, now: number): string {
  return `${what(will)}, ${when(will, now)}`;
}

type Published = NonNullable<WillAccount["fate"]> & { readonly fate: "published" };

function when({ fate, dueAt, end, armedAt }: WillAccount, now: number): string {
  if (fate !== null) return ago(now, fate.at);
  return end === null || dueAt === null ? ago(now, armedAt) : `due ${ahead(now, dueAt)}`;
}

/** Its state, the cause of the connection's end, and the statement that applies. */
function what(will: WillAccount): string {
  const { fate, end, steps } = will;
  const parts = end === null ? ["its client is connected"] : [end.causeText];
  if (fate !== null && fate.by !== null && fate.by !== "due") parts.push(fate.by);
  if (fate?.fate === "discarded" && fate.why !== "disconnect") parts.push(discarded[fate.why]);
  return `${stateOf(will)}: ${parts.join(", ")} [${steps.at(-1)?.rule ?? ""}]`;
}

function stateOf({ state, fate, topic, qos, retain, delaySeconds, end }: WillAccount): string {
  const delay = delaySeconds === 0 ? [] : [`delay ${setting(delaySeconds * 1000)}`];
  if (fate?.fate === "published") {
    return publication(topic, fate.reach, [`q${qos}`, ...delay, ...lateTexts(fate, end)]);
  }
  const facts = [`q${qos}`, ...(retain ? ["retained"] : []), ...delay];
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
