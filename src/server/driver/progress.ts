import type { Millis } from "../../core/io.ts";
import type { Channel } from "./channel.ts";

/** Milliseconds between two looks, however many deadlines there are, and how many one look asks. */
const lookMs = 20;
const askedAtOnce = 2000;

/**
 * Connections for which something waits: whether their peers take any of it. A link that takes nothing
 * more tells little, since the kernel says that there is room again only when a third of its buffer is
 * free, which can be megabytes. So it is asked what it still holds.
 */
export class Progress {
  /** Bytes that the kernel held when it was asked last. */
  readonly #held = new Map<Channel, number>();
  #lookedAt = 0;

  begin(channel: Channel): void {
    const held = channel.link.unacknowledged?.() ?? null;
    if (held !== null) this.#held.set(channel, held);
  }

  end(channel: Channel): void {
    this.#held.delete(channel);
  }

  /** Calls back for each that has taken something since it was asked last. */
  look(now: Millis, took: (channel: Channel) => void): void {
    if (this.#held.size === 0 || now - this.#lookedAt < lookMs) return;
    this.#lookedAt = now;
    let asked = Math.min(this.#held.size, askedAtOnce);
    for (const [channel, before] of this.#held) {
      if (asked-- === 0) break;
      const held = channel.link.unacknowledged?.() ?? before;
      // The others come first when it is asked for the next time.
      this.#held.delete(channel);
      this.#held.set(channel, held);
      // More of it was written since: that it was taken was told then.
      if (held < before) took(channel);
    }
  }
}
