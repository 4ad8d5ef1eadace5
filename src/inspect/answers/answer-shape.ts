import { memoryKinds } from "../../core/memory.ts";
import * as z from "zod";
import {
  type AccessReloaded,
  type AclAnswer,
  type Answers,
  type ClientAnswer,
  type DropAnswer,
  type EventLine,
  type KickAnswer,
  type ListedNames,
  listDefault,
  type MessagesAnswer,
  type Overview,
  type Refusal,
  type ReloadAnswer,
  type StreamedEvent,
  type TonedLength,
  type Restart,
  type StoreAccount,
  type WillsAnswer,
  type Predecessor,
} from "../../api/api.ts";
import type {
  AccessAccount,
  MemoryAccount,
  HistogramAccount,
  RecentEnd,
  TurnedAwayAccount,
  RetainedAccount,
  RouteAccount,
} from "../../core/records/broker-account.ts";
import type { ClientSummary } from "../../core/records/client-account.ts";
import type { AccessRule } from "../../core/access.ts";
import { ends } from "../../core/end-causes.ts";
import { type Level, levels } from "../../log/events.ts";
import {
  cause,
  clientHabit,
  connection,
  lastPacket,
  protocol,
  session,
  subscription,
  will,
  willTopic,
  willState,
} from "./account-shape.ts";
import {
  amount,
  count,
  few,
  flag,
  list,
  many,
  moment,
  object,
  optional,
  orNull,
  type Shape,
  span,
  text,
  word,
  words,
} from "./shape.ts";

/** The shape of each answer, by query. */

const level: Shape<Level> = z.enum(levels);

/** Characters of a sentence of the log, which cuts names to a few hundred. */
const sentenceMax = 64 * 1024;

const eventKeys = {
  at: moment.min(0),
  level,
  event: words,
  text: z.string().max(sentenceMax),
  facts: z.record(z.string(), z.unknown()),
};
const eventShape = object<EventLine>(eventKeys);

export const streamedEventShape = object<StreamedEvent>({
  ...eventKeys,
  tones: optional(list(object<TonedLength>({ length: count, tone: orNull(words) }), few)),
});

export function clientIdsShape(limit = listDefault): Shape<Answers["client-ids"]> {
  return object<Answers["client-ids"]>({ ids: list(text, limit), more: flag });
}

const predecessor = optional(
  orNull(object<Predecessor>({ pid: count, startedAt: moment, followedAt: moment })),
);

const oneRestart = object<Restart>({
  pid: count,
  how: word({ stopped: true, killed: true }),
  ...{ at: moment, lastSignAt: moment, keptUntil: optional(moment) },
  backAt: orNull(moment),
});
const restart = optional(orNull(oneRestart));

export const clientShape = object<ClientAnswer>({
  now: moment,
  like: optional(orNull(text)),
  predecessor,
  restarts: optional(list(oneRestart, few)),
  store: optional(orNull(text)),
  clientId: text,
  session: orNull(session),
  connections: list(connection, few),
  wills: list(will, few),
  willTopic: optional(orNull(willTopic)),
  faults: list(clientHabit, few),
  events: list(eventShape, few),
});

const countOfEnds = z.object(
  Object.fromEntries(Object.keys(ends).map((cause) => [cause, count])),
) as unknown as Shape<Overview["ends"]>; // The keys of the same table.

// An older broker counts fewer kinds.
const countOfKinds = z.partialRecord(z.enum(memoryKinds), count) as unknown as Shape<
  MemoryAccount["kinds"]
>; // The keys of the same table.

const histogram = object<HistogramAccount>({
  buckets: list(
    object<HistogramAccount["buckets"][number]>({ leMs: orNull(amount), count: count }),
    few,
  ),
  sumMs: span,
  count,
});

export const overviewShape = object<Overview>({
  now: moment,
  startedAt: moment,
  version: text,
  connections: count,
  connected: count,
  connectedMax: count,
  sessions: count,
  subscriptions: count,
  retained: object<Overview["retained"]>({
    messages: count,
    bytes: count,
    own: optional(object<Overview["queued"]>({ messages: count, bytes: count })),
  }),
  queued: object<Overview["queued"]>({ messages: count, bytes: count }),
  memory: optional(
    object<MemoryAccount>({
      limit: orNull(count),
      total: count,
      kinds: countOfKinds,
    }),
  ),
  packets: object<Overview["packets"]>({ received: count, sent: count }),
  publishes: object<Overview["publishes"]>({ received: count, sent: count, dropped: count }),
  bytes: object<Overview["bytes"]>({ received: count, sent: count }),
  socketsOpened: count,
  sessionsExpired: count,
  ends: countOfEnds,
  wills: object<Overview["wills"]>({
    ...{ armed: count, delayed: count, published: count, discarded: count, cancelled: count },
  }),
  keepAliveLateness: histogram,
  willLateness: histogram,
  pendingWills: list(will, few),
  recentEnds: list(
    object<RecentEnd>({
      at: moment,
      clientId: orNull(text),
      remote: text,
      cause,
      causeText: words,
      detail: orNull(text),
      will: word<RecentEnd["will"]>({
        ...{ "no will": true, published: true, delayed: true, discarded: true, cancelled: true },
      }),
    }),
    few,
  ),
  turnedAway: optional(
    list(
      object<TurnedAwayAccount>({
        ...{ at: moment, remote: text, causeText: words, detail: orNull(text) },
        ...{ cause, clientId: orNull(text), count },
      }),
      few,
    ),
  ),
  process: object<Overview["process"]>({
    pid: count,
    rssBytes: count,
    heapBytes: count,
    loopLagMs: object<Overview["process"]["loopLagMs"]>({ median: amount, worst: amount }),
  }),
  listeners: list(text, few),
  rates: object<Overview["rates"]>({
    publishesReceived: amount,
    publishesSent: amount,
    bytesReceived: amount,
    bytesSent: amount,
    connections: amount,
  }),
  logLevel: level,
  predecessor,
  restart,
  store: optional(orNull(text)),
  like: orNull(text),
});

const client = object<ClientSummary>({
  clientId: text,
  connected: flag,
  remote: orNull(text),
  listener: orNull(text),
  protocol,
  username: orNull(text),
  keepAliveSeconds: span,
  lastPacket: orNull(lastPacket),
  deadlineAt: orNull(moment),
  subscriptions: count,
  queued: count,
  inflight: count,
  memoryBytes: optional(count),
  will: orNull(willState),
});

const retained = object<RetainedAccount>({
  topic: text,
  qos: count,
  payloadBytes: count,
  payload: text,
  expiresAt: orNull(moment),
});

const message = object<MessagesAnswer["messages"][number]>({
  id: count,
  at: moment,
  topic: text,
  qos: z.union([z.literal(0), z.literal(1), z.literal(2)]),
  retain: flag,
  payload: optional(text),
  payloadBase64: optional(text),
  properties: optional(z.record(z.string(), z.unknown())),
});

/** A list has at most `limit` items. */
export function clientsShape(limit = listDefault): Shape<Answers["clients"]> {
  return object<Answers["clients"]>({ clients: list(client, limit), more: flag });
}

export function sessionsShape(limit = listDefault): Shape<Answers["sessions"]> {
  return object<Answers["sessions"]>({ sessions: list(session, limit), more: flag });
}

export function subscriptionsShape(limit = listDefault): Shape<Answers["subscriptions"]> {
  return object<Answers["subscriptions"]>({ subscriptions: list(subscription, limit), more: flag });
}

export function retainedShape(limit = listDefault): Shape<Answers["retained"]> {
  return object<Answers["retained"]>({ retained: list(retained, limit), more: flag });
}

/** `GET /v1/messages`. */
export function messagesShape(limit = listDefault): Shape<MessagesAnswer> {
  return object<MessagesAnswer>({
    now: moment,
    messages: list(message, limit),
    lastId: count,
    complete: flag,
    missed: count,
  });
}

export function willsShape(limit = listDefault): Shape<WillsAnswer> {
  return object<WillsAnswer>({
    now: moment,
    wills: list(will, limit),
    decided: orNull(flag),
    awaited: orNull(count),
    awaitedWill: orNull(will),
    predecessor,
    restart,
    more: flag,
  });
}

type Recipient = RouteAccount["recipients"][number];

const accessRule = object<AccessRule>({ file: text, line: count, text });

export const aclShape = object<AclAnswer>({
  topic: text,
  clientId: text,
  username: orNull(text),
  listener: text,
  verdicts: list(
    object<AccessAccount>({
      action: word<AccessAccount["action"]>({ read: true, write: true, subscribe: true }),
      allowed: flag,
      by: text,
      rule: orNull(accessRule),
    }),
    few,
  ),
  warnings: list(text, few),
});

export const routeShape = object<RouteAccount>({
  topic: text,
  recipients: list(
    object<Recipient>({
      clientId: text,
      connected: flag,
      qos: count,
      filters: list(text, many),
      noLocal: flag,
      deniedBy: optional(text),
      outcome: word<Recipient["outcome"]>({
        sent: true,
        queued: true,
        "dropped: QoS 0 and not connected": true,
        "dropped: QoS 0 and no room": true,
        "dropped: QoS 0 and little memory": true,
        "dropped: its queue is full": true,
        "dropped: larger than its Maximum Packet Size": true,
        "dropped: behind another mount point": true,
        "dropped: its own message": true,
        "dropped: may not read the topic": true,
        "shared: another member's turn": true,
      }),
    }),
    many,
  ),
});

/** Keys of a configuration: a few hundred with 64 listeners, each with one or two problems. */
const keysMax = 2000;

export const configShape = object<Answers["config"]>({
  file: orNull(text),
  values: list(
    object<Answers["config"]["values"][number]>({ path: text, value: z.unknown(), origin: text }),
    keysMax,
  ),
});

export const storeShape = object<Answers["store"]>({
  store: orNull(
    object<StoreAccount>({
      path: text,
      durability: orNull(word({ normal: true, full: true, off: true })),
      bytes: count,
      logBytes: count,
      freeBytes: count,
      rows: z.record(z.string(), count),
      commits: object<StoreAccount["commits"]>({
        count,
        failed: count,
        lastAt: orNull(moment),
        medianMs: orNull(amount),
        longestMs: amount,
      }),
      failure: orNull(text),
    }),
  ),
});

export const kickShape = object<KickAnswer>({ wasConnected: flag });

export const dropShape = object<DropAnswer>({
  wasConnected: flag,
  deadlineAt: orNull(moment),
  hint: orNull(text),
});

/** Our broker lists ten. */
const listedNames = object<ListedNames>({ names: list(text, few), more: amount });

export const reloadShape = object<ReloadAnswer>({
  ok: flag,
  file: orNull(text),
  changed: list(text, keysMax),
  later: list(text, keysMax),
  problems: list(text, keysMax),
  warnings: list(text, keysMax),
  accounts: list(
    object<ReloadAnswer["accounts"][number]>({
      file: text,
      added: listedNames,
      changed: listedNames,
      removed: listedNames,
      connected: listedNames,
    }),
    keysMax,
  ),
  access: list(object<AccessReloaded>({ file: text, lines: count }), keysMax),
});

export const logShape = object<{ readonly level: Level }>({ level });

/** Known client ids near an unknown one; our broker sends at most three. */
const nearestMax = 10;

export const refusalShape: Shape<Refusal> = z.object({
  error: text,
  hint: orNull(text),
  nearest: z.array(text).max(nearestMax).optional(),
}) as Shape<Refusal>; // JSON has no undefined keys.
