import type { Predecessor } from "../api/api.ts";
import { duration } from "./duration.ts";

/** `The broker before this one (pid 4711, started 3.10 s earlier) did not stop in order`. */
export function notInOrder({ pid, startedAt, followedAt }: Predecessor): string {
  const earlier = duration(Math.max(0, followedAt - startedAt));
  return `The broker before this one (pid ${pid}, started ${earlier} earlier) did not stop in order`;
}
