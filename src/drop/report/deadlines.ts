import { duration, setting } from "../../log/duration.ts";
import { tellingMs } from "../patience.ts";
import type { ArmResult, Result } from "../scenario.ts";

/** One deadline that was measured. */
interface Measured {
  /** Seconds. */
  readonly keepAliveSeconds: number;
  readonly gotMs: number;
  readonly latenessMs: number;
}

/** Lateness that differs by less is the same: clocks and a busy machine take as much. */
const sameMs = 300;
/** Shares of K that differ by less are the same. */
const sameShare = 0.1;

/**
 * What late deadlines have in common, in a clause; and what to expect of this broker, which `half-open`
 * alone tells: in other scenarios something more may put the deadline off.
 */
export function lateDeadlines(results: readonly Result[]): { seen: string; means: string } {
  const lateness = results.flatMap(({ arms, latenessMs }) => {
    const late = arms.filter(({ failure }) => failure === "late").flatMap(measuredIn);
    return late.length > 0 ? late.map((arm) => arm.latenessMs) : (latenessMs ?? []);
  });
  const [least, most] = [Math.min(...lateness), Math.max(...lateness)];
  const range = most - least < sameMs ? duration(most) : `${duration(least)} to ${duration(most)}`;
  const measured = results.flatMap(({ id, arms }) =>
    id === "half-open" ? arms.flatMap(measuredIn) : [],
  );
  return { seen: `the keepalive deadline fires ${range} late`, means: meansOf(measured, most) };
}

function meansOf(measured: readonly Measured[], most: number): string {
  const keepAlives = [
    ...new Set(measured.map(({ keepAliveSeconds }) => keepAliveSeconds)),
  ].toSorted((a, b) => a - b);
  const [only, another] = keepAlives;
  if (only === undefined || another === undefined) {
    const at = only === undefined ? "" : ` with a keepalive of ${setting(only * 1000)}`;
    return `A device that loses power is reported late: by up to ${duration(most)} here${at}. Only one keepalive was measured; with another it may be more or less.`;
  }
  const shares = measured.map(({ gotMs, keepAliveSeconds }) => gotMs / (keepAliveSeconds * 1000));
  const share = mean(shares);
  const isShare = spread(shares) < sameShare * share;
  const isStep = spread(measured.map(({ latenessMs }) => latenessMs)) < sameMs;
  const basis = `Measured with keepalives of ${keepAlives.map((keepAliveSeconds) => setting(keepAliveSeconds * 1000)).join(" and ")}`;
  // Both, where the keepalives lie so near to each other that they do not tell.
  if (isShare && !isStep) {
    return `${basis}: the deadline is ${share.toFixed(1)} K instead of 1.5 K. Choose a keepalive that is shorter by that share.`;
  }
  if (isStep && !isShare) {
    return `${basis}: the deadline is late by a fixed step of about ${duration(mean(measured.map(({ latenessMs }) => latenessMs)))}, whatever the keepalive is. A shorter keepalive does not make it smaller.`;
  }
  return `${basis}: the lateness is no share of K. A broker that looks for silent clients only every few seconds does that. Expect the will at 1.5 K and up to some seconds later; ${duration(most)} was the most here.`;
}

/** What is known where `half-open` saw no will: `no deadline within 11.0 s`. */
export function noDeadline(results: readonly Result[]): string {
  const watched = results.flatMap(({ id, arms }) =>
    id === "half-open" ? arms.map(({ watchedMs }) => watchedMs) : [],
  );
  const longest = Math.max(0, ...watched);
  if (longest === 0) return "no keepalive deadline was seen";
  return longest < tellingMs
    ? `no deadline within ${duration(longest)}`
    : `no keepalive deadline: no will within ${duration(longest)} of silence`;
}

function measuredIn({ keepAliveSeconds, dueMs, gotMs }: ArmResult): Measured[] {
  if (keepAliveSeconds === null || dueMs === null || gotMs === null) return [];
  return [{ keepAliveSeconds, gotMs, latenessMs: gotMs - dueMs }];
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function spread(values: readonly number[]): number {
  return Math.max(...values) - Math.min(...values);
}
