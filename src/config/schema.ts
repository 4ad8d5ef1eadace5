import * as z from "zod";
import { defaultLimits } from "../core/limits.ts";
import { defaultTransportLimits } from "../transport/transport-limits.ts";
import { listenerSchema, tlsSchema } from "./listener-schema.ts";
import {
  day,
  gibibyte,
  hour,
  mebibyte,
  minute,
  second,
  sizeForm,
  writeDuration,
  writeSize,
} from "./quantity.ts";
import { address, choice, count, duration, file, kind, size, yesOrNo } from "./value-kinds.ts";

/**
 * The whole configuration in its written form: every key with its unit, default and meaning. The
 * schema transforms nothing, so that a configuration can be printed as it was read; `settingsOf`
 * converts it to plain numbers.
 */

const limits = { ...defaultLimits, ...defaultTransportLimits };

export const listenersMax = 64;

const authSchema = z.strictObject({
  allowAnonymous: yesOrNo()
    .optional()
    .describe(
      "Whether clients without a user name may connect; if absent, they may where no password file applies.",
    ),
  passwordFile: file()
    .default(null)
    .describe("Accounts, in mosquitto's format (mqttd passwd); null: user names are not checked."),
  aclFile: file()
    .default(null)
    .describe(
      "Access list, in mosquitto's format: the topics that each client may read and write; null: all.",
    ),
  refusalDelay: duration({ min: 1, max: minute, word: "off" })
    .default(writeDuration(5 * second))
    .describe(
      "Longest delay of a refusal: it doubles with each wrong password of one address and user name, and loopback has none.",
    ),
});

const limitsSchema = z.strictObject({
  connections: count({ min: 1, max: 10_000_000 })
    .default(limits.connections)
    .describe(
      "Open connections of all listeners together; a further one replaces the oldest that has sent no CONNECT, or is reset.",
    ),
  sessions: count({ min: 1, max: 10_000_000 })
    .default(limits.sessions)
    .describe(
      "Sessions, connected or not; a further one replaces the longest offline one without messages, or is refused.",
    ),
  subscriptions: count({ min: 1, max: 10_000_000 })
    .default(limits.subscriptions)
    .describe("Subscriptions of one session."),
  filters: count({ min: 1, max: 10_000_000 })
    .default(limits.filters)
    .describe(
      "Filters in one SUBSCRIBE, where further ones are refused (0x97), or UNSUBSCRIBE, which then ends the connection.",
    ),
  filterShapes: count({ min: 0, max: 1_000_000 })
    .default(limits.filterShapes)
    .describe(
      "Sets of levels with + in all filters, counting those with + beyond the sixth level; bounds the work of a PUBLISH, further ones are refused (0x97).",
    ),
  topicLevels: count({ min: 1, max: 65_536 })
    .default(limits.topicLevels)
    .describe("Levels of a topic name or filter."),
  packetSize: size({ min: 64, max: 256 * mebibyte })
    .default(writeSize(limits.packetSize))
    .describe("Size of a packet from a client; sent to v5 clients (Maximum Packet Size)."),
  controlPacketSize: size({ min: 64, max: 256 * mebibyte })
    .default(writeSize(limits.controlPacketSize))
    .describe("Size of a packet other than PUBLISH; never above packetSize."),
  connectSize: size({ min: 64, max: 256 * mebibyte })
    .default(writeSize(limits.connectSize))
    .describe("Size of a CONNECT, its will included; never above controlPacketSize."),
  memory: memory()
    .default("auto")
    .describe(
      "Memory that clients may take, all kinds together; auto: a quarter of the machine's, or of the cgroup's limit.",
    ),
  unfinishedBytes: size({ min: 64, max: 64 * gibibyte })
    .default(writeSize(limits.unfinishedBytes))
    .describe("Memory for partly received packets of all connections together."),
  payloadSize: size({ min: 0, max: 256 * mebibyte })
    .default(writeSize(limits.payloadSize))
    .describe("Payload of a message, wills included."),
  keepAliveMax: duration({ min: second, max: 65_535 * second, step: second, word: "never" })
    .default(writeDuration(limits.keepAliveMaxSeconds * second))
    .describe(
      "Longest keepalive; a v5 client that asks for more, or for none, gets this one (Server Keep Alive).",
    ),
  inflight: count({ min: 1, max: 65_535 })
    .default(limits.inflight)
    .describe("Outgoing QoS 1 and 2 messages of a session that wait for an acknowledgement."),
  receiveMaximum: count({ min: 1, max: 65_535 })
    .default(limits.receiveMaximum)
    .describe("Unfinished incoming QoS 1 and 2 messages; sent to v5 clients (Receive Maximum)."),
  queuedMessages: count({ min: 0, max: 10_000_000 })
    .default(limits.queuedMessages)
    .describe("Messages in one session's queue."),
  queuedBytes: size({ min: 0, max: 64 * gibibyte })
    .default(writeSize(limits.queuedBytes))
    .describe("Topics and payloads in one session's queue."),
  queueQos0: yesOrNo()
    .default(limits.queueQos0)
    .describe("Whether to queue QoS 0 messages too, for a session that is offline or blocked."),
  topicAliases: count({ min: 0, max: 65_535 })
    .default(limits.topicAliases)
    .describe("Topic aliases of a connection, in each direction (v5)."),
  qos: qos().default(limits.qos).describe("Highest QoS; sent to v5 clients (Maximum QoS)."),
  retain: yesOrNo()
    .default(limits.retain)
    .describe(
      "Whether retained messages are available; sent to v5 clients (Retain Available). If not, those that there are stay in the store, and nobody gets them.",
    ),
  retainedMessages: count({ min: 0, max: 100_000_000 })
    .default(limits.retainedMessages)
    .describe("Retained messages on all topics but those below $SYS."),
  retainedBytes: size({ min: 0, max: 64 * gibibyte })
    .default(writeSize(limits.retainedBytes))
    .describe("Topics and payloads of all retained messages but those below $SYS."),
  sessionExpiryMax: duration({
    min: 0,
    max: 4_294_967_294 * second,
    step: second,
    word: "never",
  })
    .default(writeDuration(limits.sessionExpiryMaxSeconds * second))
    .describe("Longest life of a session without connection; v3.1.1 sessions live that long."),
  ledger: count({ min: 0, max: 10_000_000 })
    .default(limits.ledger)
    .describe(
      "Decided wills, and clients that are gone, that inspect can still explain; fewer if ids have more than 256 characters.",
    ),
  connectTimeout: duration({ min: 1, max: hour })
    .default(writeDuration(limits.connectTimeoutMs))
    .describe("How long a connection may take to send CONNECT."),
  authenticationTimeout: duration({ min: 1, max: hour })
    .default(writeDuration(limits.authenticationTimeoutMs))
    .describe("How long a CONNECT may wait for the check of its password; then it is refused."),
  authentications: count({ min: 1, max: 1_000_000 })
    .default(2000)
    .describe(
      "CONNECTs that wait for the check of their password; a further one is refused (0x89, server busy).",
    ),
  holdTimeout: duration({ min: 1, max: hour, word: "off" })
    .default(writeDuration(limits.holdTimeoutMs))
    .describe(
      "How long a QoS 1 or 2 publisher waits at a time for a slow subscriber, and never longer than a quarter of its keepalive.",
    ),
  stallTimeout: duration({ min: 1, max: day })
    .default(writeDuration(limits.stallTimeoutMs))
    .describe("How long a connection may take none of its pending output."),
  outputBytes: size({ min: 1024, max: gibibyte })
    .default(writeSize(mebibyte))
    .describe("Bytes of pending output to a connection at which deliveries to it stop."),
  webSocketBytes: size({ min: mebibyte, max: 64 * gibibyte })
    .default(writeSize(limits.webSocketBytes))
    .describe(
      "WebSocket frames of a listener that have arrived and wait to be read; beyond it, the connections that wait longest are ended (1008).",
    ),
  webSocketEmptyFrames: count({ min: 1, max: 10_000_000 })
    .default(limits.webSocketEmptyFrames)
    .describe(
      "WebSocket frames without a byte in them, such as Pings, that a client may send at once; more end its connection (1008).",
    ),
  drainedBytes: size({ min: mebibyte, max: 64 * gibibyte })
    .default(writeSize(limits.drainedBytes))
    .describe(
      "Bytes that a listener reads and drops in a second, of clients that send on after their end; the rest waits.",
    ),
});

const tcpSchema = z.strictObject({
  keepAlive: duration({ min: second, max: 9 * hour, word: "off" })
    .default(writeDuration(60 * second))
    .describe("Silence before TCP probes a connection without an MQTT keepalive."),
  userTimeout: duration({ min: second, max: 9 * hour, word: "off" })
    .default(writeDuration(60 * second))
    .describe("How long sent bytes may stay unacknowledged on such a connection."),
});

const logSchema = z.strictObject({
  level: choice(["error", "warn", "info", "debug"])
    .default("info")
    .describe("The least serious level that is logged."),
  format: choice(["human", "json", "auto"])
    .default("human")
    .describe("human: lines to read; json: NDJSON; auto: human on a terminal, otherwise json."),
  color: choice(["auto", "always", "never"])
    .default("auto")
    .describe("Colours of human lines; auto: on a terminal, unless NO_COLOR is set."),
});

const adminSchema = z.strictObject({
  port: adminPort()
    .default(1888)
    .describe("Port of the administration interface (HTTP); 0 takes a free one, off disables it."),
  host: address()
    .default(null)
    .describe("Address of the interface; null or localhost: 127.0.0.1 and ::1, this machine only."),
  tls: tlsSchema
    .optional()
    .describe("If present, the interface speaks HTTPS; keys as of a listener's tls."),
  tokenFile: file()
    .default(null)
    .describe(
      "File with the token for requests; null: mqttd creates one if other machines can reach the host.",
    ),
  streams: count({ min: 1, max: 10_000 })
    .default(64)
    .describe("Concurrent event streams and requests that wait for a will's fate."),
  streamBytes: size({ min: 1024, max: gibibyte })
    .default(writeSize(mebibyte))
    .describe(
      "Pending events for one reader of the stream; beyond them the broker drops events and sends their number.",
    ),
  messages: count({ min: 0, max: 100_000 })
    .default(1000)
    .describe(
      "Messages that /v1/messages remembers, with 8 MiB at most, of each second 1000 and 8 MiB at most; 0: none.",
    ),
  connections: count({ min: 1, max: 100_000 })
    .default(256)
    .describe(
      "Open connections per address; a further one replaces one that waits for its client.",
    ),
  requestTimeout: duration({ min: 100, max: hour })
    .default(writeDuration(10 * second))
    .describe("How long a request may take to arrive, body included."),
  stallTimeout: duration({ min: 100, max: hour })
    .default(writeDuration(30 * second))
    .describe("How long a reader may take none of its pending answer."),
});

const storeSchema = z.strictObject({
  path: file()
    .default(null)
    .describe(
      "Folder that keeps sessions, messages and wills beyond the process, relative to the working directory; null: nothing outlives it.",
    ),
  durability: choice(["normal", "full", "off"])
    .default("normal")
    .describe(
      "What an acknowledgement promises. normal: it survives a kill, and power failures but for the last second; full: both; off: written later, promises nothing.",
    ),
  restartSettle: duration({ min: 0, max: hour })
    .default(writeDuration(5 * second))
    .describe(
      "After a start, how long wills that are due wait for their watchers to come back; their clients' return does not cancel them.",
    ),
  restartGrace: duration({ min: 0, max: day, word: "off" })
    .default("off")
    .describe(
      "After a start, how long the return of its client cancels a will that is due, or that its Clean Start would publish (a departure from the standard). A shorter time counts as store.restartSettle.",
    ),
});

const sysSchema = z.strictObject({
  interval: duration({ min: second, max: day, word: "off" })
    .default(writeDuration(10 * second))
    .describe("How often the topics below $SYS are published."),
});

export const configSchema = z.strictObject({
  $schema: kind(z.string({ error: "the address of a JSON Schema" }), {
    allowed: "the address of a JSON Schema",
  })
    .optional()
    .describe("Address of this file's JSON Schema, for editors; mqttd ignores it."),
  listeners: z
    .array(listenerSchema)
    .min(1, { error: listenersForm() })
    .max(listenersMax, { error: listenersForm() })
    .prefault([{}])
    .describe("Where clients connect."),
  auth: authSchema.prefault({}).describe("Who may connect."),
  limits: limitsSchema.prefault({}).describe("Every limit of the broker."),
  tcp: tcpSchema
    .prefault({})
    .describe("TCP's own detectors of a dead peer, next to the MQTT keepalive."),
  log: logSchema.prefault({}).describe("What is logged, and how."),
  admin: adminSchema.prefault({}).describe("The HTTP interface that mqttd inspect uses."),
  store: storeSchema.prefault({}).describe("What outlives the process."),
  sys: sysSchema.prefault({}).describe("The broker's own topics below $SYS."),
});

/** With all defaults filled in. */
export type Config = z.output<typeof configSchema>;

function listenersForm(): string {
  return `1 to ${listenersMax} listeners`;
}
function memory() {
  const bounds = { min: 16 * mebibyte, max: 1024 * gibibyte };
  const allowed = 'from 16MiB to 1024GiB, or "auto"';
  const schema = z.union([size(bounds), z.literal("auto")], { error: `${sizeForm}, ${allowed}` });
  return kind(schema, { allowed: `a size ${allowed}`, unit: "bytes", words: ["auto"] });
}

function qos() {
  const error = "0, 1 or 2";
  const schema = z.union([z.literal(0), z.literal(1), z.literal(2)], { error });
  return kind(schema, { allowed: error, words: ["0", "1", "2"] });
}

function adminPort() {
  const error = 'a port from 0 to 65535 (0 takes a free one), or "off"';
  const port = count({ min: 0, max: 65_535, form: error });
  return kind(z.union([port, z.literal("off")], { error }), { allowed: error, words: ["off"] });
}
