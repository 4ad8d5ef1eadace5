import * as z from "zod";
import type {
  ConnectionAccount,
  HoldAccount,
  HoldsAccount,
  IncompleteAccount,
  PingRhythm,
  SessionAccount,
  SubscriptionAccount,
} from "../../core/records/client-account.ts";
import type {
  OwnPublishesAccount,
  WillAccount,
  WillEndAccount,
  WillFateAccount,
  WillStep,
  WillTopicAccount,
} from "../../core/records/will-account.ts";
import { type EndCause, ends } from "../../core/end-causes.ts";
import type {
  ClientHabit,
  Reach,
  ReachLoss,
  WaitEnd,
  WillCancelled,
  WillDiscarded,
  WillFacts,
} from "../../core/events.ts";
import type { ProtocolName } from "../../core/packet.ts";
import type { WillState } from "../../core/will.ts";
import {
  count,
  few,
  flag,
  list,
  many,
  moment,
  object,
  oneOf,
  optional,
  orNull,
  type Shape,
  span,
  text,
  word,
  words,
} from "./shape.ts";

/** The shapes of the accounts of one client: its connections, its session, its wills. */

export const cause = z.enum(Object.keys(ends)) as unknown as Shape<EndCause>; // The keys of the table.
export const willState = word<WillState>({
  ...{ armed: true, delayed: true, published: true },
  ...{ discarded: true, cancelled: true },
});
export const protocol = word<ProtocolName>({ "3.1": true, "3.1.1": true, "5.0": true });
const waitEnd = word<WaitEnd>({
  ...{ due: true, "session ended": true },
  ...{ memory: true, "session limit": true },
  ...{ resumed: true, "restart grace": true, "broker stopped": true },
});
type Denial = NonNullable<Reach["denials"]>[number];

const reach = object<Reach>({
  delivered: count,
  queued: count,
  dropped: count,
  losses: optional(
    list(
      object<ReachLoss>({
        clientId: text,
        why: word<ReachLoss["why"]>({
          "queue full": true,
          blocked: true,
          "packet too large": true,
          "memory full": true,
        }),
        maximumPacketSize: optional(count),
      }),
      few,
    ),
  ),
  away: count,
  denied: optional(count),
  denials: optional(list(object<Denial>({ clientId: text, by: text }), few)),
  noLocal: optional(z.literal(true)),
  retained: orNull(word<"stored" | "cleared">({ stored: true, cleared: true })),
});

const willEndKeys = {
  at: moment,
  cause,
  causeText: words,
  detail: orNull(text),
  silentMs: span,
  stoodStillMs: optional(span),
  lastPacketWaitedMs: optional(span),
  deliveredInSilence: optional(count),
  allowedMs: orNull(span),
  sessionExpirySeconds: orNull(span),
};

type Fate<Name extends WillFateAccount["fate"]> = Extract<WillFateAccount, { fate: Name }>;

type Overwrote = NonNullable<Fate<"published">["overwrote"]>;

const fateKeys = { at: moment, rule: words, by: orNull(waitEnd) };

const willFates: { readonly [Name in WillFateAccount["fate"]]: Shape<Fate<Name>> } = {
  published: object<Fate<"published">>({
    fate: z.literal("published"),
    ...fateKeys,
    lateMs: span,
    stoodStillMs: optional(span),
    reach,
    overwrote: optional(object<Overwrote>({ clientId: text, at: moment })),
  }),
  discarded: object<Fate<"discarded">>({
    fate: z.literal("discarded"),
    ...fateKeys,
    why: word<WillDiscarded>({ disconnect: true, denied: true, "on purpose": true }),
    deniedBy: optional(text),
  }),
  cancelled: object<Fate<"cancelled">>({
    fate: z.literal("cancelled"),
    ...fateKeys,
    why: word<WillCancelled>({ resumed: true, "restart grace": true }),
  }),
};

export const will = object<WillAccount>({
  id: count,
  clientId: text,
  remote: text,
  protocol,
  topic: text,
  qos: count,
  retain: flag,
  payloadBytes: count,
  payload: optional(text),
  delaySeconds: span,
  messageExpirySeconds: optional(span),
  sessionExpirySeconds: orNull(span),
  keepAliveSeconds: span,
  access: word<WillAccount["access"]>({ allowed: true, denied: true }),
  deniedNow: optional(text),
  heldUntil: optional(moment),
  gracedUntil: optional(moment),
  waitsAfterRestart: optional(word<"grace" | "settle">({ grace: true, settle: true })),
  state: willState,
  armedAt: moment,
  end: orNull(object<WillEndAccount>(willEndKeys)),
  dueAt: orNull(moment),
  fate: orNull(oneOf<WillFateAccount>(willFates)),
  own: optional(
    object<OwnPublishesAccount>({
      ...{ onTopic: count, retained: count, farewell: flag },
      elsewhere: orNull(text),
    }),
  ),
  sparkplug: optional(
    object<NonNullable<WillAccount["sparkplug"]>>({
      death: text,
      birth: orNull(
        object<NonNullable<NonNullable<WillAccount["sparkplug"]>["birth"]>>({
          ...{ at: moment, payloadBytes: count, payload: text },
        }),
      ),
    }),
  ),
  steps: list(object<WillStep>({ at: moment, state: willState, rule: words }), few),
});

export const willTopic = object<WillTopicAccount>({
  topic: text,
  retained: orNull(
    object<NonNullable<WillTopicAccount["retained"]>>({
      ...{ clientId: orNull(text), at: moment, willArmedAt: orNull(moment) },
      ...{ payloadBytes: count, payload: text, expiresAt: orNull(moment) },
    }),
  ),
  others: object<WillTopicAccount["others"]>({ count, clientIds: list(text, few) }),
});

export const lastPacket = object<ConnectionAccount["lastPacket"]>({ type: words, at: moment });

export const connection = object<ConnectionAccount>({
  remote: text,
  listener: text,
  mountPoint: optional(text),
  protocol: orNull(protocol),
  username: orNull(text),
  openedAt: moment,
  connectedAt: orNull(moment),
  cleanStart: flag,
  sessionPresent: flag,
  keepAliveSeconds: span,
  keepAliveAskedSeconds: span,
  allowedMs: optional(orNull(span)),
  sessionExpirySeconds: orNull(span),
  sessionExpiryAskedSeconds: optional(orNull(span)),
  lastPacket,
  incomplete: optional(
    object<IncompleteAccount>({
      ...{ type: words, bytes: count, size: orNull(count), since: moment, at: moment },
    }),
  ),
  stoodStillMs: optional(span),
  stoodStillInAllMs: optional(span),
  lastPacketWaitedMs: optional(span),
  pings: orNull(object<PingRhythm>({ count, medianMs: orNull(span), worstMs: orNull(span) })),
  closestCallMs: orNull(span),
  deadlineAt: orNull(moment),
  deadlineCause: orNull(cause),
  paused: flag,
  heldFor: orNull(object<HoldAccount>({ clientId: text, since: moment, until: moment })),
  blocked: flag,
  dropped: orNull(
    object<NonNullable<ConnectionAccount["dropped"]>>({
      how: word<"rst" | "silent">({ rst: true, silent: true }),
      at: moment,
      by: optional(word<"test">({ test: true })),
    }),
  ),
  end: orNull(
    object<NonNullable<ConnectionAccount["end"]>>({ ...willEndKeys, statement: orNull(words) }),
  ),
  refusedWill: orNull(
    object<WillFacts>({
      topic: text,
      qos: z.union([z.literal(0), z.literal(1), z.literal(2)]),
      retain: flag,
      delayInterval: span,
      payloadBytes: count,
      messageExpiry: optional(span),
    }),
  ),
  willId: orNull(count),
  restored: optional(z.literal(true)),
  sessionOnly: optional(z.literal(true)),
});

export const subscription = object<SubscriptionAccount>({
  clientId: text,
  filter: text,
  qos: count,
  noLocal: flag,
  retainAsPublished: flag,
  identifier: count,
  group: orNull(text),
});

export const session = object<SessionAccount>({
  clientId: text,
  connected: flag,
  createdAt: moment,
  expirySeconds: orNull(span),
  endsAt: orNull(moment),
  queue: object<SessionAccount["queue"]>({ messages: count, bytes: count }),
  inflight: count,
  receiveMaximum: orNull(count),
  incoming: count,
  dropping: flag,
  holds: object<HoldsAccount>({ count, clientIds: list(text, few) }),
  subscriptions: list(subscription, many),
});

type HabitKeys<Name extends ClientHabit["fault"]> = Omit<
  Extract<ClientHabit, { fault: Name }>,
  "fault"
>;

/** What each habit has beside its name and its time. */
const habits: {
  readonly [Name in ClientHabit["fault"]]: {
    readonly [Key in keyof HabitKeys<Name>]-?: Shape<HabitKeys<Name>[Key]>;
  };
} = {
  randomClientId: { topic: text, before: text },
  retainedWillWithoutBirth: { topic: text },
  birthElsewhere: { topic: text, published: text },
  sharedWillTopic: { topic: text, other: text },
  birthOverwritten: { topic: text, by: text, armedAt: moment },
  willNotRetained: { topic: text },
  noKeepAlive: { topic: text },
  longKeepAlive: { topic: text, keepAlive: span, allowedMs: optional(orNull(span)) },
  delayBeyondSession: {
    ...{ topic: text, delayInterval: span, sessionExpiry: span },
    limited: optional(z.literal(true)),
  },
  willUnheard: { topic: text },
  cleanDisconnect: { topic: text, listeners: count },
  takeoverLoop: { takeovers: count, hosts: list(text, few) },
  sharedClientId: { remotes: list(text, few) },
};

export const clientHabit = z.union(
  Object.entries(habits).map(([fault, keys]) =>
    z.object({ fault: z.literal(fault), at: moment, ...keys }),
  ),
) as unknown as Shape<ClientHabit & { readonly at: number }>; // The habits of the table.
