/**
 * Every limit that the core enforces. The configuration has the same keys with readable units; here
 * they are plain numbers. Infinity: no limit, where allowed.
 */
export interface Limits {
  /** Open connections of all listeners together. */
  readonly connections: number;
  /** Sessions, connected or not. */
  readonly sessions: number;
  /** Subscriptions of one session. */
  readonly subscriptions: number;
  /** Filters of one SUBSCRIBE or UNSUBSCRIBE. */
  readonly filters: number;
  /** Sets of levels with `+` among all filters, if `+` is beyond the first levels in them. */
  readonly filterShapes: number;
  /** Levels of a topic name or filter. */
  readonly topicLevels: number;
  /** Bytes of a whole packet from a client; announced as Maximum Packet Size. */
  readonly packetSize: number;
  /** Bytes of a whole packet other than PUBLISH; never above `packetSize`. */
  readonly controlPacketSize: number;
  /** Bytes of a whole CONNECT, its will included; never above `controlPacketSize`. */
  readonly connectSize: number;
  /** Bytes of memory for incomplete packets, all connections together. */
  readonly unfinishedBytes: number;
  /** Bytes of an application message's payload, wills included. */
  readonly payloadSize: number;
  /** Seconds; Server Keep Alive for a v5 client that asks for more or for none. Infinity: any. */
  readonly keepAliveMaxSeconds: number;
  /** Bytes of all that clients make the broker hold (`memory.ts`). Infinity: no limit. */
  readonly memory: number;
  /** Unacknowledged outgoing QoS 1 and 2 messages of one session. */
  readonly inflight: number;
  /** Unfinished incoming QoS 1 and 2 messages; announced as Receive Maximum. */
  readonly receiveMaximum: number;
  /** Messages in one session's queue. */
  readonly queuedMessages: number;
  /** Bytes (topic and payload) in one session's queue. */
  readonly queuedBytes: number;
  /** Whether QoS 0 messages are queued too, for a session that is offline or blocked. */
  readonly queueQos0: boolean;
  /** Topic aliases of one connection, each way. */
  readonly topicAliases: number;
  readonly qos: 0 | 1 | 2;
  /** Whether retained messages are available at all. */
  readonly retain: boolean;
  /** Retained messages of all topics. */
  readonly retainedMessages: number;
  /** Bytes (topic and payload) of all retained messages. */
  readonly retainedBytes: number;
  /** Seconds; the longest Session Expiry Interval, and that of v3 and v4 persistent sessions. */
  readonly sessionExpiryMaxSeconds: number;
  /** Settled wills, and client ids without connection, each this many, remembered for inspect. */
  readonly ledger: number;
  readonly connectTimeoutMs: number;
  /** How long a CONNECT may wait for the check of its credentials. */
  readonly authenticationTimeoutMs: number;
  /** Longest single hold of a publisher for a slow subscriber; 0: never held. */
  readonly holdTimeoutMs: number;
  /** How long a connection may take none of its waiting output. */
  readonly stallTimeoutMs: number;
}

/** The limits that CONNACK announces to a v5 client. */
export type Announced = Pick<
  Limits,
  "packetSize" | "qos" | "receiveMaximum" | "retain" | "topicAliases"
>;

/** A copy, so that later changes apply only to new connections. */
export function announced(limits: Limits): Announced {
  const { packetSize, qos, receiveMaximum, retain, topicAliases } = limits;
  return { packetSize, qos, receiveMaximum, retain, topicAliases };
}

const mebibyte = 1024 * 1024;

export const defaultLimits: Limits = {
  connections: 100_000,
  sessions: 100_000,
  subscriptions: 10_000,
  filters: 10_000,
  filterShapes: 100,
  topicLevels: 200,
  // `payloadSize` plus room for topic and properties. Queue and retained messages hold two.
  packetSize: 25 * mebibyte,
  controlPacketSize: mebibyte,
  connectSize: mebibyte / 4,
  unfinishedBytes: 256 * mebibyte,
  payloadSize: 24 * mebibyte,
  keepAliveMaxSeconds: Infinity,
  // The configuration's default depends on the machine.
  memory: Infinity,
  inflight: 100,
  // Less than the room left in a queue when it starts to hold its publishers.
  receiveMaximum: 100,
  queuedMessages: 1000,
  queuedBytes: 64 * mebibyte,
  queueQos0: false,
  topicAliases: 100,
  qos: 2,
  retain: true,
  retainedMessages: 100_000,
  retainedBytes: 256 * mebibyte,
  sessionExpiryMaxSeconds: Infinity,
  ledger: 10_000,
  connectTimeoutMs: 10_000,
  authenticationTimeoutMs: 30_000,
  holdTimeoutMs: 5000,
  stallTimeoutMs: 30_000,
};
