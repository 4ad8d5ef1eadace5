/**
 * Every bound that the core keeps. The configuration names the same keys with units a person can
 * write; here they are plain numbers. Infinity stands for "no limit" where that is allowed.
 */
export interface Limits {
  /** Open connections, all listeners together. */
  readonly connections: number;
  /** Sessions, connected or not. */
  readonly sessions: number;
  /** Subscriptions of one session. */
  readonly subscriptions: number;
  /** Filters of one SUBSCRIBE. */
  readonly filters: number;
  /** Levels of a topic name or filter. */
  readonly topicLevels: number;
  /** Bytes of a whole packet from a client; announced as Maximum Packet Size. */
  readonly packetSize: number;
  /** Bytes of a whole packet that is no PUBLISH; never above `packetSize`. */
  readonly controlPacketSize: number;
  /** Bytes of memory that the packets which have come in part take, all connections together. */
  readonly unfinishedBytes: number;
  /** Bytes of an application message's payload, wills included. */
  readonly payloadSize: number;
  /** Seconds; a v5 client that asks for more, or for none, is told this one. Infinity: any. */
  readonly keepAliveMaxSeconds: number;
  /** Outgoing QoS 1 and 2 messages of one session that wait for an acknowledgement. */
  readonly inflight: number;
  /** Incoming QoS 1 and 2 messages not yet finished; announced as Receive Maximum. */
  readonly receiveMaximum: number;
  /** Messages that wait in one session's queue. */
  readonly queuedMessages: number;
  /** Bytes (topic and payload) that wait in one session's queue. */
  readonly queuedBytes: number;
  /** Whether QoS 0 messages wait too, for a session that is offline or blocked. */
  readonly queueQos0: boolean;
  /** Topic aliases a connection may define, each way. */
  readonly topicAliases: number;
  readonly qos: 0 | 1 | 2;
  /** Whether retained messages are available at all. */
  readonly retain: boolean;
  /** Retained messages, all topics. */
  readonly retainedMessages: number;
  /** Bytes (topic and payload) of all retained messages. */
  readonly retainedBytes: number;
  /** Seconds; the longest Session Expiry Interval, and that of v3 and v4 persistent sessions. */
  readonly sessionExpiryMaxSeconds: number;
  /** Wills whose fate is known, and client ids without connection, that are remembered for inspect. */
  readonly ledger: number;
  readonly connectTimeoutMs: number;
  /** How long a publisher is held at once for a subscriber that is slow; 0: never. */
  readonly holdTimeoutMs: number;
  /** How long a connection may take nothing of what waits for it. */
  readonly stallTimeoutMs: number;
}

/** What CONNACK tells a v5 client, and what it then may rely on. */
export type Announced = Pick<
  Limits,
  "packetSize" | "qos" | "receiveMaximum" | "retain" | "topicAliases"
>;

/** As they are now: later changes are for the connections that are still to come. */
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
  topicLevels: 200,
  // Above the payload by what a topic and the properties take. Queue and retained messages hold two.
  packetSize: 25 * mebibyte,
  controlPacketSize: mebibyte,
  unfinishedBytes: 256 * mebibyte,
  payloadSize: 24 * mebibyte,
  keepAliveMaxSeconds: Infinity,
  inflight: 100,
  // One publisher's unfinished messages are fewer than a queue has room for once it holds its publishers.
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
  holdTimeoutMs: 5000,
  stallTimeoutMs: 30_000,
};
