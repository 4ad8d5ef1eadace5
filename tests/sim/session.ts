import type { EndCause } from "../../src/core/end-causes.ts";
import type { Qos } from "../../src/core/packet.ts";
import type { Ask, Connection, WillAsk } from "./connection.ts";

/** One message that the broker has to pass on, as it came. */
export interface Publication {
  /** Place in the order of all messages of this world. */
  readonly serial: number;
  /** Unique to each message that a program makes; -1: it has no payload to tell it by. */
  readonly key: number;
  /** With the mount point. */
  readonly topic: string;
  readonly qos: Qos;
  readonly retain: boolean;
  readonly publisher: string;
  readonly payloadBytes: number;
  readonly propertyBytes: number;
  readonly contentType: string | null;
  /** Broker's clock; Infinity: never. */
  readonly expiresAt: number;
  readonly at: number;
  /**
   * Sessions and shares that were to get it, and those among them that may not count: its publisher's
   * own, which can end with it, and who is connected behind another mount point by now.
   */
  recipients: number;
  unsure: number;
}

/** Stands for any Subscription Identifiers, where it can't be told which of several copies one is. */
export const anything: readonly number[] = [-1];

/** What one session is to get of one publication. */
export interface Copy {
  readonly publication: Publication;
  readonly qos: Qos;
  readonly retain: boolean;
  readonly identifiers: readonly number[];
  /** Identifiers of other copies that it can't be told from. */
  alike: readonly (readonly number[])[];
  /** It may be lost, and this is why. */
  mayBeLost: string | null;
  /** Others of which one is enough (a shared subscription); null: it is this session's own. */
  readonly share: Share | null;
  sent: boolean;
  /** Later ones of its kind were sent, so that it must not be sent any more. */
  passedBy: boolean;
  /** Only of QoS 1 and 2, once sent. */
  packetId: number;
  released: boolean;
  /** Still to be sent again on this connection. */
  isAgain: boolean;
}

export interface Share {
  readonly publication: Publication;
  readonly filter: string;
  sent: boolean;
  mayBeLost: boolean;
  /** Its message was published once more, so that it can't be told whose turn brought which. */
  isAlike: boolean;
}

export interface Subscription {
  readonly filter: string;
  /** With the mount point, without the share. */
  readonly pattern: string;
  /** Characters of the mount point. */
  readonly mounted: number;
  readonly group: string | null;
  readonly qos: Qos;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  readonly identifier: number;
}

/** Retained messages that one SUBSCRIBE is owed. */
export interface Replay {
  subscription: Subscription;
  /** Those that were there; what was stored since may come or not. By topic. */
  readonly owed: Map<string, Publication>;
  readonly sent: Set<string>;
  /** Serial of the first publication after the SUBSCRIBE. */
  readonly since: number;
  /** Its subscription has ended or was made anew. What it had brought can't always be told from others'. */
  isOver: boolean;
}

export interface WillState {
  readonly ask: WillAsk;
  readonly key: number;
  /** With the mount point. */
  readonly topic: string;
  readonly clientId: string;
  readonly contentType: string | null;
  state: "armed" | "delayed" | "settled";
  cause: EndCause | null;
  endedAt: number;
  dueAt: number;
  publication: Publication | null;
}

/** A client id's state as the standard has it, kept beside the broker's. */
export class Session {
  readonly clientId: string;
  connection: Connection | null = null;
  version = 4;
  /** Seconds; Infinity: never. */
  expiry = 0;
  /** When it ends without connection; Infinity: never, or it has one. */
  endsAt = Infinity;
  will: WillState | null = null;
  isOver = false;
  readonly subscriptions = new Map<string, Subscription>();
  /** Copies that were not sent yet, by QoS, in the order of their publications. */
  readonly queues: readonly [Copy[], Copy[], Copy[]] = [[], [], []];
  /** Copies of which other members of a share may get theirs instead. */
  shared: Copy[] = [];
  /** The shared subscriptions that it has, and had, by group and pattern. */
  readonly shares = new Map<string, Subscription[]>();
  /** Those that it has, by a number for each time that it came to one. */
  readonly memberSince = new Map<string, number>();
  /** Messages were dropped for it. */
  isLossy = false;
  replays: Replay[] = [];
  /** Sent and not acknowledged, in the order of first sending. */
  readonly inflight = new Map<number, Copy>();
  /** How many retained messages it was sent, by topic. */
  readonly replayed = new Map<string, number>();
  /** A subscription had Retain As Published: retained messages look like what is passed on. */
  hasLikes = false;
  /** Since when nothing keeps it from getting what waits; null: something does. */
  freeSince: number | null = null;
  /** The newest publication that it was sent, by QoS, publisher and topic. */
  readonly newest = new Map<string, number>();
  /** Packet ids of QoS 2 messages from the client that wait for PUBREL. */
  readonly incoming = new Set<number>();

  constructor(clientId: string) {
    this.clientId = clientId;
  }

  /** Messages that wait for it, at the most. */
  get waiting(): number {
    const [none, one, two] = this.queues;
    return none.length + one.length + two.length + this.shared.length;
  }

  get waitingBytes(): number {
    let bytes = 0;
    for (const queue of [...this.queues, this.shared]) {
      for (const { publication } of queue) {
        bytes += publication.topic.length + publication.payloadBytes + publication.propertyBytes;
      }
    }
    return bytes;
  }
}

/** Seconds that a session is to live without its connection. */
export function expiryOf(ask: Ask, maximum: number): number {
  if (ask.version !== 5) return ask.clean ? 0 : maximum;
  return Math.min(ask.expiry === 0xffff_ffff ? Infinity : (ask.expiry ?? 0), maximum);
}
