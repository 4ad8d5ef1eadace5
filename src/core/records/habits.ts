import type { Broker } from "../broker.ts";
import type { ClientHistories, ClientHistory } from "./clients.ts";
import type { Connection } from "../connection.ts";
import { hadNoSubscribers, type ClientHabit, type Peer, type WillFate } from "../events.ts";
import { excerpt, textKept } from "./excerpt.ts";
import { longKeepAlive } from "./long-keepalive.ts";
import type { Session } from "../session.ts";
import type { Will } from "../will.ts";
import type { OwnPublishes, WillRecord } from "./wills.ts";

/** A shorter connection may have ended before the client could publish anything. */
const settledInMs = 10_000;
const alternatingMs = 60_000;
const burstMs = 10_000;

/** The last client that armed a will on a topic. */
interface LastWill {
  readonly clientId: string;
  readonly host: string;
}

/**
 * Finds habits of clients that make their wills go wrong. Logs each habit once per client id and
 * keeps it in the history for `inspect explain`. Changes no will.
 */
export class Habits {
  readonly #broker: Broker;
  readonly #clients: ClientHistories;
  readonly #byTopic = new Map<string, LastWill>();

  constructor(broker: Broker, clients: ClientHistories) {
    this.#broker = broker;
    this.#clients = clients;
  }

  /** Number of will topics kept, for tests of the bound. */
  get topics(): number {
    return this.#byTopic.size;
  }

  /** A will was armed: reports the habits visible in its CONNECT. */
  armed(connection: Connection, session: Session, will: Will): void {
    const { peer, keepAliveSeconds: keepAlive, allowedMs } = connection;
    const { topic } = will;
    this.#reportRandomId(peer, topic);
    if (keepAlive === 0 && allowedMs === null) this.#report(peer, { fault: "noKeepAlive", topic });
    else if (keepAlive >= longKeepAlive.logged) {
      this.#report(peer, { fault: "longKeepAlive", topic, keepAlive, allowedMs });
    }
    const { delayIntervalSeconds: delayInterval } = will.packet;
    const sessionExpiry = session.expiryIntervalSeconds;
    if (delayInterval > sessionExpiry) {
      this.#report(peer, { fault: "delayBeyondSession", topic, delayInterval, sessionExpiry });
    }
  }

  /**
   * Reports a new random id. An earlier will on this topic, from the same address, under another id
   * that is disconnected, is the same device. The device's habits are logged once, under whichever
   * id.
   */
  #reportRandomId(peer: Peer, topic: string): void {
    const clientId = peer.clientId ?? "";
    // Long ones are not kept, because this map has no other bound on bytes.
    if (topic.length > textKept || clientId.length > textKept) return;
    const host = hostOf(peer.remote);
    const last = this.#byTopic.get(topic);
    const other = last !== undefined && last.clientId !== clientId ? last : null;
    const { sessions, limits } = this.#broker;
    const isGone = other !== null && (sessions.get(other.clientId)?.connection ?? null) === null;
    const isNew = isGone && other.host === host && lookRandom(other.clientId, clientId);
    if (isNew) {
      this.#clients.of(clientId)?.inheritLogged(this.#clients.of(other.clientId));
      this.#report(peer, { fault: "randomClientId", topic, before: other.clientId });
    }
    this.#byTopic.delete(topic);
    this.#byTopic.set(topic, { clientId, host });
    if (this.#byTopic.size <= limits.ledger) return;
    for (const oldest of this.#byTopic.keys()) {
      this.#byTopic.delete(oldest);
      return;
    }
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
    const burst = recent.filter(({ at }) => at > now - burstMs).length >= 3;
    if (!alternates && !burst) return;
    const remotes = [before.remote, next.remote];
    this.#report(next.peer, { fault: "sharedClientId", remotes });
  }

  /** A client with a will published: notes whether on the will's topic or on a related one. */
  published(will: Will, ownPublishes: OwnPublishes, topic: string, retain: boolean): void {
    if (topic === will.topic) {
      ownPublishes.onTopic += 1;
      if (retain) ownPublishes.hasBirth = true;
    } else if (
      retain &&
      ownPublishes.publishedElsewhere === null &&
      isRelatedTopic(topic, will.topic)
    ) {
      ownPublishes.publishedElsewhere = topic;
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
  }

  #reportUnheard(peer: Peer, will: Will, { reach }: WillFate & { fate: "published" }): void {
    // A will that only clears the retained message needs no subscriber.
    if (will.packet.retain && will.packet.payload.length === 0) return;
    if (this.#broker.stopping || !hadNoSubscribers(reach)) return;
    if (reach.retained === null) this.#report(peer, { fault: "willUnheard", topic: will.topic });
  }

  /**
   * Reports a retained `offline` that the client never overwrites. One short connection proves
   * nothing, since it may have ended before the client could publish `online`; a second one while
   * the first's will is retained does.
   */
  #reportMissingBirth(peer: Peer, will: Will, record: WillRecord, connectedForMs: number): void {
    const { topic, packet } = will;
    const { ownPublishes } = record;
    if (
      !packet.retain ||
      packet.payload.length === 0 ||
      ownPublishes === null ||
      ownPublishes.hasBirth
    )
      return;
    if (ownPublishes.publishedElsewhere !== null) {
      return this.#report(peer, {
        fault: "birthElsewhere",
        topic,
        published: ownPublishes.publishedElsewhere,
      });
    }
    if (connectedForMs < settledInMs && !this.#hadRetainedWill(peer, topic, record)) return;
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
   * Reports a clean DISCONNECT after at most one message on the will's topic: its subscribers still
   * believe that the client is online.
   */
  #reportCleanDisconnect(peer: Peer, will: Will, { ownPublishes }: WillRecord): void {
    if (ownPublishes === null || ownPublishes.onTopic > 1) return;
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
    if (history.habits.some((known) => known.fault === habit.fault)) return;
    history.habits.push({ ...excerpt(habit), at: broker.now });
    if (history.logged.has(habit.fault)) return;
    history.logged.add(habit.fault);
    broker.note({ event: "clientFault", peer, ...habit });
  }
}

/** The address without the port. */
function hostOf(remote: string): string {
  const colon = remote.lastIndexOf(":");
  return colon < 0 ? remote : remote.slice(0, colon);
}

/**
 * Whether two ids look random or counted: after their common prefix they differ in a tail of four
 * or more characters, with a digit in each.
 */
function lookRandom(a: string, b: string): boolean {
  let same = 0;
  while (same < a.length && same < b.length && a[same] === b[same]) same += 1;
  const tails = [a.slice(same), b.slice(same)];
  const whole = [a, b];
  return tails.every((tail, index) => {
    const drawn = tail.length >= 4 ? tail : (whole[index] ?? "").slice(-4);
    return drawn.length >= 4 && /\d/.test(drawn) && /^[\w.-]+$/.test(drawn);
  });
}

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
