/** Frames that one turn of the loop reads, on all links of a listener together: some 2 ms. */
const framesOfTurn = 4000;
/** Of those, how many are left for links that were cut, and for the callbacks of the next poll. */
const framesForCut = 2000;
const framesForPoll = 600;
/** Frames that a link which waits reads at a time. */
const framesOfSlice = 200;

/** A link with chunks that wait for a later turn. */
interface Behind {
  /** Reads some `frames`, as far as the turn goes. Returns whether more waits. */
  readOn(frames: number): boolean;
  /** Ends it, and what waits. */
  giveUp(): void;
}

/**
 * Bounds the frames that are read in one turn of the loop: a frame without payload takes six bytes,
 * costs as much as any other, and nothing else would count it.
 *
 * Links that wait read a slice each: first those that have just come to wait, then those that were cut
 * before, first in, first out. So a client with one frame does not wait for those with thousands.
 */
export class FrameTurns {
  readonly #soon: (work: () => void) => void;
  readonly #waitingMax: () => number;
  #left = framesOfTurn;
  #isArmed = false;
  readonly #fresh = new Set<Behind>();
  readonly #cut = new Set<Behind>();
  #waitingBytes = 0;

  /** `waitingMax`: bytes of frames that may wait on all links of a listener together. */
  constructor(soon: (work: () => void) => void, waitingMax: () => number) {
    this.#soon = soon;
    this.#waitingMax = waitingMax;
  }

  /** No further frame may be read in this turn. */
  get isOver(): boolean {
    return this.#left <= 0;
  }

  spend(frames: number): void {
    this.#left -= frames;
    this.#arm();
  }

  /** So many more bytes wait. */
  hold(bytes: number): void {
    this.#waitingBytes += bytes;
  }

  /** Calls the link in a later turn. */
  add(link: Behind): void {
    this.#fresh.add(link);
    this.#arm();
  }

  #arm(): void {
    if (this.#isArmed) return;
    this.#isArmed = true;
    this.#soon(() => this.#begin());
  }

  #begin(): void {
    this.#isArmed = false;
    this.#left = framesOfTurn;
    this.#shed();
    this.#run(this.#fresh, framesForCut);
    this.#run(this.#cut, framesForPoll);
    this.#run(this.#fresh, framesForPoll);
    if (this.#fresh.size > 0 || this.#cut.size > 0) this.#arm();
  }

  /** Those that have waited for longest have the most frames. */
  #shed(): void {
    const waitingMax = this.#waitingMax();
    for (const links of [this.#cut, this.#fresh]) {
      for (const link of links) {
        if (this.#waitingBytes <= waitingMax) return;
        links.delete(link);
        link.giveUp();
      }
    }
  }

  /** Until so many frames of the turn are left. */
  #run(links: Set<Behind>, least: number): void {
    for (const link of links) {
      if (this.#left <= least) return;
      links.delete(link);
      // One that is cut again stands at the end of the set, which this loop reaches too.
      if (link.readOn(framesOfSlice)) this.#cut.add(link);
    }
  }
}
