import type { Budget } from "../../core/budget.ts";
import type { DataWatch, SocketPoll } from "../../transport/socket-poll.ts";
import type { Channel } from "./channel.ts";
import type { Channels } from "./channels.ts";
import type { Turns } from "./turns.ts";

/** Work after which the others have to wait, in units of `Budget`. */
const unitsAtOnce = 500;

/**
 * Reads what light clients have sent, while the loop is busy with thousands of others: a PINGREQ that
 * stands behind 5,000 ends in the loop's list waits for all their callbacks.
 */
export class ReadAhead {
  /** By connection ids. Null: unread data can't be seen. */
  readonly #watch: DataWatch | null;
  readonly #channels: Channels;
  readonly #turns: Turns<Channel>;
  readonly #budget: Budget;

  constructor(poll: SocketPoll | null, channels: Channels, turns: Turns<Channel>, budget: Budget) {
    this.#watch = poll?.watchData?.() ?? null;
    this.#channels = channels;
    this.#turns = turns;
    this.#budget = budget;
  }

  /** The channel's CONNECT was accepted. */
  connected({ id, link }: Channel): void {
    const { descriptor } = link;
    if (descriptor !== null) this.#watch?.add(id, descriptor);
  }

  /** The channel's link has ended, or is not to be read any more. */
  forget({ id }: Channel): void {
    this.#watch?.delete(id);
  }

  /** The events of what it reads come from inside this call. */
  read(): void {
    if (this.#watch === null) return;
    const until = this.#budget.spent + unitsAtOnce;
    for (const id of this.#watch.find()) {
      if (!this.#channels.has(id)) continue;
      const channel = this.#channels.get(id);
      if (this.#mayRead(channel)) channel.link.readAhead?.();
      if (this.#budget.spent >= until) return;
    }
  }

  #mayRead(channel: Channel): boolean {
    const { open, last, held, stopped } = channel;
    return open && last === null && !held && !stopped && this.#turns.isLight(channel);
  }
}
