import type { Predecessor, Restart } from "../api/api.ts";
import { duration } from "./duration.ts";

/** `The broker before this one (pid 4711, started 3.10 s earlier) was killed, or it crashed`. */
export function predecessorDied({ pid, startedAt, followedAt }: Predecessor): string {
  const earlier = duration(Math.max(0, followedAt - startedAt));
  return `The broker before this one (pid ${pid}, started ${earlier} earlier) ${died({ how: "killed" })}`;
}

/** The broker that does not run, whose store answers; null: it runs, or has no store. */
export function awayOf(latest: Restart | null | undefined): Restart | null {
  return latest?.backAt === null ? latest : null;
}

/** How a broker ended, of which it is said that it does not run or was followed by another. */
export function died({ how }: Pick<Restart, "how">): string {
  return how === "killed" ? "was killed, or it crashed" : "was stopped";
}
