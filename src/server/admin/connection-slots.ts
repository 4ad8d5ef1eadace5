import type { Socket } from "node:net";
import { slowest } from "../slowest.ts";

interface Slot {
  /** Requests in progress. */
  answers: number;
  /**
   * Since when the connection waits for its client to send a request or read an answer, monotonic
   * milliseconds. Null: the client waits for the broker.
   */
  waitingSince: number | null;
}

/**
 * The open connections of one address, at most `limit`. If all slots are taken, a new connection
 * evicts the one that has waited longest for its client, so that idle or slow clients can't block
 * others.
 */
export class ConnectionSlots {
  readonly #limit: number;
  readonly #open = new Map<Socket, Slot>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** False: no connection can be evicted, and the new one is refused. */
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

  /** The socket takes no more bytes until the client reads. */
  blocked(socket: Socket, now = performance.now()): void {
    const slot = this.#open.get(socket);
    if (slot !== undefined) slot.waitingSince = now;
  }

  drained(socket: Socket): void {
    const slot = this.#open.get(socket);
    if (slot !== undefined) slot.waitingSince = null;
  }

  /** The answer was written or abandoned. */
  requestEnded(socket: Socket, now = performance.now()): void {
    const slot = this.#open.get(socket);
    if (slot === undefined) return;
    slot.answers -= 1;
    slot.waitingSince = slot.answers === 0 ? now : null;
  }

  #evictOne(now: number): boolean {
    const evicted = slowest(this.#open, ([, { waitingSince }]) => waitingSince, now);
    if (evicted === null) return false;
    const [socket] = evicted;
    this.#open.delete(socket);
    socket.destroy();
    return true;
  }
}
