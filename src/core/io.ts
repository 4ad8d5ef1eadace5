import type { EndCause } from "./end-causes.ts";
import type { BrokerEvent } from "./events.ts";
import type { Limits } from "./limits.ts";
import type { ClientPacket, Message, ProtocolVersion, Qos, ServerPacket } from "./packet.ts";
import type { ProtocolError } from "./reason.ts";

/**
 * The whole boundary of the core: facts come in, orders go out. The core never asks for the time,
 * never waits and never draws a random number; whoever drives it carries out the effects of one
 * input, in order, before it hands in the next.
 */

/** Milliseconds since the epoch that never go back: monotonic time anchored to the wall clock. */
export type Millis = number & { readonly unit: "ms" };

/** A time that does not come. */
export const never = Infinity as Millis;

/** The time `ms` milliseconds after `time`; before it if they are negative. */
export function after(time: Millis, ms: number): Millis {
  return (time + ms) as Millis;
}

/**
 * Names one open connection. The driver may use a number again once it has handed in `closed` for
 * it, or carried out the core's `close`.
 */
export type ConnectionId = number;

/** What a listener asks of the connections that it accepts. */
export interface ListenerPolicy {
  /** How the log and inspect name it: `tcp 127.0.0.1:1883`. */
  readonly name: string;
  /** Put before every topic and filter of its clients, taken off again on delivery. */
  readonly mountPoint: string;
  /** Connections at once; Infinity: only the broker's limit counts. */
  readonly connections: number;
  readonly allowAnonymous: boolean;
}

/** What has arrived, and still waits in sockets or in the driver. */
export interface Unread {
  /** Connections of which something waits: data, an end, or room for what waits for them. */
  readonly connections: ReadonlySet<ConnectionId>;
  /** A CONNECT may wait: its client may come back before its session ends or its will is due. */
  readonly newcomers: boolean;
}

/** What the next `deadline` would decide. The driver looks whether anything of it waits unread. */
export interface Undecided {
  /** They would be ended, and for what. */
  readonly connections: readonly { readonly id: ConnectionId; readonly cause: EndCause }[];
  /** When the first of them had to be; null: there is none. */
  readonly since: Millis | null;
  /** When the first session or delayed will was due; null: there is none that is. */
  readonly absentSince: Millis | null;
}

/** Facts, in the past tense. */
export type Input =
  | {
      readonly type: "opened";
      readonly connection: ConnectionId;
      readonly remote: string;
      /** The peer runs on the broker's machine, and sleeps when that does. */
      readonly isLocal: boolean;
      readonly listener: ListenerPolicy;
      /** Drawn by the driver; becomes the Assigned Client Identifier if one is needed. */
      readonly token: string;
    }
  | {
      readonly type: "received";
      readonly connection: ConnectionId;
      readonly packet: ClientPacket;
    }
  /** The bytes were no packet. `version` is known when a CONNECT got as far as its level. */
  | {
      readonly type: "malformed";
      readonly connection: ConnectionId;
      readonly error: ProtocolError;
      readonly version: ProtocolVersion | null;
      /** What a CONNECT that is wrong elsewhere claims; null: it could not be read, or is known. */
      readonly clientId: string | null;
    }
  /** The peer took less than was written: what is left waits. `stallTimeoutMs` runs from here. */
  | { readonly type: "waiting"; readonly connection: ConnectionId }
  /** So much waits that nothing more is to be delivered for now. */
  | { readonly type: "blocked"; readonly connection: ConnectionId }
  /** The peer took some of what waits, yet not enough: it is slow, not stalled. */
  | { readonly type: "progressed"; readonly connection: ConnectionId }
  /** All that waited has been written. */
  | { readonly type: "drained"; readonly connection: ConnectionId }
  /** The driver reads no more from it for now; that time does not count against the keepalive. */
  | { readonly type: "paused"; readonly connection: ConnectionId }
  | { readonly type: "resumed"; readonly connection: ConnectionId }
  /** A connection that is held has nothing more to send: its end follows what is there to be read. */
  | { readonly type: "ending"; readonly connection: ConnectionId }
  /** Bytes came, and packets that they had made whole were handed in. Only where rules count bytes. */
  | {
      readonly type: "bytesReceived";
      readonly connection: ConnectionId;
      /** Bytes that a packet which has begun still lacks; 0: there is none, or no telling. */
      readonly awaited: number;
    }
  | {
      readonly type: "closed";
      readonly connection: ConnectionId;
      readonly how: "eof" | "reset" | "timeout";
    }
  | {
      readonly type: "authenticated";
      readonly connection: ConnectionId;
      /** Null: may come in. */
      readonly refused: ProtocolError | null;
    }
  /** Says only: look at the clock. What has arrived and was not read yet counts: it is not judged. */
  | { readonly type: "deadline"; readonly unread: Unread }
  /**
   * The machine was suspended: `now` has jumped by `asleepMs`. Packets that came from `since` on, which
   * is before the jump, may have come after the suspend.
   */
  | { readonly type: "woke"; readonly asleepMs: number; readonly since: Millis }
  /** The process did nothing between `since` and now: it was stopped, or its loop was held up. */
  | { readonly type: "stoodStill"; readonly since: Millis }
  /** Bytes so far, all connections; for `$SYS`. */
  | {
      readonly type: "measured";
      readonly bytesReceived: number;
      readonly bytesSent: number;
    }
  | { readonly type: "kicked"; readonly clientId: string }
  /** The operator breaks it as the network would. How it ends is told by what follows. */
  | {
      readonly type: "dropped";
      readonly connection: ConnectionId;
      readonly how: "rst" | "silent";
    }
  /** The operator set other limits; they hold for what comes. */
  | { readonly type: "reconfigured"; readonly limits: Limits }
  /** No further inputs but `closed` follow. */
  | { readonly type: "stopping" };

/** One copy of a message for one connection. Immutable, so that QoS 0 copies are made once. */
export interface Delivery {
  readonly connection: ConnectionId;
  readonly version: ProtocolVersion;
  readonly qos: Qos;
  readonly retain: boolean;
  readonly dup: boolean;
  /** 0 for QoS 0. */
  readonly packetId: number;
  /** Characters of the topic to take off: the length of the subscriber's mount point. */
  readonly strip: number;
  readonly subscriptionIdentifiers: readonly number[] | null;
  /** Topic Alias; 0: none. */
  readonly alias: number;
  /** The alias is known to the client already: the topic stays empty. */
  readonly aliasKnown: boolean;
  /** Nothing about it is of its own: no strip, identifiers or alias. Such copies share their bytes. */
  readonly plain: boolean;
}

/** Orders, in the imperative. */
export type Effect =
  | {
      readonly type: "send";
      readonly connection: ConnectionId;
      readonly version: ProtocolVersion;
      readonly packet: ServerPacket;
    }
  /** One message to many connections: encode once. */
  | {
      readonly type: "deliver";
      readonly message: Message;
      /** Seconds left of the Message Expiry Interval (v5-3.3.2-6); null: never expires. */
      readonly expirySeconds: number | null;
      readonly to: readonly Delivery[];
    }
  /**
   * Write what was sent before, then close. `reset`: nobody reads any more, so drop what waits.
   * The core has forgotten the connection: hand in nothing for it after this.
   */
  | {
      readonly type: "close";
      readonly connection: ConnectionId;
      readonly how: "end" | "reset";
    }
  /** Answer with the input `authenticated`; hand in no packets of that connection before. */
  | {
      readonly type: "authenticate";
      readonly connection: ConnectionId;
      readonly clientId: string;
      readonly username: string | null;
      readonly password: Uint8Array | null;
      readonly allowAnonymous: boolean;
    }
  /** CONNECT was accepted: from now on the transport's own detectors follow this keepalive. */
  | {
      readonly type: "watch";
      readonly connection: ConnectionId;
      /** Milliseconds; null: no keepalive, the transport is the only detector. */
      readonly allowedMs: number | null;
      /** For the driver's own lines about this connection. */
      readonly clientId: string;
    }
  /** Hand in no more packets of that connection, and read nothing from it, until `release`. */
  | { readonly type: "hold"; readonly connection: ConnectionId }
  | { readonly type: "release"; readonly connection: ConnectionId }
  | { readonly type: "note"; readonly event: BrokerEvent };
