import type { EndCause } from "./end-causes.ts";
import type { Millis } from "./io.ts";
import type { ProtocolVersion, Qos, ServerPacket } from "./packet.ts";

/** Who a line is about. `clientId` is null while a connection has not said CONNECT. */
export interface Peer {
  readonly clientId: string | null;
  /** `address:port` of the socket. */
  readonly remote: string;
}

/** Where one published message went. */
export interface Reach {
  /** Connections that it was sent to. */
  readonly delivered: number;
  /** Sessions in whose queue it waits. */
  readonly queued: number;
  /** Sessions for which it was dropped: queue full, too large, or QoS 0 to a blocked one. */
  readonly dropped: number;
  /** Sessions that match and get nothing: they are away, and QoS 0 waits for nobody. */
  readonly away: number;
  /** Whether it was stored (or cleared what was stored) as the topic's retained message. */
  readonly retained: "stored" | "cleared" | null;
}

/** Nobody had subscribed, not even somebody who is away (section 3.4.2.1 of v5). */
export function hadNoSubscribers({ delivered, queued, dropped, away }: Reach): boolean {
  return delivered + queued + dropped + away === 0;
}

export interface WillFacts {
  readonly topic: string;
  readonly qos: Qos;
  readonly retain: boolean;
  /** Seconds. */
  readonly delayInterval: number;
  readonly payloadBytes: number;
}

/** What became of a will. Each will gets exactly one of these. */
export type WillFate =
  | {
      readonly fate: "published";
      readonly topic: string;
      /** When it was due, and when it was published. */
      readonly due: Millis;
      readonly at: Millis;
      readonly reach: Reach;
      /** Milliseconds for which the broker itself stood still when it was due; absent: it did not. */
      readonly stoodStillMs?: number;
      /** Seconds of its delay, where that was not waited for at all. */
      readonly unwaited?: number;
    }
  | { readonly fate: "discarded"; readonly topic: string; readonly why: WillDiscarded }
  | { readonly fate: "cancelled"; readonly topic: string; readonly why: "resumed" };

/**
 * `disconnect`: the client said a clean goodbye. `on purpose`: by rules that are not the standard's.
 * Others: publication was not possible.
 */
export type WillDiscarded = "disconnect" | "denied" | "on purpose";

/** The will as the line on the connection's end tells it. */
export type WillAtEnd =
  WillFate | { readonly fate: "delayed"; readonly topic: string; readonly due: Millis };

/** What ends the wait of a delayed will. */
export type WaitEnd = "due" | "session ended" | "resumed" | "broker stopped";

/** An event for people: log, inspect and tests share it; text is made of it at the edge. */
export type BrokerEvent =
  | {
      readonly event: "connected";
      readonly peer: Peer;
      readonly version: ProtocolVersion;
      readonly bridge: boolean;
      readonly cleanStart: boolean;
      readonly sessionPresent: boolean;
      /** Seconds in force; 0: none. */
      readonly keepAlive: number;
      /** What the client had asked for, where the broker told it another one. */
      readonly keepAliveAsked: number;
      /** Seconds in force, Infinity: never. */
      readonly sessionExpiry: number;
      readonly username: string | null;
      readonly will: WillFacts | null;
    }
  | {
      readonly event: "ended";
      readonly peer: Peer;
      readonly cause: EndCause;
      /** More on the cause: a reason code, a statement. Null: the cause says all. */
      readonly detail: string | null;
      readonly statement: string | null;
      /** Milliseconds since the last complete packet. */
      readonly silentMs: number;
      /** Milliseconds of that time in which the broker itself stood still; absent: none. */
      readonly stoodStillMs?: number;
      /** Milliseconds that its last packet had waited at most, while the broker stood still; absent: none. */
      readonly lastPacketWaitedMs?: number;
      /** Milliseconds allowed by the keepalive; null: no limit. */
      readonly allowedMs: number | null;
      /** Seconds in force; 0: none. */
      readonly keepAliveSeconds: number;
      readonly will: WillAtEnd | null;
      /** What a refused CONNECT asked for, and never got; null: nothing, or it could not be read. */
      readonly refusedWill: WillFacts | null;
      /** Whether CONNECT had been accepted. */
      readonly wasConnected: boolean;
    }
  /** The fate of a delayed will; `cause` is that of the connection's end. */
  | {
      readonly event: "will";
      readonly clientId: string;
      readonly cause: EndCause;
      readonly endedAt: Millis;
      /** What ended the waiting. */
      readonly by: WaitEnd;
      readonly will: WillFate;
    }
  /** v3 and v4 have no Server Keep Alive, so the client's own is honoured; said once. */
  | {
      readonly event: "keepAliveAboveMaximum";
      readonly peer: Peer;
      readonly keepAlive: number;
      readonly maximum: number;
    }
  | {
      readonly event: "subscribed";
      readonly peer: Peer;
      readonly filter: string;
      /** Granted QoS, or a reason code from 0x80. */
      readonly reason: number;
    }
  | { readonly event: "unsubscribed"; readonly peer: Peer; readonly filter: string }
  /** A PUBLISH that was not accepted; the connection lives on. */
  | {
      readonly event: "publishRefused";
      readonly peer: Peer;
      readonly topic: string;
      readonly reason: number;
      readonly detail: string;
    }
  /** Said at the first message that a session loses, and again after it had recovered. */
  | {
      readonly event: "dropping";
      /** Null: no session's, but the broker's own store of retained messages. */
      readonly clientId: string | null;
      readonly why: "queue full" | "blocked" | "packet too large" | "retained messages full";
      readonly topic: string;
    }
  /** A packet that is larger than the client takes was left out [v5-3.1.2-25]. */
  | {
      readonly event: "notSent";
      readonly peer: Peer;
      readonly packet: ServerPacket["type"];
      readonly bytes: number;
      readonly maximum: number;
    }
  | { readonly event: "sessionEnded"; readonly clientId: string; readonly why: SessionEnd }
  /** The client itself sees to it that its wills go wrong; said once for each client id and habit. */
  | ({
      readonly event: "clientFault";
      readonly peer: Peer;
    } & ClientHabit)
  /** The clock was set forward after a suspend: what is due is due now. */
  | { readonly event: "woke"; readonly asleepMs: number };

/** What clients do that makes their wills go wrong, whatever the broker does. */
export type ClientHabit =
  /** A new id from the same address with the same will topic: `offline` lands after `online`. */
  | { readonly fault: "randomClientId"; readonly topic: string; readonly before: string }
  /** The retained will stays: nothing retained was published on its topic on that connection. */
  | { readonly fault: "retainedWillWithoutBirth"; readonly topic: string }
  /** What was published retained stands on another topic than the will. */
  | { readonly fault: "birthElsewhere"; readonly topic: string; readonly published: string }
  /** A will, and no keepalive: silence is never found by MQTT. */
  | { readonly fault: "noKeepAlive"; readonly topic: string }
  /**
   * A will, and a keepalive of hours. Seconds; `allowedMs`: milliseconds of silence that the broker
   * allows by it, null: any, absent: of an older broker.
   */
  | {
      readonly fault: "longKeepAlive";
      readonly topic: string;
      readonly keepAlive: number;
      readonly allowedMs?: number | null;
    }
  /** Seconds: the Will Delay Interval, and the Session Expiry Interval that cuts it. */
  | {
      readonly fault: "delayBeyondSession";
      readonly topic: string;
      readonly delayInterval: number;
      readonly sessionExpiry: number;
    }
  /** The will was published, and nobody got it or will find it. */
  | { readonly fault: "willUnheard"; readonly topic: string }
  /** A clean DISCONNECT discarded the will although others listen on its topic and were told nothing. */
  | { readonly fault: "cleanDisconnect"; readonly topic: string; readonly listeners: number }
  /** Clients take each other over under one id. */
  | { readonly fault: "sharedClientId"; readonly remotes: readonly string[] };

/** `replaced`: a CONNECT with Clean Start 1. `expired`: its Session Expiry Interval has passed. */
export type SessionEnd = "expired" | "replaced" | "connection ended";
