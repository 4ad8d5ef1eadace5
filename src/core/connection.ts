import { fault } from "./assert.ts";
import { Deadline } from "./deadlines.ts";
import type { Peer } from "./events.ts";
import {
  after,
  type ConnectionId,
  type Delivery,
  type DriverHolds,
  type IncompletePacket,
  type ListenerPolicy,
  type Millis,
} from "./io.ts";
import type { Holding } from "./hold.ts";
import type { Announced } from "./limits.ts";
import { costs, type Memory, textBytes } from "./memory.ts";
import type { ClientPacket, ConnectPacket, ProtocolVersion } from "./packet.ts";
import type { RecordRef } from "./records/records.ts";
import { DeniedTopics } from "./denied-topics.ts";
import type { Session } from "./session.ts";
import type { FilterRun } from "./subscribe.ts";
import type { Timed } from "./timed.ts";
import { willBytes } from "./will.ts";

export type ConnectionState = "opened" | "authenticating" | "connected" | "closed";

const transitions: Readonly<Record<ConnectionState, readonly ConnectionState[]>> = {
  opened: ["authenticating", "closed"],
  authenticating: ["connected", "closed"],
  connected: ["closed"],
  closed: [],
};

/** Bytes of a connection's aliases that are not refused. */
const smallAliases = 4096;

/** One socket: its state, its keepalive and its topic aliases. */
export class Connection {
  readonly id: ConnectionId;
  #remote: string;
  #isLocal: boolean;
  readonly listener: ListenerPolicy;
  /** For a client without an id; empty once CONNECT is accepted. */
  token: string;
  openedAt: Millis;
  /** The limits that apply to it: for v5 those that CONNACK announced, for v3 and v4 the current. */
  announced: Announced;
  readonly deadline: Deadline<Timed>;
  #state: ConnectionState = "opened";

  version: ProtocolVersion = 4;
  /** Whether CONNECT declared a bridge. */
  bridge = false;
  clientId: string | null = null;
  /** What its transport waited for when its time for CONNECT was over; null: for CONNECT. */
  preparing: string | null = null;
  /** The CONNECT that waits for authentication. */
  connect: ConnectPacket | null = null;
  /** When its authentication began. */
  askedAt: Millis;
  /** Set while connected. */
  session: Session | null = null;
  /** Seconds in force; 0: none. */
  keepAliveSeconds = 0;
  /** Seconds that CONNECT asked for, not those in force; 0: absent. */
  sessionExpiryAskedSeconds = 0;
  /** Its session may outlive it, and send again what was not acknowledged. */
  isResumable = false;
  /** When the last complete packet arrived. All that a packet writes for the keepalive. */
  lastPacketAt: Millis;
  lastPacketType: ClientPacket["type"] | "none" = "none";
  /** A packet of which only a part has arrived, not for rules; null: none. */
  incomplete: (IncompletePacket & { readonly since: Millis; readonly at: Millis }) | null = null;
  /** Messages sent to it since its last packet, known once its keepalive has expired. */
  deliveredInSilence = 0;
  /** The record's reference, not for rules; null: no CONNECT was read. */
  recordRef: RecordRef | null = null;
  /** Start of the silence under a planted quirk; null: the last packet, as the standard says. */
  silentSince: Millis | null = null;
  /**
   * Milliseconds of silence that the keepalive allows; null: any, or CONNECT is not yet accepted.
   */
  allowedMs: number | null = null;
  /** How the operator broke the link, as a network would; null: not at all. */
  dropped: { readonly how: "rst" | "silent"; readonly at: Millis } | null = null;
  /** When the driver paused reading; null: it reads. */
  pausedAt: Millis | null = null;
  /** Since when the peer has taken none of its waiting output; null: none waits. */
  waitingSince: Millis | null = null;
  /** Output above the limit: nothing more is delivered until it is drained. */
  blocked = false;
  /** Bytes; Infinity: no limit. The client's own Maximum Packet Size. */
  maximumPacketSize = Infinity;
  /** Unacknowledged QoS 1 and 2 messages that may be sent to it at once. */
  receiveMaximum = 65_535;

  /** Its SUBSCRIBE or UNSUBSCRIBE that the budget has cut; null: none is cut. */
  cut: FilterRun | null = null;

  /** Created with its first hold. */
  holding: Holding | null = null;
  /** The peer closed its half of the stream: everything it sent can be read. */
  isEnding = false;

  /** Packet ids of QoS 2 messages received on it in v5 that wait for PUBREL; created with the first. */
  unfinished: Set<number> | null = null;

  /** Which of its PUBLISHes without authorization are logged; created with the first. */
  #deniedTopics: DeniedTopics | null = null;

  /** How the last copy was sent to it: the next mostly equals it. */
  lastDelivery: Delivery | null = null;

  /** Topics by the aliases that the client defined; created with the first [v5-3.3.2-7]. */
  aliasesIn: string[] | null = null;
  /** Aliases that the broker defined, by topic, and how many it may define. */
  aliasesOut: Map<string, number> | null = null;
  aliasesOutMax = 0;
  /** Bytes of memory of both. */
  aliasBytes = 0;
  /** Counted by the driver in the broker's memory too. */
  readonly driverHolds: DriverHolds | null;

  constructor(
    id: ConnectionId,
    remote: string,
    isLocal: boolean,
    listener: ListenerPolicy,
    token: string,
    announced: Announced,
    driverHolds: DriverHolds | null,
    now: Millis,
  ) {
    this.driverHolds = driverHolds;
    this.id = id;
    this.#remote = remote;
    this.#isLocal = isLocal;
    this.listener = listener;
    this.token = token;
    this.announced = announced;
    this.openedAt = now;
    this.askedAt = now;
    this.lastPacketAt = now;
    this.deadline = new Deadline<Timed>(this);
  }

  // The owner of its own deadline, which saves each connection an object.
  get kind(): "connection" {
    return "connection";
  }

  get connection(): this {
    return this;
  }

  /** `address:port` of the client, or of the proxy before it until that has named the client. */
  get remote(): string {
    return this.#remote;
  }

  get isLocal(): boolean {
    return this.#isLocal;
  }

  movedTo(remote: string, isLocal: boolean): void {
    this.#remote = remote;
    this.#isLocal = isLocal;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  become(next: ConnectionState): void {
    if (!transitions[this.#state].includes(next)) {
      fault(`a connection that is ${this.#state} can't become ${next}`);
    }
    this.#state = next;
  }

  /**
   * Whether memory is left for an alias of a topic, which may have meant another before. Few and
   * short ones always have room, and so has one that takes no more than before.
   */
  hasRoomForAlias(memory: Memory, topic: string, before?: string): boolean {
    if (memory.hasRoomBefore("refuseNew", topic.length * 2)) return true;
    const bytes = aliasGrowth(topic, before);
    return bytes <= 0 || this.aliasBytes + bytes <= smallAliases;
  }

  /** Counts an alias of a topic, which may have meant another before. */
  countAlias(memory: Memory, topic: string, before?: string): void {
    const bytes = aliasGrowth(topic, before);
    this.aliasBytes += bytes;
    memory.aliases.take(bytes);
  }

  /** Bytes of memory that count for it as a connection. */
  get ownBytes(): number {
    return costs.connection + (this.driverHolds?.linkBytes ?? 0) + this.waitingBytes;
  }

  /** Bytes of memory. */
  get held(): number {
    const { unfinishedBytes = 0, outputBytes = 0 } = this.driverHolds ?? {};
    const cutBytes = this.cut?.bytes ?? 0;
    return this.ownBytes + this.aliasBytes + cutBytes + unfinishedBytes + outputBytes;
  }

  /** Memory of its CONNECT while that waits for authentication. */
  get waitingBytes(): number {
    if (this.connect === null) return 0;
    const { username, password, will } = this.connect;
    const credentials = textBytes(username ?? "") + (password?.byteLength ?? 0);
    return costs.message + credentials + (will === null ? 0 : willBytes(will.topic, will));
  }

  get deniedTopics(): DeniedTopics {
    return (this.#deniedTopics ??= new DeniedTopics());
  }

  /** Characters of a topic that its client does not see: the mount point's length. */
  get strip(): number {
    return this.listener.mountPoint.length;
  }

  /** The packet that has begun is still incomplete. `since`: its first part; `at`: its latest. */
  receivedPart(packet: IncompletePacket, now: Millis): void {
    const before = this.incomplete;
    const at = before !== null && before.bytes === packet.bytes ? before.at : now;
    this.incomplete = { ...packet, since: before?.since ?? now, at };
  }

  get peer(): Peer {
    return { clientId: this.clientId, remote: this.remote };
  }

  /** Takes the time in which the driver did not read out of the client's silence. */
  resume(now: Millis): void {
    if (this.pausedAt === null) return;
    // A CONNECT accepted during the pause restarted the silence.
    const pausedFor = now - Math.max(this.pausedAt, this.lastPacketAt);
    this.lastPacketAt = after(this.lastPacketAt, pausedFor);
    if (this.silentSince !== null) this.silentSince = after(this.silentSince, pausedFor);
    this.pausedAt = null;
  }

  /** Moves its times by a suspend of the machine, during which its client was suspended as well. */
  sleepThrough(asleepMs: number): void {
    this.openedAt = after(this.openedAt, asleepMs);
    this.askedAt = after(this.askedAt, asleepMs);
    this.lastPacketAt = after(this.lastPacketAt, asleepMs);
    if (this.silentSince !== null) this.silentSince = after(this.silentSince, asleepMs);
    if (this.pausedAt !== null) this.pausedAt = after(this.pausedAt, asleepMs);
    if (this.waitingSince !== null) this.waitingSince = after(this.waitingSince, asleepMs);
  }

  /**
   * Milliseconds since the last complete packet, less the time in which the driver did not read.
   */
  silentMs(now: Millis): number {
    // A packet that arrived during a pause is handed in later, so `lastPacketAt` can be after
    // `pausedAt`.
    return Math.max(0, (this.pausedAt ?? now) - this.lastPacketAt);
  }
}

/** Whether packets of a connection before its CONNECT wait in the driver. */
export function isUnread({ state, pausedAt }: Connection): boolean {
  return state === "opened" && pausedAt !== null;
}

/** Bytes of memory of an alias, less those of the topic that it meant before. */
function aliasGrowth(topic: string, before: string | undefined): number {
  const bytes = costs.alias + textBytes(topic);
  return before === undefined ? bytes : bytes - costs.alias - textBytes(before);
}
