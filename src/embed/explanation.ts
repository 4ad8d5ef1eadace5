import { createColors } from "picocolors";
import type { ClientAnswer } from "../api/api.ts";
import type { Millis } from "../core/io.ts";
import {
  clientOf,
  knownClientIds,
  overviewOf,
  retainedOf,
  subscriptionsOf,
  willsOf,
} from "../core/queries/queries.ts";
import {
  explain,
  explanationText,
  explainUnknown,
  type Explanation,
  levelsOf,
  publishedWill,
} from "../inspect/explain/explain.ts";
import type { EmbeddedBroker } from "../server/embedded.ts";
import { eventLine } from "../server/event-hub.ts";
import { nearestIdSteps } from "../server/nearest-ids.ts";

/** As wide as prose in a pipe. */
const columns = 80;
const colors = createColors(false);

/** The text of `mqttd inspect explain CLIENT` on this broker. */
export function explanationOf(embedded: EmbeddedBroker, clientId: string): string {
  return explanationText(explained(embedded, clientId), { columns, colors });
}

function explained({ broker, clock }: EmbeddedBroker, clientId: string): Explanation {
  const account = clientOf(broker, clientId);
  if (account === null) {
    const known = { ...overviewOf(broker), now: clock.now(), predecessor: null, like: null };
    const wills = itemsOf(willsOf(broker));
    const levels = levelsOf(clientId, wills, itemsOf(retainedOf(broker, "#")));
    return explainUnknown(clientId, known, nearestIds(clientId, knownClientIds(broker)), levels);
  }
  const answer: ClientAnswer = {
    ...{ now: clock.now(), like: null, predecessor: null },
    ...{ ...account, willTopic: account.willTopic ?? null },
    // Nobody else can drop a connection here.
    connections: account.connections.map((connection) =>
      connection.dropped === null
        ? connection
        : { ...connection, dropped: { ...connection.dropped, by: "test" } },
    ),
    // The cast is safe: these are the core's own times.
    events: account.events.map(({ at, event }) => eventLine(event, at as Millis)),
  };
  if (publishedWill(answer) === null) return explain(answer);
  return explain(answer, itemsOf(subscriptionsOf(broker)));
}

/** What the steps of a query find, at once: the broker of a test is small. */
export function itemsOf<Item>(steps: Iterable<Item | null>): Item[] {
  return [...steps].filter((item) => item !== null);
}

export function nearestIds(id: string, ids: Iterable<string>): string[] {
  const steps = nearestIdSteps(id, ids);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}
