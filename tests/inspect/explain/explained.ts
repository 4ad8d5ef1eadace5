import pc from "picocolors";
import type { ClientAnswer } from "../../../src/api/api.ts";
import { clientOf } from "../../../src/core/queries/clients.ts";
import { explain, explanationText } from "../../../src/inspect/explain/explain.ts";
import type { Advice, Explanation } from "../../../src/inspect/explain/parts.ts";
import { eventLine } from "../../../src/server/event-hub.ts";
import { watcherOf } from "../../support/mortal.ts";
import { World, type WorldOptions } from "../../support/world.ts";
import { adviceTexts } from "./advice-texts.ts";

/** A world with a subscriber of the clients' wills. */
export function watched(options?: WorldOptions): World {
  const world = new World(options);
  watcherOf(world, "wills/#");
  return world;
}

/** The administration interface's present answer about a client. */
export function answerOf(
  world: World,
  clientId = "mortal",
  like: string | null = null,
): ClientAnswer {
  const account = clientOf(world.broker, clientId);
  if (account === null) throw new Error(`the broker knows nothing of ${clientId}`);
  const events = account.events.map(({ at, event }) => ({
    ...eventLine(event, world.broker.now),
    at,
  }));
  return { ...account, like, now: world.wall, events };
}

const style = { columns: 80, colors: pc.createColors(false), zone: "utc" } as const;

/** Its page on a terminal of 80 columns without colours. */
export function pageOf(world: World, clientId = "mortal", like: string | null = null): string {
  return explanationText(explain(answerOf(world, clientId, like)), style);
}

/** The same on one line, for a sentence that a page may wrap. */
export function flatPage(world: World, clientId?: string, like?: string | null): string {
  return pageOf(world, clientId, like).replaceAll(/\s+/g, " ");
}

/** Its page with each advice by its name in advice-texts.ts, which has its text. */
export function told(world: World, clientId = "mortal"): string {
  return explanationText(withAdviceNamed(explain(answerOf(world, clientId))), style);
}

/**
 * The same of an accepted connection without what most pages share, and some tests show in full: the
 * lines of its CONNECT, what can happen now, and the hint.
 */
export function brief(world: World, clientId = "mortal"): string {
  const { story, ...rest } = withAdviceNamed(explain(answerOf(world, clientId)));
  if (story[0]?.text.startsWith("It connected") !== true) throw new Error("it was refused");
  const page = { ...rest, story: story.slice(connectLines), next: [] };
  return explanationText(page, style).replace(/\nWhat a statement says: .*\n$/, "");
}

/** From where, its keepalive, its session, its will. */
const connectLines = 4;

function withAdviceNamed(explanation: Explanation): Explanation {
  const advice = explanation.advice.map((one) => ({ ...one, text: `<${nameOf(one)}>` }));
  return { ...explanation, advice };
}

function nameOf({ topic, text }: Advice): string {
  const names = namesOf(topic);
  const name = names.get(text);
  if (name !== undefined) return name;
  throw new Error(`advice-texts.ts has no advice on ${topic} with the text\n${text}`);
}

/** The names of a topic's texts. */
export function namesOf(topic: string): ReadonlyMap<string, string> {
  const texts = adviceTexts[topic] ?? [];
  return new Map(
    texts.map((text, index) => [
      text.replace(/\s+/g, " "),
      index === 0 ? topic : `${topic} ${index + 1}`,
    ]),
  );
}

/** The topics of its advice. */
export function topicsOf(world: World, clientId = "mortal"): string[] {
  return explain(answerOf(world, clientId)).advice.map(({ topic }) => topic);
}
