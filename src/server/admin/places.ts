import type { Socket } from "node:net";

/** For so long a connection may wait for its client before another one may have its place. */
const graceMs = 1000;

/** What is known of one connection. */
interface Place {
  /** Requests that are being answered. */
  answers: number;
  /**
   * Since when it waits for its client: to ask, or to take what it was given. Null: the client waits
   * for us. By the monotonic clock, in milliseconds.
   */
  waitsSince: number | null;
}

/**
 * The connections of one address, which has so many places. Where all are taken, a newcomer gets that of
 * the connection whose client has let us wait for the longest, so that those who ask and never read,
 * or never ask, shut out nobody.
 */
export class Places {
  readonly #most: number;
  readonly #open = new Map<Socket, Place>();

  constructor(most: number) {
    this.#most = most;
  }

  /** False: nobody lets us wait, and the newcomer has to go. */
  take(newcomer: Socket, now = performance.now()): boolean {
    if (this.#open.size >= this.#most && !this.#free(now)) return false;
    this.#open.set(newcomer, { answers: 0, waitsSince: now });
    newcomer.once("close", () => this.#open.delete(newcomer));
    return true;
  }

  /** A request has come. */
  asked(socket: Socket): void {
    const place = this.#open.get(socket);
    if (place === undefined) return;
    place.answers += 1;
    place.waitsSince = null;
  }

  /** Nothing more can be written to it before the client takes something. */
  waits(socket: Socket, now = performance.now()): void {
    const place = this.#open.get(socket);
    if (place !== undefined) place.waitsSince = now;
  }

  took(socket: Socket): void {
    const place = this.#open.get(socket);
    if (place !== undefined) place.waitsSince = null;
  }

  /** The answer has left, or is given up. */
  answered(socket: Socket, now = performance.now()): void {
    const place = this.#open.get(socket);
    if (place === undefined) return;
    place.answers -= 1;
    place.waitsSince = place.answers === 0 ? now : null;
  }

  #free(now: number): boolean {
    let longest: Socket | null = null;
    let since = now - graceMs;
    for (const [socket, { waitsSince }] of this.#open) {
      if (waitsSince === null || waitsSince > since) continue;
      longest = socket;
      since = waitsSince;
    }
    if (longest === null) return false;
    this.#open.delete(longest);
    longest.destroy();
    return true;
  }
}
