import type { Broker } from "../../core/broker.ts";
import { unitsOfEnd } from "../../core/connection-end.ts";
import { Rank } from "../../core/schedule.ts";
import type { Arrivals } from "./arrivals.ts";
import type { Channel } from "./channel.ts";
import type { Channels } from "./channels.ts";
import type { Core } from "./core.ts";
import type { DeadlineTimer } from "./deadline-timer.ts";
import type { Turns } from "./turns.ts";

/** Connections that one look judges at most, since it first asks for what is unread of them. */
const judgedAtOnce = 250;
/** A judgement that comes so much later than it was due is late. */
const lateMs = 5;

interface DeadlinesParts {
  readonly broker: Broker;
  readonly core: Core;
  readonly channels: Channels;
  readonly turns: Turns<Channel>;
  readonly arrivals: Arrivals;
  /** Creates the timer; it calls `onDue` at the time it was armed to. */
  readonly timer: (onDue: () => void) => DeadlineTimer;
  readonly checkProgress: () => void;
}

/** Hands in what is due at its time, with which connections have unread data. */
export class Deadlines {
  readonly #parts: DeadlinesParts;
  readonly #core: Core;
  readonly #timer: DeadlineTimer;

  constructor(parts: DeadlinesParts) {
    this.#parts = parts;
    this.#core = parts.core;
    this.#timer = parts.timer(() => parts.core.call(() => this.#fired()));
  }

  /** Arms the timer, unless the next turn handles what is due. */
  arm(): void {
    const { turns, broker } = this.#parts;
    if (!turns.isDue) this.#timer.arm(broker.nextDeadline());
  }

  stop(): void {
    this.#timer.stop();
  }

  #fired(): void {
    this.#parts.checkProgress();
    this.#handleAtOnce(true);
  }

  /** Handles what is due although no timer fires, if it can be seen who has sent and was not read. */
  handleUnreported(): void {
    const { broker, arrivals } = this.#parts;
    const due = broker.nextDeadline();
    if (arrivals.sees && due !== null && due <= this.#core.now()) this.#handleAtOnce(false);
  }

  #handleAtOnce(isAll: boolean): void {
    const { turns } = this.#parts;
    turns.atOnce(() => {
      if (this.handle()) turns.addDue();
    }, isAll);
  }

  /** Clients had to be judged some time ago. */
  get isLate(): boolean {
    const due = this.#parts.broker.deadlines.nextOf(Rank.judgement);
    return due !== null && this.#core.now() - due > lateMs;
  }

  /** Returns whether more is due. */
  handle(): boolean {
    const { broker, arrivals, channels } = this.#parts;
    const now = this.#core.now();
    const undecided = broker.undecided(now, this.#judged + arrivals.postponed);
    const connections = undecided.connections.filter(({ id, cause }) => {
      if (cause !== "stalled" || !channels.get(id).waitsForStore) return true;
      this.#core.handle({ type: "progressed", connection: id });
      return false;
    });
    for (const { id, cause } of connections) {
      const { messagesSent: messages, link } = channels.get(id);
      if (cause === "keepAliveExpired" && messages > 0)
        this.#core.handle({ type: "delivered", connection: id, messages });
      const what = link.preparing ?? null;
      if (cause === "connectTimeout" && what !== null)
        this.#core.handle({ type: "preparing", connection: id, what });
    }
    this.#core.handle({
      type: "deadline",
      unread: arrivals.unread({ ...undecided, connections }, now),
    });
    return broker.isBehind;
  }

  /** No more than the budget is enough to end: the others have to be asked again. */
  get #judged(): number {
    const { limit, spent } = this.#parts.broker.budget;
    return Math.min(judgedAtOnce, Math.max(1, Math.ceil((limit - spent) / unitsOfEnd)));
  }
}
