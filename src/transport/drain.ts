/** Bytes of ended connections that all links of a listener together read and drop in an interval. */
const bytesOfInterval = 16 * 1024 * 1024;
const intervalMs = 100;
/** Links that go on in an interval: each reads half a MiB at least before it can be paused again. */
const linksOfInterval = 16;

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
  readonly #later: (work: () => void) => void;
  #left = bytesOfInterval;
  #isTimed = false;
  readonly #waiting = new Set<Draining>();

  /** `later` runs work after an interval. */
  constructor(later: (work: () => void) => void = afterInterval) {
    this.#later = later;
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
    this.#left = bytesOfInterval;
    let room = linksOfInterval;
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
