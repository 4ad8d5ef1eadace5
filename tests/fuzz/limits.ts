import { defaultLimits, type Limits } from "../../src/core/limits.ts";
import type { FuzzInput } from "./input.ts";

/** A few packets reach each of these. */
const smallLimits: Partial<Limits> = {
  connections: 5,
  sessions: 8,
  subscriptions: 6,
  topicLevels: 8,
  packetSize: 4096,
  filters: 64,
  payloadSize: 1024,
  inflight: 3,
  receiveMaximum: 1,
  queuedMessages: 5,
  queuedBytes: 2048,
  queueQos0: true,
  topicAliases: 3,
  retainedMessages: 4,
  retainedBytes: 2048,
  sessionExpiryMaxSeconds: 7200,
  ledger: 5,
};
/** Requests above these limits are refused. */
const strictLimits: Partial<Limits> = {
  ...smallLimits,
  payloadSize: 100,
  connectSize: 1024,
  keepAliveMaxSeconds: 30,
  qos: 1,
  retain: false,
  queueQos0: false,
};

const own = { small: smallLimits, strict: strictLimits, default: {} };

export function limitsOf({ limits }: FuzzInput): Limits {
  return { ...defaultLimits, ...own[limits] };
}

/** Bytes that may wait for one connection. */
export function outputBytesOf({ limits }: FuzzInput): number {
  return limits === "default" ? 1024 * 1024 : 512;
}
