import type { BrokerEvent } from "../../src/core/events.ts";
import type { Limits } from "../../src/core/limits.ts";
import { demand, type Books } from "./books.ts";
import type { Ask, Connection } from "./connection.ts";
import type { Delivery } from "./delivery.ts";
import type { Ends } from "./ends.ts";
import type { Fates } from "./fates.ts";
import { expiryOf, freeReplays, Session } from "./session.ts";

type Of<Name extends BrokerEvent["event"]> = BrokerEvent & { readonly event: Name };

/** Accepted connections and their ends, and the sessions that outlive them. */
export class Lives {
  readonly #books: Books;
  readonly #delivery: Delivery;
  readonly #ends: Ends;
  readonly #fates: Fates;

  constructor(books: Books, delivery: Delivery, ends: Ends, fates: Fates) {
    this.#books = books;
    this.#delivery = delivery;
    this.#ends = ends;
    this.#fates = fates;
  }

  connected(event: Of<"connected">, now: number): void {
    const connection = this.#books.connection(event.peer.remote);
    const { ask, connack } = connection;
    const { limits, sessions, takeover } = this.#books;
    const detail = { connection: connection.number, event, ask };
    demand(
      ask !== null && connection.state === "asked" && connack?.reason === 0,
      "who connects was answered",
      detail,
    );
    connection.state = "connected";
    connection.lastPacketAt = now;
    connection.clientId = event.peer.clientId ?? "";
    demand(
      ask.clientId === "" || ask.clientId === connection.clientId,
      "a client keeps its id",
      detail,
    );
    const before = sessions.get(connection.clientId);
    demand(
      before === undefined || before.connection === null,
      "one connection for each client id [v5-3.1.4-3]",
      detail,
    );
    const isPerhapsThere =
      before !== undefined &&
      this.#books.isOpenQuestion(before.endsAt, now) &&
      event.sessionPresent;
    const isThere =
      before !== undefined && (isPerhapsThere || this.#books.met(before.endsAt) > now);
    const resumed = isThere && !ask.clean;
    demand(!isThere || resumed, "Clean Start ends the session that was there [v5-3.1.2-4]", detail);
    demand(
      event.sessionPresent === resumed && connack.sessionPresent === resumed,
      "Session Present is right [v5-3.2.2-3]",
      detail,
    );
    this.#takeOver(connection, ask, resumed, takeover);
    const session = resumed && before !== undefined ? before : new Session(connection.clientId);
    if (!resumed) sessions.set(connection.clientId, session);
    session.connection = connection;
    session.version = ask.version;
    session.endsAt = Infinity;
    session.expiry = expiryOf(ask, limits.sessionExpiryMaxSeconds);
    connection.session = session;
    const keepAlive = keepAliveOf(ask, limits);
    demand(event.keepAlive === keepAlive, "the keepalive in force", detail);
    connection.allowedMs = keepAlive === 0 ? Infinity : keepAlive * 1500;
    connection.window = Math.min(ask.receiveMaximum ?? 65_535, limits.inflight);
    this.#fates.returned(connection.clientId, resumed);
    this.#fates.armed(connection, session);
    demand(
      (event.will === null) === (ask.will === null),
      "a will is armed as it was asked",
      detail,
    );
    this.#books.generation += 1;
    if (!resumed) return;
    this.#delivery.resume(session, connection);
    this.#delivery.handovers.resumed(session, connection.mountPoint);
  }

  ended(event: Of<"ended">, now: number): void {
    const connection = this.#books.connection(event.peer.remote);
    const { session } = connection;
    this.#ends.ended(connection, event, now);
    connection.state = "ended";
    connection.verdict = null;
    this.#books.open.delete(connection);
    connection.isClosing =
      event.cause !== "stalled" && !isByLink(event.cause) && !connection.isSilenced;
    if (session === null)
      return demand(event.will === null, "who was not let in has no will", event);
    const delay = Math.min(session.will?.ask.delay ?? 0, session.expiry);
    const isTakeover = event.cause === "takenOver";
    this.#fates.ended(session, event, isTakeover ? null : session.expiry > 0, now);
    session.connection = null;
    connection.session = null;
    freeReplays(session);
    this.#books.generation += 1;
    if (isTakeover) {
      const fate = event.will?.fate ?? null;
      this.#books.takeover = { clientId: session.clientId, session, fate, delay };
    }
    session.endsAt = now + session.expiry * 1000;
    if (session.expiry === 0) this.#end(session);
    else this.#delivery.handovers.away(session);
  }

  sessionEnded(event: Of<"sessionEnded">, now: number): void {
    if (event.why === "connection ended") return this.#over(event.clientId, now);
    const session = this.#books.sessions.get(event.clientId);
    demand(
      session !== undefined && session.connection === null,
      "a session ends once, after its connection",
      event,
    );
    if (event.why === "expired") {
      const due = this.#books.met(session.endsAt);
      const isMet = this.#books.mayBeMet(session.endsAt, now);
      demand(isMet, "a session ends when its Session Expiry Interval is over", {
        event,
        due,
        now,
      });
    }
    const isForRoom = event.why === "memory" || event.why === "session limit";
    if (isForRoom) this.#checkRoom(session, event, now);
    demand(session.will === null, "a session's end makes its will due [v5-3.1.2-8]", { event });
    this.#fates.sessionEnded(event.clientId);
    // One that made room for another has no place any more.
    if (!isForRoom) this.#books.replaced = event.clientId;
    this.#end(session);
  }

  /** Its will waits for a return after a restart, and has outlived it. */
  #over(clientId: string, now: number): void {
    const session = this.#books.sessions.get(clientId);
    // Of another one its connection's end has told.
    if (session === undefined) return;
    const { endsAt, will } = session;
    const isMet = this.#books.mayBeMet(endsAt, now) || this.#books.isOpenQuestion(endsAt, now);
    demand(
      session.connection === null && (will?.restored ?? null) !== null && isMet,
      "a session ends when its Session Expiry Interval is over",
      { clientId, endsAt, now, will },
    );
    this.#books.over.set(clientId, session);
    this.#end(session);
  }

  /** A session makes room for others only if it holds no message, and if room is needed. */
  #checkRoom(session: Session, event: Of<"sessionEnded">, now: number): void {
    const { limits, sessions, shortage } = this.#books;
    const [, one, two] = session.queues;
    // Its own will, which its end publishes, is not for itself.
    const waits = [...one, ...two].filter(({ mayBeLost, publication }) => {
      const isWill = publication.publisher === session.clientId && publication.at === now;
      return mayBeLost === null && publication.expiresAt > now && !isWill;
    });
    const isFree = waits.length === 0 && session.inflight.size === 0;
    demand(isFree, "a session with messages makes no room", { event, waits });
    const isNeeded =
      event.why === "memory" ? shortage.isFrom(0.8, roomOfOne) : sessions.size >= limits.sessions;
    // Many connections may have ended since it was decided.
    const isUnsure = this.#books.store?.isFailing === true;
    demand(isNeeded || isUnsure, "a session makes room where it is needed", event);
  }

  #takeOver(connection: Connection, ask: Ask, resumed: boolean, takeover: Books["takeover"]): void {
    if (takeover === null) return;
    const detail = { connection: connection.number, resumed, fate: takeover.fate };
    demand(
      takeover.clientId === connection.clientId,
      "who takes over has the same client id",
      detail,
    );
    this.#books.takeover = null;
    if (takeover.fate === null) return;
    // [v5-3.1.3-9]: a delayed will is cancelled if its session resumes.
    const expected = resumed && takeover.delay > 0 ? "cancelled" : "published";
    demand(takeover.fate === expected, `a takeover: this will is ${expected}`, { ...detail, ask });
  }

  #end(session: Session): void {
    session.isOver = true;
    this.#books.sessions.delete(session.clientId);
    this.#delivery.handovers.ended(session);
    this.#books.generation += 1;
  }
}

/** Bytes: more than a session that it makes room for may take, with what has been given back. */
const roomOfOne = 20_000;

function keepAliveOf(ask: Ask, { keepAliveMaxSeconds: keepAliveMax }: Limits): number {
  if (ask.version !== 5 || keepAliveMax === Infinity) return ask.keepAlive;
  return ask.keepAlive === 0 ? keepAliveMax : Math.min(ask.keepAlive, keepAliveMax);
}

function isByLink(cause: Of<"ended">["cause"]): boolean {
  return cause === "closedByPeer" || cause === "resetByPeer" || cause === "tcpTimeout";
}
