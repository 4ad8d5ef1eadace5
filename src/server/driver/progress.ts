import type { Millis } from "../../core/io.ts";
import type { Channel } from "./channel.ts";

/** Minimum milliseconds between two checks, and links in one check. */
const checkMs = 20;
const askedAtOnce = 2000;

/**
 * Detects whether peers with waiting output take any of it. A blocked link proves little: the
 * kernel reports room only once a third of its buffer is free, which can be megabytes. So ask the
 * kernel how many bytes are unacknowledged.
 */
export class Progress {
  /** Unacknowledged bytes at the last check. */
  readonly #unacknowledged = new Map<Channel, number>();
  #checkedAt = 0;

  begin(channel: Channel): void {
    const unacknowledged = channel.link.unacknowledged?.() ?? null;
    if (unacknowledged !== null) this.#unacknowledged.set(channel, unacknowledged);
  }

  end(channel: Channel): void {
    this.#unacknowledged.delete(channel);
  }

  /** Calls `onProgress` for each channel whose peer has taken something since the last check. */
  check(now: Millis, onProgress: (channel: Channel) => void): void {
    if (this.#unacknowledged.size === 0 || now - this.#checkedAt < checkMs) return;
    this.#checkedAt = now;
    let asked = Math.min(this.#unacknowledged.size, askedAtOnce);
    for (const [channel, before] of this.#unacknowledged) {
      if (asked-- === 0) break;
      const unacknowledged = channel.link.unacknowledged?.() ?? before;
      // Move to the end, so that the next check starts with the others.
      this.#unacknowledged.delete(channel);
      this.#unacknowledged.set(channel, unacknowledged);
      // A write that took bytes since then reported its own progress.
      if (unacknowledged < before) onProgress(channel);
    }
  }
}
