import type { ClientHabit } from "../../core/events.ts";
import { habitText, habitVerb } from "../../log/client-habit.ts";
import { type Advice, capital, sentence } from "./parts.ts";

/** A habit that the log names, in the log's words; `when`: a remark behind what it did. */
export function byHabit(habit: ClientHabit, when = ""): Advice {
  const { what, so, change } = habitText(habit);
  return {
    topic: habit.fault,
    ...sentence(`It ${habitVerb(habit)}${what}${when}: ${so}. ${capital(change)}.`),
  };
}
