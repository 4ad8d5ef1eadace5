import type { ConnectionAccount, PingRhythm, RecentEnd } from "./shapes.ts";
import type { Connection } from "../connection.ts";
import type { BrokerEvent, ClientHabit, WillFacts } from "../events.ts";
import { excerpt } from "./excerpt.ts";
import type { Millis } from "../io.ts";
import { protocolName, type ConnectPacket } from "../packet.ts";
import { settlingMs, type Standstills } from "../standstills.ts";
import type { WillRecord } from "./wills.ts";

/** What is remembered of one client id: enough for a person to read, whatever the client does. */
const connectionsKept = 16;
/** Of those, the refused ones: who tries again and again does not push out what was before. */
const refusalsKept = 3;
const willsKept = 16;
const eventsKept = 50;
const takeoversKept = 3;
const endsKept = 10;
const pingsKept = 16;
/**
 * Characters of a client id, on an average of those that are gone and remembered. Longer ones, up to
 * 65,535 bytes, take the places of others.
 */
export const idCharacters = 256;

/** PINGREQs of one connection. Only a PINGREQ pays for it. */
export class Pings {
  #lastAt: Millis;
  readonly #intervals: number[] = [];
  #count = 0;
  #measured = 0;
  #worstMs = 0;

  constructor(now: Millis) {
    this.#lastAt = now;
  }

  received(now: Millis, standstills: Standstills): void {
    const interval = now - this.#lastAt;
    this.#count += 1;
    // When a packet came that had waited for the broker, nobody knows.
    const isMeasured = standstills.stoodStillMs(this.#lastAt - settlingMs, now) === 0;
    this.#lastAt = now;
    if (!isMeasured) return;
    this.#intervals[this.#measured % pingsKept] = interval;
    this.#measured += 1;
    if (interval > this.#worstMs) this.#worstMs = interval;
  }

  get rhythm(): PingRhythm | null {
    if (this.#count === 0) return null;
    if (this.#measured === 0) return { count: this.#count + 1, medianMs: null, worstMs: null };
    const sorted = this.#intervals.toSorted((a, b) => a - b);
    const half = Math.floor(sorted.length / 2);
    const medianMs =
      sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
    return { count: this.#count + 1, medianMs, worstMs: this.#worstMs };
  }
}

/** What an account tells of the connection itself: read from it while it lives, copied at its end. */
type ConnectionFacts = Pick<
  ConnectionAccount,
  "remote" | "listener" | "protocol" | "openedAt" | "keepAliveSeconds" | "lastPacket" | "dropped"
> & { readonly allowedMs: number | null };

export function factsOf(connection: Connection): ConnectionFacts {
  const { remote, listener, version, openedAt, allowedMs, dropped } = connection;
  return {
    remote,
    listener: listener.name,
    protocol: protocolName[version],
    openedAt,
    keepAliveSeconds: connection.keepAliveSeconds,
    allowedMs,
    lastPacket: { type: connection.lastPacketType.toUpperCase(), at: connection.lastPacketAt },
    dropped,
  };
}

/** One connection of a client id, while it lives and after. */
export class ConnectionRecord {
  /** Null: it has ended. A connection has buffers, maps and a session, and records are many. */
  live: Connection | null;
  #facts: ConnectionFacts;
  /** Null: it lives. */
  end: ConnectionAccount["end"] = null;
  will: WillRecord | null = null;
  /** Of one that has ended: how long the broker stood still while it was open. */
  stoodStillInAllMs = 0;
  connectedAt: Millis | null = null;
  cleanStart = true;
  sessionPresent = false;
  username: string | null = null;
  keepAliveAskedSeconds = 0;
  sessionExpirySeconds = 0;
  /** What a refused CONNECT asked for. */
  refusedWill: WillFacts | null = null;
  /** Milliseconds: the longest time between two packets since CONNECT was accepted. */
  longestSilenceMs = 0;
  /** Created with the first PINGREQ. */
  pings: Pings | null = null;

  constructor(connection: Connection) {
    this.live = connection;
    this.#facts = factsOf(connection);
  }

  /** What CONNECT asked for. */
  claim({ cleanStart, username, keepAliveSeconds }: ConnectPacket): void {
    this.cleanStart = cleanStart;
    this.username = excerpt(username);
    this.keepAliveAskedSeconds = keepAliveSeconds;
  }

  get facts(): ConnectionFacts {
    return this.live === null ? this.#facts : factsOf(this.live);
  }

  /** Copies what is told of the connection, and lets go of it. */
  close(end: NonNullable<ConnectionAccount["end"]>, stoodStillInAllMs: number): void {
    this.#facts = this.facts;
    this.live = null;
    this.end = end;
    this.stoodStillInAllMs = stoodStillInAllMs;
  }
}

export interface Takeover {
  readonly at: Millis;
  /** Addresses without ports. */
  readonly from: string;
  readonly to: string;
}

/** All that happened under one client id, the latest of it. */
export class ClientHistory {
  readonly clientId: string;
  readonly connections: ConnectionRecord[] = [];
  readonly wills: WillRecord[] = [];
  readonly events: { readonly at: Millis; readonly event: BrokerEvent }[] = [];
  readonly habits: (ClientHabit & { readonly at: Millis })[] = [];
  /** Those that the log has said of this device, under this id or one that it had before. */
  readonly logged = new Set<ClientHabit["fault"]>();
  readonly takeovers: Takeover[] = [];
  /** Connected at the moment. */
  connected = false;

  constructor(clientId: string) {
    this.clientId = clientId;
  }

  opened(record: ConnectionRecord): void {
    keepLatest(this.connections, record, connectionsKept);
  }

  refused(record: ConnectionRecord): void {
    const refusals = this.connections.filter(({ connectedAt }) => connectedAt === null);
    if (refusals.length >= refusalsKept) {
      this.connections.splice(this.connections.indexOf(refusals[0]!), 1);
    }
    this.opened(record);
  }

  armed(record: WillRecord): void {
    keepLatest(this.wills, record, willsKept);
  }

  /** A will of it is still to be published: its story is not over. */
  get awaitsWill(): boolean {
    return this.wills.some(({ state }) => state === "delayed");
  }

  /** It is the same device that had another id before. */
  inheritLogged(before: ClientHistory | null): void {
    for (const habit of before?.logged ?? []) this.logged.add(habit);
  }

  tookOver(takeover: Takeover): void {
    keepLatest(this.takeovers, takeover, takeoversKept);
  }

  noted(event: BrokerEvent, at: Millis): void {
    keepLatest(this.events, { at, event: excerpt(event) }, eventsKept);
  }
}

/**
 * The histories of client ids. Those that are connected are kept, and those whose will is delayed: by
 * the standard's rules it has a session, and `limits.sessions` bounds these. Of the others the latest
 * `limits.ledger`, so that a client with a new id each time takes no memory for ever.
 */
export class ClientHistories {
  readonly #limits: { readonly ledger: number };
  readonly #connected = new Map<string, ClientHistory>();
  /** Without a connection, and with a delayed will. */
  readonly #awaiting = new Map<string, ClientHistory>();
  /** The others. Whoever left first, or whose will met its fate first, comes first. */
  readonly #gone = new Map<string, ClientHistory>();
  /** Of the ids in `#gone`. */
  #goneCharacters = 0;
  readonly recentEnds: RecentEnd[] = [];

  constructor(limits: { readonly ledger: number }) {
    this.#limits = limits;
  }

  of(clientId: string): ClientHistory | null {
    return (
      this.#connected.get(clientId) ??
      this.#awaiting.get(clientId) ??
      this.#gone.get(clientId) ??
      null
    );
  }

  get size(): number {
    return this.#connected.size + this.#awaiting.size + this.#gone.size;
  }

  *ids(): Generator<string, void, void> {
    yield* this.#connected.keys();
    yield* this.#awaiting.keys();
    yield* this.#gone.keys();
  }

  /** The client was let in. */
  connected(clientId: string): ClientHistory {
    const history = this.of(clientId) ?? new ClientHistory(clientId);
    this.#forget(clientId);
    this.#connected.set(clientId, history);
    history.connected = true;
    return history;
  }

  /** It has no connection any more, or was refused. */
  gone(clientId: string): ClientHistory {
    const history = this.of(clientId) ?? new ClientHistory(clientId);
    this.#connected.delete(clientId);
    this.#forget(clientId);
    history.connected = false;
    if (history.awaitsWill) this.#awaiting.set(clientId, history);
    else this.#retire(clientId, history);
    return history;
  }

  /** A will of the client has met its fate. */
  settled(clientId: string): void {
    const history = this.#awaiting.get(clientId);
    if (history === undefined || history.awaitsWill) return;
    this.#awaiting.delete(clientId);
    this.#retire(clientId, history);
  }

  #retire(clientId: string, history: ClientHistory): void {
    this.#gone.set(clientId, history);
    this.#goneCharacters += clientId.length;
    const { ledger } = this.#limits;
    for (const oldest of this.#gone.keys()) {
      if (this.#gone.size <= ledger && this.#goneCharacters <= ledger * idCharacters) break;
      this.#forget(oldest);
    }
  }

  #forget(clientId: string): void {
    this.#awaiting.delete(clientId);
    if (this.#gone.delete(clientId)) this.#goneCharacters -= clientId.length;
  }

  /** What concerns one client id is remembered there. */
  noted(event: BrokerEvent, at: Millis): void {
    const clientId = clientOf(event);
    if (clientId !== null) this.of(clientId)?.noted(event, at);
  }

  ended(end: RecentEnd): void {
    this.recentEnds.unshift(excerpt(end));
    if (this.recentEnds.length > endsKept) this.recentEnds.pop();
  }
}

function clientOf(event: BrokerEvent): string | null {
  if ("peer" in event) return event.peer.clientId;
  return "clientId" in event ? event.clientId : null;
}

function keepLatest<Item>(items: Item[], item: Item, count: number): void {
  items.push(item);
  if (items.length > count) items.shift();
}
