import type { IPublishPacket, Packet } from "mqtt-packet";
import type { Qos } from "../../src/core/packet.ts";
import { Reason } from "../../src/core/reason.ts";
import { matches } from "./naive-filter.ts";
import {
  copyOf,
  isConnected,
  isTooLarge,
  precedes,
  remove,
  type Connected,
  type Connection,
  type Copy,
  type Message,
  type Outgoing,
  type Replay,
  type Session,
  type Subscription,
} from "./naive-session.ts";

/** One packet to one connection, or its end by the broker. */
export interface Said {
  readonly to: number;
  readonly packet: Packet | "closed";
}

/**
 * What the broker under test did. The model looks at it only where the standards leave a choice, and
 * then only for which of the choices it was.
 */
export interface Witness {
  /** The PUBLISH to a connection that the model has not come to yet. */
  nextOn(connection: number): IPublishPacket | undefined;
  /** Messages that wait in the queue of a client id. */
  waitingFor(clientId: string): number;
  /** The client id that a connection without one was given. */
  assignedTo(connection: number): string;
}

/**
 * Where the broker under test is known to depart from the standard. naive-disagreements.test.ts plays
 * the shortest history of each with nothing tolerated.
 */
export interface Tolerance {
  /** A retained message that waits for the window comes after newer ones of the same client and topic. */
  readonly replaysAreOvertaken: boolean;
}

/** A message that can be the next one; `replay` null: it waits in the queue. */
interface Option {
  readonly copy: Copy;
  readonly replay: Replay | null;
  /** The broker must not leave it out. */
  readonly isDue: boolean;
}

export interface Member {
  readonly session: Session;
  readonly subscription: Subscription;
}

/** The naive broker's way out: who gets which copy when, and what becomes of it. */
export class NaiveOutbox {
  /** What the broker has to have sent, in order; whoever compares it empties it. */
  said: Said[] = [];
  now = 0;
  /** One message for each topic. */
  retained: Message[] = [];
  readonly #witness: Witness;
  readonly #tolerance: Tolerance;

  constructor(witness: Witness, tolerance: Tolerance) {
    this.#witness = witness;
    this.#tolerance = tolerance;
  }

  say(connection: Connection, packet: Packet): void {
    this.said.push({ to: connection.number, packet });
  }

  /** QoS 0 reaches those who are connected and waits for nobody; the rest waits for its turn. */
  offer(session: Session, copy: Copy): void {
    if (copy.qos > 0) session.queue.push(copy);
    if (!isConnected(session)) return;
    if (copy.qos === 0) {
      if (!this.#tolerance.replaysAreOvertaken) this.#sendOlder(session, copy);
      this.#send(session, copy);
    }
    this.pump(session);
  }

  /**
   * One member of a shared subscription, whichever the broker takes: one that is connected, if there
   * is any. Where it was sent is seen; where it waits, the length of the queues tells; where neither
   * tells, it is lost to the one who was chosen.
   */
  offerToOne(message: Message, members: readonly Member[]): void {
    const connected = members.filter(({ session }) => isConnected(session));
    const able = (connected.length > 0 ? connected : members).map(({ session, subscription }) => ({
      session,
      copy: copyOf(message, [subscription]),
    }));
    const chosen =
      able.find(({ session, copy }) => this.#isNext(session, copy)) ??
      able.find(({ session: { clientId, queue } }) => this.#waits(clientId) > queue.length) ??
      able.find(({ session, copy }) => this.#isLost(session, copy)) ??
      able[0];
    if (chosen !== undefined) this.offer(chosen.session, chosen.copy);
  }

  #waits(clientId: string): number {
    return this.#witness.waitingFor(clientId);
  }

  /** Nothing is to be seen of it: its client is away and takes QoS 0, or takes no packet so large. */
  #isLost(session: Session, copy: Copy): boolean {
    const isAway = !isConnected(session) && copy.qos === 0;
    return isAway || isTooLarge(this.#packetOf(session, copy), session);
  }

  /** The session goes on [v4-4.4.0-1] [v5-4.4.0-1]. */
  sendAgain(session: Connected): void {
    const { connection } = session;
    for (const outgoing of session.outgoing) {
      // In the order of the PUBLISHes, which is that of the PUBRECs (v4-4.6.0-4) unless the client
      // broke the rule for these (v4-4.6.0-3).
      if (outgoing.released) this.say(connection, { cmd: "pubrel", messageId: outgoing.id });
      else connection.unsent.push(outgoing);
    }
  }

  /**
   * Sends as much as the client's Receive Maximum allows. PUBRELs of an earlier connection count too: by
   * v5-4.9.0-1 the quota of a new one may begin lower. Retained messages with QoS 0 wait for the window
   * as the others do, which section 4.9 allows.
   */
  pump(session: Connected): void {
    const { connection } = session;
    while (session.outgoing.length - connection.unsent.length < connection.window) {
      const again = connection.unsent.shift();
      if (again !== undefined) {
        this.#resend(session, again);
        continue;
      }
      const [next, ...alike] = this.#next(session);
      if (next === undefined) {
        session.replays = [];
        return;
      }
      this.#send(session, next, alike);
    }
  }

  #resend(session: Connected, outgoing: Outgoing): void {
    const alike = outgoing.alike.find((copy) => this.#isNext(session, copy));
    const packet = this.#packetOf(session, alike ?? outgoing);
    if (isTooLarge(packet, session)) return remove(session.outgoing, outgoing);
    this.say(session.connection, { ...packet, dup: true, messageId: outgoing.id });
  }

  /**
   * What the client gets next: the oldest that waits, or one of the retained messages that a SUBSCRIBE
   * asked for. Their order is the broker's choice, but for v5-4.6.0-6: what one client published on one
   * topic, and is sent with one QoS, keeps its order. Behind it come others that look the same, to a v4
   * client for whose eyes there are no identifiers.
   */
  #next(session: Connected): Copy[] {
    session.queue = session.queue.filter(({ message }) => !this.#hasExpired(message));
    const [first] = session.queue;
    if (first !== undefined && isTooLarge(this.#packetOf(session, first), session)) {
      // Its turn is not seen, so it is had at once.
      return session.queue.splice(0, 1);
    }
    const owed = this.#owedTo(session);
    const older = owed.find(({ copy, isDue }) => isDue && first && precedes(copy, first));
    const waits = older !== undefined && !this.#tolerance.replaysAreOvertaken;
    const queued = first && !waits ? [{ copy: first, replay: null, isDue: true }] : [];
    // What several SUBSCRIBEs can be the cause of is first taken for what one of them has to have.
    const options = [...queued, ...owed].toSorted((a, b) => Number(b.isDue) - Number(a.isDue));
    const seen = options.filter(({ copy }) => this.#isNext(session, copy));
    const [next, ...alike] = seen.length > 0 ? seen : options.filter(({ isDue }) => isDue);
    if (next === undefined) return [];
    if (next.replay === null) session.queue.shift();
    else next.replay.done.push(next.copy.message);
    return [next.copy, ...(seen.length > 0 ? alike.map(({ copy }) => copy) : [])];
  }

  /**
   * The retained messages that subscriptions still have to get. Those that were there when it was made
   * are due. Those that were stored since came by it as they were published, so that the broker may
   * leave them out; and so it may with one that was too large when its turn can have come, unseen.
   */
  #owedTo(session: Connected): Option[] {
    const owed: Option[] = [];
    for (const replay of session.replays) {
      const subscription = session.subscriptions.find(({ filter }) => filter === replay.filter);
      if (subscription === undefined) continue;
      for (const message of this.retained) {
        const isOver = this.#hasExpired(message) || replay.done.includes(message);
        if (isOver || !matches(subscription.pattern, message.topic)) continue;
        const copy = copyOf(message, [subscription], "replay");
        if (isTooLarge(this.#packetOf(session, copy), session)) replay.skipped.push(message);
        const isDue = message.serial < replay.since && !replay.skipped.includes(message);
        owed.push({ copy, replay, isDue });
      }
    }
    return owed;
  }

  /** Retained messages that have to come before a copy; with QoS 0 they need not wait for the window. */
  #sendOlder(session: Connected, copy: Copy): void {
    for (const { copy: older, replay, isDue } of this.#owedTo(session)) {
      if (!isDue || !precedes(older, copy)) continue;
      replay?.done.push(older.message);
      this.#send(session, older);
    }
  }

  /** With an interval of 0 it can be sent in the moment in which it came, and not after that. */
  #hasExpired({ at, expiry }: Message): boolean {
    return expiry !== null && at < this.now && at + expiry * 1000 <= this.now;
  }

  #send(session: Connected, copy: Copy, alike: readonly Copy[] = []): void {
    const packet = this.#packetOf(session, copy);
    // [v5-3.1.2-25]: as if it had been sent and acknowledged.
    if (isTooLarge(packet, session)) return;
    if (copy.qos === 0) return this.say(session.connection, packet);
    // Packet ids are the broker's to choose, among those that are free [v5-2.2.1-4].
    const id = this.#witness.nextOn(session.connection.number)?.messageId ?? 0;
    const isFree = id > 0 && session.outgoing.every((other) => other.id !== id);
    session.outgoing.push({ ...copy, alike, id, released: false });
    this.say(session.connection, { ...packet, messageId: isFree ? id : -1 });
  }

  /** Whether it is this that the broker under test sent next on the session's connection. */
  #isNext(session: Session, copy: Copy): boolean {
    const seen = session.connection && this.#witness.nextOn(session.connection.number);
    if (!seen) return false;
    const { topic, payload, qos, retain, properties } = this.#packetOf(session, copy);
    const identifiers = [seen.properties?.subscriptionIdentifier ?? []].flat();
    return (
      seen.topic === topic &&
      seen.payload.toString() === payload &&
      seen.qos === qos &&
      seen.retain === retain &&
      identifiers.join() === [properties?.subscriptionIdentifier ?? []].flat().join()
    );
  }

  #packetOf({ connection }: Session, copy: Copy): IPublishPacket {
    const { message, qos, retain, identifiers } = copy;
    const { topic, payload, expiry, contentType, at } = message;
    const packet = { cmd: "publish", topic, payload, qos, retain, dup: false } as const;
    if (connection?.version !== 5) return packet;
    // [v5-3.3.2-6]: less the time that it waited, in whole seconds. What was sent once can outlive it.
    const left = Math.max(0, (expiry ?? 0) - Math.floor((this.now - at) / 1000));
    const properties = {
      ...(expiry !== null && { messageExpiryInterval: left }),
      ...(contentType !== null && { contentType }),
      ...(identifiers.length > 0 && { subscriptionIdentifier: [...identifiers] }),
    };
    return { ...packet, properties };
  }

  // What the client answers. False: another answer was due, which is a protocol error (section 4.3).

  /** PUBACK for QoS 1, PUBCOMP for QoS 2. */
  finished(session: Connected, qos: Qos, id: number): boolean {
    const outgoing = session.outgoing.find((other) => other.id === id);
    if (outgoing === undefined) return true;
    if (outgoing.qos !== qos || outgoing.released !== (qos === 2)) return false;
    this.#forget(session, outgoing);
    return true;
  }

  pubrec(session: Connected, id: number, reason: number): boolean {
    const { connection } = session;
    const outgoing = session.outgoing.find((other) => other.id === id);
    if (outgoing === undefined) {
      const reasonCode = connection.version === 5 ? Reason.packetIdentifierNotFound : 0;
      this.say(connection, { cmd: "pubrel", messageId: id, reasonCode });
      return true;
    }
    if (outgoing.qos !== 2) return false;
    if (connection.version === 5 && reason >= 0x80) {
      // [v5-4.3.3-4]: an error ends the exchange. v4 has none.
      this.#forget(session, outgoing);
      return true;
    }
    outgoing.released = true;
    remove(connection.unsent, outgoing);
    this.say(connection, { cmd: "pubrel", messageId: id });
    return true;
  }

  #forget(session: Connected, outgoing: Outgoing): void {
    remove(session.outgoing, outgoing);
    remove(session.connection.unsent, outgoing);
    this.pump(session);
  }
}
