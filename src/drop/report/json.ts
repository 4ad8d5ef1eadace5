import { jsonLine } from "../../log/foreign.ts";
import { protocolText } from "../protocol.ts";
import type { ArmResult, Result } from "../scenario.ts";
import { type Report, summarize } from "./summary.ts";

/**
 * One result as a line of NDJSON. The keys and their order are part of the interface: see
 * docs/simulate-drop.md. Times are milliseconds, to the tenth.
 */
export function jsonResult(result: Result): string {
  const { id, protocol, target, grade, verdict, noVerdict, failure, arm, rule } = result;
  const { detail, means, title } = result;
  return `${jsonLine({
    type: "result",
    id,
    protocol: protocolText(protocol),
    target,
    grade,
    verdict,
    noVerdict,
    failure,
    arm,
    dueMs: tenths(result.dueMs),
    gotMs: tenths(result.gotMs),
    latenessMs: tenths(result.latenessMs),
    rule,
    detail,
    means,
    title,
    tries: result.tries,
    arms: result.arms.map(jsonArm),
  })}\n`;
}

function jsonArm({ arm, grade, verdict, failure, keepAliveSeconds, ...times }: ArmResult): object {
  return {
    arm,
    grade,
    verdict,
    failure,
    dueMs: tenths(times.dueMs),
    gotMs: tenths(times.gotMs),
    watchedMs: tenths(times.watchedMs),
    keepAlive: keepAliveSeconds,
  };
}

/** The last line of a run. */
export function jsonSummary(report: Report): string {
  const { worstKeepaliveLatenessMs, exitCode, ...counts } = summarize(report);
  return `${jsonLine({
    type: "summary",
    ...counts,
    worstKeepaliveLatenessMs: tenths(worstKeepaliveLatenessMs),
    elapsedMs: tenths(report.elapsedMs),
    cutShort: report.cut?.why ?? null,
    exitCode,
  })}\n`;
}

function tenths(milliseconds: number | null): number | null {
  return milliseconds === null ? null : Math.round(milliseconds * 10) / 10;
}
