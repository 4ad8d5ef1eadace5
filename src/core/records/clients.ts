import { assert } from "../assert.ts";
import type { ConnectionAccount, PingRhythm, RecentEnd, WillEndAccount } from "./shapes.ts";
import type { Connection } from "../connection.ts";
import type { BrokerEvent, ClientHabit, WillFacts } from "../events.ts";
import { ends } from "../end-causes.ts";
import { excerpt } from "./excerpt.ts";
import type { Millis } from "../io.ts";
import { Oldest } from "./oldest.ts";
import { protocolName, type ConnectPacket, type ProtocolVersion } from "../packet.ts";
import type { Session } from "../session.ts";
import { settlingMs, type Standstills } from "../standstills.ts";
import { TurnedAway } from "./turned-away.ts";
import type { WillRecord } from "./wills.ts";

/**
 * Bounds on what is kept of one client id: enough for a person to read, whatever the client does.
 */
const connectionsKept = 16;
/** Refused ones among them, so that a client that retries does not push out earlier connections. */
const refusalsKept = 3;
const willsKept = 16;
const eventsKept = 50;
const takeoversKept = 3;
const endsKept = 10;
const pingsKept = 16;
/**
 * Characters of a client id in the budget for disconnected clients, on average. Longer ids, up to
 * 65,535 bytes, leave room for fewer clients.
 */
export const idCharacters = 256;

/** Intervals between PINGREQs of one connection. Only a PINGREQ costs time. */
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
    // After a standstill it is unknown when the PINGREQ arrived, so do not measure this interval.
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

/** Facts of the connection itself: read from it while it is open, copied at its end. */
type ConnectionFacts = Pick<
  ConnectionAccount,
  | "remote"
  | "listener"
  | "mountPoint"
  | "protocol"
  | "openedAt"
  | "keepAliveSeconds"
  | "lastPacket"
  | "incomplete"
  | "dropped"
> & {
  readonly allowedMs: number | null;
  readonly version: ProtocolVersion;
  readonly bridge: boolean;
};

export function factsOf(connection: Connection): ConnectionFacts {
  const { remote, listener, version, openedAt, allowedMs, incomplete, dropped } = connection;
  const facts = {
    remote,
    listener: listener.name,
    protocol: protocolName[version],
    version,
    bridge: connection.bridge,
    openedAt,
    keepAliveSeconds: connection.keepAliveSeconds,
    allowedMs,
    lastPacket: { type: connection.lastPacketType.toUpperCase(), at: connection.lastPacketAt },
    dropped,
  };
  const { mountPoint } = listener;
  if (mountPoint === "" && incomplete === null) return facts;
  return { ...facts, ...(mountPoint !== "" && { mountPoint }), ...(incomplete && { incomplete }) };
}

/** One connection of a client id, open or ended. */
export class ConnectionRecord {
  /** Null: it has ended. Released then, because a connection holds buffers, maps and a session. */
  live: Connection | null;
  #facts: ConnectionFacts | null = null;
  #end: WillEndAccount | null = null;
  #endStatement: string | null = null;
  will: WillRecord | null = null;
  /** Of an ended connection: how long the broker stood still while it was open. */
  stoodStillInAllMs = 0;
  connectedAt: Millis | null = null;
  cleanStart = true;
  sessionPresent = false;
  username: string | null = null;
  keepAliveAskedSeconds = 0;
  sessionExpirySeconds = 0;
  /** Seconds; Infinity: never. What CONNECT asked for, or would have got without a limit. */
  sessionExpiryAskedSeconds = 0;
  /** The will of a refused CONNECT. */
  refusedWill: WillFacts | null = null;
  /** Milliseconds: the longest interval between two packets since CONNECT was accepted. */
  longestSilenceMs = 0;
  /** Created with the first PINGREQ. */
  pings: Pings | null = null;

  constructor(connection: Connection | null) {
    this.live = connection;
  }

  /** One of an earlier process, of which a store has kept this. */
  static restored(session: Session, allowedMs: number | null): ConnectionRecord | null {
    const { origin, version, username, ended, expiryIntervalSeconds } = session;
    if (origin === null || version === null || ended === null) return null;
    const { remote, listener, connectedAt, keepAliveSeconds } = origin;
    const record = new ConnectionRecord(null);
    record.connectedAt = connectedAt;
    record.username = excerpt(username);
    record.keepAliveAskedSeconds = keepAliveSeconds;
    record.sessionExpirySeconds = expiryIntervalSeconds;
    record.sessionExpiryAskedSeconds = expiryIntervalSeconds;
    record.cleanStart = expiryIntervalSeconds === 0;
    record.#facts = {
      ...{ remote, listener, version, keepAliveSeconds, allowedMs, bridge: false, dropped: null },
      protocol: protocolName[version],
      openedAt: connectedAt,
      // Each packet would be too much to keep: the end stands for the last one.
      lastPacket: { type: "not kept", at: ended.at },
    };
    const { cause, at } = ended;
    record.#end = {
      ...{ at, cause, causeText: ends[cause].text, detail: null, allowedMs },
      silentMs: cause === "keepAliveExpired" ? (allowedMs ?? 0) : 0,
      sessionExpirySeconds: expiryIntervalSeconds === Infinity ? null : expiryIntervalSeconds,
    };
    return record;
  }

  /** Keeps what CONNECT asked for. */
  claim({ cleanStart, username, keepAliveSeconds }: ConnectPacket): void {
    this.cleanStart = cleanStart;
    this.username = excerpt(username);
    this.keepAliveAskedSeconds = keepAliveSeconds;
  }

  get facts(): ConnectionFacts {
    const facts = this.live === null ? this.#facts : factsOf(this.live);
    assert(facts !== null, "a connection that has ended left its facts");
    return facts;
  }

  /** The event of its accepted CONNECT, made again when it is asked for. */
  connected(clientId: string): BrokerEvent {
    const { remote, version, bridge, keepAliveSeconds } = this.facts;
    return {
      event: "connected",
      peer: excerpt({ clientId, remote }),
      version,
      bridge,
      cleanStart: this.cleanStart,
      sessionPresent: this.sessionPresent,
      keepAlive: keepAliveSeconds,
      keepAliveAsked: this.keepAliveAskedSeconds,
      sessionExpiry: this.sessionExpirySeconds,
      username: this.username,
      will: this.will?.facts ?? null,
    };
  }

  /** Null: it is open. */
  get end(): ConnectionAccount["end"] {
    return this.#end && { ...this.#end, statement: this.#endStatement };
  }

  /** Copies the connection's facts and releases it. */
  close(end: WillEndAccount, statement: string | null, stoodStillInAllMs: number): void {
    this.#facts = this.facts;
    this.live = null;
    this.#end = end;
    this.#endStatement = statement;
    this.stoodStillInAllMs = stoodStillInAllMs;
  }
}

export interface Takeover {
  readonly at: Millis;
  /** Addresses without ports. */
  readonly from: string;
  readonly to: string;
}

/** What is kept of the latest: one without a list, which most clients never need. */
type Few<Item extends object> = Item | Item[] | null;

function listOf<Item extends object>(few: Few<Item>): readonly Item[] {
  if (few === null) return none;
  return Array.isArray(few) ? few : [few];
}

function withLatest<Item extends object>(few: Few<Item>, item: Item, count: number): Few<Item> {
  if (few === null) return item;
  const items = Array.isArray(few) ? few : [few];
  keepLatest(items, item, count);
  return items;
}

function connectedAtOf({ connectedAt }: ConnectionRecord): Millis {
  assert(connectedAt !== null, "only an accepted CONNECT is an event");
  return connectedAt;
}

interface KeptEvent {
  readonly at: Millis;
  readonly event: BrokerEvent;
}

type KeptHabit = ClientHabit & { readonly at: Millis };

const none: readonly never[] = [];

/** The latest history of one client id. */
export class ClientHistory {
  readonly clientId: string;
  #connections: Few<ConnectionRecord> = null;
  #wills: Few<WillRecord> = null;
  /** A record stands for the event of its CONNECT. */
  #events: Few<ConnectionRecord | KeptEvent> = null;
  #habits: KeptHabit[] | null = null;
  /** Habits logged for this device, under this id or an earlier one. */
  #logged: Set<ClientHabit["fault"]> | null = null;
  #takeovers: Takeover[] | null = null;
  /** Whether the client is connected now. */
  connected = false;

  constructor(clientId: string) {
    this.clientId = clientId;
  }

  /** CONNECT was accepted, which is an event too. */
  accepted(record: ConnectionRecord): void {
    this.#connections = withLatest(this.#connections, record, connectionsKept);
    this.#events = withLatest(this.#events, record, eventsKept);
  }

  /** The last connection to an earlier process. */
  restored(record: ConnectionRecord): void {
    this.#connections = withLatest(this.#connections, record, connectionsKept);
  }

  refused(record: ConnectionRecord): void {
    const refusals = this.connections.filter(({ connectedAt }) => connectedAt === null);
    if (refusals.length >= refusalsKept) {
      this.#connections = this.connections.filter((other) => other !== refusals[0]);
    }
    this.#connections = withLatest(this.#connections, record, connectionsKept);
  }

  armed(record: WillRecord): void {
    this.#wills = withLatest(this.#wills, record, willsKept);
  }

  /** Oldest first, as are the wills and the events. */
  get connections(): readonly ConnectionRecord[] {
    return listOf(this.#connections);
  }

  get wills(): readonly WillRecord[] {
    return listOf(this.#wills);
  }

  get events(): readonly KeptEvent[] {
    const { clientId } = this;
    return listOf(this.#events).map((kept) =>
      kept instanceof ConnectionRecord
        ? { at: connectedAtOf(kept), event: kept.connected(clientId) }
        : kept,
    );
  }

  get habits(): readonly KeptHabit[] {
    return this.#habits ?? none;
  }

  get takeovers(): readonly Takeover[] {
    return this.#takeovers ?? none;
  }

  /** Keeps a habit once. False: it is known. */
  keepHabit(habit: ClientHabit, at: Millis): boolean {
    const habits = (this.#habits ??= []);
    if (habits.some((known) => known.fault === habit.fault)) return false;
    habits.push({ ...excerpt(habit), at });
    return true;
  }

  /** Notes that a habit is logged for this device. False: it was logged before. */
  logHabit(habit: ClientHabit["fault"]): boolean {
    const logged = (this.#logged ??= new Set());
    return logged.size < logged.add(habit).size;
  }

  /** Whether one of its wills is delayed. */
  get awaitsWill(): boolean {
    return this.wills.some(({ state }) => state === "delayed");
  }

  /** The same device had another id before: do not log its habits again. */
  inheritLogged(before: ClientHistory | null): void {
    if (before === null) return;
    for (const habit of before.#logged ?? none) this.logHabit(habit);
  }

  tookOver(takeover: Takeover): void {
    keepLatest((this.#takeovers ??= []), takeover, takeoversKept);
  }

  noted(event: BrokerEvent, at: Millis): void {
    this.#events = withLatest(this.#events, { at, event: excerpt(event) }, eventsKept);
  }
}

/**
 * The histories of client ids. Keeps connected clients and clients with a delayed will: by the
 * standard these have a session, which `limits.sessions` bounds. Of the others it keeps the latest
 * `limits.ledger`, so that a client with a new id each time can't exhaust memory.
 */
export class ClientHistories {
  readonly #limits: { readonly ledger: number };
  readonly #connected = new Map<string, ClientHistory>();
  /** Disconnected, with a delayed will. */
  readonly #awaiting = new Map<string, ClientHistory>();
  /** Disconnected, without a delayed will; in the order of disconnecting or of the will's fate. */
  readonly #gone = new Map<string, ClientHistory>();
  readonly #oldest = new Oldest(this.#gone);
  /** Total length of the ids in `#gone`. */
  #goneCharacters = 0;
  /** The newest last; a few more than are kept. */
  readonly #recentEnds: RecentEnd[] = [];
  readonly turnedAway = new TurnedAway();

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

  /** CONNECT was accepted. */
  connected(clientId: string): ClientHistory {
    const history = this.of(clientId) ?? new ClientHistory(clientId);
    this.#forget(clientId);
    this.#connected.set(clientId, history);
    history.connected = true;
    return history;
  }

  /** The client's connection ended or was refused. */
  gone(clientId: string): ClientHistory {
    const connected = this.#connected.get(clientId);
    const history = connected ?? this.of(clientId) ?? new ClientHistory(clientId);
    // It is in one of the maps.
    if (connected === undefined) this.#forget(clientId);
    else this.#connected.delete(clientId);
    history.connected = false;
    if (history.awaitsWill) this.#awaiting.set(clientId, history);
    else this.#retire(clientId, history);
    return history;
  }

  /** A will of the client got its fate. */
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
    while (this.#gone.size > ledger || this.#goneCharacters > ledger * idCharacters) {
      const oldest = this.#oldest.take();
      if (oldest === undefined) break;
      this.#forget(oldest);
    }
  }

  #forget(clientId: string): void {
    this.#awaiting.delete(clientId);
    if (this.#gone.delete(clientId)) this.#goneCharacters -= clientId.length;
  }

  /** Adds an event about a client id to its history. */
  noted(event: BrokerEvent, at: Millis): void {
    const clientId = clientOf(event);
    if (clientId !== null) this.of(clientId)?.noted(event, at);
  }

  ended(end: RecentEnd, wasConnected: boolean): void {
    this.#recentEnds.push(excerpt(end));
    if (this.#recentEnds.length >= 2 * endsKept) this.#recentEnds.splice(0, endsKept);
    this.turnedAway.ended(end, wasConnected);
  }

  /** The latest ends of connections, newest first. */
  get recentEnds(): RecentEnd[] {
    return this.#recentEnds.slice(-endsKept).reverse();
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
