import { assert } from "../assert.ts";
import type { RecordChange } from "../durable.ts";
import type { BrokerEvent, ClientHabit } from "../events.ts";
import type { Millis } from "../io.ts";
import { costs, type Memory } from "../memory.ts";
import { ConnectionRecord } from "./connection-record.ts";
import { excerpt, textKept } from "./excerpt.ts";
import { bytesOfFact, Kept } from "./kept.ts";
import type { Lasting, RecordJournal } from "./record-journal.ts";
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
/** The same while memory is short. */
const connectionsKeptShort = 2;
const willsKeptShort = 2;
const eventsKeptShort = 5;

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

/** Adds an item, and lets go of those before the latest `count`. */
function withLatest<Item extends Kept>(
  few: Few<Item>,
  item: Item,
  count: number,
  memory: Memory,
): Few<Item> {
  item.hold(memory);
  if (few === null) return item;
  const items = Array.isArray(few) ? few : [few];
  items.push(item);
  if (items.length > count) {
    for (const dropped of items.splice(0, items.length - count)) dropped.release(memory);
  }
  return items;
}

function connectedAtOf({ connectedAt }: ConnectionRecord): Millis {
  assert(connectedAt !== null, "only an accepted CONNECT is an event");
  return connectedAt;
}

class KeptEvent extends Kept {
  readonly at: Millis;
  readonly event: BrokerEvent;

  constructor(told: BrokerEvent, at: Millis) {
    const bytes = bytesOfFact(told);
    // What takes no more has no long text.
    const event = bytes > textKept ? excerpt(told) : told;
    super(costs.keptEvent + (event === told ? bytes : bytesOfFact(event)));
    this.at = at;
    this.event = event;
  }
}

type KeptHabit = ClientHabit & { readonly at: Millis };

/** What a store keeps of a client id beside its connections and wills. */
export interface DurableHabits {
  /** Of the history. */
  readonly number: number;
  readonly clientId: string;
  readonly habits: readonly (ClientHabit & { readonly at: Millis })[];
  /** Those that were logged for the device. */
  readonly logged: readonly ClientHabit["fault"][];
}

const none: readonly never[] = [];

/** What the histories of a broker share. */
interface HistoriesShare {
  readonly memory: Memory;
  /** Null: nothing outlives the process. */
  readonly journal: RecordJournal | null;
}

/** The latest history of one client id. */
export class ClientHistory implements Lasting {
  readonly clientId: string;
  /** In a store, of its habits; 0: it has none yet. */
  #number = 0;
  isStored = false;
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

  readonly #shared: HistoriesShare;
  /** Bytes of its own, without connections, wills and events. */
  #bytes: number = costs.history;

  constructor(clientId: string, shared: HistoriesShare) {
    this.clientId = clientId;
    this.#shared = shared;
    shared.memory.records.take(this.#bytes);
  }

  /** It is forgotten. */
  release(): void {
    for (const kept of [this.#connections, this.#wills, this.#events]) {
      for (const one of listOf<Kept>(kept)) one.release(this.#shared.memory);
    }
    this.#shared.memory.records.give(this.#bytes);
    this.#shared.journal?.forgot(this);
  }

  /** Its habits changed. */
  #changed(): void {
    const { journal } = this.#shared;
    if (journal === null) return;
    if (this.#number === 0) this.#number = journal.next();
    journal.noted(this);
  }

  put(): RecordChange {
    const { clientId, habits } = this;
    const logged = [...(this.#logged ?? none)];
    return { put: "habits", value: { number: this.#number, clientId, habits, logged } };
  }

  drop(): RecordChange {
    return { delete: "habits", number: this.#number };
  }

  /** A store has kept its habits. */
  restoreHabits({ number, habits, logged }: DurableHabits): void {
    this.#number = number;
    this.isStored = true;
    this.#habits = [...habits];
    this.#logged = new Set(logged);
    this.#grow(bytesOfFact(habits));
  }

  #grow(bytes: number): void {
    this.#bytes += bytes;
    this.#shared.memory.records.take(bytes);
  }

  /** How many of each to keep. */
  #most(usually: number, whileShort: number): number {
    return this.#shared.memory.takes("expire") ? whileShort : usually;
  }

  #keepConnection(record: ConnectionRecord): void {
    const most = this.#most(connectionsKept, connectionsKeptShort);
    this.#connections = withLatest(this.#connections, record, most, this.#shared.memory);
  }

  #keepEvent(event: ConnectionRecord | KeptEvent): void {
    const most = this.#most(eventsKept, eventsKeptShort);
    this.#events = withLatest(this.#events, event, most, this.#shared.memory);
  }

  /** CONNECT was accepted, which is an event too. */
  accepted(record: ConnectionRecord): void {
    this.#keepConnection(record);
    this.#keepEvent(record);
  }

  /** One of an earlier process. */
  restored(record: ConnectionRecord): void {
    this.#keepConnection(record);
  }

  /** A store has kept a will that one of its connections armed. */
  restoredWill(record: WillRecord): void {
    const armedOn = this.connections.findLast(({ willId }) => willId === record.id);
    if (armedOn === undefined) return;
    armedOn.will = record;
    this.armed(record);
  }

  refused(record: ConnectionRecord): void {
    const refusals = this.connections.filter(({ connectedAt }) => connectedAt === null);
    const [oldest] = refusals;
    if (oldest !== undefined && refusals.length >= refusalsKept) {
      this.#connections = this.connections.filter((other) => other !== oldest);
      oldest.release(this.#shared.memory);
    }
    this.#keepConnection(record);
  }

  armed(record: WillRecord): void {
    const most = this.#most(willsKept, willsKeptShort);
    this.#wills = withLatest(this.#wills, record, most, this.#shared.memory);
  }

  /** Oldest first, as are the wills and the events. */
  get connections(): readonly ConnectionRecord[] {
    return listOf(this.#connections);
  }

  get wills(): readonly WillRecord[] {
    return listOf(this.#wills);
  }

  get events(): readonly Pick<KeptEvent, "at" | "event">[] {
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
    const kept = { ...excerpt(habit), at };
    habits.push(kept);
    this.#grow(bytesOfFact(kept));
    this.#changed();
    return true;
  }

  /** Notes that a habit is logged for this device. False: it was logged before. */
  logHabit(habit: ClientHabit["fault"]): boolean {
    const logged = (this.#logged ??= new Set());
    const isNew = logged.size < logged.add(habit).size;
    if (isNew) this.#changed();
    return isNew;
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
    if (this.#takeovers === null) this.#grow(takeoversKept * costs.keptEvent);
    keepLatest((this.#takeovers ??= []), takeover, takeoversKept);
  }

  noted(event: BrokerEvent, at: Millis): void {
    this.#keepEvent(new KeptEvent(event, at));
  }
}

function keepLatest<Item>(items: Item[], item: Item, count: number): void {
  items.push(item);
  if (items.length > count) items.shift();
}
