import { lettersWrong } from "../config/nearest.ts";

/** Longest id that is compared, number of ids shown, and number of candidates collected. */
const comparedMaxChars = 100;
const shownMax = 3;
const nearMax = 100;

/** The client ids most similar to one that is not known, nearest first; a step for each compared. */
export function* nearestIdSteps(
  id: string,
  ids: Iterable<string>,
): Generator<void, string[], undefined> {
  const near: { readonly id: string; readonly wrong: number }[] = [];
  if (id.length > comparedMaxChars) return [];
  for (const other of ids) {
    if (near.length === nearMax) break;
    const wrong = other.length <= comparedMaxChars ? lettersWrong(id, other) : null;
    if (wrong !== null) near.push({ id: other, wrong });
    yield;
  }
  return near
    .sort((a, b) => a.wrong - b.wrong)
    .slice(0, shownMax)
    .map((one) => one.id);
}
