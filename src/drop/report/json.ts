import { jsonLine } from "../../log/foreign.ts";
import { protocolText } from "../protocol.ts";
import type { ArmResult, Result } from "../scenario.ts";
import type { ArmRecord, ResultRecord, RunRecord, SummaryRecord } from "./records.ts";
import { type Report, summarize } from "./summary.ts";

/** The first line of a run: what was asked for, and by which program. */
export function jsonRun(run: Omit<RunRecord, "type">): string {
  return line({ type: "run", ...run });
}

/**
 * One result as a line of NDJSON. The keys and their order are part of the interface: see
 * docs/simulate-drop.md. Times are milliseconds, to the tenth.
 */
export function jsonResult(result: Result): string {
  const { id, protocol, target, grade, verdict, noVerdict, failure, arm, rule } = result;
  const { detail, means, title } = result;
  return line({
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
  });
}

function jsonArm({
  arm,
  grade,
  verdict,
  failure,
  keepAliveSeconds,
  ...times
}: ArmResult): ArmRecord {
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
  return line({
    type: "summary",
    ...counts,
    worstKeepaliveLatenessMs: tenths(worstKeepaliveLatenessMs),
    elapsedMs: tenths(report.elapsedMs),
    cutShort: report.cut?.why ?? null,
    exitCode,
  });
}

function line(record: RunRecord | ResultRecord | SummaryRecord): string {
  return `${jsonLine(record)}\n`;
}

function tenths(milliseconds: number): number;
function tenths(milliseconds: number | null): number | null;
function tenths(milliseconds: number | null): number | null {
  return milliseconds === null ? null : Math.round(milliseconds * 10) / 10;
}
