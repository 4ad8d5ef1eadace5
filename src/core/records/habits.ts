import type { Broker } from "../broker.ts";
import type { ClientHistory } from "./client-history.ts";
import type { ClientHistories } from "./clients.ts";
import type { Connection } from "../connection.ts";
import { hadNoSubscribers, type ClientHabit, type Peer, type WillFate } from "../events.ts";
import { excerpt, textKept } from "./excerpt.ts";
import { longKeepAlive } from "./long-keepalive.ts";
import type { PublishPacket } from "../packet.ts";
import type { Session } from "../session.ts";
import type { Will } from "../will.ts";
import { born } from "./sparkplug.ts";
import { hostOf } from "./turned-away.ts";
import { sameBytes, type WillTopic, type WillTopics } from "./will-topics.ts";
import { isFarewell, type OwnPublishes, type WillRecord } from "./wills.ts";

/** A shorter connection may have ended before the client could publish anything. */
const settledInMs = 10_000;
const alternatingMs = 60_000;
const burstMs = 10_000;
const takeoversInBurst = 3;

/**
 * Finds habits of clients that make their wills go wrong. Logs each habit once per client id and
 * keeps it in the history for `inspect explain`. Changes no will.
 */
export class Habits {
  readonly #broker: Broker;
  readonly #clients: ClientHistories;
  readonly #topics: WillTopics;

  constructor(broker: Broker, clients: ClientHistories, topics: WillTopics) {
    this.#broker = broker;
    this.#clients = clients;
    this.#topics = topics;
  }

  /** A will was armed: reports the habits visible in its CONNECT. */
  armed(connection: Connection, session: Session, will: Will, record: WillRecord): void {
    const { peer, keepAliveSeconds: keepAlive, allowedMs } = connection;
    const { topic } = will;
    const known = this.#topics.claim(topic);
    if (known !== null) {
      this.#reportRandomId(peer, topic, known);
      this.#reportSharedTopic(peer, record, known);
      known.arm(record);
    }
    if (keepAlive === 0 && allowedMs === null) this.#report(peer, { fault: "noKeepAlive", topic });
    else if (keepAlive >= longKeepAlive.logged) {
      this.#report(peer, { fault: "longKeepAlive", topic, keepAlive, allowedMs });
    }
    const { delayIntervalSeconds: delayInterval } = will.packet;
    const sessionExpiry = session.expiryIntervalSeconds;
    if (delayInterval > sessionExpiry) {
      const facts = { topic, delayInterval, sessionExpiry };
      const isLimited = connection.sessionExpiryAskedSeconds >= delayInterval;
      const limited = isLimited && { limited: true as const };
      this.#report(peer, { fault: "delayBeyondSession", ...facts, ...limited });
    }
  }

  /**
   * Reports a new random id. An earlier will on this topic, from the same address, under another id
   * that is disconnected, is the same device. The device's habits are logged once, under whichever
   * id.
   */
  #reportRandomId(peer: Peer, topic: string, known: WillTopic): void {
    const clientId = peer.clientId ?? "";
    const host = hostOf(peer.remote);
    const other = known.last !== null && known.last.clientId !== clientId ? known.last : null;
    const isGone =
      other !== null && (this.#broker.sessions.get(other.clientId)?.connection ?? null) === null;
    const isNew = isGone && other.host === host && lookRandom(other.clientId, clientId);
    if (isNew) {
      this.#clients.of(clientId)?.inheritLogged(this.#clients.of(other.clientId));
      this.#report(peer, { fault: "randomClientId", topic, before: other.clientId });
    }
    known.last = clientId.length > textKept ? null : { clientId, host };
  }

  /**
   * Reports two connected clients with a retained will on one topic: the first of them to die
   * overwrites what the other published there.
   */
  #reportSharedTopic(peer: Peer, { facts }: WillRecord, known: WillTopic): void {
    const { topic, retain } = facts;
    const other = known.connectedOther(peer.clientId ?? "");
    if (other === null || !retain || !other.facts.retain) return;
    this.#report(peer, { fault: "sharedWillTopic", topic, other: other.origin.clientId });
    this.#remember(other.origin.clientId, {
      fault: "sharedWillTopic",
      topic,
      other: peer.clientId ?? "",
    });
  }

  /** A takeover. Two clients that share an id take each other over repeatedly. */
  takenOver(history: ClientHistory, before: Connection, next: Connection): void {
    const { now } = this.#broker;
    const from = hostOf(before.remote);
    const to = hostOf(next.remote);
    history.tookOver({ at: now, from, to });
    const recent = history.takeovers.filter(({ at }) => at > now - alternatingMs);
    const last = recent.at(-1);
    const previous = recent.at(-2);
    const alternates =
      last !== undefined && previous !== undefined && last.from !== last.to && previous.from === to;
    const burst = recent.filter(({ at }) => at > now - burstMs);
    if (!alternates && burst.length < takeoversInBurst) return;
    // Ports prove nothing: a program that starts again and again has a new one each time.
    if (!alternates) {
      const hosts = [...new Set(burst.flatMap((one) => [one.from, one.to]))];
      return this.#report(next.peer, { fault: "takeoverLoop", takeovers: burst.length, hosts });
    }
    const remotes = [before.remote, next.remote];
    this.#report(next.peer, { fault: "sharedClientId", remotes });
  }

  /** A client with a will published: notes whether on the will's topic or on a related one. */
  published(
    will: Will,
    own: OwnPublishes,
    topic: string,
    { retain, payload }: Pick<PublishPacket, "retain" | "payload">,
  ): void {
    own.count += 1;
    if (topic === own.sparkplug?.birthTopic) born(own.sparkplug, payload, this.#broker.now);
    own.endedOnTopic = topic === will.topic;
    if (own.endedOnTopic) {
      own.onTopic += 1;
      if (retain) own.retained += 1;
      own.saidWill = sameBytes(payload, will.packet.payload);
    } else if (retain && own.elsewhere === null && isRelatedTopic(topic, will.topic)) {
      own.elsewhere = excerpt(topic);
    }
  }

  /** A will got its fate, at the end of its connection or after its delay. */
  settled(will: Will, record: WillRecord, fate: WillFate): void {
    const { clientId, remote } = record.origin;
    const peer = { clientId, remote };
    if (fate.fate === "discarded" && fate.why === "disconnect") {
      this.#reportCleanDisconnect(peer, will, record);
    }
    if (fate.fate !== "published") return;
    this.#reportUnheard(peer, will, fate);
    const endedAt = will.ended?.at ?? this.#broker.now;
    this.#reportMissingBirth(peer, will, record, endedAt - record.armedAt);
    this.#reportOverwritten(record);
    this.#reportNotRetained(peer, will, record);
  }

  /**
   * Reports a retained birth that outlives its client, because the will is not retained. Some clients
   * retain other values there, such as positions (OwnTracks): one that varies, or differs from the
   * will in its JSON keys or by its length, is no birth.
   */
  #reportNotRetained(peer: Peer, { packet, topic }: Will, { own }: WillRecord): void {
    const known = this.#topics.of(topic);
    const birth = known?.retained ?? null;
    if (
      packet.retain ||
      own === null ||
      own.retained === 0 ||
      birth === null ||
      known?.varies === true
    )
      return;
    if (birth.clientId !== peer.clientId || birth.willArmedAt !== null) return;
    if (birth.payloadBytes !== birth.payload.length) return;
    if (!areAlike(birth.payload, packet.payload)) return;
    this.#report(peer, { fault: "willNotRetained", topic });
  }

  /** Reports the reconnect race to its victim: another client's will replaced its birth. */
  #reportOverwritten({ overwrote, origin, facts, armedAt }: WillRecord): void {
    if (overwrote === null) return;
    const { clientId, remote } = overwrote;
    const { topic } = facts;
    const by = origin.clientId;
    this.#report({ clientId, remote }, { fault: "birthOverwritten", topic, by, armedAt });
  }

  #reportUnheard(peer: Peer, will: Will, { reach }: WillFate & { fate: "published" }): void {
    // A will that only clears the retained message needs no subscriber.
    if (will.packet.retain && will.packet.payload.length === 0) return;
    if (this.#broker.stopping || !hadNoSubscribers(reach)) return;
    // Its own subscription spells the topic as the will does.
    if (reach.noLocal === true) return;
    if (reach.retained === null) this.#report(peer, { fault: "willUnheard", topic: will.topic });
  }

  /**
   * Reports a retained `offline` that the client never overwrites. One short connection proves
   * nothing, since it may have ended before the client could publish `online`; a second one while
   * the first's will is retained does.
   */
  #reportMissingBirth(peer: Peer, will: Will, record: WillRecord, connectedForMs: number): void {
    const { topic, packet } = will;
    const { own } = record;
    if (own === null) return;
    if (!packet.retain || packet.payload.length === 0 || own.retained > 0) return;
    if (connectedForMs < settledInMs && !this.#hadRetainedWill(peer, topic, record)) return;
    if (own.elsewhere !== null) {
      return this.#report(peer, { fault: "birthElsewhere", topic, published: own.elsewhere });
    }
    this.#report(peer, { fault: "retainedWillWithoutBirth", topic });
  }

  #hadRetainedWill(peer: Peer, topic: string, record: WillRecord): boolean {
    const history = this.#clients.of(peer.clientId ?? "");
    return (history?.wills ?? []).some(
      ({ id, facts, fate }) =>
        id !== record.id &&
        facts.topic === topic &&
        fate?.fate.fate === "published" &&
        fate.fate.reach.retained === "stored",
    );
  }

  /**
   * Reports a clean DISCONNECT without a farewell on the will's topic: its subscribers still believe
   * that the client is online.
   */
  #reportCleanDisconnect(peer: Peer, will: Will, { own }: WillRecord): void {
    if (own === null || isFarewell(own)) return;
    const match = this.#broker.subscriptions.match(will.topic);
    const others = match.recipients.filter(({ session }) => session !== will.session);
    const listeners = others.length + match.groups.length;
    if (listeners === 0) return;
    this.#report(peer, { fault: "cleanDisconnect", topic: will.topic, listeners });
  }

  /** Keeps a habit of a client id once, and logs it unless it was logged for the device. */
  #report(peer: Peer, habit: ClientHabit): void {
    const broker = this.#broker;
    const history = this.#clients.of(peer.clientId ?? "");
    // A forgotten client has no list of warnings, so warn again.
    if (history === null) return broker.note({ event: "clientFault", peer, ...habit });
    if (!history.keepHabit(habit, broker.now) || !history.logHabit(habit.fault)) return;
    broker.note({ event: "clientFault", peer, ...habit });
  }

  /** Keeps a habit that is logged for another client, which shares it. */
  #remember(clientId: string, habit: ClientHabit): void {
    const history = this.#clients.of(clientId);
    history?.keepHabit(habit, this.#broker.now);
  }
}

/** Whether a birth and a will look like a pair: `online` and `offline`, or equal keys in JSON. */
function areAlike(birth: Uint8Array, will: Uint8Array): boolean {
  if (will.length > 2 * textKept) return false;
  const keys = [birth, will].map(keysOf);
  if (keys[0] !== null || keys[1] !== null) return keys[0] === keys[1];
  return birth.length <= 2 * will.length + 8;
}

/** The sorted keys of a JSON object, and its `_type` (OwnTracks); null: something else. */
function keysOf(bytes: Uint8Array): string | null {
  const text = String.fromCharCode(...bytes);
  if (!text.startsWith("{")) return null;
  try {
    const object = JSON.parse(text) as Readonly<Record<string, unknown>>; // It begins with a brace.
    return JSON.stringify([object["_type"], ...Object.keys(object).sort()]);
  } catch {
    return null;
  }
}

/**
 * Whether two ids look random or counted: after their common prefix they differ in a tail of four
 * or more characters, with a digit in each, or of as many hexadecimal digits (`beef`, `cafe`).
 */
function lookRandom(a: string, b: string): boolean {
  let same = 0;
  while (same < a.length && same < b.length && a[same] === b[same]) same += 1;
  const [one, two] = [a, b].map((id) => {
    const tail = id.slice(same);
    return tail.length >= 4 ? tail : id.slice(-4);
  }) as [string, string]; // One of each id.
  if (one.length < 4 || two.length < 4) return false;
  if (one.length === two.length && isHex.test(one) && isHex.test(two)) return true;
  return [one, two].every((drawn) => /\d/.test(drawn) && /^[\w.-]+$/.test(drawn));
}

const isHex = /^([\da-f]+|[\dA-F]+)$/;

/** Whether two topics have the same parent, or the same last level. */
function isRelatedTopic(topic: string, willTopic: string): boolean {
  const [parent, last] = splitTopic(topic);
  const [willParent, willLast] = splitTopic(willTopic);
  return (parent !== "" && parent === willParent) || last === willLast;
}

function splitTopic(topic: string): [parent: string, last: string] {
  const slash = topic.lastIndexOf("/");
  return [topic.slice(0, Math.max(0, slash)), topic.slice(slash + 1)];
}
