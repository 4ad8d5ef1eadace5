import type { Arrivals } from "./arrivals.ts";
import type { Channel } from "./channel.ts";
import type { Loop } from "./loop.ts";

/** Maximum turns of the timers for reading a connection before its takeover. */
const looksMax = 1000;

/** Connections whose CONNECT, or its late answer, waits until the connection that it takes over was read. */
export class Takeovers {
  readonly #loop: Loop;
  readonly #arrivals: Arrivals;
  readonly #onRead: (channel: Channel, old: Channel) => void;

  /** `onRead` gets a channel whose withheld input need not wait for `old` any more. */
  constructor(loop: Loop, arrivals: Arrivals, onRead: (channel: Channel, old: Channel) => void) {
    this.#loop = loop;
    this.#arrivals = arrivals;
    this.#onRead = onRead;
  }

  /** Waits until all data that had arrived on `old` is read. `bytes`: received at the last look. */
  wait(channel: Channel, old: Channel, looks = 0, bytes = old.bytesReceived): void {
    // Timers run after a poll of the sockets, and `soon` after that.
    const look = (): void => {
      if (channel.withheld === null || !channel.open) return;
      // What the driver has already is read in any case.
      const isOpen = looks < looksMax || (old.isUnread && old.bytesReceived === bytes);
      if (!isOpen || !this.#isUnread(old, looks)) this.#onRead(channel, old);
      else this.wait(channel, old, looks + 1, old.bytesReceived);
    };
    this.#loop.after(0, () => this.#loop.soon(look));
  }

  #isUnread(old: Channel, looks: number): boolean {
    if (!old.open) return false;
    if (old.isUnread) return true;
    if (old.holdOutput) return false;
    return looks < this.#arrivals.turns || old.held || this.#arrivals.isReadable(old);
  }
}
