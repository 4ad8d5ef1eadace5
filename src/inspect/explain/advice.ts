import { isWillUnknown, type ConnectionAccount } from "../../core/records/client-account.ts";
import type { WillAccount } from "../../core/records/will-account.ts";
import { hadNoSubscribers } from "../../core/events.ts";
import { counted } from "../../log/counted.ts";
import { duration, setting } from "../../log/duration.ts";
import { clause, name } from "../../log/foreign.ts";
import { isDropClient } from "../../log/drop-names.ts";
import { adviceOnEnd, limitIn } from "./blame.ts";
import { byHabit } from "./by-habit.ts";
import { endByStandard } from "./by-standard.ts";
import { credentialsAdvice } from "./credentials.ts";
import { droppedCopies } from "./dropped-copies.ts";
import { adviceOnHabits, remembered } from "./habits.ts";
import { ignoredWills } from "./on-purpose.ts";
import { deniedReaders, refusedByAccess, refusedByWillLimit } from "./refused-will.ts";
import { isOtherProgram, otherProgram } from "./successor.ts";
import { adviceOnSilence } from "./silence.ts";
import {
  type Advice,
  capital,
  connectionOf,
  isV5,
  nextOf,
  type Scene,
  sentence,
  willOf,
} from "./parts.ts";
import { expiresAt, type Published } from "./reach.ts";
import { endedByReturn } from "./will-fate.ts";
import { adviceOnTopic } from "./will-topic.ts";

/** What to change about this client, what matters most first; each matter once. */
export function adviceFor(scene: Scene): Advice[] {
  const found = [
    refused(scene),
    ...adviceOnFate(scene),
    ...adviceOnTopic(scene, askedWill(scene)),
    ...adviceOnEnd(scene),
    ...adviceOnSilence(scene),
    ...adviceOnReach(scene),
    refusedMessages(scene),
    ...adviceOnHabits(scene),
  ];
  const topics = new Set<string>();
  const advices = found.filter((advice): advice is Advice => {
    if (advice === null || topics.has(advice.topic)) return false;
    topics.add(advice.topic);
    return true;
  });
  return [...(advices.length === 0 ? [] : diesOnPurpose(scene)), ...advices];
}

function diesOnPurpose({ answer: { clientId, wills } }: Scene): Advice[] {
  const topics = wills.map(({ topic }) => topic);
  if (!isDropClient(clientId, topics)) return [];
  const text =
    "Nothing, if it is a client of `mqttd simulate-drop`, as its name says: then it dies on purpose. If another " +
    "program has this name:";
  return [{ topic: "dropClient", ...sentence(text) }];
}

function refused({ connection }: Scene): Advice | null {
  const { end, connectedAt } = connection;
  if (end === null || connectedAt !== null) return null;
  const { detail } = end;
  const limit = limitIn(detail);
  if (detail !== null && limit !== null) return refusedByLimit(detail, limit, end.statement);
  const what = refusedFor(detail, connection);
  return { topic: "refused", ...sentence(`${what}.`, end.statement) };
}

/** What to mend, without its full stop; only the words of the refusal tell whether it was the will. */
function refusedFor(detail: string | null, connection: ConnectionAccount): string {
  const { refusedWill } = connection;
  const credentials = detail === null ? null : credentialsAdvice(detail, connection);
  if (credentials !== null) return credentials;
  if (detail === null || !/\bwill\b/i.test(detail)) {
    return (
      "Mend what it was refused for, and let its program look at the answer to CONNECT: many try " +
      "again and again without a word"
    );
  }
  if (detail.includes("may not publish")) return refusedByAccess(detail, connection);
  if (isBridgeState(refusedWill)) return bridgeAdvice;
  return `Correct the will, and connect again: ${clause(detail)}`;
}

function refusedByLimit(detail: string, limit: string, statement: string | null): Advice {
  if (limit === "limits.authentications" || limit === "limits.authenticationTimeout") {
    const text =
      "Nothing at the client: too many clients connected at once, each with a password to check. It is " +
      `let in when it tries again, and then without waiting. Or give this broker a higher ${limit}, or ` +
      "passwords with fewer iterations (`mqttd passwd --iterations`).";
    return { topic: "refused", ...sentence(text, statement) };
  }
  if (limit === "limits.sessions" || limit === "limits.connections") {
    const text =
      `Nothing at the client. Give this broker a higher ${limit}, or end sessions that nobody needs: ` +
      `\`mqttd inspect sessions\` lists them.`;
    return { topic: "brokerFull", ...sentence(text, statement) };
  }
  const known = refusedByWillLimit(detail, limit);
  const text =
    known === null
      ? `${capital(clause(detail))}: let it keep to that, or change the broker's ${limit}.`
      : `${known}.`;
  return { topic: "refused", ...sentence(text, statement) };
}

function isBridgeState(will: Scene["connection"]["refusedWill"]): boolean {
  return will?.topic.includes("$SYS/broker/connection/") === true;
}

const bridgeAdvice =
  "A bridge may have its state on $SYS/broker/connection/ID/state and nowhere else below $SYS, where " +
  "ID is one level, through a listener without a mount point. In mosquitto.conf give this connection " +
  "a remote_clientid without a slash, a notification_topic outside of $SYS, or notifications false";

/** The will whose fate is asked about: of this connection, else the one before it. */
function askedWill({ answer, connection, will }: Scene): WillAccount | null {
  if (will !== null && (will.end !== null || connection.end !== null)) return will;
  return answer.wills.find(({ id, end }) => id !== will?.id && end !== null) ?? null;
}

function adviceOnFate(scene: Scene): (Advice | null)[] {
  const { connection } = scene;
  const noWill =
    connection.connectedAt !== null && connection.willId === null && !isWillUnknown(connection);
  const will = askedWill(scene);
  return [
    noWill && ignoredWills(scene.answer) === null ? setOne() : null,
    will === null
      ? null
      : (discarded(scene, will) ?? cancelled(scene, will) ?? waited(scene, will)),
    will === null ? null : takenOver(scene, will),
  ];
}

function setOne(): Advice {
  const text =
    "Set a will in CONNECT: topic, payload, QoS, retain. It can't be set later, and most libraries " +
    "want it before connect() is called.";
  return { topic: "noWill", ...sentence(text) };
}

function discarded(scene: Scene, will: WillAccount): Advice | null {
  const { fate } = will;
  if (fate?.fate !== "discarded") return null;
  if (fate.why === "disconnect") return cleanDisconnect(scene, will);
  if (fate.why === "denied") {
    const text =
      `Give ${name(will.clientId)} back the right to publish on ${name(will.topic)}: a will is ` +
      `published by the rights that its client has when it fires.`;
    return { topic: "denied", ...sentence(text, fate.rule) };
  }
  const text =
    "Start the broker without --like and planted faults to see what the standard asks for.";
  return { topic: "onPurpose", ...sentence(text) };
}

function cleanDisconnect({ answer }: Scene, will: WillAccount): Advice | null {
  // It did what it would be told to do.
  if (will.own?.farewell === true) return null;
  const v5 = will.protocol === "5.0";
  const said = answer.faults.find(({ fault }) => fault === "cleanDisconnect");
  const listeners =
    said?.fault === "cleanDisconnect" && said.at === will.fate?.at ? said.listeners : 0;
  const told =
    listeners === 0
      ? ""
      : `${counted(listeners, "subscriber")} of ${name(will.topic)} received nothing. `;
  const change = v5
    ? "publish the farewell before DISCONNECT, or send DISCONNECT with reason code 0x04"
    : "publish the farewell before DISCONNECT (only MQTT 5.0 has a DISCONNECT that keeps the will)";
  const trial = v5
    ? "To test the will, kill the program with SIGKILL"
    : "To test the will, kill the program with SIGKILL: on Ctrl-C many clients send DISCONNECT, as mosquitto_sub does";
  return {
    topic: "cleanDisconnect",
    ...sentence(`${told}To report planned ends too, ${change}. ${trial}.`, will.fate?.rule ?? null),
  };
}

function cancelled({ answer }: Scene, will: WillAccount): Advice | null {
  if (will.fate?.fate !== "cancelled") return null;
  if (isOtherProgram(answer, will)) return otherProgram(answer, will);
  if (will.fate.why === "restart grace") {
    const grace =
      "That is what store.restartGrace is for: a client that is back in that time after a restart of " +
      "the broker raises no alarm. To have such wills published, make it shorter, or off.";
    return { topic: "quickReturn", ...sentence(grace) };
  }
  const text =
    `That is what a Will Delay Interval is for: a client that returns within ` +
    `${setting(will.delaySeconds * 1000)} raises no alarm. To report short absences too, make it shorter, or 0.`;
  return { topic: "quickReturn", ...sentence(text, will.fate.rule) };
}

/** A delayed will that waits, or whose waiting ended before its time. */
function waited(scene: Scene, will: WillAccount): Advice | null {
  const { answer } = scene;
  const delay = setting(will.delaySeconds * 1000);
  if (will.state === "delayed") {
    if (will.delaySeconds === 0) return null;
    const text = `If it is to fire at once, set its Will Delay Interval to 0; it is ${delay}.`;
    return { topic: "willDelay", ...sentence(text, "v5-3.1.2-8") };
  }
  if (will.fate?.by !== "session ended") return null;
  const connection = connectionOf(answer, will);
  if (connection === null || !endedByReturn(answer, connection, will.fate)) return null;
  return cleanStartReturn();
}

function cleanStartReturn(): Advice {
  const text =
    "If its return is to cancel the will, let it connect with Clean Start 0: Clean Start 1 ends the " +
    "old session, and a will never outlives its session.";
  return { topic: "cleanStartReturn", ...sentence(text, "v5-3.1.3-9") };
}

function takenOver(scene: Scene, will: WillAccount): Advice | null {
  const { answer } = scene;
  if (will.end?.cause !== "takenOver" || will.fate?.fate !== "published") return null;
  // Two clients with one id need another remedy, which the habit of that name tells.
  const repeated = ["sharedClientId", "takeoverLoop"];
  const habit = answer.faults.find(({ fault }) => repeated.includes(fault));
  if (habit !== undefined) return remembered(scene, habit);
  const other = otherProgram(answer, will);
  if (other !== null) return other;
  const connection = connectionOf(answer, will);
  // By the standard the silence had ended the old connection before: only this broker still held it.
  if (connection !== null && endByStandard(connection, answer.now) !== null) return null;
  const next = connection === null ? null : nextOf(answer, connection);
  if (will.delaySeconds > 0 && next?.cleanStart === true) return cleanStartReturn();
  const head =
    "It connected again while the broker still held its old connection, so the old one died. ";
  const change =
    connection !== null && isV5(connection)
      ? "If a reconnect is to raise no alarm, give the will a delay of a few seconds, and connect with " +
        "Clean Start 0 and a Session Expiry Interval above that delay."
      : correctedBy(scene, will, next);
  const text = head + slept(will) + change;
  return { topic: "takeover", ...sentence(text, will.fate.rule) };
}

/** What a client that slept, or lost its network, can do before. */
function slept({ end, keepAliveSeconds, topic }: WillAccount): string {
  // A client that was awake would have sent PINGREQ.
  const silentMs = end?.silentMs ?? 0;
  if (silentMs < quietMs && (keepAliveSeconds === 0 || silentMs < keepAliveSeconds * 500))
    return "";
  return (
    `The old one had been silent for ${duration(silentMs)}. If it sleeps between messages, let it send ` +
    `DISCONNECT before it sleeps: that discards the will (and if others are to know, publish its ` +
    `state on ${name(topic)} first). `
  );
}

/** Silence after which a return looks like the end of a sleep or of a lost network. */
const quietMs = 5_000;

/** In MQTT 3.1.1 only a birth corrects a will that came with a takeover. */
function correctedBy(
  { answer }: Scene,
  { own }: WillAccount,
  next: ConnectionAccount | null,
): string {
  const after = next === null ? null : willOf(answer, next);
  const isBorn = (after?.own?.onTopic ?? 0) > 0;
  if (isBorn) {
    return (
      "Its new connection has published on the will's topic since, which corrects it there; only " +
      "MQTT 5.0 can delay a will."
    );
  }
  // It may be about to publish, as it did before.
  if ((own?.onTopic ?? 0) > 0) return "Only MQTT 5.0 can delay a will.";
  return (
    "Only MQTT 5.0 can delay a will; in MQTT 3.1.1 publish a birth on the same topic after each " +
    "CONNACK, which corrects it."
  );
}

/** The last PUBLISH or SUBSCRIBE that the broker refused while the connection lived on. */
function refusedMessages({ answer, connection }: Scene): Advice | null {
  const since = connection.connectedAt ?? Infinity;
  const refused = answer.events.filter(
    ({ at, event, facts }) =>
      at >= since &&
      (event === "publishRefused" || (event === "subscribed" && Number(facts["reason"]) >= 0x80)),
  );
  const last = refused.at(-1);
  if (last === undefined) return null;
  const more = refused.length === 1 ? "" : ` It was the last of ${refused.length}.`;
  const silent =
    isV5(connection) || last.event === "subscribed"
      ? ""
      : " MQTT 3.1.1 has no way to tell the client.";
  const text = `${last.text}.${more}${silent}`;
  return { topic: "refusedMessages", ...sentence(text) };
}

/** Who got the will that was asked about. */
function adviceOnReach(scene: Scene): (Advice | null)[] {
  const will = askedWill(scene);
  if (will?.fate?.fate !== "published") return [];
  const { topic } = will;
  const { reach } = will.fate;
  const { dropped, away, denied = 0 } = reach;
  const clears = will.retain && will.payloadBytes === 0;
  const unheard = hadNoSubscribers(reach) && reach.retained === null && !clears;
  return [
    unheard && topic.startsWith("$") ? dollarTopic(topic) : null,
    reach.noLocal === true && hadNoSubscribers(reach) ? noLocal(topic) : null,
    denied > 0 ? deniedReaders(reach, topic) : null,
    unheard && reach.noLocal !== true && denied === 0
      ? byHabit({ fault: "willUnheard", topic })
      : null,
    ...(dropped > 0 ? droppedCopies(reach, topic) : []),
    away > 0 && !will.retain ? missedByAway() : null,
    clears ? clearedTopic(topic) : null,
    will.retain && !clears && reach.retained === null ? notRetained(topic) : null,
    expired(scene.answer.now, will, will.fate),
  ];
}

/** Wildcards at the beginning of a filter leave these topics out. */
function dollarTopic(topic: string): Advice {
  const text =
    `A filter that begins with # or + does not match ${name(topic)}, since it begins with $: subscribe ` +
    `to a filter that begins with the same level, or give the will another topic.`;
  return { topic: "dollarTopic", ...sentence(text, "v5-4.7.2-1") };
}

/** Its own subscription keeps its own will from it [v5-3.8.3-3]. */
function noLocal(topic: string): Advice {
  const text =
    `If its own session is to receive its will on ${name(topic)} when it returns, subscribe without No ` +
    `Local; for others to receive it, they have to subscribe.`;
  return { topic: "noLocal", ...sentence(text, "v5-3.8.3-3") };
}

function missedByAway(): Advice {
  const text =
    `Give both the will and the subscription QoS 1 so that clients that were offline receive it when ` +
    `they return, or make the will retained.`;
  return { topic: "awaySubscribers", ...sentence(text) };
}

function notRetained(topic: string): Advice {
  const text =
    `The will asked to be retained, and was not stored: the retained messages are at their limit ` +
    `(limits.retainedMessages, limits.retainedBytes), or the broker was started to misbehave. Later ` +
    `subscribers of ${name(topic)} do not receive it.`;
  return { topic: "notRetained", ...sentence(text) };
}

/** Retained, and no longer there: a retained message expires too. */
function expired(now: number, will: WillAccount, fate: Published): Advice | null {
  const at = expiresAt(will, fate);
  if (at === null || at > now) return null;
  const change = "leave Message Expiry Interval out of the will's properties.";
  if (fate.reach.retained !== "stored") {
    if (fate.reach.queued === 0) return null;
    const after = setting((will.messageExpirySeconds ?? 0) * 1000);
    const late =
      `A subscriber that came back later than ${after} after the will's publication did not receive it: ` +
      `its Message Expiry Interval ends its time in a queue too. If it is to wait longer, ${change}`;
    return { topic: "willExpired", ...sentence(late, "v5-3.3.2-5") };
  }
  const text =
    `A client that subscribes to ${name(will.topic)} now does not receive the will: its Message Expiry Interval of ` +
    `${setting((will.messageExpirySeconds ?? 0) * 1000)} ends its time as the retained message too. If it ` +
    `is to stay, ${change}`;
  return { topic: "willExpired", ...sentence(text, "v5-3.3.2-5") };
}

function clearedTopic(topic: string): Advice {
  const text =
    `Give the will a payload if later subscribers should receive it: an empty retained message ` +
    `deletes what was retained on ${name(topic)}.`;
  return { topic: "emptyRetainedWill", ...sentence(text, "v5-3.3.1-6") };
}
