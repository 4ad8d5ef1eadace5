import { Hono } from "hono";
import * as z from "zod";
import {
  type Answers,
  apiHeader,
  apiVersion,
  type DropAnswer,
  type DropOrder,
  type Overview,
  type ReloadAnswer,
} from "../admin/api.ts";
import { nearest } from "../config/nearest.ts";
import { millisecondsOf } from "../config/quantity.ts";
import type { WillAccount, WillQuery } from "../core/account.ts";
import type { Broker } from "../core/broker.ts";
import type { Millis } from "../core/io.ts";
import { clientOf, clientsOf, knownClientIds, sessionsOf } from "../core/clients.ts";
import { overviewOf } from "../core/overview.ts";
import { retainedOf, routeFor, subscriptionsOf } from "../core/routes.ts";
import { willsOf } from "../core/wills.ts";
import { type Level, levels } from "../log/events.ts";
import { refusal } from "./admin-answer.ts";
import { BadRequest, checked, jsonOf } from "./admin-body.ts";
import { guard, type GuardSettings } from "./admin-guard.ts";
import type { Clock } from "./clock.ts";
import type { EventHub } from "./event-hub.ts";
import { eventLine, eventStream } from "./event-stream.ts";
import { metricsText } from "./metrics.ts";
import type { Vitals } from "./vitals.ts";

/** What the interface asks and orders; `serve` puts it together. */
export interface AdminContext {
  readonly broker: Broker;
  readonly clock: Clock;
  readonly hub: EventHub;
  readonly vitals: Vitals;
  readonly guard: GuardSettings;
  /** Event streams and waiting requests at once. */
  readonly streams: number;
  readonly listeners: readonly string[];
  readonly like: string | null;
  readonly logLevel: () => Level;
  readonly setLogLevel: (level: Level) => void;
  readonly reload: () => ReloadAnswer;
  readonly config: () => Answers["config"];
  /** False: it has no connection. */
  readonly kick: (clientId: string) => boolean;
  readonly drop: (clientId: string, how: DropOrder["how"]) => boolean;
}

const waitMaxMs = 10 * 60_000;
const listMax = 100_000;
const retainedDefault = 1000;
const nearestShown = 3;

const waitSchema = z
  .string()
  .refine((text) => (millisecondsOf(text) ?? Infinity) <= waitMaxMs, {
    error: "a time with its unit, up to 10m: wait=5s",
  })
  .optional();
const limitSchema = z.coerce.number().int().min(1).max(listMax).optional();
const willsSchema = z.strictObject({
  client: z.string().optional(),
  topic: z.string().optional(),
  which: z.enum(["pending", "fired", "notFired"]).optional(),
  wait: waitSchema,
  limit: limitSchema,
});
const topicSchema = z.strictObject({ topic: z.string().min(1) });
const limitedSchema = z.strictObject({ limit: limitSchema });
const retainedSchema = z.strictObject({
  filter: z.string().min(1).default("#"),
  limit: limitSchema,
});
const eventsSchema = z.strictObject({
  client: z.string().optional(),
  topic: z.string().optional(),
  event: z.string().optional(),
});
const dropSchema = z.strictObject({ how: z.enum(["rst", "silent"]) });
const logSchema = z.strictObject({ level: z.enum(levels) });

/** The paths there are, for whoever asks for another one. */
const paths = [
  ...["/v1/overview", "/v1/clients", "/v1/clients/ID", "/v1/wills", "/v1/sessions"],
  ...["/v1/subscriptions", "/v1/route?topic=T", "/v1/retained", "/v1/config", "/v1/events"],
  ...["/metrics", "/healthz", "/readyz"],
];

/** The whole interface, as a function from Request to Response. */
export function adminApp(context: AdminContext): Hono {
  const app = new Hono();
  const { broker } = context;
  let waiting = 0;
  app.use(async (asked, next) => {
    await next();
    asked.res.headers.set(apiHeader, String(apiVersion));
    asked.res.headers.set("cache-control", "no-store");
    asked.res.headers.set("x-content-type-options", "nosniff");
  });
  app.use(guard(context.guard));

  app.get("/healthz", (asked) => asked.text("ok\n"));
  app.get("/readyz", (asked) =>
    broker.stopping ? asked.text("stopping\n", 503) : asked.text("ready\n"),
  );
  app.get("/metrics", (asked) => {
    const text = metricsText(overview(context), context.hub.listening);
    return asked.body(text, 200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" });
  });
  app.get("/v1/overview", (asked) => asked.json(overview(context)));
  app.get("/v1/clients", (asked) => {
    const { limit = listMax } = checked(limitedSchema, asked.req.query());
    const { list, more } = cut(clientsOf(broker), limit);
    const answer: Answers["clients"] = { clients: list, more };
    return asked.json(answer);
  });
  app.get("/v1/clients/:id", (asked) => {
    const id = asked.req.param("id");
    const account = clientOf(broker, id);
    if (account === null) return refusal(asked, 404, ...unknownClient(broker, id));
    const answer: Answers["client"] = {
      ...account,
      now: context.clock.now(),
      events: account.events.map(({ at, event }) => eventLine(event, at as Millis)), // The core's own.
    };
    return asked.json(answer);
  });
  app.delete("/v1/clients/:id", (asked) => {
    const id = asked.req.param("id");
    if (clientOf(broker, id) === null) return refusal(asked, 404, ...unknownClient(broker, id));
    return asked.json({ wasConnected: context.kick(id) });
  });
  app.post("/v1/clients/:id/drop", async (asked) => {
    const id = asked.req.param("id");
    const { how } = await jsonOf(dropSchema, asked.req.raw);
    if (clientOf(broker, id) === null) return refusal(asked, 404, ...unknownClient(broker, id));
    const wasConnected = context.drop(id, how);
    const deadlineAt = clientOf(broker, id)?.connections[0]?.deadlineAt ?? null;
    const isForEver = wasConnected && how === "silent" && deadlineAt === null;
    const hint = isForEver ? "it has no keepalive: nothing will end it" : null;
    const answer: DropAnswer = { wasConnected, deadlineAt, hint };
    return asked.json(answer);
  });
  app.get("/v1/wills", async (asked) => {
    const given = checked(willsSchema, asked.req.query());
    const { wait, limit = listMax } = given;
    const wanted = willQuery(given);
    let decided: boolean | null = null;
    if (wait !== undefined) {
      if (waiting >= context.streams) return refusal(asked, 503, ...tooMany(context.streams));
      waiting += 1;
      decided = await fateKnown(context, wanted, millisecondsOf(wait) ?? 0, asked.req.raw.signal);
      waiting -= 1;
    }
    const { list: wills, more } = cut(willsOf(broker, wanted), limit);
    const awaited = decided === null ? null : (wills[0]?.id ?? null);
    const answer: Answers["wills"] = { now: context.clock.now(), wills, more, decided, awaited };
    return asked.json(answer);
  });
  app.get("/v1/sessions", (asked) => {
    const { limit = listMax } = checked(limitedSchema, asked.req.query());
    return asked.json(sessionsAnswer(cut(sessionsOf(broker), limit)));
  });
  app.get("/v1/subscriptions", (asked) => {
    const { limit = listMax } = checked(limitedSchema, asked.req.query());
    return asked.json(subscriptionsAnswer(cut(subscriptionsOf(broker), limit)));
  });
  app.get("/v1/route", (asked) => {
    const { topic } = checked(topicSchema, asked.req.query());
    return asked.json(routeFor(broker, topic));
  });
  app.get("/v1/retained", (asked) => {
    const { filter, limit = retainedDefault } = checked(retainedSchema, asked.req.query());
    return asked.json(retainedOf(broker, filter, limit));
  });
  app.get("/v1/config", (asked) => asked.json(context.config()));
  app.get("/v1/events", (asked) => {
    const wanted = checked(eventsSchema, asked.req.query());
    if (context.hub.listening >= context.streams) {
      return refusal(asked, 503, ...tooMany(context.streams));
    }
    return asked.body(eventStream(context.hub, wanted), 200, {
      "content-type": "text/event-stream; charset=utf-8",
    });
  });
  app.post("/v1/reload", (asked) => {
    const answer = context.reload();
    return asked.json(answer, answer.ok ? 200 : 422);
  });
  app.put("/v1/log", async (asked) => {
    const { level } = await jsonOf(logSchema, asked.req.raw);
    context.setLogLevel(level);
    return asked.json({ level });
  });

  app.notFound((asked) => {
    const path = asked.req.path;
    const meant = nearest(path, paths);
    const hint = meant === null ? `there are ${paths.join(", ")}` : `did you mean ${meant}?`;
    return refusal(asked, 404, `no ${asked.req.method} ${path}`, hint);
  });
  app.onError((fault, asked) => {
    if (fault instanceof BadRequest) return refusal(asked, fault.status, fault.message, fault.hint);
    // Ours: the process prints its state and ends, as for any other fault.
    throw fault;
  });
  return app;
}

export function overview(context: AdminContext): Overview {
  const { broker, vitals } = context;
  return {
    ...overviewOf(broker),
    now: context.clock.now(),
    process: { pid: process.pid, ...vitals.memory, loopLagMs: vitals.loopLagMs },
    listeners: context.listeners,
    rates: vitals.rates,
    logLevel: context.logLevel(),
    like: context.like,
  };
}

interface Cut<Item> {
  readonly list: readonly Item[];
  readonly more: boolean;
}

function cut<Item>(items: readonly Item[], limit: number): Cut<Item> {
  return { list: items.slice(0, limit), more: items.length > limit };
}

function sessionsAnswer({
  list,
  more,
}: Cut<Answers["sessions"]["sessions"][number]>): Answers["sessions"] {
  return { sessions: list, more };
}

function subscriptionsAnswer({
  list,
  more,
}: Cut<Answers["subscriptions"]["subscriptions"][number]>): Answers["subscriptions"] {
  return { subscriptions: list, more };
}

function willQuery(given: z.output<typeof willsSchema>): WillQuery {
  return {
    ...(given.client !== undefined && { clientId: given.client }),
    ...(given.topic !== undefined && { topic: given.topic }),
    ...(given.which !== undefined && { which: given.which }),
  };
}

/**
 * Resolves to true as soon as the newest will that is asked for has met its fate; to false when the
 * time is over, the asker has gone, or the broker stops.
 */
async function fateKnown(
  { broker, hub }: AdminContext,
  wanted: WillQuery,
  waitMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  const isDecided = (): boolean => isSettled(willsOf(broker, wanted)[0]);
  if (isDecided()) return true;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const patience = setTimeout(() => resolve(false), waitMs);
  const onAbort = (): void => resolve(false);
  signal.addEventListener("abort", onAbort);
  const end = hub.listen(
    (event) => {
      if ((event.event === "ended" || event.event === "will") && isDecided()) resolve(true);
    },
    { onClose: () => resolve(isDecided()) },
  );
  const decided = await promise;
  end();
  clearTimeout(patience);
  signal.removeEventListener("abort", onAbort);
  return decided;
}

function isSettled(will: WillAccount | undefined): boolean {
  return will !== undefined && will.fate !== null;
}

function unknownClient(
  broker: Broker,
  id: string,
): [error: string, hint: string | null, nearest: string[]] {
  const near: string[] = [];
  const others = new Set(knownClientIds(broker));
  while (near.length < nearestShown) {
    const next = nearest(id, others);
    if (next === null) break;
    near.push(next);
    others.delete(next);
  }
  return ["there is no such client", near.length === 0 ? null : "there are others like it", near];
}

function tooMany(streams: number): [error: string, hint: string] {
  return [`all ${streams} streams are taken`, "admin.streams is the limit"];
}
