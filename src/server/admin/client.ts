import type { Context } from "hono";
import type { ClientAnswer, DropAnswer, DropOrder, Restart } from "../../api/api.ts";
import {
  latestConnection,
  type ClientAccount,
  type ConnectionAccount,
  type SessionAccount,
} from "../../core/records/client-account.ts";
import { knownClientIds } from "../../core/queries/queries.ts";
import type { Millis } from "../../core/io.ts";
import { refusal } from "./refusal.ts";
import { checked } from "./body.ts";
import type { AdminContext } from "./context.ts";
import { sessionJson } from "./lists.ts";
import { nothing, ofClient } from "./parameters.ts";
import { eventLine } from "../event-hub.ts";
import { nearestIdSteps } from "../nearest-ids.ts";
import { type Json, jsonObject, jsonOf } from "./json.ts";
import { turnMs, type Turns } from "./turns.ts";

/** From `/v1/clients/ID` or `/v1/client?id=ID`: a path can't contain the ids `.` and `..`. */
export function clientIdOf({ req }: Context): string {
  const id = req.param("id");
  if (id === undefined) return checked(ofClient, req.query()).id;
  checked(nothing, req.query());
  return id;
}

export function clientJson(
  account: ClientAccount,
  {
    clock,
    like,
    predecessor,
    restarts,
    storeFile,
  }: Pick<AdminContext, "clock" | "like" | "predecessor" | "restarts" | "storeFile">,
): Json<ClientAnswer> {
  const { session } = account;
  return jsonObject<ClientAnswer>({
    now: jsonOf(() => clock.now()),
    like: jsonOf(() => like),
    clientId: jsonOf(() => account.clientId),
    session: session === null ? jsonOf(() => null) : clientSession(session),
    connections: jsonOf(() => account.connections),
    wills: jsonOf(() => account.wills),
    willTopic: jsonOf(() => account.willTopic ?? null),
    faults: jsonOf(() => account.faults),
    // The casts are safe: these are the core's own times.
    events: jsonOf(() => account.events.map(({ at, event }) => eventLine(event, at as Millis))),
    predecessor: jsonOf(() => predecessor),
    restarts: jsonOf(() => restartsSince(restarts, account)),
    store: jsonOf(() => storeFile),
  });
}

function restartsSince(
  restarts: readonly Restart[],
  { connections }: Pick<ClientAccount, "connections">,
): Restart[] {
  const since = connections.at(-1)?.openedAt ?? Infinity;
  return restarts.filter(({ backAt }) => backAt === null || backAt > since);
}

function clientSession({ subscriptions, ...session }: SessionAccount): Json<SessionAccount> {
  return sessionJson(session, subscriptions);
}

export function dropAnswer(
  wasConnected: boolean,
  how: DropOrder["how"],
  account: ClientAccount | null,
): DropAnswer {
  const connection = account === null ? null : latestConnection(account);
  const deadlineAt = connection?.deadlineAt ?? null;
  const isOpen = wasConnected && how === "silent" && connection !== null;
  return { wasConnected, deadlineAt, hint: isOpen ? hintOnSilence(connection) : null };
}

function hintOnSilence({ deadlineAt, keepAliveSeconds, paused }: ConnectionAccount): string | null {
  if (deadlineAt !== null) return null;
  if (keepAliveSeconds === 0) return "it has no keepalive: nothing will end it";
  return paused
    ? "its keepalive continues once the broker has read what it sent"
    : "this broker never ends a client for silence: nothing will end it";
}

/** 404 with the known ids most similar to the given one. */
export async function unknownClient(
  context: Context,
  { broker }: AdminContext,
  turns: Turns,
): Promise<Response> {
  const id = clientIdOf(context);
  const near = await nearestIds(id, knownClientIds(broker), turns);
  const hint = near.length === 0 ? null : "similar client ids exist";
  return refusal(context, 404, "no such client", hint, near);
}

async function nearestIds(id: string, ids: Iterable<string>, turns: Turns): Promise<string[]> {
  const steps = nearestIdSteps(id, ids);
  let until = performance.now() + turnMs;
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    if (performance.now() < until) continue;
    await turns.next();
    until = performance.now() + turnMs;
  }
}
