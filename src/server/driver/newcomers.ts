import type { Broker } from "../../core/broker.ts";
import { isFull } from "../../core/places.ts";
import type { Arrivals } from "./arrivals.ts";
import type { Channel } from "./channel.ts";
import type { Channels } from "./channels.ts";
import type { Core } from "./core.ts";
import type { Loop } from "./loop.ts";
import type { Reading } from "./reading.ts";

interface NewcomersParts {
  readonly broker: Broker;
  readonly core: Core;
  readonly loop: Loop;
  readonly arrivals: Arrivals;
  readonly channels: Channels;
  readonly reading: Reading;
}

/**
 * Hands new connections to the core. If no place is free, but another connection's end may be unread,
 * each waits, with its link open, until the loop has read the sockets.
 */
export class Newcomers {
  readonly #parts: NewcomersParts;
  readonly #waiting = new Set<Channel>();

  constructor(parts: NewcomersParts) {
    this.#parts = parts;
  }

  opened(channel: Channel): void {
    this.#parts.arrivals.opened(channel);
    // Whoever waits to be admitted came first.
    if (this.#waiting.size > 0 || isFull(this.#parts.broker, channel.listener)) this.#wait(channel);
    else this.admit(channel);
  }

  #wait(channel: Channel, turns = this.#parts.arrivals.turns): void {
    const { core, loop, reading } = this.#parts;
    this.#waiting.add(channel);
    channel.link.pause();
    loop.after(0, () => {
      if (channel.admitted) return;
      if (turns > 1) return this.#wait(channel, turns - 1);
      core.call(() => {
        this.admit(channel);
        if (!channel.open) return;
        channel.link.resume();
        reading.more(channel);
      });
    });
  }

  /** Hands the new connection to the core. */
  admit(channel: Channel): void {
    const { channels, core, loop } = this.#parts;
    channels.admit(channel);
    this.#waiting.delete(channel);
    const { id, listener } = channel;
    const { remote, isLocal } = channel.link;
    const token = loop.token();
    core.handle({
      type: "opened",
      connection: id,
      remote,
      isLocal,
      listener,
      token,
      holds: channel,
    });
  }
}
