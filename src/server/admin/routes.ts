import { type Context, Hono } from "hono";
import {
  type Answers,
  apiHeader,
  apiVersion,
  type KickAnswer,
  type Overview,
} from "../../api/api.ts";
import { nearest } from "../../config/nearest.ts";
import { clientOf, isKnown, overviewOf } from "../../core/queries/queries.ts";
import { refusal } from "./refusal.ts";
import { BadRequest, bodyOf, checked } from "./body.ts";
import { clientIdOf, clientJson, dropAnswer, unknownClient } from "./client.ts";
import type { AdminContext } from "./context.ts";
import { guard } from "./guard.ts";
import {
  clientIdsJson,
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
  ofAcl,
  ofClients,
  logOrder,
  nothing,
  ofEvents,
  ofMessages,
  ofRetained,
  ofRoute,
  ofWills,
  publishOrder,
} from "./parameters.ts";
import { aclAnswer } from "./acl.ts";
import { eventStream } from "./event-stream.ts";
import { type Json, jsonStream } from "./json.ts";
import { messagesJson, publishAnswer } from "./messages.ts";
import { metricsText } from "./metrics.ts";
import { Turns } from "./turns.ts";

type Method = "GET" | "POST" | "PUT" | "DELETE";
type Handler = (context: Context) => Response | Promise<Response>;
type Routes = Readonly<Record<string, Partial<Readonly<Record<Method, Handler>>>>>;

/** The whole interface as a Hono app. */
export function adminApp(admin: AdminContext): Hono {
  const app = new Hono();
  const turns = new Turns();
  app.use(async (context, next) => {
    await next();
    context.res.headers.set(apiHeader, String(apiVersion));
    context.res.headers.set("cache-control", "no-store");
    context.res.headers.set("x-content-type-options", "nosniff");
  });
  app.use(guard(admin.guard));
  app.use(async (_, next) => {
    await turns.next();
    await next();
  });
  const routes = routesOf(admin, turns);
  for (const [path, byMethod] of Object.entries(routes)) {
    for (const [method, handler] of Object.entries(byMethod)) app.on(method, path, handler);
    app.all(path, (context) => wrongMethod(context, Object.keys(byMethod)));
  }
  const paths = Object.keys(routes).map((path) => path.replace(":id", "ID"));
  app.notFound((context) => {
    const meant = nearest(context.req.path.slice(0, pathMaxChars), paths);
    const hint = meant === null ? `the paths are ${paths.join(", ")}` : `did you mean ${meant}?`;
    return refusal(context, 404, "no such path", hint);
  });
  app.onError((error, context) => {
    if (error instanceof BadRequest)
      return refusal(context, error.status, error.message, error.hint);
    // A fault of our own: the process prints its state and exits, as for any other.
    throw error;
  });
  return app;
}

/** Characters of an unknown path that are compared with the known ones. */
const pathMaxChars = 50;

/** All paths with their methods. HEAD works wherever GET does. */
export function routesOf(admin: AdminContext, turns: Turns): Routes {
  return {
    ...statusRoutes(admin),
    ...clientRoutes(admin, turns),
    ...listRoutes(admin, turns),
    ...operatorRoutes(admin, turns),
  };
}

function statusRoutes(admin: AdminContext): Routes {
  const { broker, hub, vitals } = admin;
  return {
    "/healthz": { GET: (context) => context.text("ok\n") },
    "/readyz": {
      GET: (context) =>
        broker.stopping ? context.text("stopping\n", 503) : context.text("ready\n"),
    },
    "/metrics": {
      GET: (context) => {
        const text = metricsText(overview(admin), vitals, hub);
        const type = "text/plain; version=0.0.4; charset=utf-8";
        return context.body(text, 200, { "content-type": type });
      },
    },
    "/v1/overview": {
      GET: (context) => {
        checked(nothing, context.req.query());
        return context.json(overview(admin));
      },
    },
  };
}

function clientRoutes(admin: AdminContext, turns: Turns): Routes {
  const client = { GET: clientHandler(admin, turns), DELETE: kickHandler(admin, turns) };
  const drop = { POST: dropHandler(admin, turns) };
  return {
    "/v1/clients": {
      GET: (context) => {
        const asked = checked(ofClients, context.req.query());
        return piecewise(context, clientsJson(admin.broker, asked), turns);
      },
    },
    "/v1/client-ids": {
      GET: (context) => {
        const { limit } = checked(limited, context.req.query());
        return piecewise(context, clientIdsJson(admin.broker, limit), turns);
      },
    },
    "/v1/clients/:id": client,
    "/v1/client": client,
    "/v1/clients/:id/drop": drop,
    "/v1/client/drop": drop,
  };
}

function clientHandler(admin: AdminContext, turns: Turns): Handler {
  const { broker } = admin;
  return (context) => {
    const account = clientOf(broker, clientIdOf(context));
    if (account === null) return unknownClient(context, admin, turns);
    return piecewise(context, clientJson(account, admin), turns);
  };
}

function kickHandler(admin: AdminContext, turns: Turns): Handler {
  return (context) => {
    const id = clientIdOf(context);
    if (!isKnown(admin.broker, id)) return unknownClient(context, admin, turns);
    const answer: KickAnswer = { wasConnected: admin.kick(id) };
    return context.json(answer);
  };
}

function dropHandler(admin: AdminContext, turns: Turns): Handler {
  const { broker } = admin;
  return async (context) => {
    const id = clientIdOf(context);
    const { how } = await bodyOf(dropOrder, context.req.raw);
    if (!isKnown(broker, id)) return unknownClient(context, admin, turns);
    const wasConnected = admin.drop(id, how);
    return context.json(dropAnswer(wasConnected, how, clientOf(broker, id)));
  };
}

function listRoutes(admin: AdminContext, turns: Turns): Routes {
  const { broker } = admin;
  return {
    "/v1/wills": {
      GET: async (context) => {
        const given = checked(ofWills, context.req.query());
        if (given.wait !== undefined && !makeRoom(admin)) return tooMany(context, admin.streams);
        return piecewise(context, await willsJson(admin, given, context.req.raw.signal), turns);
      },
    },
    "/v1/sessions": {
      GET: (context) => {
        const { limit } = checked(limited, context.req.query());
        return piecewise(context, sessionsJson(broker, limit), turns);
      },
    },
    "/v1/subscriptions": {
      GET: (context) => {
        const { limit } = checked(limited, context.req.query());
        return piecewise(context, subscriptionsJson(broker, limit), turns);
      },
    },
    "/v1/route": {
      GET: (context) => {
        const { topic } = checked(ofRoute, context.req.query());
        return piecewise(context, routeJson(broker, topic), turns);
      },
    },
    "/v1/acl": {
      GET: (context) => context.json(aclAnswer(admin, checked(ofAcl, context.req.query()))),
    },
    "/v1/retained": {
      GET: (context) => {
        const { filter, limit } = checked(ofRetained, context.req.query());
        return piecewise(context, retainedJson(broker, filter, limit), turns);
      },
    },
  };
}

/** Paths by which an operator follows events, and reads or changes settings. */
function operatorRoutes(admin: AdminContext, turns: Turns): Routes {
  return {
    "/v1/config": {
      GET: (context) => {
        checked(nothing, context.req.query());
        return context.json(admin.config());
      },
    },
    "/v1/store": {
      GET: async (context) => {
        checked(nothing, context.req.query());
        const answer: Answers["store"] = { store: await admin.store() };
        return context.json(answer);
      },
    },
    "/v1/publish": {
      POST: async (context) => {
        if (admin.broker.stopping) return refusal(context, 503, "the broker is stopping", null);
        const query = context.req.query();
        const isQuery = Object.keys(query).length > 0;
        const order = isQuery
          ? checked(publishOrder, query)
          : await bodyOf(publishOrder, context.req.raw);
        return context.json(publishAnswer(admin, order));
      },
    },
    "/v1/messages": {
      GET: async (context) => {
        const query = checked(ofMessages, context.req.query());
        if (query.wait !== undefined && !makeRoom(admin)) return tooMany(context, admin.streams);
        const { signal } = context.req.raw;
        return piecewise(context, await messagesJson(admin, query, signal, turns), turns);
      },
    },
    "/v1/events": {
      GET: (context) => {
        const query = checked(ofEvents, context.req.query());
        const type = { "content-type": "text/event-stream; charset=utf-8" };
        // A stream without a reader would listen for ever.
        if (context.req.method === "HEAD") return context.body(null, 200, type);
        if (!makeRoom(admin)) return tooMany(context, admin.streams);
        return context.body(eventStream(admin.hub, query, admin.streamBytes), 200, type);
      },
    },
    "/v1/reload": {
      POST: async (context) => {
        const answer = await admin.reload();
        return context.json(answer, answer.ok ? 200 : 422);
      },
    },
    "/v1/log": {
      PUT: async (context) => {
        const { level } = await bodyOf(logOrder, context.req.raw);
        admin.setLogLevel(level);
        return context.json({ level });
      },
    },
  };
}

/** For one more stream: evicts the slowest reader if all are in use. False: all keep up. */
function makeRoom({ hub, streams }: AdminContext): boolean {
  return hub.listening < streams || hub.evictSlowest();
}

function piecewise(context: Context, json: Json<unknown>, turns: Turns): Response {
  return context.body(jsonStream(json, turns), 200, { "content-type": "application/json" });
}

function wrongMethod(context: Context, methods: readonly string[]): Response {
  const allow = methods
    .flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : method))
    .join(", ");
  context.header("allow", allow);
  return refusal(
    context,
    405,
    `this path does not accept ${context.req.method}`,
    `it accepts ${allow}`,
  );
}

function tooMany(context: Context, streams: number): Response {
  const error = `all ${streams} streams are in use`;
  return refusal(context, 503, error, "admin.streams sets the limit");
}

function overview(admin: AdminContext): Overview {
  const { broker, vitals } = admin;
  return {
    ...overviewOf(broker),
    now: admin.clock.now(),
    process: { pid: process.pid, ...vitals.memory, loopLagMs: vitals.loopLagMs },
    listeners: admin.listeners,
    rates: vitals.rates,
    logLevel: admin.logLevel(),
    predecessor: admin.predecessor,
    restart: admin.restarts[0] ?? null,
    store: admin.storeFile,
    like: admin.like,
  };
}
