import { openAccess, type Access } from "./access.ts";
import { AccessLists } from "./access-lists.ts";
import { changeAccess } from "./access-review.ts";
import { assert, fault, unreachable } from "./assert.ts";
import { Budget } from "./budget.ts";
import { authenticated } from "./connect.ts";
import type { Connection } from "./connection.ts";
import { Crowd } from "./crowd.ts";
import { Deadline } from "./deadlines.ts";
import { Departures } from "./departures.ts";
import { endConnection } from "./connection-end.ts";
import { lossCauses, lossStatement } from "./end-causes.ts";
import { handleDueDeadlines, undecidedAt } from "./due-deadlines.ts";
import type { BrokerEvent } from "./events.ts";
import { updateSilentSince } from "./quirks/silence.ts";
import { releaseForEnd } from "./hold.ts";
import {
  after,
  type ConnectionId,
  type Effect,
  type Input,
  type Millis,
  type Undecided,
} from "./io.ts";
import { setConnectionDeadline } from "./patience.ts";
import { announced, defaultLimits, type Announced, type Limits } from "./limits.ts";
import { publishOrdered } from "./ordered-message.ts";
import { fitToSize, packetSize } from "./packet-size.ts";
import { Journal } from "./journal.ts";
import { Memory } from "./memory.ts";
import type { PublishRun, ServerPacket, WillPacket } from "./packet.ts";
import { endMalformed } from "./malformed.ts";
import { connectionOpened } from "./places.ts";
import { Pressure } from "./pressure.ts";
import { relieve } from "./relief.ts";
import type { Route } from "./publish.ts";
import { takenAtOnce } from "./publish-run.ts";
import type { QueueTotals } from "./queue.ts";
import { acknowledged, packetReceived, published } from "./received-packet.ts";
import { PostponedWills } from "./postponed-wills.ts";
import { type RecentBounds, Records } from "./records/records.ts";
import { endRestoring, openAgain, restore, type Restoration } from "./restore.ts";
import { Retained } from "./retained.ts";
import { standardRules, type Rules } from "./quirks/rules.ts";
import { Schedule } from "./schedule.ts";
import { SessionsShare, type Session } from "./session.ts";
import { stopAll } from "./shutdown.ts";
import type { FailedStore } from "./failed-store.ts";
import { persistFailed, persistRecovered } from "./store-failure.ts";
import { Standstills } from "./standstills.ts";
import { continueFilters } from "./subscribe.ts";
import { Subscriptions } from "./subscriptions.ts";
import { newStatistics, type Statistics } from "./sys.ts";
import type { Timed } from "./timed.ts";
import { blocked, drained, progressed, waiting } from "./waiting-output.ts";
import { viewOf, type BrokerView } from "./queries/state.ts";

export interface BrokerOptions {
  readonly limits?: Partial<Limits>;
  readonly access?: Access;
  /** The access lists of listeners, by the names in their policies. */
  readonly accessByListener?: ReadonlyMap<string, Access>;
  /** Milliseconds between two publications of `$SYS`; null: never published. */
  readonly sysIntervalMs?: number | null;
  /** Version in `$SYS/broker/version`. */
  readonly version?: string;
  /** Messages that are remembered for people; default: none. */
  readonly recentMessages?: Partial<RecentBounds>;
  /** Planted quirks: where this broker departs from the standard. */
  readonly rules?: Partial<Rules>;
  /** Something outlives the process: there is a store that takes what the journal has. */
  readonly durable?: boolean;
  /** How long a will that is due before clients had time to return waits for its subscribers; default 5 s. */
  readonly restartSettleMs?: number;
  /** The same for its client, whose return then cancels it; 0, the default: it does not. */
  readonly restartGraceMs?: number;
}

/**
 * The rules of MQTT as one synchronous, deterministic machine. It owns all state and routes each
 * input to the module that handles it.
 */
export class Broker {
  readonly limits: Limits;
  /** The limits announced to connections opened from now on, which share this object. */
  announced: Announced;
  access: AccessLists;
  readonly rules: Rules;
  readonly sysIntervalMs: number | null;
  readonly version: string;
  readonly startedAt: Millis;
  readonly connections = new Map<ConnectionId, Connection>();
  readonly connectionsByListener = new Map<string, number>();
  readonly sessions = new Map<string, Session>();
  readonly sessionsShare: SessionsShare;
  readonly subscriptions: Subscriptions;
  readonly retained: Retained;
  readonly crowd = new Crowd();
  /** When expired retained messages are deleted. */
  readonly expiry = new Deadline<Timed>({ kind: "retained" });
  /** Totals of all sessions' queues. */
  readonly queued: QueueTotals = { messages: 0, bytes: 0 };
  /** What clients make the broker hold. */
  readonly memory = new Memory();
  /** What it does when that is too much. */
  readonly pressure = new Pressure();
  readonly deadlines = new Schedule();
  /** The last `deadline` left some that are due, since its budget was used up. */
  isBehind = false;
  /** While deadlines are handled: the work from which on wills wait for their own turn. */
  willsUntil = Infinity;
  readonly postponed = new PostponedWills();
  /** The last will of a session, if a planted quirk lets it come again. */
  readonly formerWills = new WeakMap<Session, WillPacket>();
  readonly departures = new Departures();
  readonly statistics: Statistics = newStatistics();
  readonly standstills = new Standstills();
  /** Of this turn of the event loop; the driver counts its own work in it too. */
  readonly budget = new Budget();
  /** What the broker remembers for people. No rule depends on it. */
  readonly records: Records;
  /** What is to be kept beyond the process; null: nothing outlives it. */
  readonly journal: Journal | null;
  readonly restartSettleMs: number;
  readonly restartGraceMs: number;
  /** What is restored until clients can connect again; null: nothing is. */
  restoration: Restoration | null = null;
  /** Clients had time to return after the restart: before, nothing restored ends for want of room. */
  settledAt: Millis;
  /** The store keeps nothing now; null: it does, or there is none. */
  failedStore: FailedStore | null = null;
  /** Remembered routes by topic, each valid while `generation` does not change. */
  readonly routes = new Map<string, Route>();
  /** Counts changes that invalidate routes: subscriptions, and connections of subscribed sessions. */
  generation = 0;
  /** The time of the current input. */
  now: Millis;
  stopping = false;
  effects: Effect[] = [];
  /** A planted quirk changes what restarts a client's silence. */
  readonly #tracksSilence: boolean;

  constructor(options: BrokerOptions, now: Millis) {
    this.limits = { ...defaultLimits, ...options.limits };
    this.announced = announced(this.limits);
    this.access = new AccessLists(options.access ?? openAccess, options.accessByListener);
    this.rules = { ...standardRules, ...options.rules };
    this.#tracksSilence = this.rules.keepAliveResetBy !== "packet";
    this.sysIntervalMs = options.sysIntervalMs ?? null;
    this.version = options.version ?? "unknown";
    this.startedAt = now;
    this.now = now;
    this.settledAt = now;
    this.memory.limit = this.limits.memory;
    this.journal = options.durable === true ? new Journal(now) : null;
    this.restartSettleMs = options.restartSettleMs ?? 5000;
    this.restartGraceMs = options.restartGraceMs ?? 0;
    this.sessionsShare = new SessionsShare(this.limits, this.queued, this.memory, this.journal);
    this.subscriptions = new Subscriptions(this.memory);
    this.retained = new Retained(this.limits, this.memory, this.journal);
    this.records = new Records(this, options.recentMessages ?? {});
    // The first `$SYS` is due at once, so that the first subscriber finds its values.
    if (this.sysIntervalMs !== null) this.deadlines.set(new Deadline<Timed>({ kind: "sys" }), now);
  }

  /**
   * Takes one fact and returns the effects to carry out, in order. `now` never goes back. Throws
   * AssertionFault on a fault, never on a violation.
   */
  handle(input: Input, now: Millis): readonly Effect[] {
    assert(now >= this.now, "time never goes back");
    this.now = now;
    // Acknowledgements mostly have none, so one list serves until something is in it.
    const { effects, journal } = this;
    if (journal !== null) journal.hasChanged = false;
    this.#route(input);
    // What is restored stays at least until its clients can return.
    if (this.memory.isPressing && this.restoration === null) relieve(this);
    if (this.#tracksSilence) updateSilentSince(this, input, effects);
    if (journal !== null && journal.hasChanged) effects.unshift({ type: "persist" });
    if (effects.length === 0) return nothing;
    this.effects = [];
    return effects;
  }

  /** When to hand in the next `deadline`; null: none is set, or all wait until clients can connect. */
  nextDeadline(): Millis | null {
    return this.restoration === null ? this.deadlines.next() : null;
  }

  /**
   * What a `deadline` at `now` would decide, so that the driver can read unread input first. At most
   * so many connections, those that had to end first.
   */
  undecided(now: Millis, most = Infinity): Undecided {
    return undecidedAt(this, now, most);
  }

  /**
   * How many packets of a run to hand in as `published` now; 0: none, so that each has to be
   * `received`. Of the budget it takes no more than is left.
   */
  takenAtOnce(connection: ConnectionId, run: PublishRun, now: Millis): number {
    assert(now >= this.now, "time never goes back");
    this.now = now;
    return takenAtOnce(this, this.connection(connection), run);
  }

  /** The live state as plain JSON, for state reports and tests. */
  view(): BrokerView {
    return viewOf(this);
  }

  note(event: BrokerEvent): void {
    this.tell(event);
    this.records.noted(event);
  }

  /** Logs an event that the records have already. */
  tell(event: BrokerEvent): void {
    this.effects.push({ type: "note", event });
  }

  /** An open connection. The driver hands in nothing for others, so a missing one is a fault. */
  connection(id: ConnectionId): Connection {
    const found = this.connections.get(id);
    if (found === undefined) fault(`connection ${id} is not open`);
    return found;
  }

  #route(input: Input): void {
    switch (input.type) {
      case "received":
        return packetReceived(this, this.connection(input.connection), input.packet);
      case "acknowledged":
        return acknowledged(this, this.connection(input.connection), input);
      case "published":
        return published(this, this.connection(input.connection), input);
      case "opened":
        return connectionOpened(this, input);
      case "malformed":
        return endMalformed(this, this.connection(input.connection), input);
      case "waiting":
        return waiting(this, this.connection(input.connection));
      case "blocked":
        return blocked(this, this.connection(input.connection));
      case "progressed":
        return progressed(this, this.connection(input.connection));
      case "drained":
        return drained(this, this.connection(input.connection));
      case "paused":
        this.connection(input.connection).pausedAt ??= this.now;
        return;
      case "resumed": {
        const connection = this.connection(input.connection);
        connection.resume(this.now);
        return setConnectionDeadline(this, connection);
      }
      case "ending":
        return releaseForEnd(this, this.connection(input.connection));
      case "delivered":
        this.connection(input.connection).deliveredInSilence = input.messages;
        return;
      case "incomplete":
        return this.connection(input.connection).receivedPart(input.packet, this.now);
      case "bytesReceived":
        return;
      case "continued":
        return continueFilters(this, this.connection(input.connection));
      case "closed": {
        const { how, detail } = input;
        const connection = this.connection(input.connection);
        const statement = lossStatement(how, connection.version);
        return endConnection(this, connection, lossCauses[how], {
          closed: true,
          ...(statement !== null && { statement }),
          ...(detail !== undefined && { detail }),
        });
      }
      case "addressed":
        return this.connection(input.connection).movedTo(input.remote, input.isLocal);
      case "preparing":
        this.connection(input.connection).preparing = input.what;
        return;
      case "authenticated":
        return authenticated(this, this.connection(input.connection), input.refused);
      case "deadline":
        return handleDueDeadlines(this, input.unread);
      case "woke":
        return this.#woke(input);
      case "stoodStill":
        return this.standstills.add(input.since, this.now);
      case "measured":
        this.statistics.bytesReceived = input.bytesReceived;
        this.statistics.bytesSent = input.bytesSent;
        return;
      case "kicked": {
        const connection = this.sessions.get(input.clientId)?.connection ?? null;
        if (connection !== null) endConnection(this, connection, "kicked");
        return;
      }
      case "ordered":
        return publishOrdered(this, input.packet);
      case "dropped":
        this.connection(input.connection).dropped = { how: input.how, at: this.now };
        return;
      case "reconfigured":
        return this.#reconfigured(input.limits);
      case "accessChanged":
        return changeAccess(this, input.access, input.byListener);
      case "loaded":
        return restore(this, input);
      case "loadedAll":
        return endRestoring(this);
      case "listening":
        return openAgain(this);
      case "persistFailed":
        return persistFailed(this, input);
      case "persistRecovered":
        return persistRecovered(this);
      case "stopping":
        return stopAll(this);
      default:
        return unreachable(input);
    }
  }

  #reconfigured(limits: Limits): void {
    const { connectTimeoutMs, stallTimeoutMs } = this.limits;
    // Queues and retained messages hold a reference to this object, so change it in place.
    Object.assign(this.limits, limits);
    this.announced = announced(this.limits);
    this.memory.limit = limits.memory;
    if (limits.connectTimeoutMs === connectTimeoutMs && limits.stallTimeoutMs === stallTimeoutMs)
      return;
    // Those that run already were set by the old ones.
    for (const connection of this.connections.values()) {
      const isTimed = connection.state !== "connected" || connection.waitingSince !== null;
      if (isTimed) setConnectionDeadline(this, connection);
    }
  }

  send(connection: Connection, packet: ServerPacket): void {
    const maximum = connection.maximumPacketSize;
    const fit = maximum === Infinity ? packet : fitToSize(packet, maximum);
    if (fit === null) {
      const bytes = packetSize(packet);
      const { peer } = connection;
      return this.note({ event: "notSent", peer, packet: packet.type, bytes, maximum });
    }
    this.statistics.packetsSent += 1;
    this.effects.push({
      type: "send",
      connection: connection.id,
      version: connection.version,
      packet: fit,
    });
  }

  /** Invalidates remembered routes if the session has subscriptions. */
  invalidateRoutes(session: Session | null): void {
    if (session !== null && session.subscriptions.size > 0) this.generation += 1;
  }

  /** A client on the broker's machine was suspended with it; all others still had to send. */
  #woke({ asleepMs, since }: Input & { readonly type: "woke" }): void {
    this.note({ event: "woke", asleepMs });
    for (const connection of this.connections.values()) {
      if (connection.isLocal) connection.sleepThrough(asleepMs);
      else if (connection.lastPacketAt >= since) {
        // The packet may have arrived before or after the suspend: assume after.
        connection.lastPacketAt = after(connection.lastPacketAt, asleepMs);
      }
    }
  }
}

const nothing: readonly Effect[] = [];
