import pc from "picocolors";
import type { ClientAnswer } from "../../../src/api/api.ts";
import { clientOf } from "../../../src/core/queries/clients.ts";
import { explain, explanationText } from "../../../src/inspect/explain/explain.ts";
import { eventLine } from "../../../src/server/event-hub.ts";
import type { World } from "../../support/world.ts";

const startOfWorld = 1_800_000_000_000;

/** The administration interface's present answer about a client. */
export function answerOf(world: World, clientId = "mortal"): ClientAnswer {
  const account = clientOf(world.broker, clientId);
  if (account === null) throw new Error(`the broker knows nothing of ${clientId}`);
  const events = account.events.map(({ at, event }) => ({
    ...eventLine(event, world.broker.now),
    at,
  }));
  return { ...account, now: startOfWorld + world.now, events };
}

/** Its page on a terminal of 80 columns without colours. */
export function told(world: World, clientId = "mortal"): string {
  const style = { columns: 80, colors: pc.createColors(false), zone: "utc" } as const;
  return explanationText(explain(answerOf(world, clientId)), style);
}

/** The topics of its advice. */
export function topicsOf(world: World, clientId = "mortal"): string[] {
  return explain(answerOf(world, clientId)).advice.map(({ topic }) => topic);
}
