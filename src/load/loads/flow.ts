import type { Publisher } from "./publisher.ts";

/** One subscriber of one flow: how many of its messages it has. */
export interface Lane {
  readonly flow: Flow;
  count: number;
  /** The count when the flow last looked. */
  countBefore: number;
}

/**
 * One publisher and its subscribers. A message is in flight from the write that carries it until the
 * last subscriber has it; at most `window` messages are. So the bench does not measure how fast a broker
 * fills its queues, or drops from them.
 */
export class Flow {
  publisher: Publisher | null = null;
  readonly lanes: Lane[] = [];
  readonly #window: number;
  /** The least number of messages that a subscriber has, and the number of subscribers at that count. */
  #leastCount = 0;
  #atLeast = 0;
  #running = false;

  constructor(window: number) {
    this.#window = window;
  }

  addLane(): Lane {
    const lane = { flow: this, count: 0, countBefore: 0 };
    this.lanes.push(lane);
    return lane;
  }

  start(): void {
    this.#atLeast = this.lanes.length;
    this.#running = true;
    this.refill();
  }

  stop(): void {
    this.#running = false;
  }

  /** Called after a read that brought messages of this flow. */
  arrived(lane: Lane): void {
    const before = lane.countBefore;
    lane.countBefore = lane.count;
    if (before !== this.#leastCount || --this.#atLeast > 0) return;
    let least = lane.count;
    for (const { countBefore } of this.lanes) if (countBefore < least) least = countBefore;
    this.#leastCount = least;
    for (const { countBefore } of this.lanes) if (countBefore === least) this.#atLeast++;
    this.refill();
  }

  /** Publishes as many messages as window and Receive Maximum allow. */
  refill(): void {
    const publisher = this.publisher;
    if (!this.#running || publisher === null || !publisher.isDrained) return;
    const { published, acknowledged, receiveMaximum } = publisher;
    const room = Math.min(
      this.#window - (published - this.#leastCount),
      receiveMaximum - (published - acknowledged),
    );
    if (room > 0) publisher.publish(room);
  }

  get delivered(): number {
    return this.lanes.reduce((sum, { count }) => sum + count, 0);
  }

  get isSettled(): boolean {
    const publisher = this.publisher;
    if (publisher === null || publisher.acknowledged !== publisher.published) return false;
    return this.lanes.every(({ count }) => count === publisher.published);
  }

  /** What is missing, for errors. */
  get state(): string {
    const { published = 0, acknowledged = 0 } = this.publisher ?? {};
    const least = Math.min(...this.lanes.map(({ count }) => count));
    return `${published} published, ${acknowledged} acknowledged, slowest subscriber has ${least}`;
  }
}
