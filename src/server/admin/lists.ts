import type * as z from "zod";
import type { Answers, WillsAnswer } from "../../api/api.ts";
import { millisecondsOf } from "../../config/quantity.ts";
import type { SessionAccount, SubscriptionAccount } from "../../core/records/client-account.ts";
import type { WillQuery } from "../../core/records/will-account.ts";
import type { Broker } from "../../core/broker.ts";
import {
  clientsByMemory,
  clientsOf,
  knownClientIds,
  retainedOf,
  routeFor,
  sessionsOf,
  type SessionSteps,
  subscriptionsOf,
  willsOf,
} from "../../core/queries/queries.ts";
import type { Steps } from "../../core/steps.ts";
import type { AdminContext } from "./context.ts";
import type { ofClients, ofWills } from "./parameters.ts";
import { awaitedWill } from "./awaited-will.ts";
import { type Json, jsonArray, jsonObject, jsonOf, jsonWith } from "./json.ts";

export function clientsJson(
  broker: Broker,
  { limit, sort }: z.output<typeof ofClients>,
): Json<Answers["clients"]> {
  const steps = sort === "memory" ? clientsByMemory(broker) : clientsOf(broker);
  const page = new Page(steps, limit);
  return jsonObject<Answers["clients"]>({
    clients: jsonArray(page.items(), (client) => jsonOf(() => client)),
    more: jsonOf(() => page.more),
  });
}

export function clientIdsJson(broker: Broker, limit: number): Json<Answers["client-ids"]> {
  const page = new Page(knownClientIds(broker), limit);
  return jsonObject<Answers["client-ids"]>({
    ids: jsonArray(page.items(), (id) => jsonOf(() => id)),
    more: jsonOf(() => page.more),
  });
}

export function sessionsJson(broker: Broker, limit: number): Json<Answers["sessions"]> {
  const page = new Page(sessionsOf(broker), limit);
  return jsonObject<Answers["sessions"]>({
    sessions: jsonArray(page.items(), ({ session, subscriptions }) =>
      sessionJson(session, subscriptions),
    ),
    more: jsonOf(() => page.more),
  });
}

export function sessionJson(
  session: SessionSteps["session"],
  subscriptions: Iterable<SubscriptionAccount | null>,
): Json<SessionAccount> {
  const texts = jsonArray(subscriptions, (subscription) => jsonOf(() => subscription));
  return jsonWith(session, "subscriptions", texts);
}

export function subscriptionsJson(broker: Broker, limit: number): Json<Answers["subscriptions"]> {
  const page = new Page(subscriptionsOf(broker), limit);
  return jsonObject<Answers["subscriptions"]>({
    subscriptions: jsonArray(page.items(), (subscription) => jsonOf(() => subscription)),
    more: jsonOf(() => page.more),
  });
}

export function routeJson(broker: Broker, topic: string): Json<Answers["route"]> {
  return jsonObject<Answers["route"]>({
    topic: jsonOf(() => topic),
    recipients: jsonArray(routeFor(broker, topic), (recipient) => jsonOf(() => recipient)),
  });
}

export function retainedJson(
  broker: Broker,
  filter: string,
  limit: number,
): Json<Answers["retained"]> {
  const page = new Page(retainedOf(broker, filter), limit);
  return jsonObject<Answers["retained"]>({
    retained: jsonArray(page.items(), (retained) => jsonOf(() => retained)),
    more: jsonOf(() => page.more),
  });
}

/** Waits first if `wait` is given. */
export async function willsJson(
  context: AdminContext,
  given: z.output<typeof ofWills>,
  signal: AbortSignal,
): Promise<Json<WillsAnswer>> {
  const { client, topic, which, wait } = given;
  const query: WillQuery = {
    ...(client !== undefined && { clientId: client }),
    ...(topic !== undefined && { topic }),
  };
  const waitMs = wait === undefined ? null : (millisecondsOf(wait) ?? 0);
  const awaited = waitMs === null ? null : await awaitedWill(context, query, waitMs, signal);
  const decided = waitMs === null ? null : awaited !== null && awaited.fate !== null;
  const wanted = { ...query, ...(which !== undefined && { which }) };
  const page = new Page(willsOf(context.broker, wanted), given.limit);
  return jsonObject<WillsAnswer>({
    now: jsonOf(() => context.clock.now()),
    decided: jsonOf(() => decided),
    awaited: jsonOf(() => awaited?.id ?? null),
    awaitedWill: jsonOf(() => awaited?.account ?? null),
    predecessor: jsonOf(() => context.predecessor),
    restart: jsonOf(() => context.restarts[0] ?? null),
    wills: jsonArray(page.items(), (will) => jsonOf(() => will)),
    more: jsonOf(() => page.more),
  });
}

/** The first items of a list, and whether more exist. */
class Page<Item> {
  readonly #steps: Steps<Item>;
  readonly #limit: number;
  /** Valid once the items have been read. */
  more = false;

  constructor(steps: Steps<Item>, limit: number) {
    this.#steps = steps;
    this.#limit = limit;
  }

  *items(): Steps<Item> {
    let count = 0;
    for (const item of this.#steps) {
      if (item !== null) count += 1;
      if (count > this.#limit) {
        this.more = true;
        return;
      }
      yield item;
    }
  }
}
