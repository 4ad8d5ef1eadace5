import type { ConnectionId, ListenerPolicy } from "../../core/io.ts";
import type { ConnectPacket } from "../../core/packet.ts";
import type { Link } from "../../transport/transport.ts";
import { PacketReader, type PacketReaderOptions } from "../../wire/reader.ts";
import { Outbox, type BufferPool } from "./outbox.ts";

/** The driver's side of one connection: its link, what was read of it and what waits for it. */
export class Channel {
  readonly id: ConnectionId;
  link: Link;
  readonly listener: ListenerPolicy;
  readonly reader: PacketReader;
  readonly outbox: Outbox;
  /** For log lines; null before CONNECT was accepted. */
  clientId: string | null = null;
  /** The core was told of it: at once, but where it could only refuse. */
  admitted = false;
  /** In all. */
  bytesReceived = 0;
  /** The core knows it. Once it has closed it, nothing is handed in any more. */
  open = true;
  /** Something was written to the outbox since the last flush. */
  dirty = false;
  /** The link took less than it was given, and has not drained since. */
  waiting = false;
  /** Bytes of waiting output that answer its own packets. */
  replyBytes = 0;
  /** Reasons not to read: a verdict is awaited, its output has nowhere to go, its turn is over, others are slow. */
  holdAuthentication = false;
  holdOutput = false;
  holdTurn = false;
  holdPublisher = false;
  /** A CONNECT that waits for what had arrived on the connection that it takes over. */
  withheld: ConnectPacket | null = null;
  /** When the kernel was last asked whether the peer has ended it, while it was not read. */
  peerCheckedAt = 0;
  /** Whether link and core were told that it is held. */
  paused = false;
  /** Ends the wait for a client that was sent away and does not take its last bytes. */
  stopLinger: (() => void) | null = null;

  constructor(
    id: ConnectionId,
    link: Link,
    listener: ListenerPolicy,
    reading: PacketReaderOptions,
    pool: BufferPool,
  ) {
    this.id = id;
    this.link = link;
    this.listener = listener;
    this.reader = new PacketReader(reading);
    this.outbox = new Outbox(pool);
  }

  get held(): boolean {
    return (
      this.holdAuthentication ||
      this.holdOutput ||
      this.holdTurn ||
      this.holdPublisher ||
      this.withheld !== null
    );
  }

  /** The link takes nothing any more: what waits is lost, and no drain of it follows. */
  loseOutput(): void {
    this.outbox.clear();
    this.waiting = false;
  }
}
