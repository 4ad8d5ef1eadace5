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
  connection: 3000,
  session: 2200,
  subscription: 400,
  level: 600,
  route: 400,
  recipient: 150,
  fixedCopy: 150,
  message: 300,
  queued: 60,
  outgoing: 120,
  will: 500,
  alias: 60,
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

/** Memory of a kept message. A large payload may keep a buffer that it only mostly fills. */
export function messageBytes({ topic, payload, properties }: Message): number {
  return costs.message + textBytes(topic) + payload.byteLength + (properties?.byteLength ?? 0);
}
