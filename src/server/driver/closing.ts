import type { Channel } from "./channel.ts";
import type { Driver } from "./driver.ts";
import type { Loop } from "./loop.ts";

/** How long a client may take to read its last bytes before the broker resets the connection. */
const lingerMs = 5000;
/** How long an orderly stop waits for clients to read their last bytes. */
const stopTimeoutMs = 2000;
const pollMs = 5;

/** Connections that the core has ended but whose clients have not closed yet. */
export class ClosingChannels {
  readonly #loop: Loop;
  #count = 0;

  constructor(loop: Loop) {
    this.#loop = loop;
  }

  /** Links that the broker has ended, or will end, and whose peers have not closed yet. */
  get count(): number {
    return this.#count;
  }

  /** Ends the link once its output is written; resets it if that takes longer than `lingerMs`. */
  begin(channel: Channel): void {
    this.#count += 1;
    if (channel.outbox.size === 0) return this.finish(channel);
    channel.stopLinger = this.#loop.after(lingerMs, () => {
      channel.stopLinger = null;
      channel.loseOutput();
      channel.link.reset();
      this.#count -= 1;
    });
  }

  /** Call when all output is written: ends the link. */
  finish(channel: Channel): void {
    channel.stopLinger?.();
    channel.stopLinger = null;
    channel.link.end(() => {
      this.#count -= 1;
    });
  }

  /** Call when the peer closed before all output was written. */
  giveUp(channel: Channel): void {
    if (channel.stopLinger === null) return;
    channel.stopLinger();
    channel.stopLinger = null;
    this.#count -= 1;
  }
}

/** Resolves when every connection has ended and closed, or after `stopTimeoutMs`. */
export async function allClosed(driver: Driver): Promise<void> {
  const until = performance.now() + stopTimeoutMs;
  while (driver.connections + driver.closing > 0 && performance.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}
