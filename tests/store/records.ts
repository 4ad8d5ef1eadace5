import type { DurableConnection } from "../../src/core/records/records.ts";
import type {
  Changes,
  DurableMessage,
  DurableOutgoing,
  DurableQueued,
  DurableSession,
  DurableSubscription,
  DurableWill,
  StoredPart,
  StoreFailure,
} from "../../src/core/durable.ts";
import type { Millis } from "../../src/core/io.ts";
import type { SqliteStore } from "../../src/store/sqlite.ts";

/** Records with a value in every field, for tests of stores. */

export const at = (ms: number): Millis => (1_790_000_000_000 + ms) as Millis;

export function session(number: number, changed: Partial<DurableSession> = {}): DurableSession {
  return {
    session: number,
    clientId: `dev-${number}`,
    version: 5,
    username: "karl",
    accessList: null,
    listener: "tcp 127.0.0.1:1883",
    remote: "127.0.0.1:50001",
    connectedAt: at(10),
    keepAliveSeconds: 60,
    createdAt: at(0),
    ended: null,
    expirySeconds: 3600,
    hasUsedSharedFilters: false,
    ...changed,
  };
}

export function subscription(
  owner: number,
  filter: string,
  changed: Partial<DurableSubscription> = {},
): DurableSubscription {
  return {
    ...{ session: owner, filter, mountPoint: "", qos: 1, noLocal: false },
    ...{ retainAsPublished: false, identifier: 0, owesRetained: false },
    ...changed,
  };
}

export function message(number: number, changed: Partial<DurableMessage> = {}): DurableMessage {
  return {
    message: number,
    topic: `home/${number}`,
    payload: new TextEncoder().encode(`on ${number}`),
    ...{ qos: 1, retain: false, properties: null, expiresAt: null },
    ...changed,
  };
}

export function queued(
  owner: number,
  place: number,
  of: number,
  changed: Partial<DurableQueued> = {},
): DurableQueued {
  return {
    ...{ session: owner, place, message: of, qos: 1, retain: false },
    ...{ identifiers: null, shared: null },
    ...changed,
  };
}

function outgoing(
  owner: number,
  packetId: number,
  of: number,
  changed: Partial<DurableOutgoing> = {},
): DurableOutgoing {
  return {
    ...{ session: owner, packetId, message: of, qos: 2, retain: false, identifiers: null },
    ...{ shared: null, order: packetId, awaited: "pubrec", strip: 0 },
    ...changed,
  };
}

function will(owner: number, changed: Partial<DurableWill> = {}): DurableWill {
  return {
    session: owner,
    topic: `status/${owner}`,
    mountPoint: "",
    payload: new TextEncoder().encode("offline"),
    ...{ qos: 1, retain: true, delayIntervalSeconds: 5, expirySeconds: null },
    ...{ properties: null, armedAt: at(10), ended: null, dueAt: null },
    ...changed,
  };
}

const connection = {
  ...{ connection: 4, clientId: "dev-ö", connectedAt: null, cleanStart: true },
  ...{ sessionPresent: false, username: null, keepAliveAskedSeconds: 0, willId: null },
  ...{ sessionExpirySeconds: 0, sessionExpiryAskedSeconds: 0, refusedWill: null },
  facts: {
    ...{ remote: "127.0.0.1:50001", listener: "tcp 127.0.0.1:1883", protocol: "5.0" },
    ...{ version: 5, bridge: false, openedAt: at(1), keepAliveSeconds: 0, allowedMs: null },
    ...{ lastPacket: { type: "CONNECT", at: at(2) }, dropped: null },
  },
  ended: null,
} as const satisfies DurableConnection;

/** One of each kind, and what is rare in each. */
export const sample: Changes = [
  { put: "message", value: message(1) },
  {
    put: "message",
    value: message(2, {
      topic: "ö/😀",
      properties: new Uint8Array([38, 0, 1, 97, 0, 1, 98]),
      expiresAt: at(9000),
      ...{ qos: 2, retain: true, payload: new Uint8Array() },
    }),
  },
  { put: "session", value: session(1) },
  {
    put: "session",
    value: session(2, {
      ...{ clientId: "", version: 4, username: null, accessList: "lists/dev.acl" },
      ended: { cause: "resetByPeer", at: at(77) },
      ...{ expirySeconds: null, hasUsedSharedFilters: true },
    }),
  },
  { put: "subscription", value: subscription(1, "home/#") },
  {
    put: "subscription",
    value: subscription(1, "$share/g/ö/+", {
      ...{ mountPoint: "lab/", qos: 2, noLocal: true, retainAsPublished: true },
      ...{ identifier: 268_435_455, owesRetained: true },
    }),
  },
  { put: "queued", value: queued(1, 1, 1) },
  {
    put: "queued",
    value: queued(1, 2, 2, {
      qos: 2,
      retain: true,
      identifiers: [1, 70_000],
      shared: "$share/g/a",
    }),
  },
  { put: "outgoing", value: outgoing(1, 65_535, 1, { awaited: "puback", qos: 1 }) },
  { put: "outgoing", value: outgoing(1, 2, 2, { awaited: "pubcomp", order: 3, strip: 4 }) },
  { put: "incoming", value: { session: 2, packetId: 9 } },
  { put: "retained", value: { topic: "home/1", message: 1 } },
  { put: "will", value: will(1) },
  {
    put: "will",
    value: will(2, {
      ...{ mountPoint: "lab/", payload: new Uint8Array(), qos: 0, retain: false },
      ...{ expirySeconds: 4_294_967_295, properties: new Uint8Array([1, 1]) },
      ended: { cause: "keepAliveExpired", at: at(80) },
      dueAt: at(5080),
    }),
  },
  {
    put: "habits",
    value: {
      ...{ number: 3, clientId: "dev-ö", logged: ["noKeepAlive"] },
      habits: [{ fault: "noKeepAlive", topic: "status/1", at: at(11) }],
    },
  },
  { put: "connection", value: connection },
  {
    put: "willRecord",
    value: {
      ...{ id: 1, clientId: "dev-ö", remote: "127.0.0.1:50001", protocol: "5.0", topic: "a" },
      ...{ qos: 1, retain: false, payloadBytes: 1, payload: "MQ==", delaySeconds: 0 },
      ...{ sessionExpirySeconds: null, keepAliveSeconds: 60, access: "allowed" },
      ...{ state: "discarded", armedAt: at(2), end: null, dueAt: null },
      fate: { fate: "discarded", at: at(3), rule: "v5-3.14.4-3", why: "disconnect", by: null },
      steps: [{ at: at(2), state: "armed", rule: "v5-3.1.2-7" }],
    },
  },
];

/** All that a store has, in one part. */
export async function allOf(store: SqliteStore): Promise<StoredPart> {
  const all: { [K in keyof StoredPart]: StoredPart[K][number][] } = {
    ...{ messages: [], habits: [], connections: [], willRecords: [] },
    ...{ sessions: [], retained: [] },
  };
  for await (const part of store.load()) {
    all.messages.push(...part.messages);
    all.sessions.push(...part.sessions.map((session) => ({ ...session })));
    all.retained.push(...part.retained);
    all.habits.push(...part.habits);
    all.connections.push(...part.connections);
    all.willRecords.push(...part.willRecords);
  }
  return all;
}

export async function committed(
  store: SqliteStore,
  changes: Changes,
): Promise<StoreFailure | null> {
  return new Promise((resolve) => store.commit(changes, resolve));
}
