import {
  hadNoSubscribers,
  type Reach,
  type ReachLoss,
  type WillAtEnd,
  type WillCancelled,
  type WillDiscarded,
  type WillFacts,
  type WillFate,
} from "../core/events.ts";
import type { Millis } from "../core/io.ts";
import { duration, setting } from "./duration.ts";
import { clause, name } from "./foreign.ts";

/** The will that a client sets with its CONNECT. */
export function armedWill(will: WillFacts): string {
  const facts = [`q${will.qos}`];
  if (will.retain) facts.push("retained");
  if (will.delayInterval > 0) facts.push(`delay ${setting(will.delayInterval * 1000)}`);
  facts.push(...expiryText(will.messageExpiry));
  return `will on ${name(will.topic)} (${facts.join(", ")})`;
}

/** `message expiry 10 s`, if a will has one. Seconds. */
export function expiryText(messageExpiry: number | undefined): string[] {
  return messageExpiry === undefined ? [] : [`message expiry ${setting(messageExpiry * 1000)}`];
}

/** The will's fate at the end of its connection; `at` is the time of that end. */
export function willAtEnd(will: WillAtEnd | null, at: Millis): string {
  if (will === null) return "no will";
  switch (will.fate) {
    case "published": {
      const late = will.at - will.due;
      const more = Math.round(late) >= 1 ? [`${duration(late)} late`] : [];
      if (will.unwaited !== undefined) {
        more.push(`delay of ${setting(will.unwaited * 1000)} skipped`);
      }
      return `will ${publication(will.topic, will.reach, more)}`;
    }
    case "delayed":
      return `will due in ${setting(will.due - at)} on ${name(will.topic)}`;
    case "discarded":
      // The cause that the line begins with says why: DISCONNECT.
      return will.why === "disconnect"
        ? `will on ${name(will.topic)} discarded`
        : `will on ${name(will.topic)} discarded (${discardedWhy(will)})`;
    case "cancelled":
      return `will on ${name(will.topic)} cancelled (${cancelled[will.why]})`;
  }
}

/** `published to 3 on TOPIC (1 queued, retained, MORE)`. */
export function publication(topic: string, reach: Reach, more: readonly string[]): string {
  const { delivered, queued, dropped, away } = reach;
  const nobody = hadNoSubscribers(reach);
  const facts: string[] = [];
  if (nobody) {
    facts.push(
      reach.noLocal === true ? "no subscribers but its own, with No Local" : "no subscribers",
    );
  }
  if (queued > 0) facts.push(`${queued} queued`);
  if (dropped > 0) facts.push(`${dropped} dropped${forWhom(reach, 2)}`);
  if (away > 0) facts.push(`${away} offline with QoS 0`);
  if (reach.denied !== undefined)
    facts.push(`${reach.denied} not authorized${deniedWhom(reach, 2)}`);
  if (reach.retained === "stored") facts.push("retained");
  if (reach.retained === "cleared") facts.push("retained message cleared");
  facts.push(...more);
  const to = nobody ? "" : ` to ${delivered}`;
  return `published${to} on ${name(topic)}${facts.length > 0 ? ` (${facts.join(", ")})` : ""}`;
}

/** ` for NAME (its queue is full), NAME (...), ...`; empty: the broker does not say for whom. */
export function forWhom({ dropped, losses = [] }: Reach, namesMax: number): string {
  if (losses.length === 0) return "";
  const named = losses.slice(0, namesMax);
  const more = dropped - named.length;
  const whom = named.map((loss) => `${name(loss.clientId)} (${lossText(loss)})`).join(", ");
  return ` for ${whom}${more > 0 ? ` and ${more} more` : ""}`;
}

/** ` (NAME: mqttd.acl:7 'topic deny it', ...)`; empty: the broker does not say who. */
export function deniedWhom({ denied = 0, denials = [] }: Reach, namesMax: number): string {
  if (denials.length === 0) return "";
  const named = denials.slice(0, namesMax);
  const more = denied - named.length;
  const whom = named.map(({ clientId, by }) => `${name(clientId)}: ${clause(by)}`).join(", ");
  return ` (${whom}${more > 0 ? ` and ${more} more` : ""})`;
}

function lossText({ why, maximumPacketSize }: ReachLoss): string {
  const size = maximumPacketSize === undefined ? "" : ` of ${maximumPacketSize} B`;
  return `${lossWords[why]}${size}`;
}

/** Why a session loses a message. */
export const lossWords: Record<ReachLoss["why"], string> = {
  "queue full": "its queue is full",
  blocked: "it reads no data",
  "packet too large": "larger than its Maximum Packet Size",
  "memory full": "memory is short (limits.memory)",
};

type Discarded = Pick<Extract<WillFate, { fate: "discarded" }>, "why" | "deniedBy">;

/** Why, and what in the access list decides. */
export function discardedWhy({ why, deniedBy }: Discarded): string {
  return deniedBy === undefined ? discarded[why] : `${discarded[why]}, ${clause(deniedBy)}`;
}

/** What its client did. */
export const cancelled: Record<WillCancelled, string> = {
  resumed: "session resumed",
  "restart grace": "came back within store.restartGrace",
};

const discarded: Record<WillDiscarded, string> = {
  disconnect: "clean DISCONNECT",
  denied: "not authorized to publish there",
  "on purpose": "lost on purpose",
};
