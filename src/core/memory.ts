import { assert } from "./assert.ts";
import { keep, type Message } from "./packet.ts";

/**
 * What clients make the broker hold, by kind. `messages`: topics, payloads and properties, each
 * counted once, whoever keeps it; the places that keep it count only themselves.
 */
export const memoryKinds = [
  "connections",
  "sessions",
  "subscriptions",
  "routes",
  "messages",
  "queues",
  "inflight",
  "retained",
  "wills",
  "aliases",
  "unfinished",
  "output",
  "records",
] as const;

export type MemoryKind = (typeof memoryKinds)[number];

/**
 * Bytes that one object of each sort takes, with all that belongs to it but texts and payloads.
 * Measured, not computed: `scripts/holdings.ts` compares them with what the process grows by.
 */
export const costs = {
  connection: 500,
  /** Of the driver, with its socket. */
  channel: 2000,
  session: 850,
  rights: 350,
  subscription: 450,
  route: 480,
  retained: 400,
  match: 300,
  recipient: 180,
  fixedCopy: 150,
  message: 300,
  queued: 54,
  outgoing: 120,
  incoming: 90,
  will: 300,
  alias: 60,
  recentMessage: 350,
  history: 200,
  connectionRecord: 400,
  keptEvent: 150,
  willRecord: 1500,
  willTopic: 400,
} as const;

/** A text without characters beyond ASCII takes one byte a character; any other two. */
export function textBytes(text: string): number {
  const { length } = text;
  // A wrong guess about a short text costs less than looking at it.
  if (length < lookedAtFrom) return length;
  for (let at = 0; at < length; at++) if (text.charCodeAt(at) > 0x7f) return length * 2;
  return length;
}

const lookedAtFrom = 256;

/**
 * What the broker does as its memory fills up, in this order, from which share of `limits.memory`
 * on. Each stays in force while those after it are.
 */
const measures = [
  /** Expired messages go, and remembered routes. */
  { name: "expire", share: 0.7 },
  /** QoS 0 messages are dropped wherever they would wait. */
  { name: "dropQos0", share: 0.75 },
  /** New sessions and subscriptions are refused. */
  { name: "refuseNew", share: 0.8 },
  /** Publishers are held for subscribers with a queue. */
  { name: "hold", share: 0.85 },
  /** Offline sessions without queue end, the oldest first. */
  { name: "endSessions", share: 0.9 },
  /** QoS 1 and 2 messages that would be kept are refused. The rest is for what is in transit. */
  { name: "refuseMessages", share: 0.95 },
] as const;

type Measure = (typeof measures)[number]["name"];

const place = Object.fromEntries(measures.map(({ name }, at) => [name, at])) as Record<
  Measure,
  number
>; // The names of the list.

/** A measure stays in force until the total is this share of the limit below where it began. */
const slack = 0.02;

/** The bytes of one kind. */
export class Account {
  bytes = 0;
  readonly #memory: Memory;

  constructor(memory: Memory) {
    this.#memory = memory;
  }

  take(bytes: number): void {
    this.bytes += bytes;
    this.#memory.total += bytes;
  }

  /** For what knows its whole memory at any time. */
  set(bytes: number): void {
    this.take(bytes - this.bytes);
  }

  give(bytes: number): void {
    this.bytes -= bytes;
    this.#memory.total -= bytes;
  }
}

/**
 * Counts what clients make the broker hold. Whatever keeps something takes its bytes here when it
 * gets it and gives them back when it lets go of it: one addition each.
 */
export class Memory {
  total = 0;
  /** The measure in force that comes last in the order of `measures`; -1: none. */
  #stage = -1;
  /** Totals from which each measure is in force. */
  #from: readonly number[] = measures.map(() => Infinity);
  /** Total of the next stage, and below which the current one is left. */
  #up = Infinity;
  #down = -Infinity;
  /** From this total on there is something to do: while a measure is in force, always. */
  #pressingFrom = Infinity;
  #limit = Infinity;
  readonly connections = new Account(this);
  readonly sessions = new Account(this);
  readonly subscriptions = new Account(this);
  readonly routes = new Account(this);
  readonly messages = new Account(this);
  readonly queues = new Account(this);
  readonly inflight = new Account(this);
  readonly retained = new Account(this);
  readonly wills = new Account(this);
  readonly aliases = new Account(this);
  readonly unfinished = new Account(this);
  readonly output = new Account(this);
  readonly records = new Account(this);

  /** Bytes; Infinity: no limit. */
  get limit(): number {
    return this.#limit;
  }

  set limit(bytes: number) {
    this.#limit = bytes;
    this.#from = measures.map(({ share }) => bytes * share);
    this.#enter(this.#stageAt(this.total));
  }

  /** Whether the measures in force no longer fit the total, or it is time to go on with them. */
  get isPressing(): boolean {
    return this.total >= this.#pressingFrom;
  }

  /** Fits the measures in force to the total. Leaves one only well below where it began. */
  update(): void {
    const { total } = this;
    if (total >= this.#up || total < this.#down) this.#enter(this.#stageAt(total));
  }

  /** Whether a measure is in force. */
  takes(measure: Measure): boolean {
    return this.#stage >= place[measure];
  }

  /** Whether so many more bytes would leave the total below the begin of a measure. */
  hasRoomBefore(measure: Measure, bytes: number): boolean {
    return this.total + bytes < this.#from[place[measure]]!;
  }

  /** Whether so many more bytes keep to the limit. */
  hasRoom(bytes: number): boolean {
    return this.total + bytes <= this.#limit;
  }

  #stageAt(total: number): number {
    return this.#from.findLastIndex((from) => total >= from);
  }

  #enter(stage: number): void {
    this.#stage = stage;
    this.#up = this.#from[stage + 1] ?? Infinity;
    this.#pressingFrom = stage < 0 ? this.#up : -Infinity;
    this.#down = stage < 0 ? -Infinity : this.#from[stage]! - this.#limit * slack;
  }

  /** A message gets one more keeper: it needs memory of its own, counted with the first. */
  hold(message: Message): void {
    message.keepers += 1;
    if (message.keepers > 1) return;
    keep(message);
    this.messages.take(messageBytes(message));
  }

  release(message: Message): void {
    message.keepers -= 1;
    assert(message.keepers >= 0, "a message is released once by each of its keepers");
    if (message.keepers === 0) this.messages.give(messageBytes(message));
  }

  get byKind(): Record<MemoryKind, number> {
    const bytes = memoryKinds.map((kind) => [kind, this[kind].bytes]);
    return Object.fromEntries(bytes) as Record<MemoryKind, number>; // The keys of the list.
  }
}

interface Sized {
  readonly topic: string;
  readonly payload: { readonly length: number };
  readonly properties: { readonly length: number } | null;
}

/** Memory of a kept message. A large payload may keep a buffer that it only mostly fills. */
export function messageBytes({ topic, payload, properties }: Sized): number {
  return costs.message + textBytes(topic) + payload.length + (properties?.length ?? 0);
}
