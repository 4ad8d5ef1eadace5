import { jsonResult, jsonRun, jsonSummary } from "../../../src/drop/report/json.ts";
import { type Recording, recordingOf, type RunRecord } from "../../../src/drop/report/records.ts";
import type { Report } from "../../../src/drop/report/summary.ts";
import type { Result } from "../../../src/drop/scenario.ts";
import { report } from "./results.ts";

export const defaults: RunRecord["settings"] = {
  ...{ keepAlive: 2, waitMs: 8000, toleranceMs: 1000, longWait: true, serial: false },
  ...{ strict: false, clientId: null, username: null, willTopic: null, willPayload: null },
  ...{ willQos: null, willRetain: null, willDelay: null, deniedTopic: null },
};

/** What a run with these results prints with `--json`. */
export function printed(
  results: readonly Result[],
  run: Partial<RunRecord> = {},
  more: Partial<Report> = {},
): string {
  const { type: _, ...record }: RunRecord = {
    type: "run",
    mqttd: "1.2.3",
    commit: "abc1234",
    platform: "Bun 1.4.5 on linux x64",
    at: "2026-11-30T08:00:00.000Z",
    command: ["simulate-drop", "--json"],
    target: "mqtt://localhost:1883",
    via: null,
    brokerVersion: "mosquitto version 2.0.18",
    viaBrokerVersion: null,
    protocols: ["3.1.1", "5"],
    scenarios: [...new Set(results.map(({ id }) => id))],
    settings: defaults,
    ...run,
  };
  const lines = results.map((result) => jsonResult(result));
  return [jsonRun(record), ...lines, jsonSummary(report(results, more))].join("");
}

export function recording(...args: Parameters<typeof printed>): Recording {
  const read = recordingOf(printed(...args));
  if (typeof read === "string") throw new Error(read);
  return read;
}
