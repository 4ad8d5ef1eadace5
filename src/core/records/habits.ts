import type { Broker } from "../broker.ts";
import type { ClientHistories, ClientHistory } from "./clients.ts";
import type { Connection } from "../connection.ts";
import { hadNoSubscribers, type ClientHabit, type Peer, type WillFate } from "../events.ts";
import { excerpt, textKept } from "./excerpt.ts";
import { longKeepAlive } from "./long-keepalive.ts";
import type { Session } from "../session.ts";
import type { Will } from "../will.ts";
import type { OwnPublishes, WillRecord } from "./wills.ts";

/** A connection shorter than this may have died before it could publish anything. */
const settledInMs = 10_000;
const alternatingMs = 60_000;
const burstMs = 10_000;

/** Who armed a will on a topic last. */
interface LastWill {
  readonly clientId: string;
  readonly host: string;
}

/**
 * What clients do to themselves: each kind is said once for a client id, in the log, and remembered
 * in its history for `inspect explain`. Nothing here changes what becomes of a will.
 */
export class Habits {
  readonly #broker: Broker;
  readonly #clients: ClientHistories;
  readonly #byTopic = new Map<string, LastWill>();

  constructor(broker: Broker, clients: ClientHistories) {
    this.#broker = broker;
    this.#clients = clients;
  }

  /** Topics of wills that are remembered, for tests of its bound. */
  get topics(): number {
    return this.#byTopic.size;
  }

  /** A will was armed: what can be seen of it at once. */
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
   * An earlier will on this topic, of another id that has gone, from the same address: it is the same
   * device. The log says once what it does, whatever it is called.
   */
  #reportRandomId(peer: Peer, topic: string): void {
    const clientId = peer.clientId ?? "";
    // Long ones are not remembered: what is has no other bound on bytes.
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

  /** A client takes over its own id. Two that share one do so again and again. */
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

  /** A PUBLISH of a client with a will: whether it speaks where its will is to speak. */
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

  /** The will of a connection that has ended met its fate, at once or after its delay. */
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
    // Nobody needs to hear one that only clears the topic.
    if (will.packet.retain && will.packet.payload.length === 0) return;
    if (this.#broker.stopping || !hadNoSubscribers(reach)) return;
    if (reach.retained === null) this.#report(peer, { fault: "willUnheard", topic: will.topic });
  }

  /**
   * A retained `offline` that nothing overwrites. One short connection proves nothing, it may have died
   * before it could say `online`; a second one under the retained will of the first does.
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
   * A clean goodbye, and those who listen on the will's topic were told nothing but a first message:
   * they believe that the client is still there.
   */
  #reportCleanDisconnect(peer: Peer, will: Will, { ownPublishes }: WillRecord): void {
    if (ownPublishes === null || ownPublishes.onTopic > 1) return;
    const match = this.#broker.subscriptions.match(will.topic);
    const others = match.recipients.filter(({ session }) => session !== will.session);
    const listeners = others.length + match.groups.length;
    if (listeners === 0) return;
    this.#report(peer, { fault: "cleanDisconnect", topic: will.topic, listeners });
  }

  /** Remembers a habit of a client id once, and says it unless the log has said it of the device. */
  #report(peer: Peer, habit: ClientHabit): void {
    const broker = this.#broker;
    const history = this.#clients.of(peer.clientId ?? "");
    // Of who is forgotten nobody knows what was said.
    if (history === null) return broker.note({ event: "clientFault", peer, ...habit });
    if (history.habits.some((known) => known.fault === habit.fault)) return;
    history.habits.push({ ...excerpt(habit), at: broker.now });
    if (history.logged.has(habit.fault)) return;
    history.logged.add(habit.fault);
    broker.note({ event: "clientFault", peer, ...habit });
  }
}

/** The address without its port. */
function hostOf(remote: string): string {
  const colon = remote.lastIndexOf(":");
  return colon < 0 ? remote : remote.slice(0, colon);
}

/**
 * Whether two ids look as if they were drawn: they differ, beyond what they begin with, in a tail
 * of four or more characters with a digit in each, as hexadecimal and counted ids do.
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

/** Under the same parent level, or under the same last level elsewhere. */
function isRelatedTopic(topic: string, willTopic: string): boolean {
  const [parent, last] = splitTopic(topic);
  const [willParent, willLast] = splitTopic(willTopic);
  return (parent !== "" && parent === willParent) || last === willLast;
}

function splitTopic(topic: string): [parent: string, last: string] {
  const slash = topic.lastIndexOf("/");
  return [topic.slice(0, Math.max(0, slash)), topic.slice(slash + 1)];
}
