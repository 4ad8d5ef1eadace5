import type { ClientHabit } from "../../core/events.ts";
import { habitText } from "../../log/client-habit.ts";
import { type Advice, capital, sentence } from "./parts.ts";

/** A habit that the log names, in the log's words. */
export function byHabit(habit: ClientHabit): Advice {
  const { what, so, change } = habitText(habit);
  const verb = habit.fault === "cleanDisconnect" ? "" : "has ";
  return {
    topic: habit.fault,
    ...sentence(`It ${verb}${what}: ${so}. ${capital(change)}.`),
  };
}
