import type { Limits } from "../../src/core/limits.ts";
import type { Connection } from "./connection.ts";
import { Violation } from "./journal.ts";
import { Shortage } from "./shortage.ts";
import type { Session, WillState } from "./session.ts";
import type { SimStore } from "./sim-store.ts";

/** A connection that ends because another one now has its client id. */
interface Takeover {
  readonly clientId: string;
  readonly session: Session;
  readonly fate: string | null;
  readonly delay: number;
}

type Bounds = Pick<Limits, "queuedBytes" | "queuedMessages" | "retainedBytes" | "retainedMessages">;

/**
 * A referee's own state beside the broker's: the same facts, by the standard, in the simplest form.
 */
export class Books {
  #limits: Limits;
  /** QoS 0 may wait in a queue, or could before the limits changed. */
  queuedQos0: boolean;
  /** The widest limits that this broker has had: what they admitted stays. */
  most: Bounds;
  readonly clock: () => number;
  /** By remote address, which is unique within a world. */
  readonly connections = new Map<string, Connection>();
  readonly open = new Set<Connection>();
  readonly sessions = new Map<string, Session>();
  /** Those that are over but for their wills. */
  readonly over = new Map<string, Session>();
  /** By key, those that are not settled. */
  readonly wills = new Map<number, WillState>();
  /** Spans by which a suspend moved the broker's clock forward. */
  readonly jumps: { readonly from: number; readonly to: number }[] = [];
  /** Spans in which the broker stood still, the latest last. */
  readonly holds: { readonly from: number; readonly to: number }[] = [];
  /**
   * How much later the broker may do what is due, because so little of it fits into one of its turns
   * and the next turn comes later. 0: at the exact millisecond.
   */
  slackMs = 0;
  /** The broker's turns are so short that any work may be cut. */
  isCut = false;
  /** The time of the last change of limits. */
  limitsChangedAt = -1;
  readonly shortage = new Shortage();
  stopping = false;
  takeover: Takeover | null = null;
  /** The client id whose session has just ended. */
  replaced: string | null = null;
  /** The client id whose session was over, and has ended with its will: before its client's return, or by it. */
  left: string | null = null;
  /** In this world some clients may not read some topics. */
  hasAccessList = false;
  /** Of the broker; null: nothing outlives it. */
  store: SimStore | null = null;
  /** Counts the changes of subscribers. */
  generation = 0;

  constructor(limits: Limits, clock: () => number) {
    this.#limits = limits;
    this.queuedQos0 = limits.queueQos0;
    this.most = greater(limits, limits);
    this.clock = clock;
  }

  get limits(): Limits {
    return this.#limits;
  }

  set limits(limits: Limits) {
    this.#limits = limits;
    if (limits.queueQos0) this.queuedQos0 = true;
    this.most = greater(this.most, limits);
    if (!limits.retain) this.oweNothingRetained();
  }

  /** Retained messages are not available any more: what remains of them for a SUBSCRIBE is not sent. */
  oweNothingRetained(): void {
    for (const { replays } of this.sessions.values()) {
      for (const { owed } of replays) owed.clear();
    }
  }

  /**
   * The earliest moment at which the broker can meet a due time: within a suspend, when the broker
   * notices it; during a standstill, when the broker resumes.
   */
  met(due: number): number {
    for (const { from, to } of this.jumps) if (due > from && due < to) return to;
    // A standstill started before the timers of that moment, even of that at which another ended.
    let met = due;
    for (const { from, to } of this.holds) if (met >= from && met < to) met = to;
    return met;
  }

  /** Whether the broker may meet a due time at another moment. */
  mayBeMet(due: number, now: number): boolean {
    const isNear = (time: number): boolean => now >= time && now <= time + this.slackMs;
    const met = this.met(due);
    if (isNear(met)) return true;
    // What is due, or left for a later turn, when the broker notices a suspend or stands still is met
    // before or after that.
    return [...this.jumps, ...this.holds].some(
      ({ from, to }) =>
        isNear(to) && [due, met].some((time) => time <= from && time + this.slackMs >= from),
    );
  }

  /** The broker should have met a due time before. */
  isOverdue(due: number, now: number): boolean {
    return this.met(due) + this.slackMs < now && !this.mayBeMet(due, now);
  }

  /** The broker may have missed a due time, since it stood still and reads its backlog first. */
  isOpenQuestion(due: number, now: number): boolean {
    return this.holds.some(
      ({ from, to }) => due >= from && due <= to && now >= to && now <= to + this.slackMs,
    );
  }

  /** Milliseconds within a span in which the broker stood still. */
  heldBetween(from: number, to: number): number {
    let total = 0;
    for (const hold of this.holds) {
      total += Math.max(0, Math.min(to, hold.to) - Math.max(from, hold.from));
    }
    return total;
  }

  connection(remote: string): Connection {
    const found = this.connections.get(remote);
    if (found === undefined)
      throw new Violation("an event names a connection that there is", remote);
    return found;
  }

  /** Everything that a broker holds is lost with it. */
  clear(): void {
    for (const connection of this.open) {
      connection.state = "ended";
      connection.endCause ??= "brokerRestarted";
      connection.session = null;
    }
    for (const session of this.sessions.values()) session.isOver = true;
    this.connections.clear();
    this.open.clear();
    this.sessions.clear();
    this.over.clear();
    this.wills.clear();
    this.holds.length = 0;
    this.stopping = false;
    this.takeover = null;
    this.queuedQos0 = this.#limits.queueQos0;
    this.most = greater(this.#limits, this.#limits);
    this.generation += 1;
  }
}

function greater(a: Bounds, b: Bounds): Bounds {
  return {
    queuedBytes: Math.max(a.queuedBytes, b.queuedBytes),
    queuedMessages: Math.max(a.queuedMessages, b.queuedMessages),
    retainedBytes: Math.max(a.retainedBytes, b.retainedBytes),
    retainedMessages: Math.max(a.retainedMessages, b.retainedMessages),
  };
}

export function demand(holds: boolean, rule: string, detail: unknown = null): asserts holds {
  if (!holds) throw new Violation(rule, detail);
}
