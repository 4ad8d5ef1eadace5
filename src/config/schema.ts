import * as z from "zod";
import { defaultLimits } from "../core/limits.ts";
import {
  bytesOf,
  durationForm,
  durationPattern,
  millisecondsOf,
  sizeForm,
  sizePattern,
  writeDuration,
  writeSize,
} from "./quantity.ts";

/**
 * The whole configuration, as it is written: every key, its unit, its default and what it means.
 * Nothing is transformed here, so that what was read can be printed again; `settingsOf` makes plain
 * numbers of it. The message of every check is the text that stands behind "allowed:" in an error.
 */

const second = 1000;
const hour = 3600 * second;
const day = 24 * hour;
const mebibyte = 1024 * 1024;
const gibibyte = 1024 * mebibyte;
const limits = defaultLimits;

export const listenersMax = 64;

const listenerSchema = z.strictObject({
  port: count({ min: 0, max: 65_535, form: "a port from 0 to 65535 (0 takes a free one)" })
    .default(1883)
    .describe("TCP port; 0 takes a free one."),
  host: address()
    .default(null)
    .describe("Address to listen on; null or localhost: 127.0.0.1 and ::1, this machine only."),
  transport: z.literal("tcp", { error: '"tcp"' }).default("tcp").describe("How bytes arrive."),
  allowAnonymous: yesOrNo()
    .optional()
    .describe("Whether clients without a user name may connect; absent: as auth.allowAnonymous."),
  mountPoint: z
    .string({ error: mountPointForm() })
    .max(256, { error: mountPointForm() })
    // oxlint-disable-next-line no-control-regex -- U+0000 is what no topic may hold (v5-1.5.4-2).
    .regex(/^(?:[^+#\u0000]*\/)?$/, { error: mountPointForm() })
    .default("")
    .describe(
      "Put before every topic of this listener's clients, and taken off on delivery; a Response Topic " +
        "is passed on as it is.",
    ),
  connections: count({ min: 1, max: 10_000_000 })
    .optional()
    .describe("Open connections of this listener; absent: only limits.connections counts."),
});

const authSchema = z.strictObject({
  allowAnonymous: yesOrNo()
    .default(true)
    .describe("Whether clients without a user name may connect."),
});

const limitsSchema = z.strictObject({
  connections: count({ min: 1, max: 10_000_000 })
    .default(limits.connections)
    .describe("Open connections, all listeners together."),
  sessions: count({ min: 1, max: 10_000_000 })
    .default(limits.sessions)
    .describe("Sessions, connected or not."),
  subscriptions: count({ min: 1, max: 10_000_000 })
    .default(limits.subscriptions)
    .describe("Subscriptions of one session."),
  filters: count({ min: 1, max: 10_000_000 })
    .default(limits.filters)
    .describe("Filters of one SUBSCRIBE; those beyond are refused (0x97)."),
  topicLevels: count({ min: 1, max: 65_536 })
    .default(limits.topicLevels)
    .describe("Levels of a topic name or filter."),
  packetSize: size({ min: 64, max: 256 * mebibyte })
    .default(writeSize(limits.packetSize))
    .describe("A whole packet from a client; v5 clients are told (Maximum Packet Size)."),
  controlPacketSize: size({ min: 64, max: 256 * mebibyte })
    .default(writeSize(limits.controlPacketSize))
    .describe("A whole packet that is no PUBLISH, CONNECT included; never above packetSize."),
  unfinishedBytes: size({ min: 64, max: 64 * gibibyte })
    .default(writeSize(limits.unfinishedBytes))
    .describe("Memory of packets that have come in part, all connections together."),
  payloadSize: size({ min: 0, max: 256 * mebibyte })
    .default(writeSize(limits.payloadSize))
    .describe("The payload of a message, wills included."),
  keepAliveMax: duration({ min: second, max: 65_535 * second, step: second, word: "never" })
    .default(writeDuration(limits.keepAliveMaxSeconds * second))
    .describe("Longest keepalive; a v5 client that asks for more, or none, is told this one."),
  inflight: count({ min: 1, max: 65_535 })
    .default(limits.inflight)
    .describe("Outgoing QoS 1 and 2 messages of a session that wait for an acknowledgement."),
  receiveMaximum: count({ min: 1, max: 65_535 })
    .default(limits.receiveMaximum)
    .describe("Incoming QoS 1 and 2 messages not yet finished; v5 clients are told."),
  queuedMessages: count({ min: 0, max: 10_000_000 })
    .default(limits.queuedMessages)
    .describe("Messages that wait in one session's queue."),
  queuedBytes: size({ min: 0, max: 64 * gibibyte })
    .default(writeSize(limits.queuedBytes))
    .describe("Topics and payloads that wait in one session's queue."),
  queueQos0: yesOrNo()
    .default(limits.queueQos0)
    .describe("Whether QoS 0 messages wait too, for a session that is offline or blocked."),
  topicAliases: count({ min: 0, max: 65_535 })
    .default(limits.topicAliases)
    .describe("Topic aliases that a connection may define, each way (v5)."),
  qos: z
    .union([z.literal(0), z.literal(1), z.literal(2)], { error: "0, 1 or 2" })
    .default(limits.qos)
    .describe("Highest QoS; v5 clients are told (Maximum QoS)."),
  retain: yesOrNo()
    .default(limits.retain)
    .describe("Whether retained messages are available; v5 clients are told."),
  retainedMessages: count({ min: 0, max: 100_000_000 })
    .default(limits.retainedMessages)
    .describe("Retained messages, all topics."),
  retainedBytes: size({ min: 0, max: 64 * gibibyte })
    .default(writeSize(limits.retainedBytes))
    .describe("Topics and payloads of all retained messages."),
  sessionExpiryMax: duration({
    min: 0,
    max: 4_294_967_294 * second,
    step: second,
    word: "never",
  })
    .default(writeDuration(limits.sessionExpiryMaxSeconds * second))
    .describe("Longest life of a session without connection; also that of v3.1.1 sessions."),
  ledger: count({ min: 0, max: 10_000_000 })
    .default(limits.ledger)
    .describe(
      "Wills with a known fate, and clients that are gone, that inspect can still explain; fewer where their ids have more than 256 characters.",
    ),
  connectTimeout: duration({ min: 1, max: hour })
    .default(writeDuration(limits.connectTimeoutMs))
    .describe("How long a connection may take to send CONNECT."),
  holdTimeout: duration({ min: 1, max: hour, word: "off" })
    .default(writeDuration(limits.holdTimeoutMs))
    .describe(
      "How long a publisher of QoS 1 and 2 waits at once for a subscriber that is slow, and never longer than a quarter of its keepalive.",
    ),
  stallTimeout: duration({ min: 1, max: day })
    .default(writeDuration(limits.stallTimeoutMs))
    .describe("How long a connection may take nothing of what waits for it."),
  outputBytes: size({ min: 1024, max: gibibyte })
    .default(writeSize(mebibyte))
    .describe("Bytes that wait to be written to a connection before deliveries to it stop."),
});

const tcpSchema = z.strictObject({
  keepAlive: duration({ min: second, max: 9 * hour, word: "off" })
    .default(writeDuration(60 * second))
    .describe("Silence before TCP probes a connection that has no MQTT keepalive."),
  userTimeout: duration({ min: second, max: 9 * hour, word: "off" })
    .default(writeDuration(60 * second))
    .describe("How long sent bytes may stay unacknowledged on such a connection."),
});

const logSchema = z.strictObject({
  level: choice(["error", "warn", "info", "debug"])
    .default("info")
    .describe("The least that is said."),
  format: choice(["human", "json", "auto"])
    .default("human")
    .describe("human: lines to read; json: NDJSON; auto: human on a terminal, otherwise json."),
  color: choice(["auto", "always", "never"])
    .default("auto")
    .describe("Colours of human lines; auto: on a terminal, unless NO_COLOR is set."),
});

const adminSchema = z.strictObject({
  port: z
    .union([count({ min: 0, max: 65_535, form: adminPortForm() }), z.literal("off")], {
      error: adminPortForm(),
    })
    .default(1888)
    .describe(
      "Port of the administration interface (HTTP); 0 takes a free one, off: there is none.",
    ),
  host: address()
    .default(null)
    .describe("Address of the interface; null or localhost: 127.0.0.1 and ::1, this machine only."),
  tokenFile: z
    .union([z.string({ error: fileForm() }).min(1, { error: fileForm() }), z.null()], {
      error: fileForm(),
    })
    .default(null)
    .describe(
      "File with the token to ask with; null: one is made where others can reach the host.",
    ),
  streams: count({ min: 1, max: 10_000 })
    .default(64)
    .describe("Event streams, and requests that wait for a will's fate, at once."),
  streamBytes: size({ min: 1024, max: gibibyte })
    .default(writeSize(mebibyte))
    .describe("Events that wait for one reader of the stream; it is told how many it then misses."),
  connections: count({ min: 1, max: 100_000 })
    .default(256)
    .describe(
      "Open connections of each of its addresses; one more takes the place of one that waits for its client.",
    ),
  requestTimeout: duration({ min: 100, max: hour })
    .default(writeDuration(10 * second))
    .describe("How long a request may take to arrive, its body included."),
  stallTimeout: duration({ min: 100, max: hour })
    .default(writeDuration(30 * second))
    .describe("How long a reader may take nothing of an answer that waits for it."),
});

const sysSchema = z.strictObject({
  interval: duration({ min: second, max: day, word: "off" })
    .default(writeDuration(10 * second))
    .describe("How often the topics below $SYS are published."),
});

export const configSchema = z.strictObject({
  $schema: z
    .string({ error: "the address of a JSON Schema" })
    .optional()
    .describe("Address of this file's JSON Schema, for editors; mqttd ignores it."),
  listeners: z
    .array(listenerSchema)
    .min(1, { error: listenersForm() })
    .max(listenersMax, { error: listenersForm() })
    .prefault([{}])
    .describe("Where clients connect."),
  auth: authSchema.prefault({}).describe("Who may connect."),
  limits: limitsSchema.prefault({}).describe("Every bound that the broker keeps."),
  tcp: tcpSchema
    .prefault({})
    .describe("TCP's own detectors of a dead peer, beside the MQTT keepalive."),
  log: logSchema.prefault({}).describe("What is said, and how."),
  admin: adminSchema.prefault({}).describe("The HTTP interface that mqttd inspect asks."),
  sys: sysSchema.prefault({}).describe("The broker's own topics below $SYS."),
});

/** With every default filled in. */
export type Config = z.output<typeof configSchema>;

function listenersForm(): string {
  return `1 to ${listenersMax} listeners`;
}

function hostForm(): string {
  return 'an address or a host name, or null for "127.0.0.1" and "::1"';
}

function adminPortForm(): string {
  return 'a port from 0 to 65535 (0 takes a free one), or "off"';
}

function fileForm(): string {
  return "the name of a file, or null";
}

function address() {
  const error = hostForm();
  const named = z.string({ error }).regex(/^[\w.:%[\]-]{1,253}$/, { error });
  return z.union([named, z.null()], { error });
}

function mountPointForm(): string {
  return "a topic prefix that ends with /, of up to 256 characters, without wildcards";
}

function yesOrNo() {
  return z.boolean({ error: "true or false" });
}

function choice<const T extends readonly [string, ...string[]]>(values: T) {
  const quoted = values.map((value) => `"${value}"`);
  return z.enum(values, { error: `${quoted.slice(0, -1).join(", ")} or ${quoted.at(-1)}` });
}

function count(bounds: { min: number; max: number; form?: string }) {
  const error = bounds.form ?? `a whole number from ${bounds.min} to ${bounds.max}`;
  return z.int({ error }).min(bounds.min, { error }).max(bounds.max, { error });
}

/** A size; the bounds are bytes. */
function size(bounds: { min: number; max: number }) {
  const error = sizeForm;
  const range = `from ${writeSize(bounds.min)} to ${writeSize(bounds.max)}`;
  return z
    .union(
      [z.int({ error }).min(0, { error }), z.string({ error }).regex(sizePattern, { error })],
      {
        error,
      },
    )
    .refine((written) => within(bytesOf(written), bounds), { error: range });
}

interface DurationBounds {
  readonly min: number;
  readonly max: number;
  /** Only multiples of it, for what MQTT counts in seconds. */
  readonly step?: number;
  /** Stands for no limit (`never`) or for none of it (`off`). */
  readonly word?: "never" | "off";
}

/** A duration; the bounds are milliseconds. */
function duration(bounds: DurationBounds) {
  const { step = 1, word } = bounds;
  const or = word === undefined ? "" : ` or "${word}"`;
  const error = durationForm + or;
  const pattern =
    word === undefined ? durationPattern : new RegExp(`${durationPattern.source}|^${word}$`);
  const whole = step === second ? "whole seconds " : "";
  const range = `${whole}from ${writeDuration(bounds.min)} to ${writeDuration(bounds.max)}${or}`;
  return z
    .string({ error })
    .regex(pattern, { error })
    .refine(
      (written) => {
        if (written === word) return true;
        const milliseconds = millisecondsOf(written);
        return within(milliseconds, bounds) && (milliseconds ?? 0) % step === 0;
      },
      { error: range },
    );
}

function within(value: number | null, bounds: { min: number; max: number }): boolean {
  return value !== null && value >= bounds.min && value <= bounds.max;
}
