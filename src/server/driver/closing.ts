import type { Channel } from "./channel.ts";
import type { Driver } from "./driver.ts";
import type { Loop } from "./loop.ts";

/** How long a client may take to read its last bytes before the broker resets the connection. */
const lingerMs = 5000;
/** How long an orderly stop waits for clients to read their last bytes. */
const stopTimeoutMs = 2000;
const pollMs = 5;

/** Connections that the core has ended but whose clients have not closed yet, the oldest first. */
export class ClosingChannels {
  readonly #loop: Loop;
  readonly #onClosed: () => void;
  /** With what cancels the reset of one whose client does not read its last bytes. */
  readonly #channels = new Map<Channel, (() => void) | null>();
  /** The link that closes now was told to. */
  #isOwnCall = false;

  /** `onClosed`: a callback of the loop tells that a peer has closed, or does not. */
  constructor(loop: Loop, onClosed: () => void) {
    this.#loop = loop;
    this.#onClosed = onClosed;
  }

  /** Links that the broker has ended, or will end, and whose peers have not closed yet. */
  get count(): number {
    return this.#channels.size;
  }

  /** Ends the link once its output is written; resets it if that takes longer than `lingerMs`. */
  begin(channel: Channel): void {
    this.#channels.set(channel, null);
    if (channel.outputSize === 0) return this.finish(channel);
    // Also output that waits for the store, not for the peer.
    channel.waiting = true;
    this.#channels.set(
      channel,
      this.#loop.after(lingerMs, () => this.#reset(channel)),
    );
  }

  /** Call when all output is written: ends the link. */
  finish(channel: Channel): void {
    if (this.#stopLinger(channel)) this.#channels.set(channel, null);
    this.#isOwnCall = true;
    channel.link.end(() => {
      this.#channels.delete(channel);
      if (!this.#isOwnCall) this.#onClosed();
    });
    this.#isOwnCall = false;
  }

  /** Call when the peer closed before all output was written. */
  giveUp(channel: Channel): void {
    if (this.#stopLinger(channel)) this.#channels.delete(channel);
  }

  /** Resets the oldest until no more than a number are left. */
  keep(atMost: number): void {
    for (const channel of this.#channels.keys()) {
      if (this.#channels.size <= atMost) return;
      this.#reset(channel);
    }
  }

  #reset(channel: Channel): void {
    this.#stopLinger(channel);
    channel.loseOutput();
    this.#channels.delete(channel);
    this.#isOwnCall = true;
    channel.link.reset();
    this.#isOwnCall = false;
  }

  /** False: it does not wait for its client. */
  #stopLinger(channel: Channel): boolean {
    const stop = this.#channels.get(channel) ?? null;
    stop?.();
    return stop !== null;
  }
}

/** Resolves when every connection has ended and closed, or after `stopTimeoutMs`. */
export async function allClosed(driver: Driver): Promise<void> {
  const until = performance.now() + stopTimeoutMs;
  while (driver.connections + driver.closing > 0 && performance.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}
