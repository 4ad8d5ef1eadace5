import type { Arrivals } from "./arrivals.ts";
import type { Channel } from "./channel.ts";
import type { Loop } from "./loop.ts";

/**
 * Open links that the core does not know yet. No place was free, but another connection's end may be
 * unread: each waits until the loop has read the sockets.
 */
export class Newcomers {
  readonly #loop: Loop;
  readonly #arrivals: Arrivals;
  readonly #onRead: (channel: Channel) => void;
  readonly #waiting = new Set<Channel>();

  /** `onRead` gets a channel that need not wait any more, its link still paused. */
  constructor(loop: Loop, arrivals: Arrivals, onRead: (channel: Channel) => void) {
    this.#loop = loop;
    this.#arrivals = arrivals;
    this.#onRead = onRead;
  }

  get isEmpty(): boolean {
    return this.#waiting.size === 0;
  }

  wait(channel: Channel, turns = this.#arrivals.turns): void {
    this.#waiting.add(channel);
    channel.link.pause();
    this.#loop.after(0, () => {
      if (channel.admitted) return;
      if (turns > 1) this.wait(channel, turns - 1);
      else this.#onRead(channel);
    });
  }

  /** The core knows the channel's connection. */
  admitted(channel: Channel): void {
    this.#waiting.delete(channel);
  }
}
