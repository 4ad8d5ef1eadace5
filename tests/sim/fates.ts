import type { BrokerEvent, WillAtEnd, WillFate } from "../../src/core/events.ts";
import { demand, type Books } from "./books.ts";
import type { Connection } from "./connection.ts";
import type { Offers } from "./offers.ts";
import { publishedBy, type Publication, type Session, type WillState } from "./session.ts";
import { keyOf } from "./delivery.ts";

type Ended = BrokerEvent & { readonly event: "ended" };
type Later = BrokerEvent & { readonly event: "will" };

/** What ends a will's delay together with its session. */
const endsOfSessions: readonly Later["by"][] = ["session ended", "memory", "session limit"];

/**
 * Every armed will ends once: discarded by a clean DISCONNECT alone, cancelled by a return alone,
 * otherwise published, at the end of its connection or when its delay or its session is over, and
 * at no other time [v5-3.1.2-8] [v5-3.1.3-9].
 */
export class Fates {
  readonly #books: Books;
  readonly #offers: Offers;
  readonly #nextSerial: () => number;
  /** Published as subscribers saw it; the same call must report it. */
  #unsaid: WillState[] = [];
  /**
   * Cancelled, or due because its session is over; the call must still report which client returned
   * or which session ended.
   */
  #unexplained: { readonly will: WillState; readonly by: Later["by"] }[] = [];
  settled = 0;

  constructor(books: Books, offers: Offers, nextSerial: () => number) {
    this.#books = books;
    this.#offers = offers;
    this.#nextSerial = nextSerial;
  }

  armed(connection: Connection, session: Session): void {
    const ask = connection.ask?.will ?? null;
    demand(session.will === null, "a session has one will at a time", session.clientId);
    if (ask === null) return;
    const will: WillState = {
      ask,
      key: keyOf(Buffer.from(ask.payload)),
      topic: connection.mountPoint + ask.topic,
      clientId: session.clientId,
      contentType: ask.contentType,
      state: "armed",
      cause: null,
      endedAt: 0,
      dueAt: Infinity,
      publication: null,
      restored: null,
    };
    session.will = will;
    if (will.key >= 0) this.#books.wills.set(will.key, will);
  }

  /**
   * A message of no PUBLISH reaches a subscriber: a will whose connection's end is reported
   * afterwards.
   */
  seen(key: number, topic: string, now: number): boolean {
    const will = key >= 0 ? this.#books.wills.get(key) : this.#emptyOn(topic);
    if (will === undefined || will.publication !== null) return false;
    this.#publish(will, now);
    this.#unsaid.push(will);
    return true;
  }

  /** The end of a connection, with the fate of its will. */
  ended(session: Session, event: Ended, goesOn: boolean | null, now: number): void {
    const { will } = session;
    if (will === null) {
      return demand(event.will === null, "only an armed will has a fate", event);
    }
    demand(event.will !== null, "an armed will has a fate when its connection ends", event);
    demand(will.state === "armed", "a will is armed until its connection ends", will);
    demand(event.will.topic === will.topic, "a fate names the will's topic", event);
    will.cause = event.cause;
    will.endedAt = now;
    const due = now + (goesOn === false ? 0 : Math.min(will.ask.delay, session.expiry)) * 1000;
    // Whether a takeover resumes the session is known when the new connection is reported.
    if (this.#isPostponed(event, due, now)) return this.#postponed(session, will, event.will);
    const expected =
      event.cause === "takenOver" ? event.will.fate : this.#fateOf(event.cause, due, now);
    demand(event.will.fate === expected, `the fate of this will is ${expected}`, { event, will });
    this.#take(session, will, event.will, due, now);
  }

  later(session: Session | undefined, event: Later, now: number): void {
    const will = session?.will ?? null;
    demand(
      session !== undefined && will !== null && will.state === "delayed",
      "only a delayed will has a later fate",
      event,
    );
    demand(
      event.cause === will.cause && event.endedAt === will.endedAt,
      "a fate names the end before it",
      { event, will },
    );
    demand(
      (event.will.fate === "cancelled") ===
        (event.by === "resumed" || event.by === "restart grace"),
      "a return cancels a will, and nothing else does",
      event,
    );
    const due = this.#books.met(publishedBy(will));
    const waits = this.#waits(will, now);
    if (event.by === "due") {
      const isMet = this.#books.mayBeMet(publishedBy(will), now);
      const mayReturn = waits !== null && !waits.isGraced;
      demand(isMet || mayReturn, "a delayed will is published when it is due", { event, due, now });
      // Its client returns, for which no will waits that has to come before it.
      if (!isMet) this.#unexplained.push({ will, by: event.by });
      demand(
        event.will.fate === "published" && event.will.due === will.dueAt,
        "a will is due when it was said to be",
        event,
      );
    } else {
      demand(!this.#books.isOverdue(publishedBy(will), now), "a delayed will is never late", {
        event,
        due,
        now,
      });
      const isInTime = will.dueAt > now || this.#books.isOpenQuestion(will.dueAt, now);
      if (event.by === "resumed") demand(isInTime, "what is due is not cancelled", event);
      if (event.by === "restart grace") {
        demand(this.#isGraced(will, now), "only a grace cancels what is due", { event, will });
      }
      if (event.by === "session ended") {
        const isGraced = will.restored?.isGraced === true && now < will.restored.settledAt;
        const isLate = waits !== null && !isInTime;
        demand(!isLate && !isGraced, "what waits is not early", { event, will });
      }
      if (event.by === "broker stopped") {
        const isLeft = this.#books.store !== null && (waits !== null || will.dueAt > now);
        demand(this.#books.stopping && !isLeft, "a stop publishes what can't wait", {
          event,
          will,
        });
      } else this.#unexplained.push({ will, by: event.by });
    }
    this.#settle(session, will, event.will, now);
  }

  /**
   * The broker accepted a connection with this client id: a return explains the open cancellations.
   */
  returned(clientId: string, resumed: boolean): void {
    this.#unexplained = this.#unexplained.filter(({ will, by }) => {
      if (will.clientId !== clientId) return true;
      if (by === "due" || by === "restart grace") return false;
      return by === "resumed" ? !resumed : resumed;
    });
  }

  sessionEnded(clientId: string): void {
    this.#unexplained = this.#unexplained.filter(
      ({ will, by }) => will.clientId !== clientId || !endsOfSessions.includes(by),
    );
  }

  settle(): void {
    if (this.#unsaid.length > 0) {
      for (const will of this.#unsaid) {
        demand(will.state === "settled", "a will that was sent is said to be published", will);
      }
      this.#unsaid.length = 0;
    }
    if (this.#unexplained.length > 0) demand(false, "a fate has its reason", this.#unexplained);
  }

  /** How a will waits that is due, until subscribers or its client had time to return; null: it need not. */
  #waits({ dueAt, restored }: WillState, now: number): WillState["restored"] {
    if (restored === null || this.#books.met(dueAt) > now) return null;
    return now < restored.settledAt ? restored : null;
  }

  #isGraced({ restored }: WillState, now: number): boolean {
    if (restored?.isGraced !== true) return false;
    return now < restored.settledAt || this.#books.isOpenQuestion(restored.settledAt, now);
  }

  expectWithin(session: Session, now: number): void {
    const { will } = session;
    if (will === null || will.state !== "delayed") return;
    // After an orderly stop it waits for the next start.
    if (this.#books.stopping && this.#books.store !== null) return;
    demand(!this.#books.isOverdue(publishedBy(will), now), "no will is overdue", { will, now });
  }

  /** Sessions that are over but for their wills. */
  get leftSessions(): readonly Session[] {
    return [...this.#books.over.values()];
  }

  /** The broker was killed, and the next one has the wills of these. */
  restored(lasting: readonly Session[], over: readonly Session[]): void {
    this.#unsaid = [];
    this.#unexplained = [];
    for (const session of over) this.#books.over.set(session.clientId, session);
    for (const { will } of [...lasting, ...over]) {
      if (will !== null && will.key >= 0) this.#books.wills.set(will.key, will);
    }
  }

  /** A will that is due at once, and waits for others that were due before. */
  #isPostponed({ cause, will }: Ended, due: number, now: number): boolean {
    const isDue = due <= now && cause !== "disconnected" && cause !== "takenOver";
    return isDue && will?.fate === "delayed" && (this.#books.isCut || cause === "storeFailed");
  }

  #postponed(session: Session, will: WillState, fate: WillAtEnd | null): void {
    demand(fate?.fate === "delayed" && fate.due <= will.endedAt, "a postponed will is due", fate);
    will.state = "delayed";
    will.dueAt = fate.due;
    this.#books.over.set(session.clientId, session);
  }

  /** The session that ended with its connection and has left a postponed will. */
  left(clientId: string): Session | undefined {
    return this.#books.over.get(clientId);
  }

  #emptyOn(topic: string): WillState | undefined {
    for (const { will } of [...this.#books.sessions.values(), ...this.#books.over.values()]) {
      if (will?.key === -1 && will.topic === topic) return will;
    }
    return undefined;
  }

  #fateOf(cause: Ended["cause"], due: number, now: number): WillAtEnd["fate"] {
    if (cause === "disconnected") return "discarded";
    const keepsDelay = cause !== "shuttingDown" || this.#books.store !== null;
    return due > now && keepsDelay ? "delayed" : "published";
  }

  #take(session: Session, will: WillState, fate: WillAtEnd, due: number, now: number): void {
    if (fate.fate !== "delayed") return this.#settle(session, will, fate, now);
    demand(fate.due === due, "a will is due after its delay, or with its session", { fate, due });
    will.state = "delayed";
    will.dueAt = due;
  }

  #settle(session: Session, will: WillState, fate: WillFate, now: number): void {
    demand(will.state !== "settled", "a will has one fate", will);
    will.state = "settled";
    this.settled += 1;
    if (this.#books.over.delete(session.clientId)) this.#books.left = session.clientId;
    session.will = null;
    this.#books.wills.delete(will.key);
    if (fate.fate !== "published") {
      return demand(will.publication === null, "what is not published reaches nobody", {
        will,
        fate,
      });
    }
    demand(fate.at === now, "a will is published when it is said to be", { fate, now });
    if (will.publication === null) this.#publish(will, now);
    this.#expectReach(will, fate);
  }

  #expectReach(will: WillState, fate: WillFate & { readonly fate: "published" }): void {
    const { delivered, queued, dropped, away, retained } = fate.reach;
    const reached = delivered + queued + dropped + away;
    const { recipients = 0, unsure = 0 } = will.publication ?? {};
    const isRight = reached <= recipients && reached >= recipients - unsure;
    // The wills of a stop are reported when some of their receivers have closed already.
    demand(isRight || this.#books.stopping, "a will reaches whoever asked for it", { will, fate });
    const { retainedMessages, retainedBytes } = this.#books.limits;
    const hasRoom = retainedMessages >= 100 && retainedBytes >= 10_000;
    const isStored = retained === "stored";
    const wanted = will.ask.retain && will.ask.payload !== "";
    demand(!hasRoom || isStored === wanted, "a will keeps its RETAIN", { will, fate });
  }

  #publish(will: WillState, now: number): void {
    const { ask } = will;
    const publication: Publication = {
      serial: this.#nextSerial(),
      key: will.key,
      topic: will.topic,
      qos: ask.qos,
      retain: ask.retain,
      publisher: will.clientId,
      payloadBytes: ask.payload.length,
      propertyBytes: ask.contentType === null ? 0 : 3 + ask.contentType.length,
      contentType: ask.contentType,
      expiresAt: ask.expiry === null ? Infinity : now + ask.expiry * 1000,
      at: now,
      recipients: 0,
      unsure: 0,
      keptWith: this.#books.store?.needed ?? 0,
    };
    will.publication = publication;
    this.#offers.publish(publication);
  }
}
