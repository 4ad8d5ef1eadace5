import type { Connection } from "./connection.ts";
import { Deadline } from "./deadlines.ts";
import type { HeldPublishers } from "./hold.ts";
import type { Millis } from "./io.ts";
import { InflightWindow, type Outgoing } from "./inflight.ts";
import type { Message, ProtocolVersion, Qos } from "./packet.ts";
import { Queue, type QueueLimits, type QueueTotals } from "./queue.ts";
import type { Subscription } from "./subscriptions.ts";
import type { Timed } from "./timed.ts";
import type { Steps } from "./steps.ts";
import type { Will } from "./will.ts";

/** A retained replay under way: what one subscription still has to get. */
export interface Replay {
  readonly messages: Steps<Message>;
  readonly subscription: Subscription;
  /** The place in the queue of what came after it was asked for. */
  readonly before: number;
}

/** The state of one client id: it outlives sockets by its Session Expiry Interval. */
export class Session {
  readonly clientId: string;
  readonly createdAt: Millis;
  readonly deadline: Deadline<Timed>;
  readonly pump: Deadline<Timed>;
  readonly subscriptions = new Map<string, Subscription>();
  readonly queue: Queue;
  /** What the client has yet to acknowledge. */
  readonly outgoing = new InflightWindow();
  /** The part of `outgoing` that is still to be sent again on this connection, in order. */
  readonly resends = new Set<Outgoing>();
  /** Packet ids of incoming QoS 2 messages that were passed on and wait for PUBREL. */
  readonly incoming = new Set<number>();
  /** By filter, those that were asked for first come first. */
  readonly replays = new Map<string, Replay>();

  /** Of the latest CONNECT; null: none was accepted yet. */
  version: ProtocolVersion | null = null;
  username: string | null = null;
  connection: Connection | null = null;
  /** Seconds in force; 0: ends with its connection, Infinity: never. */
  expiryIntervalSeconds = 0;
  will: Will | null = null;
  /** It has subscribed to a shared subscription, whatever became of that. */
  hasUsedSharedFilters = false;
  /** When it took something of what waits for it, or something began to wait. */
  progressedAt: Millis;
  /** How often it did. */
  progressCount = 0;
  /** Publishers that wait until its queue is shorter; null: nobody does, or has. */
  heldPublishers: HeldPublishers | null = null;
  /** A message was lost for it, and this was said; until there is room again. */
  dropping = false;
  endedAt: Millis | null = null;

  constructor(clientId: string, limits: QueueLimits, queued: QueueTotals, now: Millis) {
    this.clientId = clientId;
    this.createdAt = now;
    this.progressedAt = now;
    this.queue = new Queue(limits, queued);
    this.deadline = new Deadline<Timed>({ kind: "session", session: this });
    this.pump = new Deadline<Timed>({ kind: "pump", session: this });
  }
}

/** The least of what the publisher gave and what the subscriber asked (v5-3.8.4-8). */
export function lesserQos(a: Qos, b: Qos): Qos {
  return a < b ? a : b;
}
