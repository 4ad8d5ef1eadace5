import type { WillsAnswer } from "../admin/api.ts";
import type { WillAccount } from "../core/account.ts";
import { duration, setting } from "../log/duration.ts";
import { name } from "../log/foreign.ts";
import { discarded } from "../log/will.ts";
import { ago, ahead } from "./moment.ts";
import { table, type ViewStyle } from "./table.ts";

/** Each will with its fate, newest first. */
export function willsLines({ now, wills }: WillsAnswer, style: ViewStyle): string[] {
  if (wills.length === 0) return ["no wills"];
  const rows = wills.map((will) => [
    name(will.clientId),
    will.state,
    when(will, now),
    `${topicOf(will)}: ${why(will)}`,
  ]);
  return table(["CLIENT", "WILL", "WHEN", "TOPIC, WHY AND RULE"], rows, style);
}

/** One will in a sentence. */
export function willText(will: WillAccount, now: number): string {
  return `${will.state} ${when(will, now)}, on ${topicOf(will)}: ${why(will)}`;
}

function topicOf({ topic, qos, retain, delaySeconds }: WillAccount): string {
  const delay = delaySeconds === 0 ? "" : `, delay ${setting(delaySeconds * 1000)}`;
  return `${name(topic)} (q${qos}${retain ? ", retained" : ""}${delay})`;
}

function when({ fate, dueAt, end, armedAt }: WillAccount, now: number): string {
  if (fate !== null) return ago(now, fate.at);
  return end === null || dueAt === null ? ago(now, armedAt) : `due ${ahead(now, dueAt)}`;
}

/** What ended the connection, what became of the will, and the statement that asks for it. */
function why(will: WillAccount): string {
  const { fate, end, steps } = will;
  const parts = end === null ? ["its client is connected"] : [end.causeText];
  if (fate !== null && fate.by !== null && fate.by !== "due") parts.push(fate.by);
  if (fate?.fate === "published") parts.push(reachText(fate.reach), lateText(fate.lateMs));
  if (fate?.fate === "discarded" && fate.why !== "disconnect") parts.push(discarded[fate.why]);
  return `${parts.join(", ")} [${steps.at(-1)?.rule ?? ""}]`;
}

function reachText({ delivered, queued, dropped, retained }: Reach): string {
  const facts = [`to ${delivered}`];
  if (delivered + queued + dropped === 0) facts[0] = "nobody subscribed";
  if (queued > 0) facts.push(`${queued} queued`);
  if (dropped > 0) facts.push(`${dropped} dropped`);
  if (retained !== null) facts.push(`retained message ${retained}`);
  return facts.join(", ");
}

type Reach = Extract<WillAccount["fate"], { fate: "published" }>["reach"];

function lateText(lateMs: number): string {
  return lateMs < 0 ? `${duration(-lateMs)} early` : `${duration(lateMs)} late`;
}
