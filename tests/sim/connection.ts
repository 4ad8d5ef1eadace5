import type { EndCause } from "../../src/core/end-causes.ts";
import type { ListenerPolicy } from "../../src/core/io.ts";
import type { Limits } from "../../src/core/limits.ts";
import type { ProtocolVersion, SubscribePacket, UnsubscribePacket } from "../../src/core/packet.ts";
import type { SimLink } from "./link.ts";
import type { Copy, Session } from "./session.ts";

/** The fields of a program's CONNECT. Times in seconds; null: omitted. */
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

/** One packet that a program sent, and the reaction that it requires of the broker. */
export interface Item {
  /** Bytes of the connection up to and including its last one. */
  end: number;
  readonly type: string;
  readonly packetId: number;
  readonly topic: string | null;
  /** Of a PUBLISH. */
  readonly contentType: string | null;
  /** Of a CONNECT. */
  readonly ask: Ask | null;
  /** Not a packet: each of these ends is right. Null: a packet. */
  readonly causes: readonly EndCause[] | null;
}

/** A SUBSCRIBE or UNSUBSCRIBE that the broker may handle in pieces. */
export interface Pending {
  readonly packet: SubscribePacket | UnsubscribePacket;
  /** The required code of each filter that has its event, or needs none. */
  readonly granted: number[];
  /** Limits that have refused a filter: of each, the first refusal has an event. */
  readonly refusedBy: Set<string>;
}

/** A packet that the broker announced as sent; its bytes must follow in this order. */
export interface Said {
  /** First byte of the packet. */
  readonly first: number;
  readonly packetId: number;
  /** Reason codes or similar; null: not checked. */
  readonly codes: readonly number[] | null;
  /** Of a PUBLISH. */
  readonly topic: string;
  readonly copy: Copy | null;
  readonly payload: Uint8Array | null;
  readonly expirySeconds: number | null;
  /** The commit that it waits for; 0: none. */
  readonly needed: number;
  /** It promises something: without the commit it never leaves. */
  readonly isPromise: boolean;
}

/** One network connection as the world and its referee see it. Times are the broker's clock. */
export class Connection {
  readonly number: number;
  readonly remote: string;
  readonly policy: ListenerPolicy;
  openedAt: number;
  /** When its authentication began. */
  askedAt: number;
  /** It sleeps with the broker's machine. */
  readonly isLocal: boolean;
  /** The broker has accepted it from the system. */
  isAccepted = false;
  /** The core knows the connection. */
  isAdmitted = false;
  link!: SimLink;

  // The packets sent on it.
  readonly items: Item[] = [];
  /** The next item that the broker must read. */
  next = 0;
  sentBytes = 0;
  arrivedBytes = 0;

  // What the broker made of it.
  state: "opened" | "asked" | "connected" | "ended" = "opened";
  ask: Ask | null = null;
  clientId = "";
  session: Session | null = null;
  /** When the broker read the last whole packet, and since when it does not read. */
  lastPacketAt: number;
  pausedAt: number | null = null;
  /** When the broker last resumed reading. */
  resumedAt = -1;
  allowedMs = Infinity;
  /** When the program had last taken all output. */
  clearAt = 0;
  /** Since when it has taken none of its waiting output; null: nothing waits. */
  stallSince: number | null = null;
  /** PUBLISHes with QoS 1 and 2 that it may get at once, and those that it must still answer. */
  window = Infinity;
  readonly unanswered = new Set<Copy>();
  maximumPacketSize = Infinity;
  readonly aliasesIn: string[] = [];
  /** The limits when it was opened, which CONNACK announces. */
  limits: Limits;
  /** The required code in the answer to the current PUBLISH; null: any. */
  answerReason: "somebody" | "nobody" | "refusal" | null = null;
  /** Topics on which a PUBLISH without authorization was said: each once, and at most 20. */
  readonly #denied = new Set<string>();
  /** Its SUBSCRIBE or UNSUBSCRIBE that is not answered yet; null: each is. */
  pending: Pending | null = null;
  /** Its CONNACK has left. */
  isTold = false;
  /** The Content Type of the current PUBLISH. */
  sentContentType: string | null = null;
  /** Packet ids of its QoS 2 messages that wait for PUBREL. */
  readonly unfinished = new Set<number>();
  /** The answers that it is owed: `type << 16 | id`, in order. */
  readonly owed: number[] = [];
  readonly said: Said[] = [];
  saidPlace = 0;
  /** Output of it waits, for its peer or for the store. */
  get isBehind(): boolean {
    return this.link.clogged || this.said.length > this.saidPlace;
  }

  connack: { readonly reason: number; readonly sessionPresent: boolean } | null = null;
  /** Possible ends; one of them must be the connection's next event. */
  verdict: readonly EndCause[] | null = null;
  /** The last packet may have caused its end, or nothing. */
  isUnsure = false;
  endCause: EndCause | null = null;
  /** An operator has declared it dead: nothing passes any more, and no signal arrives. */
  isSilenced = false;
  /** How its link ended, and when; the broker still has to read what came before. Null: it has not. */
  lost: { readonly cause: EndCause; readonly at: number } | null = null;
  /** When an operator ordered its end. */
  kickedAt: number | null = null;
  /** Bytes that had arrived when another ordered its end: their packets are read before it. */
  mustReadBytes = 0;
  /** The broker has ended it and waits for the program to close. */
  isClosing = false;

  constructor(
    number: number,
    remote: string,
    policy: ListenerPolicy,
    isLocal: boolean,
    now: number,
    limits: Limits,
  ) {
    this.number = number;
    this.remote = remote;
    this.policy = policy;
    this.isLocal = isLocal;
    this.openedAt = now;
    this.askedAt = now;
    this.lastPacketAt = now;
    this.limits = limits;
  }

  get listener(): string {
    return this.policy.name;
  }

  get mountPoint(): string {
    return this.policy.mountPoint;
  }

  /** The connection limit of its listener. */
  get listenerLimit(): number {
    return this.policy.connections;
  }

  /**
   * The limits in force: a v5 client's are those that CONNACK announced, others' are the present
   * ones.
   */
  heldTo(limits: Limits): Limits {
    return this.ask === null || this.ask.version === 5 ? this.limits : limits;
  }

  /** Whether a denied PUBLISH is to be said: once for each topic. */
  isDenialNew(topic: string): boolean {
    const isNew = this.#denied.size < 20 && !this.#denied.has(topic);
    if (isNew) this.#denied.add(topic);
    return isNew;
  }

  /** An operator or another connection orders its end. While its client takes no output, at once. */
  endOrdered(): void {
    if (this.link.clogged || this.stallSince !== null) return;
    this.mustReadBytes = this.arrivedBytes;
  }

  get isOpen(): boolean {
    return this.state !== "ended";
  }
}
