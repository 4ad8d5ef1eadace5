import type { Measurement, Result, Run } from "../../../scripts/peers/measurement.ts";

/** A run in which each scenario had a verdict. */
export function run(
  protocol: Run["protocol"],
  verdicts: Readonly<Record<string, Result["verdict"]>>,
  more: Partial<Run> = {},
): Run {
  return {
    protocol,
    load: "calm",
    date: "2026-11-29T12:00:00Z",
    mqttd: "0.1.0 (commit abc1234)",
    flags: "--all",
    seconds: 60,
    machineBusy: 0.25,
    heldUp: 0.02,
    exitCode: Object.values(verdicts).includes("fail") ? 1 : 0,
    results: Object.entries(verdicts).map(([id, verdict]) => result(id, verdict)),
    ...more,
  };
}

function result(id: string, verdict: Result["verdict"]): Result {
  const common = { id, verdict, grade: "must" } as const;
  switch (verdict) {
    case "pass":
      return common;
    case "late":
      return { ...common, failure: "late", latenessMs: 1900, rule: "v4-3.1.2-24", means: "Later." };
    case "fail":
    case "finding":
      return {
        ...common,
        failure: "never",
        rule: "v4-3.1.2-8",
        detail: "no will within 11.00 s",
        means: "Nobody hears of it.",
      };
    default:
      return { ...common, detail: "held up for 900 ms" };
  }
}

export function measured(name: string, version: string, runs: Run[]): Measurement {
  return { name, version, get: `get ${name}`, settings: "its defaults", runs, traces: [] };
}
