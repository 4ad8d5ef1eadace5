import { type Context, Hono } from "hono";
import { apiHeader, apiVersion, type KickAnswer, type Overview } from "../../api/api.ts";
import { nearest } from "../../config/nearest.ts";
import { clientOf, isKnown, overviewOf } from "../../core/queries/queries.ts";
import { refusal } from "./answer.ts";
import { BadRequest, bodyOf, checked } from "./body.ts";
import { clientIdOf, clientJson, dropAnswer, unknownClient } from "./client.ts";
import type { AdminContext } from "./context.ts";
import { guard } from "./guard.ts";
import {
  clientsJson,
  retainedJson,
  routeJson,
  sessionsJson,
  subscriptionsJson,
  willsJson,
} from "./lists.ts";
import {
  dropOrder,
  limited,
  logOrder,
  nothing,
  ofEvents,
  ofRetained,
  ofRoute,
  ofWills,
} from "./parameters.ts";
import { eventStream } from "./event-stream.ts";
import { type Json, jsonStream } from "./json.ts";
import { metricsText } from "./metrics.ts";
import { Turns } from "./turns.ts";

type Method = "GET" | "POST" | "PUT" | "DELETE";
type Handler = (asked: Context) => Response | Promise<Response>;
type Routes = Readonly<Record<string, Partial<Readonly<Record<Method, Handler>>>>>;

/** The whole interface, as a function from Request to Response. */
export function adminApp(context: AdminContext): Hono {
  const app = new Hono();
  const turns = new Turns();
  app.use(async (asked, next) => {
    await next();
    asked.res.headers.set(apiHeader, String(apiVersion));
    asked.res.headers.set("cache-control", "no-store");
    asked.res.headers.set("x-content-type-options", "nosniff");
  });
  app.use(guard(context.guard));
  app.use(async (_, next) => {
    await turns.next();
    await next();
  });
  const routes = routesOf(context, turns);
  for (const [path, byMethod] of Object.entries(routes)) {
    for (const [method, handler] of Object.entries(byMethod)) app.on(method, path, handler);
    app.all(path, (asked) => wrongMethod(asked, Object.keys(byMethod)));
  }
  const paths = Object.keys(routes).map((path) => path.replace(":id", "ID"));
  app.notFound((asked) => {
    const meant = nearest(asked.req.path.slice(0, pathMost), paths);
    const hint = meant === null ? `there are ${paths.join(", ")}` : `did you mean ${meant}?`;
    return refusal(asked, 404, "there is no such path", hint);
  });
  app.onError((error, asked) => {
    if (error instanceof BadRequest) return refusal(asked, error.status, error.message, error.hint);
    // Ours: the process prints its state and ends, as for any other fault.
    throw error;
  });
  return app;
}

/** Characters of a path that can be one of ours, misspelt. */
const pathMost = 50;

/** What there is to ask and to order, by path. HEAD goes wherever GET does. */
export function routesOf(context: AdminContext, turns: Turns): Routes {
  const { broker, hub } = context;
  const client = clientRoutes(context, turns);
  const drop = { POST: dropHandler(context, turns) };
  const isFull = (): boolean => hub.listening >= context.streams && !hub.makeRoom();
  const inPieces = (asked: Context, json: Json<unknown>): Response => piecewise(asked, json, turns);
  return {
    "/healthz": { GET: (asked) => asked.text("ok\n") },
    "/readyz": {
      GET: (asked) => (broker.stopping ? asked.text("stopping\n", 503) : asked.text("ready\n")),
    },
    "/metrics": {
      GET: (asked) => {
        const text = metricsText(overview(context), context.vitals, hub);
        const type = "text/plain; version=0.0.4; charset=utf-8";
        return asked.body(text, 200, { "content-type": type });
      },
    },
    "/v1/overview": {
      GET: (asked) => {
        checked(nothing, asked.req.query());
        return asked.json(overview(context));
      },
    },
    "/v1/clients": {
      GET: (asked) => {
        const { limit } = checked(limited, asked.req.query());
        return inPieces(asked, clientsJson(broker, limit));
      },
    },
    "/v1/clients/:id": client,
    "/v1/client": client,
    "/v1/clients/:id/drop": drop,
    "/v1/client/drop": drop,
    "/v1/wills": {
      GET: async (asked) => {
        const given = checked(ofWills, asked.req.query());
        if (given.wait !== undefined && isFull()) {
          return tooMany(asked, context.streams);
        }
        return inPieces(asked, await willsJson(context, given, asked.req.raw.signal));
      },
    },
    "/v1/sessions": {
      GET: (asked) => {
        const { limit } = checked(limited, asked.req.query());
        return inPieces(asked, sessionsJson(broker, limit));
      },
    },
    "/v1/subscriptions": {
      GET: (asked) => {
        const { limit } = checked(limited, asked.req.query());
        return inPieces(asked, subscriptionsJson(broker, limit));
      },
    },
    "/v1/route": {
      GET: (asked) => {
        const { topic } = checked(ofRoute, asked.req.query());
        return inPieces(asked, routeJson(broker, topic));
      },
    },
    "/v1/retained": {
      GET: (asked) => {
        const { filter, limit } = checked(ofRetained, asked.req.query());
        return inPieces(asked, retainedJson(broker, filter, limit));
      },
    },
    "/v1/config": {
      GET: (asked) => {
        checked(nothing, asked.req.query());
        return asked.json(context.config());
      },
    },
    "/v1/events": {
      GET: (asked) => {
        const wanted = checked(ofEvents, asked.req.query());
        const type = { "content-type": "text/event-stream; charset=utf-8" };
        // A stream that nobody reads would listen for ever.
        if (asked.req.method === "HEAD") return asked.body(null, 200, type);
        if (isFull()) return tooMany(asked, context.streams);
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
        const { level } = await bodyOf(logOrder, asked.req.raw);
        context.setLogLevel(level);
        return asked.json({ level });
      },
    },
  };
}

function clientRoutes(context: AdminContext, turns: Turns): Routes[string] {
  const { broker, clock } = context;
  return {
    GET: (asked) => {
      const account = clientOf(broker, clientIdOf(asked));
      if (account === null) return unknownClient(asked, context, turns);
      return piecewise(asked, clientJson(account, clock.now()), turns);
    },
    DELETE: (asked) => {
      const id = clientIdOf(asked);
      if (!isKnown(broker, id)) return unknownClient(asked, context, turns);
      const answer: KickAnswer = { wasConnected: context.kick(id) };
      return asked.json(answer);
    },
  };
}

function dropHandler(context: AdminContext, turns: Turns): Handler {
  const { broker } = context;
  return async (asked) => {
    const id = clientIdOf(asked);
    const { how } = await bodyOf(dropOrder, asked.req.raw);
    if (!isKnown(broker, id)) return unknownClient(asked, context, turns);
    const wasConnected = context.drop(id, how);
    return asked.json(dropAnswer(wasConnected, how, clientOf(broker, id)));
  };
}

function piecewise(asked: Context, json: Json<unknown>, turns: Turns): Response {
  return asked.body(jsonStream(json, turns), 200, { "content-type": "application/json" });
}

function wrongMethod(asked: Context, methods: readonly string[]): Response {
  const allow = methods
    .flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : method))
    .join(", ");
  asked.header("allow", allow);
  return refusal(asked, 405, `this path does not take ${asked.req.method}`, `it takes ${allow}`);
}

function tooMany(asked: Context, streams: number): Response {
  const error = `all ${streams} streams are taken`;
  return refusal(asked, 503, error, "admin.streams is the limit");
}

function overview(context: AdminContext): Overview {
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
