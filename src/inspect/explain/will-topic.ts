import type { WillAccount, WillTopicAccount } from "../../core/records/will-account.ts";
import { duration } from "../../log/duration.ts";
import { name } from "../../log/foreign.ts";
import { payloadText } from "../../log/payload.ts";
import { byHabit } from "./by-habit.ts";
import { type Advice, capital, type Scene, sentence, type StoryLine } from "./parts.ts";

/** What is retained on a will topic, by whom: more than one client, or one client's two selves. */

type Retained = NonNullable<WillTopicAccount["retained"]>;

/** A shorter connection may have ended before the client could publish anything. */
const settledInMs = 10_000;

/**
 * Of a connected client: what is retained on its will topic, if that is not its own message. A clause
 * about `it`; null: nothing, or its own message.
 */
export function strangeRetained(scene: Scene): string | null {
  const found = strange(scene);
  if (found === null) return null;
  const { retained, topic } = found;
  const { answer, will } = scene;
  const ago = duration(Math.max(0, answer.now - retained.at));
  const wrote = (will?.own?.retained ?? 0) > 0;
  const who = name(retained.clientId ?? "another client");
  const payload = payloadText(retained.payload, retained.payloadBytes);
  if (isOwnWill(scene, retained)) {
    return `the topic ${topic} still holds its own will of ${ago} ago (${payload}): ${since(scene)}`;
  }
  if (retained.willArmedAt !== null) {
    return wrote
      ? `the will of ${who} overwrote ${ago} ago what it had published on ${topic}, which now holds ${payload}`
      : `the topic ${topic} holds the will of ${who} of ${ago} ago (${payload}): ${since(scene)}`;
  }
  return `what it had published on ${topic} was replaced ${ago} ago by ${who}, and the topic now holds ${payload}`;
}

function since({ will }: Scene): string {
  const own = will?.own;
  if (own === undefined) return "it is connected all the same";
  if (own.retained > 0) return "it has published there since, but not as the last";
  if (own.onTopic > 0) return "what it has published there since it connected was not retained";
  const elsewhere =
    own.elsewhere === null ? "" : `; it published ${name(own.elsewhere)} retained instead`;
  return `it has published nothing there since it connected${elsewhere}`;
}

function strange(scene: Scene): { readonly retained: Retained; readonly topic: string } | null {
  const { answer, connection, will } = scene;
  if (connection.end !== null || connection.connectedAt === null) return null;
  const retained = answer.willTopic?.retained ?? null;
  if (retained === null || (retained.expiresAt ?? Infinity) <= answer.now) return null;
  const topic = name(answer.willTopic?.topic ?? "");
  if (retained.willArmedAt !== null) return { retained, topic };
  const isOther = retained.clientId !== null && retained.clientId !== answer.clientId;
  return isOther && (will?.own?.retained ?? 0) > 0 ? { retained, topic } : null;
}

function isOwnWill({ answer }: Scene, { clientId, willArmedAt }: Retained): boolean {
  return willArmedAt !== null && clientId === answer.clientId;
}

/** A story with the same, at the moment when it happened if the client was connected then. */
export function withRetained(scene: Scene, story: readonly StoryLine[]): StoryLine[] {
  const text = strangeRetained(scene);
  if (text === null) return [...story];
  const { answer, connection } = scene;
  const changedAt = answer.willTopic?.retained?.at ?? answer.now;
  const at = changedAt >= (connection.connectedAt ?? 0) ? changedAt : answer.now;
  return [...story, { at, ...sentence(`${capital(text)}.`) }].toSorted((a, b) => a.at - b.at);
}

/** What a will that was published did to another client, as sentences without a full stop. */
export function overwroteText({ fate, topic }: WillAccount): string[] {
  if (fate?.fate !== "published" || fate.overwrote === undefined) return [];
  const { clientId, at } = fate.overwrote;
  return [
    `It overwrote what ${name(clientId)}, which was connected, had published on ${name(topic)} ` +
      `${duration(Math.max(0, fate.at - at))} before`,
  ];
}

export function adviceOnTopic(scene: Scene, asked: WillAccount | null): (Advice | null)[] {
  return [asked === null ? null : overwrote(asked), staleWill(scene)];
}

function overwrote({ fate }: WillAccount): Advice | null {
  if (fate?.fate !== "published" || fate.overwrote === undefined) return null;
  const other = name(fate.overwrote.clientId);
  const text =
    `If it and ${other} are one device that came back under another client id, give it one client ` +
    `id and keep it: then its return ends the old connection, and the will comes before the birth. ` +
    `If they are two, give each a will topic of its own.`;
  return { topic: "willOverwroteOther", ...sentence(text) };
}

/** It is connected, and its own will still tells everybody that it is not. */
function staleWill(scene: Scene): Advice | null {
  const { answer, connection, will } = scene;
  const found = strange(scene);
  if (found === null || !isOwnWill(scene, found.retained)) return null;
  // It may be about to publish.
  if (answer.now - (connection.connectedAt ?? answer.now) < settledInMs) return null;
  const { topic } = answer.willTopic ?? { topic: "" };
  const elsewhere = will?.own?.elsewhere ?? null;
  if (elsewhere !== null && will?.own?.onTopic === 0) {
    return byHabit({ fault: "birthElsewhere", topic, published: elsewhere });
  }
  const text =
    (will?.own?.onTopic ?? 0) > 0
      ? `Let it publish its birth on ${name(topic)} retained: without RETAIN it does not replace the ` +
        `retained will, which whoever subscribes later gets.`
      : `Let it publish its birth on ${name(topic)}, retained, after each CONNACK, also after a ` +
        `reconnect: a birth that is published only when its program starts is lost to its own will.`;
  return { topic: "retainedWillWithoutBirth", ...sentence(text) };
}
