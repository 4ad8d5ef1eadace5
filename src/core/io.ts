import type { Access } from "./access.ts";
import type { StoredPart, StoreFailure } from "./durable.ts";
import type { EndCause, Loss } from "./end-causes.ts";
import type { BrokerEvent } from "./events.ts";
import type { Limits } from "./limits.ts";
import type {
  AckPacket,
  ClientPacket,
  Frame,
  Message,
  ProtocolVersion,
  PublishPacket,
  PublishRun,
  Qos,
  ServerPacket,
} from "./packet.ts";
import type { ProtocolError } from "./reason.ts";

/**
 * The whole boundary of the core: facts in, orders out. The core never reads a clock, waits or
 * draws a random number. The driver carries out all effects of one input, in order, before the next
 * input.
 */

/** Milliseconds since the epoch, never going back: monotonic time anchored to the wall clock. */
export type Millis = number & { readonly unit: "ms" };

/** A time that never comes. */
export const never = Infinity as Millis;

/** The time `ms` milliseconds after `time`; before it if `ms` is negative. */
export function after(time: Millis, ms: number): Millis {
  return (time + ms) as Millis;
}

/**
 * Identifies one open connection. The driver may reuse a number once it has handed in `closed` for
 * it or carried out the core's `close`.
 */
export type ConnectionId = number;

/** A listener's settings for the connections that it accepts. */
export interface ListenerPolicy {
  /** Its name in the log and in inspect: `tcp 127.0.0.1:1883`. */
  readonly name: string;
  /** Prefix of every topic and filter of its clients, stripped on delivery. */
  readonly mountPoint: string;
  /** Connections at once; Infinity: only the broker's limit applies. */
  readonly connections: number;
  readonly allowAnonymous: boolean;
  /** The name of its access list in `accessChanged`; absent: the one of the broker. */
  readonly accessList?: string;
  /** The accounts that its clients need; null or absent: user names are not checked. */
  readonly passwordFile?: string | null;
}

/** Bytes of memory that the driver holds for one connection. */
export interface DriverHolds {
  /** The connection itself, its socket, and what is on top of that (TLS); never changes. */
  readonly linkBytes: number;
  /**
   * Unread input, and output that its peer has not taken. For people; the driver counts them in
   * `broker.memory` as they change.
   */
  readonly unfinishedBytes: number;
  readonly outputBytes: number;
}

/** Input that has arrived but still waits in sockets or in the driver. */
export interface Unread {
  /** How many connections the driver was asked about, those that had to end first. */
  readonly asked: number;
  /**
   * Connections with unread data or an unread end, or whose socket can take waiting output again.
   */
  readonly connections: ReadonlySet<ConnectionId>;
  /**
   * A CONNECT may be unread, whose client returned before its session ended or its will was due.
   */
  readonly newcomers: boolean;
}

/** A packet of which only the beginning has arrived. */
export interface IncompletePacket {
  /** `PUBLISH`. */
  readonly type: string;
  readonly bytes: number;
  /** Bytes of the whole packet; null: its Remaining Length is incomplete too. */
  readonly size: number | null;
}

/**
 * What the next `deadline` would decide. The driver checks whether unread input would change that.
 */
export interface Undecided {
  /** Connections that would end, and their causes. */
  readonly connections: readonly { readonly id: ConnectionId; readonly cause: EndCause }[];
  /** When the first of them had to end; null: there is none. */
  readonly since: Millis | null;
  /** When the first session or delayed will was due; null: none is due. */
  readonly absentSince: Millis | null;
}

/** Facts, in the past tense. */
export type Input =
  | {
      readonly type: "opened";
      readonly connection: ConnectionId;
      readonly remote: string;
      /** The peer runs on the broker's machine, so a suspend stops both. */
      readonly isLocal: boolean;
      readonly listener: ListenerPolicy;
      /** Random, from the driver; becomes the Assigned Client Identifier if one is needed. */
      readonly token: string;
      /** Absent: nothing. */
      readonly holds?: DriverHolds;
    }
  | {
      readonly type: "received";
      readonly connection: ConnectionId;
      readonly packet: ClientPacket;
    }
  /** Acknowledgements of one type with success, as if each had been `received` alone. */
  | {
      readonly type: "acknowledged";
      readonly connection: ConnectionId;
      readonly by: AckPacket["type"];
      readonly packetIds: readonly number[];
    }
  /**
   * The first `count` PUBLISHes of a run, at least two, as if each had been `received` alone: as many
   * as `broker.takenAtOnce` has just said.
   */
  | {
      readonly type: "published";
      readonly connection: ConnectionId;
      readonly run: PublishRun;
      readonly count: number;
    }
  /** The bytes are not a valid packet. `version` is known if a CONNECT was read up to its level. */
  | {
      readonly type: "malformed";
      readonly connection: ConnectionId;
      readonly error: ProtocolError;
      readonly version: ProtocolVersion | null;
      /**
       * The client id of a CONNECT that is malformed elsewhere; null: unreadable, or already known.
       */
      readonly clientId: string | null;
    }
  /** The peer took less than was written; the rest waits. `stallTimeoutMs` runs from here. */
  | { readonly type: "waiting"; readonly connection: ConnectionId }
  /** Output above the limit: stop delivering until drained. */
  | { readonly type: "blocked"; readonly connection: ConnectionId }
  /** The peer took some of its waiting output: it is slow, not stalled. */
  | { readonly type: "progressed"; readonly connection: ConnectionId }
  /** All waiting output was written. */
  | { readonly type: "drained"; readonly connection: ConnectionId }
  /** The driver stops reading it until `resumed`; that time does not count as its silence. */
  | { readonly type: "paused"; readonly connection: ConnectionId }
  | { readonly type: "resumed"; readonly connection: ConnectionId }
  /** A held connection will send nothing more: its end follows the data that is already there. */
  | { readonly type: "ending"; readonly connection: ConnectionId }
  /**
   * Messages sent to it since its last packet. Handed in when its keepalive has expired, for people
   * only.
   */
  | { readonly type: "delivered"; readonly connection: ConnectionId; readonly messages: number }
  /** Part of a packet has arrived; the rest is still to come. For people only. */
  | {
      readonly type: "incomplete";
      readonly connection: ConnectionId;
      readonly packet: IncompletePacket;
    }
  /** Bytes arrived; the packets they completed were handed in. Only for quirks that count bytes. */
  | {
      readonly type: "bytesReceived";
      readonly connection: ConnectionId;
      /** Bytes missing from the packet that has begun; 0: none has, or its length is unknown. */
      readonly awaited: number;
    }
  /** Answers `cut`: handles the packet further. */
  | { readonly type: "continued"; readonly connection: ConnectionId }
  | {
      readonly type: "closed";
      readonly connection: ConnectionId;
      readonly how: Loss;
      /** What the transport knows about it, in words; absent: no more. */
      readonly detail?: string;
    }
  /** A proxy has named the client's address; before, the proxy's stood for it. */
  | {
      readonly type: "addressed";
      readonly connection: ConnectionId;
      readonly remote: string;
      readonly isLocal: boolean;
    }
  /**
   * The transport still waits for what comes before MQTT: `TLS handshake`. Handed in when no CONNECT
   * came in time, for people only.
   */
  | { readonly type: "preparing"; readonly connection: ConnectionId; readonly what: string }
  | {
      readonly type: "authenticated";
      readonly connection: ConnectionId;
      /** Null: accepted. */
      readonly refused: ProtocolError | null;
    }
  /** Check the deadlines. Those of connections with unread input are postponed. */
  | { readonly type: "deadline"; readonly unread: Unread }
  /**
   * The machine was suspended: `now` jumped by `asleepMs`. Packets stamped from `since` on, which
   * is before the jump, may have arrived after the suspend.
   */
  | { readonly type: "woke"; readonly asleepMs: number; readonly since: Millis }
  /**
   * The process did nothing from `since` until now: it was stopped, or its event loop was blocked.
   */
  | { readonly type: "stoodStill"; readonly since: Millis }
  /** Bytes so far, all connections together; for `$SYS`. */
  | {
      readonly type: "measured";
      readonly bytesReceived: number;
      readonly bytesSent: number;
    }
  | { readonly type: "kicked"; readonly clientId: string }
  /** The operator publishes a message; its packet id and Topic Alias mean nothing. */
  | { readonly type: "ordered"; readonly packet: PublishPacket }
  /** The operator breaks the link as a network would. A later input reports how it ends. */
  | {
      readonly type: "dropped";
      readonly connection: ConnectionId;
      readonly how: "rst" | "silent";
    }
  /** The operator changed the limits, which apply from now on. */
  | { readonly type: "reconfigured"; readonly limits: Limits }
  /** Other access lists are in force from now on: the broker's, and those of listeners by name. */
  | {
      readonly type: "accessChanged";
      readonly access: Access;
      readonly byListener: ReadonlyMap<string, Access>;
    }
  /**
   * A store has kept this of a broker that stopped or died. Hand in all parts before `listening`.
   * `heartbeatAt`: the last sign of life of that broker; null: none is known. `isBehind`: when it
   * died the store had not kept what changed last.
   */
  | {
      readonly type: "loaded";
      readonly part: StoredPart;
      readonly heartbeatAt: Millis | null;
      readonly isBehind: boolean;
    }
  /**
   * That was the last part. Takes time, so it comes before clients can connect; absent: it is as if it
   * came with `listening`.
   */
  | { readonly type: "loadedAll" }
  /** Clients can connect. */
  | { readonly type: "listening" }
  /**
   * The store did not keep what `persist` ordered. `connections`: those that wait for an answer which
   * promises it, and were sent none of what waited. The driver tries again by itself.
   */
  | {
      readonly type: "persistFailed";
      readonly failure: StoreFailure;
      readonly connections: readonly {
        readonly id: ConnectionId;
        /** It got its CONNACK. */
        readonly isAnswered: boolean;
      }[];
    }
  /** The store keeps again what it did not. */
  | { readonly type: "persistRecovered" }
  /** The broker stops. Only `closed` may follow. */
  | { readonly type: "stopping" };

/**
 * How one connection gets its copy of a message. Immutable, so that it serves one message after
 * another.
 */
export interface Delivery {
  readonly connection: ConnectionId;
  readonly version: ProtocolVersion;
  readonly qos: Qos;
  readonly retain: boolean;
  readonly dup: boolean;
  /** Characters to strip from the topic: the length of the subscriber's mount point. */
  readonly strip: number;
  readonly subscriptionIdentifiers: readonly number[] | null;
  /** Topic Alias; 0: none. */
  readonly alias: number;
  /** The client knows the alias already, so the topic is sent empty. */
  readonly aliasKnown: boolean;
  /** No strip, identifiers or alias of its own. Such copies share their bytes. */
  readonly plain: boolean;
}

/** Orders, in the imperative. */
export type Effect =
  /**
   * Commit what `broker.journal` has. The first effect of its input: what follows and promises
   * something (acknowledgements, QoS 2, wills) leaves after that.
   */
  | { readonly type: "persist" }
  | {
      readonly type: "send";
      readonly connection: ConnectionId;
      readonly version: ProtocolVersion;
      readonly packet: ServerPacket;
    }
  /** Send one message to many connections, encoded once. */
  | {
      readonly type: "deliver";
      readonly message: Message;
      /** Seconds left of the Message Expiry Interval (v5-3.3.2-6); null: never expires. */
      readonly expirySeconds: number | null;
      /** The packet that brought it, while copies can be made from its bytes; null: they can't. */
      readonly frame: Frame | null;
      readonly to: readonly Delivery[];
      /** A will's publication. */
      readonly isWill: boolean;
      /** Of each copy, 0 with QoS 0; null: all have QoS 0. */
      readonly packetIds: readonly number[] | null;
    }
  /** Send the first `count` packets of a run as they came, but for the packet ids. */
  | {
      readonly type: "forward";
      readonly run: PublishRun;
      readonly count: number;
      readonly to: readonly Delivery[];
      /** Of each copy, for each of `to`; null: all have QoS 0. */
      readonly packetIds: readonly (readonly number[])[] | null;
    }
  /** Acknowledgements of one type with success, as if each had been sent alone. */
  | {
      readonly type: "acknowledge";
      readonly connection: ConnectionId;
      readonly version: ProtocolVersion;
      readonly by: AckPacket["type"];
      readonly packetIds: readonly number[];
    }
  /**
   * Write the output sent before, then close. `reset`: the peer does not read, so drop that output.
   * The core has forgotten the connection: hand in nothing for it after this.
   */
  | {
      readonly type: "close";
      readonly connection: ConnectionId;
      readonly how: "end" | "reset";
    }
  /** Answer with the input `authenticated`; until then hand in no packets of that connection. */
  | {
      readonly type: "authenticate";
      readonly connection: ConnectionId;
      readonly clientId: string;
      readonly username: string | null;
      readonly password: Uint8Array | null;
      readonly listener: ListenerPolicy;
      readonly remote: string;
      readonly isLocal: boolean;
      /** When the core ends the connection if there is no answer. */
      readonly until: Millis;
    }
  /** CONNECT was accepted: set the transport's own detectors to this keepalive. */
  | {
      readonly type: "watch";
      readonly connection: ConnectionId;
      /** Milliseconds of silence allowed; null: any, only the transport detects a dead peer. */
      readonly allowedMs: number | null;
      /** For the driver's own log lines about this connection. */
      readonly clientId: string;
    }
  /**
   * The budget has ended in the middle of its packet. Answer with `continued` in a later turn; until
   * then hand in no other packet of that connection, and no end that its peer or an operator causes.
   */
  | { readonly type: "cut"; readonly connection: ConnectionId }
  /** Stop reading that connection and hand in none of its packets until `release`. */
  | { readonly type: "hold"; readonly connection: ConnectionId }
  | { readonly type: "release"; readonly connection: ConnectionId }
  | { readonly type: "note"; readonly event: BrokerEvent };
