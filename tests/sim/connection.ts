import type { EndCause } from "../../src/core/end-causes.ts";
import type { Limits } from "../../src/core/limits.ts";
import type { ProtocolVersion } from "../../src/core/packet.ts";
import type { SimLink } from "./link.ts";
import type { Copy, Session } from "./session.ts";

/** What a program puts into a CONNECT. Seconds where it is about time; null: left out. */
export interface Ask {
  readonly version: ProtocolVersion;
  readonly clientId: string;
  readonly clean: boolean;
  readonly keepAlive: number;
  readonly username: string | null;
  readonly expiry: number | null;
  readonly receiveMaximum: number | null;
  readonly maximumPacketSize: number | null;
  readonly topicAliasMaximum: number | null;
  readonly will: WillAsk | null;
}

export interface WillAsk {
  readonly topic: string;
  readonly payload: string;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
  readonly delay: number;
  readonly expiry: number | null;
  readonly contentType: string | null;
}

/** One thing that a program sent, and what the broker has to make of it. */
export interface Item {
  /** Bytes of the connection up to and with its last one. */
  end: number;
  readonly type: string;
  readonly packetId: number;
  readonly topic: string | null;
  /** Of a PUBLISH. */
  readonly contentType: string | null;
  /** Of a CONNECT. */
  readonly ask: Ask | null;
  /** It is no packet: each of these is a right end. Null: it is one. */
  readonly causes: readonly EndCause[] | null;
}

/** A packet that the broker says it has sent; its bytes have to follow in this order. */
export interface Said {
  /** First byte of the packet. */
  readonly first: number;
  readonly packetId: number;
  /** Reason codes or the like; null: not looked at. */
  readonly codes: readonly number[] | null;
  /** Of a PUBLISH. */
  readonly topic: string;
  readonly copy: Copy | null;
  readonly payload: Uint8Array | null;
  readonly expirySeconds: number | null;
}

/** One network connection as the world and its referee know it. Times are the broker's clock. */
export class Connection {
  readonly number: number;
  readonly remote: string;
  readonly listener: string;
  readonly mountPoint: string;
  openedAt: number;
  /** It sleeps when the broker's machine does. */
  readonly isLocal: boolean;
  /** Connections that its listener takes. */
  readonly listenerLimit: number;
  /** The broker has taken it from the system. */
  isAccepted = false;
  /** The core knows of it. */
  isAdmitted = false;
  link!: SimLink;

  // What was sent on it.
  readonly items: Item[] = [];
  /** The item that the broker has to read next. */
  next = 0;
  sentBytes = 0;
  arrivedBytes = 0;

  // What the broker made of it.
  state: "opened" | "asked" | "connected" | "ended" = "opened";
  ask: Ask | null = null;
  clientId = "";
  session: Session | null = null;
  /** When the last whole packet was read, and since when the broker does not read. */
  lastPacketAt: number;
  pausedAt: number | null = null;
  /** When the broker last began to read again. */
  resumedAt = -1;
  allowedMs = Infinity;
  /** When all that was written for it had been taken last. */
  clearAt = 0;
  /** Since when it has taken nothing of what waits for it; null: nothing waits. */
  stallSince: number | null = null;
  /** PUBLISHes with QoS 1 and 2 that it may be sent at once, and those that it has yet to answer. */
  window = Infinity;
  readonly unanswered = new Set<Copy>();
  maximumPacketSize = Infinity;
  readonly aliasesIn: string[] = [];
  /** Limits as they were when it was opened, which is what CONNACK tells. */
  limits: Limits;
  /** What the answer to the PUBLISH at hand has to say; null: anything. */
  answerReason: "somebody" | "nobody" | "refusal" | null = null;
  /** What the SUBACK or UNSUBACK at hand has to say. */
  granted: readonly number[] = [];
  /** The Content Type of the PUBLISH at hand. */
  sentContentType: string | null = null;
  /** Packet ids of its QoS 2 messages that wait for PUBREL. */
  readonly unfinished = new Set<number>();
  /** What it is owed: `type << 16 | id`, in order. */
  readonly owed: number[] = [];
  readonly said: Said[] = [];
  saidPlace = 0;
  connack: { readonly reason: number; readonly sessionPresent: boolean } | null = null;
  /** Ends of which one has to be the next thing that happens to it. */
  verdict: readonly EndCause[] | null = null;
  /** What came last may be the cause of its end, or of nothing. */
  isUnsure = false;
  endCause: EndCause | null = null;
  /** An operator has declared it dead: nothing passes any more, and nothing tells. */
  isSilenced = false;
  /** The broker has sent it away and waits for it to go. */
  isClosing = false;

  constructor(
    number: number,
    remote: string,
    listener: string,
    mountPoint: string,
    isLocal: boolean,
    listenerLimit: number,
    now: number,
    limits: Limits,
  ) {
    this.number = number;
    this.remote = remote;
    this.listener = listener;
    this.mountPoint = mountPoint;
    this.isLocal = isLocal;
    this.listenerLimit = listenerLimit;
    this.openedAt = now;
    this.lastPacketAt = now;
    this.limits = limits;
  }

  /** What it is held to: a v5 client to what it was told, others to what is set by now. */
  heldTo(limits: Limits): Limits {
    return this.ask === null || this.ask.version === 5 ? this.limits : limits;
  }

  get isOpen(): boolean {
    return this.state !== "ended";
  }
}
