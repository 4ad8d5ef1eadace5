import type { Access, Rights } from "./access.ts";
import type { Connection } from "./connection.ts";
import type { Copy } from "./copy.ts";
import type { Deadline } from "./deadlines.ts";
import type { DurableSession } from "./durable.ts";
import type { EndCause } from "./end-causes.ts";
import type { HeldPublishers } from "./hold.ts";
import type { Millis } from "./io.ts";
import { InflightWindow, type Outgoing } from "./inflight.ts";
import type { Journal } from "./journal.ts";
import { costs, type Memory, textBytes } from "./memory.ts";
import type { Message, ProtocolVersion, Qos } from "./packet.ts";
import { Queue, type Queued, type QueueLimits, type QueueTotals } from "./queue.ts";
import type { Origin, SessionJournal } from "./session-journal.ts";
import { SmallMap } from "./small-map.ts";
import type { Subscription } from "./subscriptions.ts";
import type { Timed } from "./timed.ts";
import type { Steps } from "./steps.ts";
import type { Will } from "./will.ts";

/** A retained replay in progress: the messages still to be sent for one subscription. */
export interface Replay {
  readonly messages: Steps<Message>;
  readonly subscription: Subscription;
  /** The queue's place of the first message published after the SUBSCRIBE. */
  readonly before: number;
}

// Of sessions that never had any. The types of the getters let nothing be added to them.
const noSubscriptions = new SmallMap<string, Subscription>();
const noResends = new Set<Outgoing>();
const noIncoming = new Set<number>();
const noReplays = new Map<string, Replay>();

/** What all sessions of a broker share, and the queue and window of those that never had a message. */
export class SessionsShare {
  readonly memory: Memory;
  /** Null: nothing outlives the process. */
  readonly journal: Journal | null;
  readonly #limits: QueueLimits;
  readonly #queued: QueueTotals;
  readonly noQueue: Omit<Queue, "push" | "restore">;
  readonly noWindow: Omit<InflightWindow, "add" | "restore">;

  constructor(
    limits: QueueLimits,
    queued: QueueTotals,
    memory: Memory,
    journal: Journal | null = null,
  ) {
    this.memory = memory;
    this.journal = journal;
    this.#limits = limits;
    this.#queued = queued;
    this.noQueue = this.createQueue();
    this.noWindow = new InflightWindow(memory);
  }

  createQueue(journal: SessionJournal | null = null): Queue {
    return new Queue(this.#limits, this.#queued, this.memory, journal);
  }
}

interface KnownRights {
  readonly of: Access;
  readonly rights: Rights;
}

/** The state of one client id. Outlives its connection by the Session Expiry Interval. */
export class Session {
  readonly clientId: string;
  readonly createdAt: Millis;
  /** The end of its expiry interval; created when that begins. */
  deadline: Deadline<Timed> | null = null;
  /** When to go on with a long backlog; created with the first. */
  pump: Deadline<Timed> | null = null;
  /** What of it outlives the process; null: nothing. */
  readonly journal: SessionJournal | null;
  // Created with their first entries.
  #subscriptions: SmallMap<string, Subscription> | null = null;
  #queue: Queue | null = null;
  #outgoing: InflightWindow | null = null;
  #resends: Set<Outgoing> | null = null;
  #incoming: Set<number> | null = null;
  #replays: Map<string, Replay> | null = null;

  /** Of the latest CONNECT; null: none accepted yet. */
  version: ProtocolVersion | null = null;
  #username: string | null = null;
  /** The name of its listener's access list; null: the broker's. */
  accessList: string | null = null;
  #rights: KnownRights | null = null;
  #isReleased = false;
  /** That a message on some topic is not for it was logged since its last CONNECT. */
  isDenialLogged = false;
  connection: Connection | null = null;
  /** How and when the latest connection ended; null: it is open. */
  ended: { readonly cause: EndCause; readonly at: Millis } | null = null;
  /** Seconds in force; 0: ends with its connection; Infinity: never expires. */
  expiryIntervalSeconds = 0;
  will: Will | null = null;
  /** Whether it ever had a shared subscription. */
  hasUsedSharedFilters = false;
  /** When its client last took some of its backlog, or the backlog began. */
  progressedAt: Millis;
  /** How often its client took some of its backlog. */
  progressCount = 0;
  /** Publishers held until its queue is short; null: none since all were released. */
  heldPublishers: HeldPublishers | null = null;
  /** Its subscriptions have ended, though some may still be in the tree. */
  hasLeft = false;
  /** Ended with its connection, and only its will is left to be published. */
  isOver = false;
  /** A lost message was logged; reset once its queue is empty. */
  dropping = false;

  readonly #shared: SessionsShare;
  /** Bytes of its subscriptions and of their part of the tree. */
  subscriptionBytes = 0;

  constructor(clientId: string, shared: SessionsShare, now: Millis) {
    this.#shared = shared;
    this.clientId = clientId;
    this.#memory.sessions.take(this.#ownBytes);
    this.createdAt = now;
    this.progressedAt = now;
    this.journal = shared.journal?.open(this) ?? null;
  }

  /** A CONNECT that continues or begins it was accepted. */
  begin(connection: Connection, expiryIntervalSeconds: number, now: Millis): void {
    this.connection = connection;
    this.version = connection.version;
    this.accessList = connection.listener.accessList ?? null;
    this.rights = null;
    this.isDenialLogged = false;
    this.expiryIntervalSeconds = expiryIntervalSeconds;
    this.ended = null;
    if (this.journal === null) return;
    const { listener, remote, keepAliveSeconds } = connection;
    this.journal.origin = { listener: listener.name, remote, connectedAt: now, keepAliveSeconds };
    this.journal.changed();
  }

  /** Takes what a store has kept of it. */
  restore(record: DurableSession): void {
    const { listener, remote, connectedAt, keepAliveSeconds } = record;
    this.version = record.version;
    this.username = record.username;
    this.accessList = record.accessList;
    if (this.journal !== null)
      this.journal.origin = { listener, remote, connectedAt, keepAliveSeconds };
    this.ended = record.ended;
    this.expiryIntervalSeconds = record.expirySeconds ?? Infinity;
    this.hasUsedSharedFilters = record.hasUsedSharedFilters;
  }

  /** Its connection ended. */
  leave(cause: EndCause, now: Millis): void {
    this.connection = null;
    this.ended = { cause, at: now };
    this.journal?.changed();
  }

  /** Of the latest connection; null: nothing outlives the process. */
  get origin(): Origin | null {
    return this.journal?.origin ?? null;
  }

  /** By filter. Ask anew after one was added: the first creates it. */
  get subscriptions(): Omit<SmallMap<string, Subscription>, "set" | "delete"> {
    return this.#subscriptions ?? noSubscriptions;
  }

  /** Adds a subscription, or replaces that of the same filter. */
  addSubscription(subscription: Subscription): void {
    (this.#subscriptions ??= new SmallMap()).set(subscription.filter, subscription);
    this.journal?.subscriptionChanged(subscription.filter);
    if (subscription.group === null || this.hasUsedSharedFilters) return;
    this.hasUsedSharedFilters = true;
    this.journal?.changed();
  }

  removeSubscription(filter: string): void {
    this.#subscriptions?.delete(filter);
    this.journal?.subscriptionChanged(filter);
  }

  /** CONNECT set a will. */
  arm(will: Will): void {
    this.will = will;
    this.journal?.willChanged();
  }

  get #memory(): Memory {
    return this.#shared.memory;
  }

  /** Ask anew after a message was added: the first creates it. */
  get queue(): Omit<Queue, "push" | "restore"> {
    return this.#queue ?? this.#shared.noQueue;
  }

  /** Adds a message to its queue, as `Queue.push` does. */
  enqueue(item: Queued): ReturnType<Queue["push"]> {
    this.#queue ??= this.#shared.createQueue(this.journal);
    return this.#queue.push(item);
  }

  /** Adds a message that a store has kept, as `Queue.restore` does. */
  restoreQueued(item: Queued, place: number): void {
    this.#queue ??= this.#shared.createQueue(this.journal);
    this.#queue.restore(item, place);
  }

  /** Messages that the client has not acknowledged. Ask anew after one was added, as above. */
  get outgoing(): Omit<InflightWindow, "add" | "restore"> {
    return this.#outgoing ?? this.#shared.noWindow;
  }

  /** Enters a message that its client has to acknowledge, as `InflightWindow.add` does. */
  addOutgoing(message: Message | null, copy: Copy, strip: number): Outgoing {
    this.#outgoing ??= new InflightWindow(this.#memory, this.journal);
    return this.#outgoing.add(message, copy, strip);
  }

  /** Enters a message that a store has kept, as `InflightWindow.restore` does. */
  restoreOutgoing(outgoing: Parameters<InflightWindow["restore"]>[0]): void {
    this.#outgoing ??= new InflightWindow(this.#memory, this.journal);
    this.#outgoing.restore(outgoing);
  }

  /** The part of `outgoing` still to be resent on this connection, in order. */
  get resends(): Omit<Set<Outgoing>, "add"> {
    return this.#resends ?? noResends;
  }

  addResend(outgoing: Outgoing): void {
    (this.#resends ??= new Set()).add(outgoing);
  }

  /** Packet ids of incoming QoS 2 messages that were published and wait for PUBREL. */
  get incoming(): ReadonlySet<number> {
    return this.#incoming ?? noIncoming;
  }

  addIncoming(packetId: number): void {
    (this.#incoming ??= new Set()).add(packetId);
    this.#memory.inflight.take(costs.incoming);
    this.journal?.incomingChanged(packetId);
  }

  /** PUBREL was received. False: the packet id is unknown. */
  finishIncoming(packetId: number): boolean {
    const isKnown = this.#incoming?.delete(packetId) === true;
    if (!isKnown) return false;
    this.#memory.inflight.give(costs.incoming);
    this.journal?.incomingChanged(packetId);
    return true;
  }

  /** By filter, in the order of their SUBSCRIBEs. */
  get replays(): ReadonlyMap<string, Replay> {
    return this.#replays ?? noReplays;
  }

  /** Adds a replay, or changes that of the same filter. */
  setReplay(filter: string, replay: Replay): void {
    (this.#replays ??= new Map()).set(filter, replay);
    this.journal?.subscriptionChanged(filter);
  }

  /** Its retained messages are sent, or not wanted any more. */
  endReplay(filter: string): void {
    if (this.#replays?.delete(filter) === true) this.journal?.subscriptionChanged(filter);
  }

  get username(): string | null {
    return this.#username;
  }

  set username(username: string | null) {
    const before = this.#ownBytes;
    this.#username = username;
    this.#memory.sessions.take(this.#ownBytes - before);
  }

  /** What it may do by the list that it was asked for last; null: not asked yet. */
  get rights(): KnownRights | null {
    return this.#rights;
  }

  set rights(rights: KnownRights | null) {
    const before = this.#ownBytes;
    this.#rights = rights;
    // Its subscriptions may still be asked for, until all are gone.
    if (this.#isReleased) return;
    this.#memory.sessions.take(this.#ownBytes - before);
  }

  get #ownBytes(): number {
    // Those of no list are shared.
    const rights = this.#rights?.rights.isOpen === false ? costs.rights : 0;
    return sessionBytes(this.clientId, this.#username) + rights;
  }

  /** Something is to be sent to its client, which `forward.pump` does when it can. */
  get isBehind(): boolean {
    return this.queue.count > 0 || this.resends.size > 0 || this.replays.size > 0;
  }

  /** Gives back the memory of what it holds, as it ends. */
  release(): void {
    // First, so that it takes no notice of what goes with it.
    this.journal?.ended();
    this.queue.clear();
    this.outgoing.clear();
    this.#memory.inflight.give(this.incoming.size * costs.incoming);
    this.#memory.sessions.give(this.#ownBytes);
    this.#isReleased = true;
  }

  /** Bytes of memory of all that it and its connection hold, with all of each message. */
  get held(): number {
    const { queue, outgoing, incoming, subscriptionBytes, will, connection } = this;
    const inflight = outgoing.held + incoming.size * costs.incoming;
    const own = this.#ownBytes + subscriptionBytes + queue.held + inflight;
    return own + (will?.held ?? 0) + (connection?.held ?? 0);
  }
}

/** Memory of a session that holds nothing yet. */
export function sessionBytes(clientId: string, username: string | null): number {
  return costs.session + textBytes(clientId) + textBytes(username ?? "");
}

/** The lower of the publisher's and the subscriber's QoS (v5-3.8.4-8). */
export function lesserQos(a: Qos, b: Qos): Qos {
  return a < b ? a : b;
}
