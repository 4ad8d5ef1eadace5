import type { Peer, Reach } from "../../src/core/events.ts";
import type { Millis } from "../../src/core/io.ts";
import type { LogEvent } from "../../src/log/events.ts";

type SampleTable = {
  readonly [Name in LogEvent["event"]]: readonly Extract<LogEvent, { event: Name }>[];
};

// Millis is a brand on number: a test must apply it somewhere.
export const millis = (ms: number): Millis => ms as Millis;

/** The time of all samples. */
export const now = millis(Date.UTC(2026, 10, 22, 15, 4, 5, 123));
const ago = (ms: number): Millis => millis(now - ms);

const dev: Peer = { clientId: "dev-42", remote: "127.0.0.1:51042" };
const stranger: Peer = { clientId: null, remote: "[::1]:51043" };
const topic = "home/dev-42/status";
const reach = (delivered: number, queued = 0, dropped = 0, retained: Reach["retained"] = null) => ({
  delivered,
  queued,
  dropped,
  away: 0,
  retained,
});
const connected = {
  event: "connected",
  peer: dev,
  version: 5,
  bridge: false,
  cleanStart: true,
  sessionPresent: false,
  keepAlive: 10,
  keepAliveAsked: 10,
  sessionExpiry: 0,
  username: null,
  will: null,
} as const;
const ended = {
  event: "ended",
  peer: dev,
  cause: "resetByPeer",
  detail: null,
  statement: null,
  silentMs: 2104,
  allowedMs: 15_000,
  keepAliveSeconds: 10,
  will: null,
  refusedWill: null,
  wasConnected: true,
} as const;
const will = { topic, qos: 1, retain: true, delayInterval: 0, payloadBytes: 7 } as const;
const heldWill = { topic, qos: 1, retain: true, payloadBytes: 7, delaySeconds: 0 } as const;
const atOnce = { fate: "published", topic, due: now, at: now } as const;
const delayed = {
  event: "will",
  clientId: "dev-42",
  cause: "resetByPeer",
  endedAt: ago(30_000),
  by: "due",
} as const;

/** One of each line, and more where a line has several forms. */
export const samples: SampleTable = {
  connected: [
    connected,
    { ...connected, version: 4, username: "ann", will },
    { ...connected, version: 3, keepAlive: 0, keepAliveAsked: 0 },
    {
      ...connected,
      cleanStart: false,
      sessionPresent: true,
      keepAlive: 60,
      keepAliveAsked: 3600,
      sessionExpiry: 3600,
      will: { ...will, retain: false, delayInterval: 30 },
    },
    { ...connected, version: 4, cleanStart: false, sessionExpiry: Infinity },
    { ...connected, version: 4, bridge: true },
  ],
  ended: [
    { ...ended, cause: "disconnected", silentMs: 0 },
    {
      ...ended,
      cause: "disconnected",
      silentMs: 0,
      will: { fate: "discarded", topic, why: "disconnect" },
    },
    { ...ended, cause: "disconnectedWithWill", will: { ...atOnce, reach: reach(2) } },
    {
      ...ended,
      cause: "disconnectedWithError",
      detail: "unspecified error (0x80)",
      will: { ...atOnce, reach: reach(0) },
    },
    ended,
    {
      ...ended,
      cause: "keepAliveExpired",
      silentMs: 15_001,
      will: { ...atOnce, due: ago(1), reach: reach(3, 1, 0, "stored") },
    },
    {
      ...ended,
      cause: "keepAliveExpired",
      silentMs: 19_000,
      stoodStillMs: 4000,
      will: { ...atOnce, due: ago(4000), stoodStillMs: 4000, reach: reach(1) },
    },
    {
      ...ended,
      cause: "closedByPeer",
      allowedMs: null,
      keepAliveSeconds: 0,
      will: { ...atOnce, reach: reach(0, 2, 1, "cleared") },
    },
    { ...ended, allowedMs: null },
    { ...ended, cause: "tcpTimeout", will: { fate: "delayed", topic, due: millis(now + 30_000) } },
    { ...ended, cause: "takenOver", will: { fate: "cancelled", topic, why: "resumed" } },
    { ...ended, cause: "takenOver", will: { ...atOnce, unwaited: 30, reach: reach(1) } },
    {
      ...ended,
      cause: "protocolError",
      detail: "second CONNECT",
      statement: "v5-3.1.0-2",
      silentMs: 0,
      will: { fate: "discarded", topic, why: "denied" },
    },
    { ...ended, cause: "storeFailed", will: { ...atOnce, reach: reach(0, 0, 4) } },
    {
      ...ended,
      peer: stranger,
      cause: "connectTimeout",
      silentMs: 10_000,
      allowedMs: 10_000,
      wasConnected: false,
    },
    {
      ...ended,
      peer: stranger,
      cause: "crowdedOut",
      silentMs: 4000,
      allowedMs: 10_000,
      wasConnected: false,
    },
    {
      ...ended,
      cause: "refused",
      detail: "not authorized",
      allowedMs: null,
      wasConnected: false,
    },
    {
      ...ended,
      cause: "refused",
      detail: "not authorized",
      allowedMs: null,
      refusedWill: { ...will, delayInterval: 30 },
      wasConnected: false,
    },
    { ...ended, peer: stranger, allowedMs: null, wasConnected: false },
  ],
  will: [
    {
      ...delayed,
      will: { fate: "published", topic, due: now, at: now, reach: reach(2, 1, 0, "stored") },
    },
    {
      ...delayed,
      by: "session ended",
      will: { fate: "published", topic, due: ago(20_000), at: ago(19_996), reach: reach(0) },
    },
    {
      ...delayed,
      by: "broker stopped",
      will: { fate: "published", topic, due: millis(now + 5000), at: now, reach: reach(1) },
    },
    {
      ...delayed,
      endedAt: ago(12_345),
      by: "resumed",
      will: { fate: "cancelled", topic, why: "resumed" },
    },
    { ...delayed, will: { fate: "discarded", topic, why: "denied" } },
  ],
  keepAliveAboveMaximum: [
    { event: "keepAliveAboveMaximum", peer: dev, keepAlive: 7200, maximum: 90 },
  ],
  subscribed: [
    { event: "subscribed", peer: dev, version: 5, filter: "home/+/status", reason: 1 },
    { event: "subscribed", peer: dev, version: 5, filter: "secret/#", reason: 0x87 },
    { event: "subscribed", peer: dev, version: 4, filter: "secret/#", reason: 0x87 },
  ],
  unsubscribed: [{ event: "unsubscribed", peer: dev, filter: "home/+/status" }],
  publishRefused: [
    {
      ...{ event: "publishRefused", peer: dev, version: 5 },
      ...{ topic: "a/b", reason: 0x97, detail: "retained messages" },
    },
    {
      ...{ event: "publishRefused", peer: dev, version: 4 },
      ...{ topic: "a/b", reason: 0x97, detail: "retained messages" },
    },
  ],
  deliveryDenied: [
    {
      ...{ event: "deliveryDenied", clientId: "dev-42", topic: "a/b" },
      by: "mqttd.acl:7 'topic deny a/#'",
    },
  ],
  rightsChanged: [
    {
      ...{ event: "rightsChanged", clientId: "dev-42", username: "ann" },
      ...{ gained: ["topic read a/#"], lost: ["topic b/#", "topic deny c"], more: 2 },
    },
    {
      ...{ event: "rightsChanged", clientId: "dev-42", username: null, list: "mqttd.acl" },
      ...{ gained: [], lost: [], more: 0 },
      deniedWill: { topic, by: "no line of mqttd.acl" },
    },
    {
      ...{ event: "rightsChanged", clientId: "dev-42", username: null, list: null },
      ...{ gained: [], lost: [], more: 0 },
    },
  ],
  moreRightsChanged: [{ event: "moreRightsChanged", clients: 5 }],
  dropping: [
    { event: "dropping", clientId: "dev-42", why: "queue full", topic: "a/b" },
    { event: "dropping", clientId: "dev-42", why: "packet too large", topic: "a/b" },
    {
      ...{ event: "dropping", clientId: null, why: "retained messages full", topic: "a/b" },
      limit: "retainedBytes",
    },
  ],
  notSent: [{ event: "notSent", peer: dev, packet: "suback", bytes: 35, maximum: 24 }],
  crowded: [
    { event: "crowded", reset: 240, withinMs: 1000 },
    { event: "crowded", reset: 0, failed: 980, withinMs: 1000 },
  ],
  sessionEnded: [
    { event: "sessionEnded", clientId: "dev-42", why: "expired" },
    { event: "sessionEnded", clientId: "dev-42", why: "replaced" },
  ],
  clientFault: [
    { event: "clientFault", peer: dev, fault: "randomClientId", topic, before: "dev-7f3a" },
    { event: "clientFault", peer: dev, fault: "retainedWillWithoutBirth", topic },
    {
      event: "clientFault",
      peer: dev,
      fault: "birthElsewhere",
      topic,
      published: "home/dev-42/birth",
    },
    { event: "clientFault", peer: dev, fault: "noKeepAlive", topic },
    {
      event: "clientFault",
      peer: dev,
      fault: "longKeepAlive",
      topic,
      keepAlive: 7200,
      allowedMs: 10_800_000,
    },
    {
      event: "clientFault",
      peer: dev,
      fault: "delayBeyondSession",
      topic,
      delayInterval: 300,
      sessionExpiry: 60,
    },
    { event: "clientFault", peer: dev, fault: "willUnheard", topic },
    { event: "clientFault", peer: dev, fault: "cleanDisconnect", topic, listeners: 2 },
    {
      event: "clientFault",
      peer: dev,
      fault: "sharedClientId",
      remotes: ["10.0.0.5:51042", "10.0.0.6:40110"],
    },
  ],
  restored: [
    {
      ...{ event: "restored", sessions: 120, subscriptions: 340, messages: 17, retained: 1 },
      ...{ wills: 9, dueWills: 3, waitMs: 5000, diedMsAgo: 7200 },
    },
    {
      ...{ event: "restored", sessions: 1, subscriptions: 0, messages: 0, retained: 2 },
      ...{ wills: 0, dueWills: 0, waitMs: 5000, diedMsAgo: null },
    },
  ],
  storeFailed: [
    { event: "storeFailed", detail: "the disk is full", clients: 3 },
    { event: "storeFailed", detail: "the disk is full", clients: 1 },
  ],
  storeRecovered: [{ event: "storeRecovered", afterMs: 61_500 }],
  woke: [{ event: "woke", asleepMs: 7_512_000 }],
  listening: [{ event: "listening", addresses: ["127.0.0.1:1883", "[::1]:1883"] }],
  administration: [
    {
      event: "administration",
      urls: ["http://127.0.0.1:1888", "http://[::1]:1888"],
      taken: null,
      tokenFile: null,
    },
    {
      event: "administration",
      urls: ["http://0.0.0.0:40001"],
      taken: 1888,
      tokenFile: "/run/user/1000/mqttd/token",
    },
  ],
  storeOpened: [
    { event: "storeOpened", file: "/var/lib/mqttd/mqttd.db", isNew: true },
    { event: "storeOpened", file: "/var/lib/mqttd/mqttd.db", isNew: false },
  ],
  configurationLoaded: [
    { event: "configurationLoaded", file: "/etc/mqttd.json" },
    { event: "configurationLoaded", file: null },
  ],
  configurationReloaded: [
    { event: "configurationReloaded", file: "/etc/mqttd.json", changed: ["limits.packetSize"] },
    { event: "configurationReloaded", file: null, changed: [] },
    { event: "configurationReloaded", file: null, changed: [], filesChanged: true },
  ],
  accessReloaded: [{ event: "accessReloaded", file: "/etc/mqttd.acl", lines: 12 }],
  accountsReloaded: [
    {
      event: "accountsReloaded",
      file: "/etc/mqttd.passwd",
      added: { names: ["dev-9"], more: 0 },
      changed: { names: [], more: 0 },
      removed: { names: ["alice", "bob smith"], more: 3 },
      connected: { names: ["dev-42"], more: 0 },
    },
    {
      event: "accountsReloaded",
      file: "/etc/mqttd.passwd",
      added: { names: [], more: 0 },
      changed: { names: ["alice"], more: 0 },
      removed: { names: [], more: 0 },
      connected: { names: [], more: 0 },
    },
  ],
  configurationReloadFailed: [
    {
      event: "configurationReloadFailed",
      file: "/etc/mqttd.json",
      problems: ['line 3: limits.packetSize: found "huge"', "line 9: unknown key limit"],
    },
  ],
  stopping: [
    { event: "stopping", signal: "SIGTERM" },
    { event: "stopping", signal: null },
  ],
  predecessor: [
    { event: "predecessor", pid: 4711, startedAt: now - 90_000, followedAt: now - 5_000 },
  ],
  stopped: [{ event: "stopped" }],
  warning: [
    { event: "warning", text: "Open to the network without passwords: use --host 127.0.0.1" },
  ],
  packet: [
    {
      event: "packet",
      peer: dev,
      version: 5,
      direction: "received",
      packet: {
        type: "publish",
        topic: "a/b",
        qos: 1,
        retain: false,
        dup: false,
        packetId: 7,
        payload: new Uint8Array(5),
      },
    },
    {
      event: "packet",
      peer: dev,
      version: 5,
      direction: "sent",
      packet: { type: "puback", packetId: 7, reason: 0x10 },
    },
    { event: "packet", peer: dev, version: 5, direction: "received", packet: { type: "pingreq" } },
    {
      event: "packet",
      peer: dev,
      version: 5,
      direction: "received",
      packet: {
        type: "subscribe",
        packetId: 8,
        subscriptionIdentifier: null,
        subscriptions: [
          { filter: "#", qos: 2, noLocal: false, retainAsPublished: false, retainHandling: 0 },
        ],
        undecoded: 0,
      },
    },
    {
      event: "packet",
      peer: dev,
      version: 5,
      direction: "sent",
      packet: { type: "suback", packetId: 8, reasons: Array.from({ length: 12 }, () => 2) },
    },
    {
      event: "packet",
      peer: dev,
      version: 5,
      direction: "sent",
      packet: { type: "connack", sessionPresent: true, reason: 0, properties: null },
    },
    // A reason of the core is another code, or none, before MQTT 5.
    ...([5, 4, 3] as const).flatMap((version) =>
      (
        [
          { type: "connack", sessionPresent: false, reason: 0x87, properties: null },
          { type: "suback", packetId: 8, reasons: [1, 0x87] },
          { type: "unsuback", packetId: 9, reasons: [0, 0x11] },
          { type: "pubrec", packetId: 7, reason: 0x97 },
        ] as const
      ).map(
        (packet) => ({ event: "packet", peer: dev, version, direction: "sent", packet }) as const,
      ),
    ),
  ],
  loopBlocked: [{ event: "loopBlocked", blockedMs: 120.4 }],
  state: [
    {
      event: "state",
      view: {
        now,
        connections: [
          {
            connection: 1,
            clientId: "dev-42",
            remote: dev.remote,
            listener: "tcp localhost:1883",
            state: "connected",
            protocol: "5.0",
            openedAt: ago(60_000),
            keepAliveSeconds: 10,
            allowedMs: 15_000,
            lastPacket: { type: "PINGREQ", at: ago(2104) },
            deadlineAt: now + 12_896,
            deadlineCause: "keepAliveExpired",
            pausedAt: null,
            heldFor: null,
            waitingSince: null,
            blocked: false,
            dropped: null,
          },
        ],
        sessions: [
          {
            clientId: "dev-42",
            connected: true,
            createdAt: ago(60_000),
            expirySeconds: 0,
            endsAt: null,
            queue: { messages: 0, bytes: 0 },
            inflight: 0,
            receiveMaximum: 65_535,
            incoming: 0,
            dropping: false,
            holds: { count: 0, clientIds: [] },
            subscriptions: [
              {
                clientId: "dev-42",
                filter: "a/#",
                qos: 1,
                noLocal: false,
                retainAsPublished: false,
                identifier: 0,
                group: null,
              },
            ],
            will: { ...heldWill, state: "armed", dueAt: null },
          },
          {
            clientId: "dev-43",
            connected: false,
            createdAt: ago(3_600_000),
            expirySeconds: 3600,
            endsAt: now + 3_000_000,
            queue: { messages: 3, bytes: 21 },
            inflight: 0,
            receiveMaximum: null,
            incoming: 0,
            dropping: false,
            holds: { count: 0, clientIds: [] },
            subscriptions: [],
            will: { ...heldWill, state: "delayed", dueAt: now + 20_000 },
          },
        ],
        retained: { messages: 1, bytes: 24 },
        subscriptions: 1,
        deadlines: 3,
      },
    },
  ],
  operatorOrdered: [
    { event: "operatorOrdered", order: "drop silent", clientId: "dev-42" },
    { event: "operatorOrdered", order: "reload", clientId: null },
  ],
  operatorPublished: [
    {
      ...{ event: "operatorPublished", topic: "home/lamp", qos: 1, retain: true, payloadBytes: 2 },
      reach: { delivered: 2, queued: 1, dropped: 0, away: 0, retained: "stored" },
      refused: null,
    },
    {
      ...{ event: "operatorPublished", topic: "$SYS/x", qos: 0, retain: false, payloadBytes: 0 },
      ...{ reach: null, refused: "only the broker may publish below $SYS" },
    },
  ],
  logLinesDropped: [
    { event: "logLinesDropped", lines: 1 },
    { event: "logLinesDropped", lines: 2300 },
  ],
};
