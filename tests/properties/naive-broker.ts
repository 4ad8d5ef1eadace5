import type {
  IConnectPacket,
  IDisconnectPacket,
  IPublishPacket,
  ISubscribePacket,
  IUnsubscribePacket,
  Packet,
} from "mqtt-packet";
import { Reason, type ReasonCode } from "../../src/core/reason.ts";
import { matches, sharedFilter } from "./naive-filter.ts";
import {
  connackOf,
  connackSize,
  copyOf,
  dueOf,
  isConnected,
  leftOf,
  milliseconds,
  newSession,
  remove,
  willOf,
  type Connected,
  type Connection,
  type Left,
  type Message,
  type Session,
  type Will,
} from "./naive-session.ts";
import { NaiveOutbox, type Member, type Witness } from "./naive-outbox.ts";

/**
 * A second broker, written from the two standards to be readable rather than fast: flat lists,
 * searched from end to end, and no tables that must agree with each other. Tests play the same
 * packets to it and to the real broker, and compare what each client receives.
 *
 * Times are milliseconds. The model never reads a clock; time is an argument.
 */
export class NaiveBroker {
  /** The broker's output, and its retained messages. */
  readonly out: NaiveOutbox;
  #serial = 0;
  #sessions: Session[] = [];
  /**
   * Messages for other members of shared subscriptions, delivered after everything else that is
   * due.
   */
  #left: Left[] = [];
  #leftAt = Infinity;
  readonly #witness: Witness;

  constructor(witness: Witness) {
    this.out = new NaiveOutbox(witness);
    this.#witness = witness;
  }

  get #now(): number {
    return this.out.now;
  }

  /** The next moment at which something is due. */
  get due(): number {
    return Math.min(this.#leftAt, ...this.#sessions.map(dueOf));
  }

  /** Advances time: silence ends connections, wills fall due, sessions end. */
  pass(now: number): void {
    for (let due = this.due; due <= now; due = this.due) {
      this.out.now = due;
      for (const session of [...this.#sessions]) {
        if (dueOf(session) > due) continue;
        if (session.connection === null) this.#settle(session);
        else this.#end(session, Reason.keepAliveTimeout);
      }
      this.#handOn();
    }
    this.out.now = now;
  }

  /** Handles a complete packet. The model does not cover packets before CONNECT. */
  receive(number: number, packet: Packet, now: number): void {
    this.pass(now);
    const session = this.#on(number);
    if (session === undefined) {
      if (packet.cmd === "connect") this.#connect(number, packet);
      return;
    }
    const { connection } = session;
    connection.heardAt = now;
    const { messageId: id = 0 } = packet;
    switch (packet.cmd) {
      case "publish":
        return this.#publishReceived(session, packet);
      case "puback":
        return this.#unless(session, this.out.finished(session, 1, id));
      case "pubcomp":
        return this.#unless(session, this.out.finished(session, 2, id));
      case "pubrec":
        return this.#unless(session, this.out.pubrec(session, id, packet.reasonCode ?? 0));
      case "pubrel":
        return this.#pubrel(session, id);
      case "subscribe":
        return this.#subscribe(session, packet);
      case "unsubscribe":
        return this.#unsubscribe(session, packet);
      case "pingreq":
        return this.out.say(connection, { cmd: "pingresp" });
      case "disconnect":
        return this.#disconnect(session, packet);
      default:
        // A second CONNECT, or a packet that only a server may send.
        return this.#end(session, Reason.protocolError);
    }
  }

  /** The network connection ends without a DISCONNECT. */
  closed(number: number, now: number): void {
    this.pass(now);
    const session = this.#on(number);
    if (session !== undefined) this.#end(session, null, "by its client");
  }

  kicked(clientId: string, now: number): void {
    this.pass(now);
    const session = this.#sessions.find((other) => other.clientId === clientId);
    if (session !== undefined && isConnected(session)) {
      this.#end(session, Reason.administrativeAction);
    }
  }

  #unless(session: Connected, isRight: boolean): void {
    if (!isRight) this.#end(session, Reason.protocolError);
  }

  #on(number: number): Connected | undefined {
    return this.#sessions
      .filter(isConnected)
      .find(({ connection }) => connection.number === number);
  }

  // CONNECT, and the ends of connections and sessions.

  #connect(number: number, packet: IConnectPacket): void {
    const { clean = false, properties = {} } = packet;
    const version = packet.protocolVersion ?? 4;
    const clientId = packet.clientId === "" ? this.#witness.assignedTo(number) : packet.clientId;
    const packetSize = version === 5 ? (properties.maximumPacketSize ?? Infinity) : Infinity;
    // A client whose maximum leaves no room for the broker's limits is refused, and nothing changes
    // for other clients.
    if (connackSize(packet, version) > packetSize) {
      const refusal = { sessionPresent: false, reasonCode: Reason.packetTooLarge };
      this.out.said.push({ to: number, packet: { cmd: "connack", ...refusal } });
      return void this.out.said.push({ to: number, packet: "closed" });
    }
    const before = this.#sessions.find((other) => other.clientId === clientId);
    // A Session Expiry Interval of 0 ends the session with its connection (section 3.1.2.11.2).
    const goesOn = before !== undefined && !clean && before.expiry > 0;
    if (before !== undefined) this.#makeWay(before, goesOn);
    const session = goesOn ? before : newSession(clientId);
    if (!goesOn) this.#sessions.push(session);
    const asked = properties.sessionExpiryInterval ?? 0;
    session.expiry = version === 5 ? milliseconds(asked) : clean ? 0 : Infinity;
    session.endsAt = Infinity;
    session.will = willOf(packet, clientId);
    const connection: Connection = {
      number,
      version,
      heardAt: this.#now,
      // [v4-3.1.2-24] [v5-3.1.2-22]
      allowed: packet.keepalive === 0 ? Infinity : (packet.keepalive ?? 0) * 1500,
      // The broker's own window is 100; v4 has no Receive Maximum.
      window: Math.min(version === 5 ? (properties.receiveMaximum ?? 65_535) : 65_535, 100),
      packetSize,
      aliases: [],
      unsent: [],
    };
    const connected: Connected = Object.assign(session, { connection });
    this.out.say(connection, connackOf(packet, version, goesOn, clientId));
    this.out.sendAgain(connected);
    this.out.pump(connected);
  }

  /** [v4-3.1.4-2] [v5-3.1.4-3]: the old connection ends before the new one gets its answer. */
  #makeWay(session: Session, goesOn: boolean): void {
    const { will } = session;
    const wasConnected = session.connection !== null;
    this.#hangUp(session, Reason.sessionTakenOver);
    if (!goesOn) {
      session.endsAt = this.#now;
      return this.#settle(session);
    }
    // [v5-3.1.3-9]: a session that resumes before the delay has passed cancels its will.
    session.will = null;
    if (wasConnected && will !== null && will.delay === 0) this.#publishWill(will);
  }

  #disconnect(session: Connected, packet: IDisconnectPacket): void {
    const isV5 = session.connection.version === 5;
    const asked = isV5 ? packet.properties?.sessionExpiryInterval : undefined;
    // Section 3.14.2.2.2: such a DISCONNECT is invalid.
    if (asked !== undefined && asked > 0 && session.expiry === 0) {
      return this.#end(session, Reason.protocolError);
    }
    if (asked !== undefined) session.expiry = milliseconds(asked);
    // [v4-3.14.4-3] [v5-3.14.4-3]
    if (!isV5 || (packet.reasonCode ?? 0) === 0) session.will = null;
    this.#end(session, null);
  }

  #end(session: Session, reason: ReasonCode | null, closed?: "by its client"): void {
    if (closed === undefined) this.#hangUp(session, reason);
    session.connection = null;
    session.endsAt = this.#now + session.expiry;
    // [v5-3.1.2-8] [v5-3.1.3-9]: the earlier of the delay and the end of the session.
    session.willDueAt = Math.min(this.#now + (session.will?.delay ?? 0), session.endsAt);
    this.#settle(session);
  }

  #hangUp(session: Session, reason: ReasonCode | null): void {
    const { connection } = session;
    if (connection === null) return;
    if (reason !== null && connection.version === 5) {
      this.out.say(connection, { cmd: "disconnect", reasonCode: reason });
    }
    this.out.said.push({ to: connection.number, packet: "closed" });
    session.connection = null;
  }

  /**
   * The due events of a session without a connection: its will, its end. An ended session gets
   * nothing more.
   */
  #settle(session: Session): void {
    const { will } = session;
    const isOver = session.endsAt <= this.#now;
    if (isOver) {
      this.#sessions = this.#sessions.filter((other) => other !== session);
      this.#left.push(...leftOf(session));
      if (this.#left.length > 0) this.#leftAt = this.#now;
    }
    if (will === null || (!isOver && session.willDueAt > this.#now)) return;
    session.will = null;
    this.#publishWill(will);
  }

  /** The unfinished messages of members whose sessions have ended (section 4.8.2). */
  #handOn(): void {
    const left = this.#left.splice(0);
    this.#leftAt = Infinity;
    for (const { message, share, isUnsure } of left) {
      const { at, expiry } = message;
      if (expiry !== null && at + expiry * 1000 <= this.#now) continue;
      const members = this.#sessions.flatMap((session) =>
        session.subscriptions
          .filter(({ filter }) => filter === share)
          .map((subscription) => ({ session, subscription })),
      );
      if (members.length > 0) this.out.offerToOne(message, members, isUnsure);
    }
  }

  /** The session's own expiry starts now. */
  #publishWill(will: Will): void {
    this.#publish({ ...will.message, at: this.#now, serial: this.#serial++ });
  }

  // Incoming messages.

  #publishReceived(session: Connected, packet: IPublishPacket): void {
    const { connection } = session;
    const { qos, retain, messageId = 0, properties = {} } = packet;
    const alias = connection.version === 5 ? properties.topicAlias : undefined;
    let { topic } = packet;
    if (alias !== undefined) {
      // [v5-3.3.2-9], and the limit in CONNACK.
      if (alias > 100) return this.#end(session, Reason.topicAliasInvalid);
      if (topic !== "") connection.aliases[alias] = topic;
      topic = connection.aliases[alias] ?? "";
      if (topic === "") return this.#end(session, Reason.protocolError);
    }
    const cmd = qos === 1 ? "puback" : "pubrec";
    const answer = (reason: ReasonCode): void => {
      const reasonCode = connection.version === 5 ? reason : Reason.success;
      if (qos > 0) this.out.say(connection, { cmd, messageId, reasonCode });
    };
    // [v5-4.3.3-10]: until PUBREL it is the same message.
    if (qos === 2 && session.incoming.includes(messageId)) return answer(Reason.success);
    // $SYS belongs to the broker (section 4.7.2), except for a bridge's state.
    const isBridges = /^\$SYS\/broker\/connection\/[^/]+\/state$/.test(topic);
    if (topic.startsWith("$SYS/") && !isBridges) return answer(Reason.notAuthorized);
    if (qos === 2) session.incoming.push(messageId);
    const { payload } = packet;
    const message = {
      topic,
      payload: payload.toString(),
      qos,
      retain,
      publisher: session.clientId,
    };
    const isV5 = connection.version === 5;
    const isWanted = this.#publish({
      ...message,
      expiry: (isV5 ? properties.messageExpiryInterval : undefined) ?? null,
      contentType: (isV5 ? properties.contentType : undefined) ?? null,
      at: this.#now,
      serial: this.#serial++,
    });
    answer(isWanted ? Reason.success : Reason.noMatchingSubscribers);
  }

  #pubrel(session: Connected, id: number): void {
    const { connection } = session;
    const isKnown = session.incoming.includes(id);
    session.incoming = session.incoming.filter((incoming) => incoming !== id);
    const reasonCode =
      isKnown || connection.version !== 5 ? Reason.success : Reason.packetIdentifierNotFound;
    this.out.say(connection, { cmd: "pubcomp", messageId: id, reasonCode });
  }

  /** Forwards a message. Returns whether any subscription matched. */
  #publish(message: Message): boolean {
    if (message.retain) {
      // [v5-3.3.1-5] to -7.
      const others = this.out.retained.filter(({ topic }) => topic !== message.topic);
      this.out.retained = message.payload === "" ? others : [...others, message];
    }
    let isWanted = false;
    const shared: Member[] = [];
    for (const session of this.#sessions) {
      const matching = session.subscriptions.filter(({ pattern }) =>
        matches(pattern, message.topic),
      );
      for (const subscription of matching) {
        if (subscription.isShared) shared.push({ session, subscription });
      }
      // [v5-3.8.3-3]
      const own = matching.filter(
        ({ isShared, noLocal }) =>
          !isShared && !(noLocal && message.publisher === session.clientId),
      );
      if (own.length === 0) continue;
      // Section 3.3.4 allows one copy or several; this broker sends one.
      isWanted = true;
      this.out.offer(session, copyOf(message, own));
    }
    for (const filter of new Set(shared.map(({ subscription }) => subscription.filter))) {
      const members = shared.filter(({ subscription }) => subscription.filter === filter);
      isWanted = true;
      this.out.offerToOne(message, members);
    }
    return isWanted;
  }

  // SUBSCRIBE and UNSUBSCRIBE.

  #subscribe(session: Connected, packet: ISubscribePacket): void {
    const { connection } = session;
    const isV5 = connection.version === 5;
    const isWrong = packet.subscriptions.some(
      ({ topic, nl }) => nl && sharedFilter(topic) !== null,
    );
    // [v5-3.8.3-4]
    if (isV5 && isWrong) return this.#end(session, Reason.protocolError);
    const granted = packet.subscriptions.map(({ topic: filter, qos, ...options }) => {
      const { nl = false, rap = false, rh = 0 } = isV5 ? options : {};
      const shared = sharedFilter(filter);
      const before = session.subscriptions.find((other) => other.filter === filter);
      // [v5-3.8.4-3]
      if (before !== undefined) remove(session.subscriptions, before);
      session.subscriptions.push({
        filter,
        pattern: shared ?? filter,
        isShared: shared !== null,
        qos,
        noLocal: nl,
        retainAsPublished: rap,
        identifier: (isV5 ? packet.properties?.subscriptionIdentifier : undefined) ?? null,
      });
      // [v4-3.3.1-6] [v5-3.3.1-9] to -11. Ignores No Local: the standard does not say whether it
      // applies to a message stored before, and brokers differ.
      if (shared === null && (rh === 0 || (rh === 1 && before === undefined))) {
        session.replays = session.replays.filter((other) => other.filter !== filter);
        session.replays.push({ filter, since: this.#serial, done: [], skipped: [] });
      }
      return qos;
    });
    this.out.say(connection, { cmd: "suback", messageId: packet.messageId ?? 0, granted });
    this.out.pump(session);
  }

  /** Queued messages are still delivered, which section 3.10.4 allows; retained ones are not. */
  #unsubscribe(session: Connected, packet: IUnsubscribePacket): void {
    const granted = packet.unsubscriptions.map((filter) => {
      const subscription = session.subscriptions.find((other) => other.filter === filter);
      if (subscription === undefined) return Reason.noSubscriptionExisted;
      remove(session.subscriptions, subscription);
      return Reason.success;
    });
    session.replays = session.replays.filter(
      (replay) => !packet.unsubscriptions.includes(replay.filter),
    );
    const isV5 = session.connection.version === 5;
    const messageId = packet.messageId ?? 0;
    this.out.say(session.connection, { cmd: "unsuback", messageId, granted: isV5 ? granted : [] });
  }
}
