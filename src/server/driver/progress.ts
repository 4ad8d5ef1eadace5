import type { Millis } from "../../core/io.ts";
import type { Channel } from "./channel.ts";

/** Milliseconds between two checks, however many deadlines there are, and how many links one check asks. */
const checkMs = 20;
const askedAtOnce = 2000;

/**
 * Connections with output that waits: whether their peers take any of it. A blocked link alone proves little:
 * the kernel reports room only when a third of its buffer is free, which can be megabytes. So it is asked
 * how many bytes it still holds.
 */
export class Progress {
  /** Bytes that the kernel held at the last check. */
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
      // The others come first when it is asked for the next time.
      this.#unacknowledged.delete(channel);
      this.#unacknowledged.set(channel, unacknowledged);
      // If more was written since, that progress was reported then.
      if (unacknowledged < before) onProgress(channel);
    }
  }
}
