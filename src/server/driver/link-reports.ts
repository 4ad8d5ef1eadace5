import { assert } from "../../core/assert.ts";
import type { Broker } from "../../core/broker.ts";
import type { ListenerPolicy } from "../../core/io.ts";
import type { Link, LinkEvents } from "../../transport/transport.ts";
import { Channel } from "./channel.ts";
import type { Channels } from "./channels.ts";
import type { Core } from "./core.ts";
import type { Ends } from "./ends.ts";
import type { Newcomers } from "./newcomers.ts";
import type { Output } from "./output.ts";
import type { Reading } from "./reading.ts";

interface LinkReportsParts {
  readonly broker: Broker;
  readonly core: Core;
  readonly channels: Channels;
  readonly output: Output;
  readonly reading: Reading;
  readonly newcomers: Newcomers;
  readonly ends: Ends;
  /** Called with the bytes of each chunk of a link. */
  readonly onRead: ((bytes: number) => void) | undefined;
  readonly onFault: (fault: unknown) => void;
}

/** Takes what the links report, each report as a call of the loop. */
export class LinkReports {
  readonly #parts: LinkReportsParts;
  readonly #core: Core;
  /** A quirk is on by which bytes, not only packets, reset the keepalive. */
  readonly #reportsBytes: boolean;
  bytesReceived = 0;

  constructor(parts: LinkReportsParts) {
    this.#parts = parts;
    this.#core = parts.core;
    const { rules } = parts.broker;
    this.#reportsBytes =
      rules.keepAliveResetBy === "byte" || rules.keepAliveResetBy === "byteOfLarge";
  }

  /** Event handlers for the connections of one listener. */
  eventsFor(listener: ListenerPolicy): LinkEvents {
    const core = this.#core;
    return {
      opened: (link) => core.guard(() => this.#opened(link, listener)),
      data: (link, chunk) => {
        // No closure here: this is the hot path.
        try {
          this.#data(channelOf(link), chunk);
        } catch (fault) {
          this.#parts.onFault(fault);
        }
      },
      drained: (link) => core.guard(() => this.#drained(channelOf(link))),
      closed: (link, how, detail) => {
        // Nor here: one poll may report thousands of ends.
        try {
          this.#parts.ends.closed(channelOf(link), how, detail);
        } catch (fault) {
          this.#parts.onFault(fault);
        }
      },
      addressed: (link) => core.guard(() => this.#addressed(channelOf(link))),
    };
  }

  #opened(link: Link, listener: ListenerPolicy): void {
    const { channels, ends, newcomers } = this.#parts;
    this.#core.beginCall();
    const channel = channels.open(link, listener);
    ends.keepDescriptors();
    newcomers.opened(channel);
    this.#core.endCall();
  }

  #data(channel: Channel, chunk: Uint8Array): void {
    this.#parts.onRead?.(chunk.length);
    // Ignore bytes after the core has closed the connection.
    if (!channel.open) return;
    this.bytesReceived += chunk.length;
    channel.bytesReceived += chunk.length;
    this.#core.beginCall();
    this.#parts.reading.feed(channel, chunk);
    if (!channel.admitted) return;
    if (this.#reportsBytes && channel.open) {
      this.#core.handle({
        type: "bytesReceived",
        connection: channel.id,
        awaited: channel.reader.awaited,
      });
    }
    this.#core.endCall();
  }

  #drained(channel: Channel): void {
    this.#core.beginCall();
    channel.countOutput();
    this.#parts.output.add(channel);
    this.#core.endCall();
  }

  /** A proxy's header has named the client. */
  #addressed(channel: Channel): void {
    if (!channel.open || !channel.admitted) return;
    const { remote, isLocal } = channel.link;
    this.#core.beginCall();
    this.#core.handle({ type: "addressed", connection: channel.id, remote, isLocal });
    this.#core.endCall();
  }
}

function channelOf(link: Link): Channel {
  assert(link.owner instanceof Channel, "a link reports events only after `opened`");
  return link.owner;
}
