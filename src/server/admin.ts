import { type Context, Hono } from "hono";
import * as z from "zod";
import {
  type Answers,
  apiHeader,
  apiVersion,
  type ClientAnswer,
  type DropAnswer,
  type DropOrder,
  type KickAnswer,
  type Overview,
  type ReloadAnswer,
} from "../admin/api.ts";
import { nearest } from "../config/nearest.ts";
import { millisecondsOf } from "../config/quantity.ts";
import type { ClientAccount, WillAccount, WillQuery } from "../core/account.ts";
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
import { type EventHub, eventLine } from "./event-hub.ts";
import { eventStream } from "./event-stream.ts";
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
  /** Bytes that wait for one reader of an event stream. */
  readonly streamBytes: number;
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
/** Items of a list. */
const limitDefault = 10_000;
const limitMax = 1_000_000;
const nearestShown = 3;

const limitSchema = z.coerce
  .number({ error: limitForm() })
  .int({ error: limitForm() })
  .min(1, { error: limitForm() })
  .max(limitMax, { error: limitForm() })
  .default(limitDefault);
const limitedSchema = z.strictObject({ limit: limitSchema });
const willsSchema = z.strictObject({
  client: z.string().optional(),
  topic: z.string().optional(),
  which: z
    .enum(["pending", "fired", "notFired"], { error: "pending, fired or notFired" })
    .optional(),
  wait: z
    .string()
    .refine((text) => (millisecondsOf(text) ?? Infinity) <= waitMaxMs, {
      error: "a time with its unit, up to 10m, as in 5s",
    })
    .optional(),
  limit: limitSchema,
});
const idSchema = z.strictObject({ id: z.string({ error: "the id of a client" }) });
const topicSchema = z.strictObject({ topic: named("the name of a topic") });
const retainedSchema = z.strictObject({
  filter: named("a topic filter").default("#"),
  limit: limitSchema,
});
const eventsSchema = z.strictObject({
  client: z.string().optional(),
  topic: named("a topic filter").optional(),
  event: z.string().optional(),
});
const dropSchema = z.strictObject({ how: z.enum(["rst", "silent"], { error: "rst or silent" }) });
const logSchema = z.strictObject({
  level: z.enum(levels, { error: "error, warn, info or debug" }),
});

function limitForm(): string {
  return `a whole number from 1 to ${limitMax}`;
}

function named(error: string) {
  return z.string({ error }).min(1, { error });
}

type Method = "GET" | "POST" | "PUT" | "DELETE";
type Handler = (asked: Context) => Response | Promise<Response>;
type Routes = Readonly<Record<string, Partial<Readonly<Record<Method, Handler>>>>>;

/** The whole interface, as a function from Request to Response. */
export function adminApp(context: AdminContext): Hono {
  const app = new Hono();
  app.use(async (asked, next) => {
    await next();
    asked.res.headers.set(apiHeader, String(apiVersion));
    asked.res.headers.set("cache-control", "no-store");
    asked.res.headers.set("x-content-type-options", "nosniff");
  });
  app.use(guard(context.guard));
  const routes = routesOf(context);
  for (const [path, byMethod] of Object.entries(routes)) {
    for (const [method, handler] of Object.entries(byMethod)) app.on(method, path, handler);
    app.all(path, (asked) => wrongMethod(asked, Object.keys(byMethod)));
  }
  const paths = Object.keys(routes).map((path) => path.replace(":id", "ID"));
  app.notFound((asked) => {
    const meant = nearest(asked.req.path, paths);
    const hint = meant === null ? `there are ${paths.join(", ")}` : `did you mean ${meant}?`;
    return refusal(asked, 404, `no ${asked.req.path}`, hint);
  });
  app.onError((fault, asked) => {
    if (fault instanceof BadRequest) return refusal(asked, fault.status, fault.message, fault.hint);
    if (fault instanceof UnknownClient) {
      const hint = fault.nearest.length === 0 ? null : "there are others like it";
      return refusal(asked, 404, fault.message, hint, fault.nearest);
    }
    // Ours: the process prints its state and ends, as for any other fault.
    throw fault;
  });
  return app;
}

/** What there is to ask and to order, by path. HEAD goes wherever GET does. */
export function routesOf(context: AdminContext): Routes {
  const { broker } = context;
  const client: Routes[string] = {
    GET: (asked) => asked.json(clientAnswer(context, accountOf(broker, idOf(asked)))),
    DELETE: (asked) => {
      const { clientId } = accountOf(broker, idOf(asked));
      const answer: KickAnswer = { wasConnected: context.kick(clientId) };
      return asked.json(answer);
    },
  };
  const drop: Routes[string] = {
    POST: async (asked) => {
      const { how } = await jsonOf(dropSchema, asked.req.raw);
      const { clientId } = accountOf(broker, idOf(asked));
      const wasConnected = context.drop(clientId, how);
      return asked.json(dropAnswer(wasConnected, how, accountOf(broker, clientId)));
    },
  };
  return {
    "/healthz": { GET: (asked) => asked.text("ok\n") },
    "/readyz": {
      GET: (asked) => (broker.stopping ? asked.text("stopping\n", 503) : asked.text("ready\n")),
    },
    "/metrics": {
      GET: (asked) => {
        const text = metricsText(overview(context), context.hub.listening);
        const type = "text/plain; version=0.0.4; charset=utf-8";
        return asked.body(text, 200, { "content-type": type });
      },
    },
    "/v1/overview": { GET: (asked) => asked.json(overview(context)) },
    "/v1/clients": {
      GET: (asked) => {
        const { limit } = checked(limitedSchema, asked.req.query());
        const { list, more } = cut(clientsOf(broker), limit);
        const answer: Answers["clients"] = { clients: list, more };
        return asked.json(answer);
      },
    },
    "/v1/clients/:id": client,
    "/v1/client": client,
    "/v1/clients/:id/drop": drop,
    "/v1/client/drop": drop,
    "/v1/wills": {
      GET: async (asked) => {
        const given = checked(willsSchema, asked.req.query());
        const { wait, limit } = given;
        const wanted = willQuery(given);
        let decided: boolean | null = null;
        if (wait !== undefined) {
          const { hub, streams } = context;
          if (hub.listening >= streams) return refusal(asked, 503, ...tooMany(streams));
          decided = await fateKnown(
            context,
            wanted,
            millisecondsOf(wait) ?? 0,
            asked.req.raw.signal,
          );
        }
        const { list: wills, more } = cut(willsOf(broker, wanted), limit);
        const awaited = decided === null ? null : (wills[0]?.id ?? null);
        const answer: Answers["wills"] = {
          ...{ now: context.clock.now(), wills, more },
          ...{ decided, awaited },
        };
        return asked.json(answer);
      },
    },
    "/v1/sessions": {
      GET: (asked) => {
        const { limit } = checked(limitedSchema, asked.req.query());
        return asked.json(sessionsAnswer(cut(sessionsOf(broker), limit)));
      },
    },
    "/v1/subscriptions": {
      GET: (asked) => {
        const { limit } = checked(limitedSchema, asked.req.query());
        return asked.json(subscriptionsAnswer(cut(subscriptionsOf(broker), limit)));
      },
    },
    "/v1/route": {
      GET: (asked) => {
        const { topic } = checked(topicSchema, asked.req.query());
        return asked.json(routeFor(broker, topic));
      },
    },
    "/v1/retained": {
      GET: (asked) => {
        const { filter, limit } = checked(retainedSchema, asked.req.query());
        return asked.json(retainedOf(broker, filter, limit));
      },
    },
    "/v1/config": { GET: (asked) => asked.json(context.config()) },
    "/v1/events": {
      GET: (asked) => {
        const wanted = checked(eventsSchema, asked.req.query());
        const { hub, streams } = context;
        if (hub.listening >= streams) return refusal(asked, 503, ...tooMany(streams));
        const type = { "content-type": "text/event-stream; charset=utf-8" };
        // A stream that nobody reads would listen for ever.
        if (asked.req.method === "HEAD") return asked.body(null, 200, type);
        return asked.body(eventStream(hub, wanted, context.streamBytes), 200, type);
      },
    },
    "/v1/reload": {
      POST: (asked) => {
        const answer = context.reload();
        return asked.json(answer, answer.ok ? 200 : 422);
      },
    },
    "/v1/log": {
      PUT: async (asked) => {
        const { level } = await jsonOf(logSchema, asked.req.raw);
        context.setLogLevel(level);
        return asked.json({ level });
      },
    },
  };
}

function wrongMethod(asked: Context, methods: readonly string[]): Response {
  const allow = methods
    .flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : method))
    .join(", ");
  asked.header("allow", allow);
  const { method, path } = asked.req;
  return refusal(asked, 405, `${method} is not for ${path}`, `it takes ${allow}`);
}

/** `/v1/clients/ID`, or `/v1/client?id=ID`: a path can't hold the ids `.` and `..`. */
function idOf({ req }: Context): string {
  return req.param("id") ?? checked(idSchema, req.query()).id;
}

/** Throws UnknownClient. */
function accountOf(broker: Broker, id: string): ClientAccount {
  const account = clientOf(broker, id);
  if (account === null) throw new UnknownClient(broker, id);
  return account;
}

function clientAnswer({ clock }: AdminContext, account: ClientAccount): ClientAnswer {
  return {
    ...account,
    now: clock.now(),
    events: account.events.map(({ at, event }) => eventLine(event, at as Millis)), // The core's own.
  };
}

function dropAnswer(
  wasConnected: boolean,
  how: DropOrder["how"],
  { connections }: ClientAccount,
): DropAnswer {
  const deadlineAt = connections[0]?.deadlineAt ?? null;
  const isForEver = wasConnected && how === "silent" && deadlineAt === null;
  const hint = isForEver ? "it has no keepalive: nothing will end it" : null;
  return { wasConnected, deadlineAt, hint };
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
    ({ event }) => {
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

class UnknownClient extends Error {
  readonly nearest: string[] = [];

  constructor(broker: Broker, id: string) {
    super("there is no such client");
    const others = new Set(knownClientIds(broker));
    while (this.nearest.length < nearestShown) {
      const next = nearest(id, others);
      if (next === null) break;
      this.nearest.push(next);
      others.delete(next);
    }
  }
}

function tooMany(streams: number): [error: string, hint: string] {
  return [`all ${streams} streams are taken`, "admin.streams is the limit"];
}
