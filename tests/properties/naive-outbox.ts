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
 * The acts of the broker under test. The model reads them only where the standards leave a choice,
 * and only to learn which choice was made.
 */
export interface Witness {
  /** The next PUBLISH to a connection that the model has not matched yet. */
  nextOn(connection: number): IPublishPacket | undefined;
  /** The number of messages in the queue of a client id. */
  waitingFor(clientId: string): {
    readonly all: number;
    readonly qos0: number;
    /** `topic=payload` of each. */
    readonly messages: readonly string[];
  };
  /** The assigned client id of a connection without one. */
  assignedTo(connection: number): string;
}

/** A message that can be sent next; `replay` null: it is queued. */
interface Option {
  readonly copy: Copy;
  readonly replay: Replay | null;
  /** The broker must not omit it. */
  readonly isDue: boolean;
}

export interface Member {
  readonly session: Session;
  readonly subscription: Subscription;
}

/** The naive broker's output: which client gets which copy when, and what becomes of it. */
export class NaiveOutbox {
  /** The packets that the broker must have sent, in order; the comparison empties the list. */
  said: Said[] = [];
  now = 0;
  /** One message for each topic. */
  retained: Message[] = [];
  readonly #witness: Witness;

  constructor(witness: Witness) {
    this.#witness = witness;
  }

  say(connection: Connection, packet: Packet): void {
    this.said.push({ to: connection.number, packet });
  }

  /** QoS 0 reaches connected clients and seldom waits; other messages wait for their turn. */
  offer(session: Session, copy: Copy): void {
    if (!isConnected(session)) {
      if (copy.qos > 0) session.queue.push(copy);
      return;
    }
    if (copy.qos > 0 || this.#waitsItsTurn(session, copy)) session.queue.push(copy);
    else this.#send(session, copy);
    this.pump(session);
  }

  /**
   * QoS 0 must wait while the client is still to get an older message of its topic (v5-4.6.0-6),
   * and may wait while it is to get any other.
   */
  #waitsItsTurn(session: Connected, copy: Copy): boolean {
    if (isTooLarge(this.#packetOf(session, copy), session)) {
      // The turn is invisible, but the length of the queue shows it.
      const { clientId, queue } = session;
      const known = queue.filter(({ qos }) => qos === 0).length;
      return this.#witness.waitingFor(clientId).qos0 > known;
    }
    const owed = this.#owedTo(session);
    if (owed.some((older) => older.isDue && precedes(older.copy, copy))) return true;
    const mayWait = session.replays.length > 0 || session.queue.some(({ qos }) => qos === 0);
    return mayWait && !this.#isNext(session, copy);
  }

  /**
   * One member of a shared subscription, whichever the broker chooses: a connected one, if there is
   * any. An observed PUBLISH shows the choice for a sent message, the queues for a waiting one; if
   * neither does, the chosen member lost it. `isUnsure`: possibly no member got it.
   */
  offerToOne(message: Message, members: readonly Member[], isUnsure = false): void {
    const connected = members.filter(({ session }) => isConnected(session));
    const able = (connected.length > 0 ? connected : members).map(({ session, subscription }) => ({
      session,
      copy: copyOf(message, [subscription]),
    }));
    const seen =
      able.find(({ session, copy }) => this.#isNext(session, copy)) ??
      able.find(({ session }) => this.#hasOneMore(session, message));
    const unseen = able.find(({ session, copy }) => this.#isLost(session, copy)) ?? able[0];
    const chosen = seen ?? (isUnsure ? undefined : unseen);
    if (chosen !== undefined) this.offer(chosen.session, chosen.copy);
  }

  /** The broker under test has more messages like this one in its queue than the model. */
  #hasOneMore({ clientId, queue }: Session, { topic, payload }: Message): boolean {
    const text = `${topic}=${payload}`;
    const waiting = this.#witness.waitingFor(clientId).messages.filter((one) => one === text);
    const known = queue.filter(({ message }) => `${message.topic}=${message.payload}` === text);
    return waiting.length > known.length;
  }

  #waits(clientId: string): number {
    return this.#witness.waitingFor(clientId).all;
  }

  /**
   * The message is invisible: its client is offline with QoS 0, or accepts no packet so large. A
   * message that waits for its turn shows in the queue.
   */
  #isLost(session: Session, copy: Copy): boolean {
    if (!isConnected(session)) return copy.qos === 0;
    const { queue, outgoing, connection } = session;
    const waits = copy.qos > 0 && (queue.length > 0 || outgoing.length >= connection.window);
    return !waits && isTooLarge(this.#packetOf(session, copy), session);
  }

  /** The session resumes [v4-4.4.0-1] [v5-4.4.0-1]. */
  sendAgain(session: Connected): void {
    const { connection } = session;
    for (const outgoing of session.outgoing) {
      // In the order of the PUBLISHes, which is that of the PUBRECs (v4-4.6.0-4) unless the client
      // broke their order (v4-4.6.0-3).
      if (outgoing.released) this.say(connection, { cmd: "pubrel", messageId: outgoing.id });
      else connection.unsent.push(outgoing);
    }
  }

  /**
   * Sends as much as the client's Receive Maximum allows. PUBRELs of an earlier connection count
   * too: by v5-4.9.0-1 the quota of a new connection may start lower. Retained messages with QoS 0
   * wait for the window like the others, which section 4.9 allows.
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
    const wasOther =
      alike === undefined &&
      !this.#isNext(session, outgoing) &&
      outgoing.alike.some((copy) => isTooLarge(this.#packetOf(session, copy), session));
    if (wasOther || isTooLarge(packet, session)) return remove(session.outgoing, outgoing);
    this.say(session.connection, { ...packet, dup: true, messageId: outgoing.id });
  }

  /**
   * The candidates for the client's next message: the oldest queued one, or a retained one that a
   * SUBSCRIBE requested. Their order is the broker's choice, within v5-4.6.0-6: messages of one
   * client on one topic with one QoS keep their order. After the oldest follow others that look the
   * same, to a v4 client, which sees no identifiers.
   */
  #next(session: Connected): Copy[] {
    while (session.queue[0] && this.#hasExpired(session.queue[0].message)) session.queue.shift();
    const [first] = session.queue;
    const isUnseen = first !== undefined && isTooLarge(this.#packetOf(session, first), session);
    // The turn is invisible, but the length of the queue shows that it has passed.
    if (isUnseen && this.#hasLeft(session)) return session.queue.splice(0, 1);
    const owed = this.#owedTo(session);
    // Messages queued before a SUBSCRIBE may precede its retained messages, as if they had been
    // quicker.
    const older = owed.find(
      ({ copy, replay, isDue }) =>
        isDue && first && replay.since <= first.message.serial && precedes(copy, first),
    );
    const queued =
      first && !isUnseen && older === undefined ? [{ copy: first, replay: null, isDue: true }] : [];
    // A message that several SUBSCRIBEs can explain is first attributed to one that requires it.
    const options = [...queued, ...owed].toSorted((a, b) => Number(b.isDue) - Number(a.isDue));
    const seen = options
      .filter(({ copy }) => this.#isNext(session, copy))
      .toSorted((a, b) => this.#likelihood(session, b) - this.#likelihood(session, a));
    const [next, ...alike] = seen.length > 0 ? seen : options.filter(({ isDue }) => isDue);
    if (next === undefined) return [];
    if (next.replay === null) session.queue.shift();
    else next.replay.done.push(next.copy.message);
    return [next.copy, ...(seen.length > 0 ? alike.map(({ copy }) => copy) : [])];
  }

  /** Of two that look the same, the length of the queue shows which one was sent. */
  #likelihood(session: Session, { replay }: Option): number {
    return this.#hasLeft(session) === (replay === null) ? 1 : 0;
  }

  /** The first message of the queue has had its turn. */
  #hasLeft({ clientId, queue }: Session): boolean {
    return this.#waits(clientId) < queue.length;
  }

  /**
   * The retained messages still due to subscriptions. Messages stored before the SUBSCRIBE are due.
   * The broker may omit those stored since, which arrived live when they were published; it may
   * also omit one that was too large when its turn can have passed, unseen.
   */
  #owedTo(session: Connected): (Option & { replay: Replay })[] {
    const owed: (Option & { replay: Replay })[] = [];
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

  /** With an interval of 0 the message can be sent in the moment of its arrival, and not later. */
  #hasExpired({ at, expiry }: Message): boolean {
    return expiry !== null && at < this.now && at + expiry * 1000 <= this.now;
  }

  #send(session: Connected, copy: Copy, alike: readonly Copy[] = []): void {
    const packet = this.#packetOf(session, copy);
    // [v5-3.1.2-25]: as if sent and acknowledged.
    if (isTooLarge(packet, session)) return;
    if (copy.qos === 0) return this.say(session.connection, packet);
    // The broker chooses packet ids, among the free ones [v5-2.2.1-4].
    const id = this.#witness.nextOn(session.connection.number)?.messageId ?? 0;
    const isFree = id > 0 && session.outgoing.every((other) => other.id !== id);
    // To a v4 client, which sees no identifiers, an earlier PUBLISH can be this one.
    const before = session.outgoing.filter(
      ({ message, qos, retain }) =>
        message === copy.message && qos === copy.qos && retain === copy.retain,
    );
    session.outgoing.push({ ...copy, alike: [...alike, ...before], id, released: false });
    this.say(session.connection, { ...packet, messageId: isFree ? id : -1 });
  }

  /** Whether the broker under test sent this next on the session's connection. */
  #isNext(session: Session, copy: Copy): boolean {
    const seen = session.connection && this.#witness.nextOn(session.connection.number);
    if (!seen) return false;
    const { topic, payload, qos, retain, properties } = this.#packetOf(session, copy);
    return (
      seen.topic === topic &&
      seen.payload.toString() === payload &&
      seen.qos === qos &&
      seen.retain === retain &&
      identifiersOf(seen.properties) === identifiersOf(properties)
    );
  }

  #packetOf({ connection }: Session, copy: Copy): IPublishPacket {
    const { message, qos, retain, identifiers } = copy;
    const { topic, payload, expiry, contentType, at } = message;
    const packet = { cmd: "publish", topic, payload, qos, retain, dup: false } as const;
    if (connection?.version !== 5) return packet;
    // [v5-3.3.2-6]: less the waiting time, in whole seconds. A message sent once can outlive the
    // interval.
    const left = Math.max(0, (expiry ?? 0) - Math.floor((this.now - at) / 1000));
    const properties = {
      ...(expiry !== null && { messageExpiryInterval: left }),
      ...(contentType !== null && { contentType }),
      ...(identifiers.length > 0 && { subscriptionIdentifier: [...identifiers] }),
    };
    return { ...packet, properties };
  }

  // Handles the client's answer. False: another answer was due, a protocol error (section 4.3).

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
      // [v5-4.3.3-4]: after an error no PUBREL follows. v4 has no errors.
      if (connection.version === 5 && reason >= 0x80) return true;
      const reasonCode = connection.version === 5 ? Reason.packetIdentifierNotFound : 0;
      this.say(connection, { cmd: "pubrel", messageId: id, reasonCode });
      return true;
    }
    if (outgoing.qos !== 2) return false;
    if (connection.version === 5 && reason >= 0x80) {
      // [v5-4.3.3-4]: an error ends the exchange. v4 has no errors.
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

/** Sorted, since a PUBLISH may have them in any order. */
function identifiersOf(properties: IPublishPacket["properties"]): string {
  const identifiers = [properties?.subscriptionIdentifier ?? []].flat();
  return identifiers.toSorted((a, b) => a - b).join();
}
