import type { ClientAnswer } from "../../api/api.ts";
import { latestConnection, type SubscriptionAccount } from "../../core/records/client-account.ts";
import { name } from "../../log/foreign.ts";
import { predecessorDied } from "../../log/predecessor.ts";
import { adviceFor } from "./advice.ts";
import { inShort, storyOf } from "./connection.ts";
import { nextOfScene } from "./forecast.ts";
import { adviceOnSubscriptions } from "./present-subscriptions.ts";
import { cited, onPurposeLine } from "./on-purpose.ts";
import { type Explanation, type Scene, sentence, type Sentence, spoken, willOf } from "./parts.ts";
import { awayLine } from "./restarts.ts";
import { fateOf, verdictOf } from "./verdict.ts";

export type { Explanation } from "./parts.ts";
export { publishedWill } from "./present-subscriptions.ts";
export { explanationText } from "./text.ts";
export { explainUnknown, levelsOf } from "./unknown.ts";

/**
 * Why the will of a client did fire, or did not: its latest connection in full, the others in a line
 * each, and what to change. Pure; all that it says is in the answer. `subscriptions`: those of now, for a
 * will that was published.
 */
export function explain(
  answer: ClientAnswer,
  subscriptions: readonly SubscriptionAccount[] = [],
): Explanation {
  const { clientId, now, connections } = answer;
  const connection = latestConnection(answer);
  if (connection === null) return forgotten(answer);
  const scene: Scene = { answer, connection, will: willOf(answer, connection) };
  const ruled = <One extends Sentence>(one: One, by = connection): One =>
    cited(spoken(one, by), answer);
  return {
    clientId,
    now,
    away: awayLine(answer),
    onPurpose: onPurposeLine(answer),
    verdict: ruled(closed(verdictOf(scene))),
    before: beforeOf(scene),
    story: storyOf(scene).map((one) => ruled(one)),
    next: nextOfScene(scene).map((one) => ruled(one)),
    advice: [...adviceOnSubscriptions(answer, subscriptions), ...adviceFor(scene)]
      .filter((one) => one !== null)
      .map((one) => ruled(one)),
    others: connections
      .filter((other) => other !== connection)
      .map((other) => ruled(inShort(answer, other), other)),
  };
}

function forgotten(answer: ClientAnswer): Explanation {
  const { clientId, now, session } = answer;
  const onPurpose = onPurposeLine(answer);
  const kept = session === null ? "" : ", though its session is kept";
  const verdict = sentence(`No connection of ${name(clientId)} is remembered${kept}.`);
  const empty = { before: null, story: [], next: [], advice: [], others: [] };
  return { clientId, now, away: awayLine(answer), onPurpose, verdict, ...empty };
}

/**
 * A client that is back, or that was refused, can be asked about because of the will before: what
 * became of that one.
 */
function beforeOf({ answer, connection, will }: Scene): Sentence | null {
  if (connection.end !== null && will !== null) return null;
  const before = answer.wills.find(({ id }) => id !== will?.id);
  if (before === undefined) return lostBefore(answer);
  const where = will === null || before.topic === will.topic ? "" : ` (on ${name(before.topic)})`;
  const fate = fateOf(answer, before, `The will before it${where}`);
  return fate === null ? null : cited(spoken(closed(fate), before), answer);
}

/** A client that first comes later than this after the start was hardly connected to the process before. */
const backWithinMs = 60 * 60 * 1000;

/** The first connection of a client to this process: of an earlier one nothing is left. */
function lostBefore({ predecessor, connections, clientId }: ClientAnswer): Sentence | null {
  const first = connections.at(-1);
  if (predecessor === undefined || predecessor === null || first === undefined) return null;
  if (first.openedAt - predecessor.followedAt > backWithinMs) return null;
  return sentence(
    `${predecessorDied(predecessor)}: the session and the will that ${name(clientId)} may have had ` +
      `there are lost; that will was not published.`,
  );
}

/** Verdicts come without their full stop. */
function closed(one: Sentence): Sentence {
  return { ...one, text: `${one.text}.` };
}
