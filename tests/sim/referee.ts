import type { BrokerEvent } from "../../src/core/events.ts";
import type { Limits } from "../../src/core/limits.ts";
import type { ClientPacket } from "../../src/core/packet.ts";
import type { LogEvent } from "../../src/log/events.ts";
import { owedOf } from "./answers.ts";
import { Books, demand } from "./books.ts";
import type { Connection, Item, Said } from "./connection.ts";
import { Delivery } from "./delivery.ts";
import { Ends, mayGiveWay } from "./ends.ts";
import { Fates } from "./fates.ts";
import { Handovers } from "./handovers.ts";
import { Incoming } from "./incoming.ts";
import { Lives } from "./lives.ts";
import { Outgoing } from "./outgoing.ts";
import { Offers } from "./offers.ts";
import { Retained } from "./retained.ts";
import type { Session } from "./session.ts";
import { Snapshot, type Restart } from "./snapshot.ts";
import { Tap } from "./tap.ts";

type Of<Name extends BrokerEvent["event"]> = BrokerEvent & { readonly event: Name };
type Traced = LogEvent & { readonly event: "packet" };

/**
 * Gets every event of the broker, in order, and compares it with what the programs sent and what
 * happened to their links. The first error ends the run.
 */
export class Referee {
  readonly books: Books;
  readonly retained: Retained;
  readonly ends: Ends;
  readonly fates: Fates;
  readonly #offers: Offers;
  readonly #handovers: Handovers;
  readonly #delivery: Delivery;
  readonly #incoming: Incoming;
  readonly #outgoing: Outgoing;
  readonly #lives: Lives;
  readonly #taps = new Map<Connection, Tap>();
  /** Connections with an open proof in the current call. */
  readonly #touched: Connection[] = [];

  constructor(limits: Limits, clock: () => number) {
    this.books = new Books(limits, clock);
    this.retained = new Retained(this.books);
    this.ends = new Ends(this.books);
    this.#offers = new Offers(this.books, this.retained);
    this.#handovers = new Handovers(this.books, this.#offers);
    this.#delivery = new Delivery(this.retained, this.#offers, this.#handovers);
    this.#incoming = new Incoming(this.books, this.#delivery, this.retained);
    this.fates = new Fates(this.books, this.#offers, () => this.#incoming.nextSerial());
    this.#outgoing = new Outgoing(this.books, this.#delivery, this.fates, this.#incoming);
    this.#lives = new Lives(this.books, this.#delivery, this.ends, this.fates);
  }

  // Events at the links.

  /** The core is notified, now or after the backlog of other sockets was read. */
  admitted(connection: Connection): void {
    connection.isAdmitted = true;
    connection.openedAt = this.books.clock();
    connection.lastPacketAt = connection.openedAt;
    connection.limits = this.books.limits;
    const { listenerLimit } = connection;
    const { connections, open, limits, stopping } = this.books;
    let onListener = 0;
    for (const other of open) if (other.listener === connection.listener) onListener += 1;
    connections.set(connection.remote, connection);
    open.add(connection);
    this.#taps.set(connection, new Tap(connection, this.books.store));
    if (stopping) connection.verdict = ["shuttingDown"];
    else if (open.size > limits.connections || onListener >= listenerLimit) {
      // Those that wait for their CONNECT make room first.
      const waits = [...open].some(
        (one) =>
          one !== connection &&
          mayGiveWay(one) &&
          (open.size > limits.connections || one.listener === connection.listener),
      );
      demand(
        !waits,
        "a newcomer takes the place of one that has sent no CONNECT",
        connection.number,
      );
      connection.verdict = ["quotaExceeded"];
    }
    this.touch(connection);
  }

  touch(connection: Connection): void {
    this.#touched.push(connection);
  }

  /**
   * The machine was suspended: the clock moves forward, and a client that sent after `since` may
   * have sent in the meantime.
   */
  slept(asleepMs: number, since: number): void {
    for (const connection of this.books.open) {
      const { lost, kickedAt } = connection;
      if (lost !== null) connection.lost = { ...lost, at: lost.at + asleepMs };
      if (kickedAt !== null) connection.kickedAt = kickedAt + asleepMs;
      if (connection.isLocal) {
        connection.openedAt += asleepMs;
        connection.askedAt += asleepMs;
        connection.lastPacketAt += asleepMs;
        if (connection.pausedAt !== null) connection.pausedAt += asleepMs;
        if (connection.stallSince !== null) connection.stallSince += asleepMs;
      } else if (connection.lastPacketAt >= since) {
        connection.lastPacketAt += asleepMs;
      }
    }
  }

  paused(connection: Connection): void {
    if (!connection.isSilenced) connection.pausedAt ??= this.books.clock();
  }

  resumed(connection: Connection): void {
    const { pausedAt } = connection;
    if (pausedAt === null || connection.isSilenced) return;
    const from = Math.max(pausedAt, connection.lastPacketAt);
    connection.lastPacketAt += this.books.clock() - from;
    connection.pausedAt = null;
    connection.resumedAt = this.books.clock();
  }

  wrote(connection: Connection, bytes: Uint8Array, start: number, end: number, took: number): void {
    if (took < end - start) {
      if (took > 0 || connection.stallSince === null) connection.stallSince = this.books.clock();
    } else {
      connection.stallSince = null;
      connection.clearAt = this.books.clock();
    }
    if (took > 0) this.#taps.get(connection)?.wrote(bytes, start, start + took);
  }

  passed(connection: Connection): void {
    if (connection.stallSince !== null) connection.stallSince = this.books.clock();
  }

  /** The broker was killed, with all that it had. */
  brokerLost(): void {
    this.books.clear();
    this.retained.clear();
    this.fates.restored([], []);
    this.#handovers.clear();
    this.#taps.clear();
    this.#touched.length = 0;
  }

  /** A batch was not kept: clients that were promised what is not kept hear nothing of it. */
  promisesBroken(isUnkept: (said: Said) => boolean): void {
    for (const connection of this.books.connections.values()) {
      const waiting = connection.said.slice(connection.saidPlace);
      if (!waiting.some((said) => said.isPromise && isUnkept(said))) continue;
      connection.said.length = connection.saidPlace + waiting.findIndex(isUnkept);
    }
  }

  /** What outlives the broker, as it is now. */
  snapshot(): Snapshot {
    return new Snapshot({
      sessions: [...this.books.sessions.values()],
      left: this.fates.leftSessions,
      topics: this.retained.topics,
      isConnected: ({ connection }) => connection !== null,
    });
  }

  /** The broker was killed, and the next one has what it had then. */
  restored(snapshot: Snapshot, restart: Restart): void {
    const { most } = this.books;
    const told = [...this.books.sessions.values()].filter(
      ({ connection, expiry }) => connection?.isTold === true && expiry > 0,
    );
    this.books.clear();
    // What was kept is restored whatever the limits are.
    this.books.most = most;
    const { lasting, over } = snapshot.restart(restart);
    for (const session of told) expectGoesOn(session, [...lasting, ...over], restart.diedAt);
    const since = this.#incoming.nextSerial();
    for (const session of lasting) {
      this.books.sessions.set(session.clientId, session);
      // Behind all that was queued before.
      for (const replay of session.replays) replay.since = since;
    }
    if (!this.books.limits.retain) this.books.oweNothingRetained();
    this.fates.restored(lasting, over);
    this.retained.restored(snapshot.topics);
    for (const session of over) if (session.expiry > 0) this.#handovers.ended(session);
    this.#handovers.restored();
    this.#taps.clear();
    this.#touched.length = 0;
  }

  // The broker's events.

  noted(event: LogEvent): void {
    const now = this.books.clock();
    const refused =
      event.event === "publishRefused" ? { remote: event.peer.remote, topic: event.topic } : null;
    if (this.#incoming.decide(refused)) return;
    switch (event.event) {
      case "packet":
        if (event.direction === "received") return this.#received(event, now);
        return this.#outgoing.sent(event, now);
      case "connected":
        this.#lives.connected(event, now);
        return this.touch(this.books.connection(event.peer.remote));
      case "ended":
        return this.#lives.ended(event, now);
      case "will":
        return this.fates.later(
          this.fates.left(event.clientId) ?? this.books.sessions.get(event.clientId),
          event,
          now,
        );
      case "subscribed":
        return this.#incoming.subscribed(this.books.connection(event.peer.remote), event, now);
      case "unsubscribed":
        return this.#incoming.unsubscribed(this.books.connection(event.peer.remote), event);
      case "sessionEnded":
        return this.#lives.sessionEnded(event, now);
      case "notSent":
        return this.#outgoing.notSent(event);
      case "publishRefused":
        return this.#refused(event);
      case "dropping":
        return this.#dropping(event, now);
      default:
    }
  }

  /** The call is over: its required effects are present. */
  settle(): void {
    this.#incoming.decide(null);
    for (const connection of this.#touched) this.#expectRead(connection);
    this.#touched.length = 0;
    this.#offers.settle();
    this.fates.settle();
    this.retained.settle();
    this.books.replaced = null;
    this.books.left = null;
    demand(this.books.takeover === null, "who takes over is let in", this.books.takeover);
    demand(
      this.#incoming.refusal === null,
      "a refused PUBLISH is said",
      this.#incoming.refusal?.topic,
    );
  }

  /** Nothing is overdue. */
  sweep(): void {
    const now = this.books.clock();
    for (const connection of this.books.connections.values()) {
      const { isOpen, link, isSilenced, remote } = connection;
      if (isOpen || !(link.over || isSilenced)) continue;
      this.#taps.delete(connection);
      this.books.connections.delete(remote);
    }
    for (const connection of this.books.open) {
      this.ends.expectWithin(connection, now);
      this.ends.expectRead(connection, now);
    }
    for (const session of this.books.over.values()) {
      // Others wait for the turns of those that were due before.
      if ((session.will?.restored ?? null) !== null) this.fates.expectWithin(session, now);
    }
    for (const session of this.books.sessions.values()) {
      this.fates.expectWithin(session, now);
      this.#delivery.expectPrompt(session, now, this.books);
      // After an orderly stop, one with a will waits for the next start.
      const waits = this.books.stopping && this.books.store !== null && session.will !== null;
      const isAway = session.connection === null && !waits;
      const isDue = isAway && this.books.isOverdue(session.endsAt, now);
      demand(!isDue, "a session ends when its Session Expiry Interval is over", {
        clientId: session.clientId,
        endsAt: session.endsAt,
        now,
      });
    }
  }

  /** Everything that waited has arrived. */
  expectDelivered(): void {
    const now = this.books.clock();
    for (const { pending, number } of this.books.open) {
      demand(pending === null, "each SUBSCRIBE and UNSUBSCRIBE is answered", number);
    }
    for (const { connection, shared } of this.books.sessions.values()) {
      // A copy can wait for a share's member that does not return.
      if (connection !== null) continue;
      for (const { share } of shared) if (share !== null) share.mayBeLost = true;
    }
    for (const session of this.books.sessions.values()) {
      if (session.connection !== null) this.#delivery.expectDelivered(session, now);
    }
    this.#handovers.expectTaken(now);
  }

  #expectRead(connection: Connection): void {
    this.ends.expectEnded(connection);
    const { pausedAt, items, next, arrivedBytes, owed, pending } = connection;
    if (!connection.isOpen || connection.isSilenced) return;
    if (connection.state === "connected") {
      // SUBACK and UNSUBACK follow their last filter.
      const isGiven = owed.length === (pending === null ? 0 : 1);
      demand(isGiven, "an answer that is due is given at once", {
        connection: connection.number,
        owed,
      });
    }
    if (pausedAt !== null || connection.lost !== null) return;
    const item = items[next];
    demand(item === undefined || item.end > arrivedBytes, "a whole packet is read at once", {
      connection: connection.number,
      item,
      arrivedBytes,
    });
  }

  #received({ peer, packet }: Traced, now: number): void {
    const connection = this.books.connection(peer.remote);
    // Only packets that the reader decoded are reported as received.
    const received = packet as ClientPacket;
    demand(connection.isOpen && connection.verdict === null, "nothing is read of who has to go", {
      connection: connection.number,
      packet,
    });
    demand(connection.pending === null, "nothing is read in the middle of a packet", {
      connection: connection.number,
      packet,
    });
    this.ends.expectEnded(connection);
    this.#takeItem(connection, received);
    connection.lastPacketAt = now;
    connection.isUnsure = false;
    const { session } = connection;
    if (received.type === "connect") {
      demand(connection.state === "opened", "CONNECT is the first packet", connection.number);
      connection.state = "asked";
      connection.askedAt = this.books.clock();
      connection.maximumPacketSize = received.maximumPacketSize ?? Infinity;
      this.books.sessions.get(received.clientId)?.connection?.endOrdered();
      return;
    }
    if (session === null) {
      demand(connection.state === "opened", "nothing is read before CONNECT is answered", {
        connection: connection.number,
        packet,
      });
      connection.verdict = ["protocolError"];
      return;
    }
    switch (received.type) {
      case "publish":
        return this.#incoming.publish(connection, session, received, now);
      case "subscribe":
      case "unsubscribe":
        return this.#incoming.filters(connection, received);
      case "pingreq":
        return void connection.owed.push(owedOf("pingresp", 0));
      case "disconnect":
        return this.#incoming.disconnect(connection, session, received);
      case "auth":
        connection.verdict = ["protocolError"];
        return;
      default:
        return this.#incoming.acknowledge(connection, session, received);
    }
  }

  /** The broker reads what was sent, in order, and only what has arrived. */
  #takeItem(connection: Connection, packet: ClientPacket): void {
    const item = connection.items[connection.next++];
    const detail = {
      connection: connection.number,
      packet,
      item,
      arrived: connection.arrivedBytes,
    };
    demand(
      item !== undefined && item.causes === null,
      "what is no packet is not read as one",
      detail,
    );
    demand(item.end <= connection.arrivedBytes, "what has not arrived is not read", detail);
    demand(isItem(item, packet), "a packet is read as it was sent", detail);
    connection.sentContentType = item.contentType;
    if (item.ask !== null) connection.ask = item.ask;
  }

  #refused(event: Of<"publishRefused">): void {
    const { refusal } = this.#incoming;
    const isRight =
      refusal?.topic === event.topic && refusal.connection.remote === event.peer.remote;
    demand(isRight, "a PUBLISH is refused for a reason", event);
    this.#incoming.refusal = null;
  }

  #dropping(event: Of<"dropping">, now: number): void {
    if (event.clientId === null) {
      return this.retained.full(
        event.topic,
        [...this.books.wills.values()].some(({ topic }) => topic === event.topic),
        now,
      );
    }
    const session = this.books.sessions.get(event.clientId);
    demand(session !== undefined, "messages are dropped for a session that there is", event);
    this.#handovers.dropping(session);
  }
}

function isItem(item: Item, packet: ClientPacket): boolean {
  if (item.type !== packet.type) return false;
  if ("packetId" in packet && packet.packetId !== item.packetId) return false;
  if (packet.type === "publish") return packet.topic === item.topic;
  if (packet.type !== "connect" || item.ask === null) return true;
  const { clientId, keepAliveSeconds: keepAlive, cleanStart, will } = packet;
  const { ask } = item;
  return (
    clientId === ask.clientId &&
    keepAlive === ask.keepAlive &&
    cleanStart === ask.clean &&
    will?.topic === ask.will?.topic &&
    will?.delayIntervalSeconds === ask.will?.delay
  );
}

/** Whose CONNACK had left finds its session when it comes back, and its will is armed until then. */
function expectGoesOn(told: Session, restored: readonly Session[], diedAt: number): void {
  const { clientId, expiry, will } = told;
  const kept = restored.find((session) => session.clientId === clientId);
  const endsAt = diedAt + expiry * 1000;
  demand(kept !== undefined && kept.endsAt >= endsAt, "a session outlives the broker", {
    told,
    kept,
  });
  const armed = will?.state === "armed" ? will : null;
  const isSame =
    armed === null
      ? kept.will === null
      : kept.will !== null &&
        armed.ask.payload === kept.will.ask.payload &&
        kept.will.dueAt !== null &&
        kept.will.dueAt >= diedAt + Math.min(armed.ask.delay, expiry) * 1000;
  demand(isSame, "the will of an open connection outlives the broker", {
    told: will,
    kept: kept.will,
  });
}
