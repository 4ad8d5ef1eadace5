import type { Socket } from "node:net";

/** A connection that waits for its client for less than this keeps its slot. */
const graceMs = 1000;

interface Slot {
  /** Requests that are being answered. */
  answers: number;
  /**
   * Since when it waits for its client, to send a request or to read an answer. Null: the client waits for
   * the broker. By the monotonic clock, in milliseconds.
   */
  waitingSince: number | null;
}

/**
 * The open connections of one address, at most `limit`. When all slots are taken, a newcomer evicts the connection
 * that has waited longest for its client, so that clients that send no request or read no answer block nobody.
 */
export class ConnectionSlots {
  readonly #limit: number;
  readonly #open = new Map<Socket, Slot>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** False: no connection waits for its client, and the newcomer is refused. */
  accept(newcomer: Socket, now = performance.now()): boolean {
    if (this.#open.size >= this.#limit && !this.#evictOne(now)) return false;
    this.#open.set(newcomer, { answers: 0, waitingSince: now });
    newcomer.once("close", () => this.#open.delete(newcomer));
    return true;
  }

  /** A request has arrived. */
  requestBegan(socket: Socket): void {
    const slot = this.#open.get(socket);
    if (slot === undefined) return;
    slot.answers += 1;
    slot.waitingSince = null;
  }

  /** Nothing more can be written before the client reads. */
  blocked(socket: Socket, now = performance.now()): void {
    const slot = this.#open.get(socket);
    if (slot !== undefined) slot.waitingSince = now;
  }

  drained(socket: Socket): void {
    const slot = this.#open.get(socket);
    if (slot !== undefined) slot.waitingSince = null;
  }

  /** The answer was written, or was given up. */
  requestEnded(socket: Socket, now = performance.now()): void {
    const slot = this.#open.get(socket);
    if (slot === undefined) return;
    slot.answers -= 1;
    slot.waitingSince = slot.answers === 0 ? now : null;
  }

  #evictOne(now: number): boolean {
    let slowest: Socket | null = null;
    let since = now - graceMs;
    for (const [socket, { waitingSince }] of this.#open) {
      if (waitingSince === null || waitingSince > since) continue;
      slowest = socket;
      since = waitingSince;
    }
    if (slowest === null) return false;
    this.#open.delete(slowest);
    slowest.destroy();
    return true;
  }
}
