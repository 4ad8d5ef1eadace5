import type { ClientAnswer } from "../../api/api.ts";
import type { WillAccount } from "../../core/records/will-account.ts";
import { counted } from "../../log/counted.ts";
import { duration, setting } from "../../log/duration.ts";
import { name } from "../../log/foreign.ts";
import { payloadText } from "../../log/payload.ts";
import { deniedWhom, forWhom } from "../../log/will.ts";
import { capital } from "./parts.ts";

/** Who got a will that was published, and what is kept of it. */

export type Published = Extract<NonNullable<WillAccount["fate"]>, { fate: "published" }>;

/** Who got the message, and what is kept of it now, as a sentence without its full stop. */
export function reachText(answer: ClientAnswer, will: WillAccount, fate: Published): string {
  const { now } = answer;
  const { topic } = will;
  const { reach } = fate;
  const { delivered, queued, dropped, away, denied = 0, retained } = reach;
  const expires = expiresAt(will, fate);
  const isOver = expires !== null && expires <= now;
  const time = setting((will.messageExpirySeconds ?? 0) * 1000);
  const expiry = expires === null ? "" : ` for ${time} (Message Expiry Interval)`;
  const since = isOver ? `, which passed ${duration(now - expires)} ago` : "";
  const parts: string[] = [];
  if (delivered > 0) parts.push(`${counted(delivered, "subscriber")} got it`);
  if (queued > 0) {
    const whose = counted(queued, "subscriber");
    const wait =
      expires === null
        ? ""
        : isOver
          ? `, where it expired ${time} after its publication if it still waited`
          : `, where it expires ${time} after its publication`;
    parts.push(`it ${isOver ? "was put into" : "waits in"} the queue of ${whose}${wait}`);
  }
  if (dropped > 0) {
    parts.push(`it was dropped${forWhom(reach, 3) || ` for ${counted(dropped, "subscriber")}`}`);
  }
  if (away > 0) {
    const who = counted(away, "subscriber");
    parts.push(`${who} missed it, being away with QoS 0, for which nothing waits`);
  }
  if (denied > 0) {
    const who = counted(denied, "subscriber");
    parts.push(`${who} may not read ${name(topic)} and missed it${deniedWhom(reach, 3)}`);
  }
  if (parts.length === 0) {
    parts.push(
      reach.noLocal === true
        ? `its own session had subscribed to ${name(topic)}, but with No Local, which keeps its own ` +
            `messages from it, and nobody else had`
        : `nobody had subscribed to ${name(topic)}`,
    );
  }
  if (retained === "stored")
    parts.push(
      replacedText(answer, will, isOver) ??
        `it ${isOver ? "was" : "is"} kept as the topic's retained message${expiry}${since}`,
    );
  if (retained === "cleared") parts.push("being empty, it cleared the topic's retained message");
  return capital(parts.length === 1 ? (parts[0] ?? "") : joined(parts));
}

function joined(parts: readonly string[]): string {
  return `${parts.slice(0, -1).join(", ")}, and ${parts.at(-1) ?? ""}`;
}

/** When what is kept of a published will expires; null: never. Milliseconds since the epoch. */
export function expiresAt({ messageExpirySeconds }: WillAccount, { at }: Published): number | null {
  return messageExpirySeconds === undefined ? null : at + messageExpirySeconds * 1000;
}

/** That another message took the place of a retained will; null: none is known to have. */
function replacedText(answer: ClientAnswer, will: WillAccount, isOver: boolean): string | null {
  const { now, restarts = [] } = answer;
  const willTopic = answer.willTopic ?? null;
  if (willTopic === null || willTopic.topic !== will.topic) return null;
  const kept = "it was kept as the topic's retained message";
  const { retained } = willTopic;
  // What is retained since before a restart is not known to be a will's.
  if (retained === null) {
    return isOver || restarts.length > 0 ? null : `${kept}, which is gone by now`;
  }
  const { clientId, willArmedAt, at } = retained;
  const isOwn = clientId === will.clientId;
  if (isOwn && willArmedAt === will.armedAt) return null;
  const who = isOwn ? name(will.clientId) : clientId === null ? "another client" : name(clientId);
  const what = payloadText(retained.payload, retained.payloadBytes);
  const took =
    willArmedAt === null ? `${who} published ${what} there` : `a will of ${who} took its place`;
  return `${kept} until ${duration(Math.max(0, now - at))} ago, when ${took}`;
}
