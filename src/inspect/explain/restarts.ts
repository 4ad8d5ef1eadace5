import type { ClientAnswer, Restart } from "../../api/api.ts";
import { duration } from "../../log/duration.ts";
import { awayOf, died } from "../../log/predecessor.ts";
import { type Scene, sentence, type Sentence, type StoryLine } from "./parts.ts";

/** Restarts told one by one; of more only the first and the last. */
const toldAtOnce = 3;

/** That the broker does not run; null: it does. */
export function awayLine(answer: ClientAnswer): Sentence | null {
  const away = awayOf(answer.restarts?.[0]);
  if (away === null) return null;
  const ago = duration(Math.max(0, answer.now - away.at));
  return sentence(
    `The broker does not run: it ${died(away)}, ${ago} ago. This is what its store has kept.`,
  );
}

/** Puts the ends of the broker, and its returns, into a story that they are in the middle of. */
export function withRestarts(scene: Scene, story: readonly StoryLine[]): StoryLine[] {
  const { answer, connection, will } = scene;
  const isOpen = connection.end === null || will?.fate === null;
  const until = isOpen ? answer.now : Math.max(...story.map(({ at }) => at));
  const since = connection.connectedAt ?? connection.openedAt;
  const within = (answer.restarts ?? [])
    .filter(({ at, backAt }) => at <= until && (backAt ?? Infinity) > since)
    .toReversed();
  const lines = linesOf(within, connection.end?.cause === "brokerRestarted" ? connection : null);
  // Stable: an end of the broker comes before what it ended.
  return lines.length === 0 ? [...story] : [...lines, ...story].toSorted((a, b) => a.at - b.at);
}

/** `ended`: the connection that ended with the first of them; null: none did. */
function linesOf(restarts: readonly Restart[], ended: Scene["connection"] | null): StoryLine[] {
  const [first] = restarts;
  const last = restarts.at(-1);
  if (first === undefined || last === undefined) return [];
  const [begin, ...rest] = linesOfOne(first);
  // The restore dates the ends of connections by itself, which may be a little earlier.
  const at = Math.min(begin.at, ended?.end?.at ?? Infinity);
  const lines: StoryLine[] = [{ ...begin, at }, ...rest];
  if (restarts.length <= toldAtOnce) return [...lines, ...restarts.slice(1).flatMap(linesOfOne)];
  const between = restarts.length - 2;
  const more = sentence(`Until then it was killed, crashed or stopped ${between} more times.`);
  return [...lines, { at: last.at, ...more }, ...linesOfOne(last)];
}

function linesOfOne(restart: Restart): [StoryLine, ...StoryLine[]] {
  const { how, at, lastSignAt, keptUntil, backAt } = restart;
  const sign = `; its last sign of life was ${duration(at - lastSignAt)} earlier`;
  const isLater = how === "killed" && at - lastSignAt >= 1;
  // Then a client may have had other connections, and another fate of its will.
  const gap =
    keptUntil === undefined
      ? ""
      : ` Its store had not kept everything of the last ${duration(at - keptUntil)} before that, ` +
        `so what clients did then is not known.`;
  const ended = { at, ...sentence(`The broker ${died(restart)}${isLater ? sign : ""}.${gap}`) };
  if (backAt === null) return [ended];
  return [ended, { at: backAt, ...sentence("The broker was back, with what its store had kept.") }];
}
