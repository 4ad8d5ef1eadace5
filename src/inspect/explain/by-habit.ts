import type { ClientHabit } from "../../core/events.ts";
import { habitText, habitVerb } from "../../log/client-habit.ts";
import { type Advice, capital, sentence } from "./parts.ts";

/**
 * A habit that the log names, in the log's words; `when`: a remark behind what it did. `isOver`: what
 * it says of another client was so, and is not now.
 */
export function byHabit(habit: ClientHabit, when = "", isOver = false): Advice {
  const { what, so, change } = habitText(habit, isOver);
  return {
    topic: habit.fault,
    ...sentence(`It ${habitVerb(habit, isOver)}${what}${when}: ${so}. ${capital(change)}.`),
  };
}
