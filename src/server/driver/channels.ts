import { fault } from "../../core/assert.ts";
import type { ConnectionId } from "../../core/io.ts";
import type { Channel } from "./channel.ts";

/** The open channels by connection id; ids are reused. */
export class Channels {
  readonly #channels: (Channel | undefined)[] = [];
  readonly #free: ConnectionId[] = [];

  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** Creates a channel under a free id. */
  open(make: (id: ConnectionId) => Channel): Channel {
    const id = this.#free.pop() ?? this.#channels.length;
    const channel = make(id);
    this.#channels[id] = channel;
    this.#count += 1;
    return channel;
  }

  /** Asserts that the channel is open: the core's effects name open connections only. */
  get(id: ConnectionId): Channel {
    const channel = this.#channels[id];
    if (channel === undefined) fault(`an effect names connection ${id}, which is not open`);
    return channel;
  }

  has(id: ConnectionId): boolean {
    return this.#channels[id] !== undefined;
  }

  /** The core has ended the connection: the driver hands in no more inputs for it. */
  release(channel: Channel): void {
    channel.open = false;
    this.#count -= 1;
    channel.reader.discard();
    this.#channels[channel.id] = undefined;
    this.#free.push(channel.id);
  }

  filter(holds: (channel: Channel) => boolean): Channel[] {
    return this.#channels.filter((channel) => channel !== undefined && holds(channel)) as Channel[];
  }

  every(holds: (channel: Channel) => boolean): boolean {
    return this.#channels.every((channel) => channel === undefined || holds(channel));
  }
}
