import { assert } from "./assert.ts";
import { Deadline } from "./deadlines.ts";
import type { Peer } from "./events.ts";
import { after, type ConnectionId, type ListenerPolicy, type Millis } from "./io.ts";
import type { Holding } from "./hold.ts";
import type { Announced } from "./limits.ts";
import type { ClientPacket, ConnectPacket, ProtocolVersion } from "./packet.ts";
import type { Memory } from "./records/records.ts";
import type { Session } from "./session.ts";
import type { Timed } from "./timed.ts";

export type ConnectionState = "opened" | "authenticating" | "connected" | "closed";

const transitions: Readonly<Record<ConnectionState, readonly ConnectionState[]>> = {
  opened: ["authenticating", "closed"],
  authenticating: ["connected", "closed"],
  connected: ["closed"],
  closed: [],
};

/** One socket: its state, its keepalive and its topic aliases. */
export class Connection {
  readonly id: ConnectionId;
  readonly remote: string;
  readonly isLocal: boolean;
  readonly listener: ListenerPolicy;
  readonly token: string;
  openedAt: Millis;
  /** The limits that hold for it. Of v5, those that CONNACK told; older clients can't be told any. */
  announced: Announced;
  readonly deadline: Deadline<Timed>;
  #state: ConnectionState = "opened";

  version: ProtocolVersion = 4;
  /** As CONNECT said. */
  bridge = false;
  clientId: string | null = null;
  /** The CONNECT that waits for its verdict. */
  connect: ConnectPacket | null = null;
  /** Set while connected. */
  session: Session | null = null;
  /** Seconds in force; 0: none. */
  keepAliveSeconds = 0;
  /** Seconds that CONNECT itself asked for, whatever is in force; 0: absent. */
  sessionExpiryAskedSeconds = 0;
  /** When the last complete packet came. The only thing that a packet writes for the keepalive. */
  lastPacketAt: Millis;
  /** What it was. */
  lastPacketType: ClientPacket["type"] | "none" = "none";
  /** Not for rules; null: no CONNECT was read. */
  memory: Memory | null = null;
  /** What the silence begins with instead, by rules that are not the standard's; null: the packet. */
  silentSince: Millis | null = null;
  /**
   * Milliseconds of silence that the keepalive allows; null: any, or CONNECT was not accepted yet.
   */
  allowedMs: number | null = null;
  /** What the operator did to it, as the network would; null: nothing. */
  dropped: { readonly how: "rst" | "silent"; readonly at: Millis } | null = null;
  /** The driver reads no more since then; null: it reads. */
  pausedAt: Millis | null = null;
  /** Since when it has taken nothing of what waits for it; null: nothing waits. */
  waitingSince: Millis | null = null;
  /** So much waits that nothing more is delivered. */
  blocked = false;
  /** Bytes; Infinity: no limit. The client's own Maximum Packet Size. */
  maximumPacketSize = Infinity;
  /** Outgoing QoS 1 and 2 messages it takes at once. */
  receiveMaximum = 65_535;

  /** Created when it is held for the first time. */
  holding: Holding | null = null;
  /** It has ended its half of the stream: all that it sent is there to be read. */
  isEnding = false;

  /** QoS 2 messages that came on it and wait for PUBREL, by packet id; created with the first one. */
  unfinished: Set<number> | null = null;

  /** Topics by the aliases that the client defined; created with the first one. */
  aliasesIn: string[] | null = null;
  /** Aliases that the broker defined, by topic, and how many it may. */
  aliasesOut: Map<string, number> | null = null;
  aliasesOutMax = 0;

  constructor(
    id: ConnectionId,
    remote: string,
    isLocal: boolean,
    listener: ListenerPolicy,
    token: string,
    announced: Announced,
    now: Millis,
  ) {
    this.id = id;
    this.remote = remote;
    this.isLocal = isLocal;
    this.listener = listener;
    this.token = token;
    this.announced = announced;
    this.openedAt = now;
    this.lastPacketAt = now;
    this.deadline = new Deadline<Timed>({ kind: "connection", connection: this });
  }

  get state(): ConnectionState {
    return this.#state;
  }

  become(next: ConnectionState): void {
    assert(
      transitions[this.#state].includes(next),
      `a connection that is ${this.#state} can't become ${next}`,
    );
    this.#state = next;
  }

  /** Characters of a topic that its client does not see: those of the mount point. */
  get strip(): number {
    return this.listener.mountPoint.length;
  }

  get peer(): Peer {
    return { clientId: this.clientId, remote: this.remote };
  }

  /** Time in which the driver itself did not read is not the client's silence. */
  resume(now: Millis): void {
    if (this.pausedAt === null) return;
    // A CONNECT that was accepted meanwhile has begun the silence anew.
    const pausedFor = now - Math.max(this.pausedAt, this.lastPacketAt);
    this.lastPacketAt = after(this.lastPacketAt, pausedFor);
    if (this.silentSince !== null) this.silentSince = after(this.silentSince, pausedFor);
    this.pausedAt = null;
  }

  /** The clock has jumped by so many milliseconds, in which the client was suspended as well. */
  sleepThrough(asleepMs: number): void {
    this.openedAt = after(this.openedAt, asleepMs);
    this.lastPacketAt = after(this.lastPacketAt, asleepMs);
    if (this.silentSince !== null) this.silentSince = after(this.silentSince, asleepMs);
    if (this.pausedAt !== null) this.pausedAt = after(this.pausedAt, asleepMs);
    if (this.waitingSince !== null) this.waitingSince = after(this.waitingSince, asleepMs);
  }

  /** Milliseconds since the last complete packet, less the time in which the driver did not read. */
  silentMs(now: Millis): number {
    // What came while the driver did not read is handed in at the end, so it can be the later one.
    return Math.max(0, (this.pausedAt ?? now) - this.lastPacketAt);
  }
}
