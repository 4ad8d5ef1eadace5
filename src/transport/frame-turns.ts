/** Frames that one turn of the loop reads, on all links of a listener together: some 2 ms. */
const framesOfTurn = 4000;

/** A link with chunks that wait for a later turn. */
interface Behind {
  /** Reads one chunk, as far as the turn goes. */
  readOn(): void;
}

/**
 * Bounds the frames that are read in one turn of the loop: a frame without payload takes six bytes,
 * costs as much as any other, and nothing else would count it.
 */
export class FrameTurns {
  readonly #soon: (work: () => void) => void;
  #left = framesOfTurn;
  #isArmed = false;
  #behind: Behind[] = [];

  constructor(soon: (work: () => void) => void) {
    this.#soon = soon;
  }

  /** No further frame may be read in this turn. */
  get isOver(): boolean {
    return this.#left <= 0;
  }

  spend(frames: number): void {
    this.#left -= frames;
    this.#arm();
  }

  /** Calls the link in a later turn, after those that wait already. */
  add(link: Behind): void {
    this.#behind.push(link);
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
    const behind = this.#behind;
    this.#behind = [];
    let next = 0;
    while (next < behind.length && !this.isOver) behind[next++]?.readOn();
    if (next === behind.length && this.#behind.length === 0) return;
    this.#behind = [...behind.slice(next), ...this.#behind];
    this.#arm();
  }
}
