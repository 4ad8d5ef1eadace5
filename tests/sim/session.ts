import type { EndCause } from "../../src/core/end-causes.ts";
import type { Qos } from "../../src/core/packet.ts";
import type { Ask, Connection, WillAsk } from "./connection.ts";

/** One message that the broker must forward, as published. */
export interface Publication {
  /** Place in the order of all messages of this world. */
  readonly serial: number;
  /** Unique to each message of a program; -1: no payload to identify it. */
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
   * Sessions and shares due to get it, and those that may not count: the publisher's own, which can
   * end with it, and those connected behind another mount point by now.
   */
  recipients: number;
  unsure: number;
  /** Of a will: the commit that keeps its fate, before which it reaches nobody; 0: none. */
  readonly keptWith: number;
}

/** Matches any Subscription Identifiers, where several copies are indistinguishable. */
export const anything: readonly number[] = [-1];

/** One session's copy of one publication. */
export interface Copy {
  readonly publication: Publication;
  readonly qos: Qos;
  readonly retain: boolean;
  readonly identifiers: readonly number[];
  /** Identifiers of copies that look the same. */
  alike: readonly (readonly number[])[];
  /** Why it may be lost. */
  mayBeLost: string | null;
  /** Alternatives of which one suffices (a shared subscription); null: the session's own. */
  readonly share: Share | null;
  sent: boolean;
  /** Later ones of its kind were sent, so it must not be sent any more. */
  passedBy: boolean;
  /** Only for QoS 1 and 2, once sent. */
  packetId: number;
  released: boolean;
  /** Still to be resent on this connection. */
  isAgain: boolean;
}

export interface Share {
  readonly publication: Publication;
  readonly filter: string;
  sent: boolean;
  mayBeLost: boolean;
  /** Its message was published again, so the referee cannot tell which turn delivered which. */
  isAlike: boolean;
}

export interface Subscription {
  /** Whose rights apply; null: in this world everybody may read everything. */
  readonly reader: string | null;
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

/** The retained messages due to one SUBSCRIBE. */
export interface Replay {
  subscription: Subscription;
  /** Those stored before it; later ones are optional. By topic. */
  readonly owed: Map<string, Publication>;
  readonly sent: Set<string>;
  /** Serial of the first publication after the SUBSCRIBE, or after a restart, with which it begins anew. */
  since: number;
  /** Its SUBACK was sent, which it follows, or can't be any more. */
  isAnswered: boolean;
  /**
   * Its subscription has ended or was replaced. Its messages sometimes look like those of others.
   */
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
  /** Of a broker that was restored with it; null: none was. */
  restored: RestoredWill | null;
}

export interface RestoredWill {
  /** Subscribers, or with a grace clients, had time to return: until then it waits when it is due. */
  readonly settledAt: number;
  /** Until then the return of its client cancels it. */
  readonly isGraced: boolean;
}

/** When a delayed will is published if its client stays away. */
export function publishedBy({ dueAt, restored }: WillState): number {
  return Math.max(dueAt, restored?.settledAt ?? dueAt);
}

/** A client id's state by the standard, kept beside the broker's. */
export class Session {
  readonly clientId: string;
  connection: Connection | null = null;
  version = 4;
  /** Seconds; Infinity: never. */
  expiry = 0;
  /** When it ends without a connection; Infinity: never, or it is connected. */
  endsAt = Infinity;
  will: WillState | null = null;
  isOver = false;
  readonly subscriptions = new Map<string, Subscription>();
  /** Unsent copies, by QoS, in the order of their publications. */
  readonly queues: readonly [Copy[], Copy[], Copy[]] = [[], [], []];
  /** Copies that other members of a share may get instead. */
  shared: Copy[] = [];
  /** Its present and past shared subscriptions, by group and pattern. */
  readonly shares = new Map<string, Subscription[]>();
  /** Its present ones, by a number for each join. */
  readonly memberSince = new Map<string, number>();
  /** Messages for it were dropped. */
  isLossy = false;
  replays: Replay[] = [];
  /** Sent and unacknowledged, in the order of first sending. */
  readonly inflight = new Map<number, Copy>();
  /** How many retained messages it got, by topic. */
  readonly replayed = new Map<string, number>();
  /** A subscription had Retain As Published: retained messages look like forwarded ones. */
  hasLikes = false;
  /** Since when nothing blocks its backlog; null: blocked. */
  freeSince: number | null = null;
  /** When a message was last sent to it. */
  sentAt = 0;
  /** The newest publication sent to it, by QoS, publisher and topic. */
  readonly newest = new Map<string, number>();
  /** Packet ids of QoS 2 messages from the client that wait for PUBREL. */
  readonly incoming = new Set<number>();

  constructor(clientId: string) {
    this.clientId = clientId;
  }

  /** What outlives its connection, with copies of what changes. */
  kept(copyOf: (copy: Copy) => Copy): Session {
    const other = new Session(this.clientId);
    const { version, expiry, endsAt, will, isLossy, hasLikes, sentAt } = this;
    Object.assign(other, { version, expiry, endsAt, isLossy, hasLikes, sentAt });
    other.will = will && { ...will };
    this.queues.forEach((queue, qos) => other.queues[qos]?.push(...queue.map(copyOf)));
    other.shared = this.shared.map(copyOf);
    other.replays = this.replays.map((replay) => ({
      ...replay,
      owed: new Map(replay.owed),
      sent: new Set(replay.sent),
    }));
    fill(other.subscriptions, this.subscriptions);
    for (const [name, own] of this.shares) other.shares.set(name, [...own]);
    fill(other.memberSince, this.memberSince);
    for (const [packetId, copy] of this.inflight) other.inflight.set(packetId, copyOf(copy));
    fill(other.replayed, this.replayed);
    fill(other.newest, this.newest);
    for (const packetId of this.incoming) other.incoming.add(packetId);
    return other;
  }

  /** The most messages that may wait for it. */
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

function fill<Key, Value>(to: Map<Key, Value>, from: ReadonlyMap<Key, Value>): void {
  for (const [key, value] of from) to.set(key, value);
}

/** From now on retained messages may be sent for all of its SUBSCRIBEs. */
export function freeReplays({ replays }: Session): void {
  for (const replay of replays) replay.isAnswered = true;
}

/** Seconds that a session lives without its connection. */
export function expiryOf(ask: Ask, maximum: number): number {
  if (ask.version !== 5) return ask.clean ? 0 : maximum;
  return Math.min(ask.expiry === 0xffff_ffff ? Infinity : (ask.expiry ?? 0), maximum);
}
