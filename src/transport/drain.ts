const intervalMs = 100;
/** What a link that goes on may read before it can be paused again, bytes: two chunks. */
const bytesOfLink = 1024 * 1024;

/** A link that has ended, and reads on until its peer closes too. */
interface Draining {
  pauseDrain(): void;
  resumeDrain(): void;
}

/**
 * Bounds what a listener reads of connections that it has ended. It has to read and drop the rest, since
 * a RST may destroy its last bytes at the peer; but no budget counts that, and a peer may send on as fast
 * as it can.
 */
export class Drain {
  readonly #bytesOfSecond: () => number;
  readonly #later: (work: () => void) => void;
  #left: number;
  #isTimed = false;
  readonly #waiting = new Set<Draining>();

  /** `bytesOfSecond`: for all links of a listener together. `later` runs work after an interval. */
  constructor(bytesOfSecond: () => number, later: (work: () => void) => void = afterInterval) {
    this.#bytesOfSecond = bytesOfSecond;
    this.#later = later;
    this.#left = this.#bytesOfInterval;
  }

  get #bytesOfInterval(): number {
    return (this.#bytesOfSecond() / 1000) * intervalMs;
  }

  /** The link has read and dropped so many bytes. */
  dropped(link: Draining, bytes: number): void {
    this.#left -= bytes;
    if (this.#left < 0) {
      link.pauseDrain();
      this.#waiting.add(link);
    }
    this.#arm();
  }

  /** The link is closed. */
  forget(link: Draining): void {
    this.#waiting.delete(link);
  }

  #arm(): void {
    if (this.#isTimed) return;
    this.#isTimed = true;
    this.#later(() => this.#pass());
  }

  #pass(): void {
    this.#isTimed = false;
    this.#left = this.#bytesOfInterval;
    let room = Math.ceil(this.#left / bytesOfLink);
    for (const link of this.#waiting) {
      if (room-- === 0) break;
      this.#waiting.delete(link);
      link.resumeDrain();
    }
    if (this.#waiting.size > 0) this.#arm();
  }
}

function afterInterval(work: () => void): void {
  setTimeout(work, intervalMs).unref();
}
