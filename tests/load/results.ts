import type { Figure } from "../../src/load/load.ts";
import type { RunResult } from "../../src/load/measure.ts";

/** A run's result as a measurement returns it. */
export function resultOf(
  name: { readonly row?: string; readonly broker?: string; readonly run?: number },
  given: {
    readonly value?: number;
    readonly unit?: Figure["unit"];
    readonly brokerCpu?: number | null;
    readonly loadCpu?: number;
    readonly ended?: number;
    readonly errors?: readonly string[];
    readonly notes?: readonly string[];
  } = {},
): RunResult {
  const { value = 100, unit = "/s", brokerCpu = 1, loadCpu = 0.5, ended = 0, errors = [] } = given;
  const delays = { count: 100, p50: 1, p99: value / 10, worst: value / 5 };
  return {
    row: "row",
    broker: "mqttd",
    run: 1,
    ...name,
    load: {
      figures: [{ name: "delivered", value, unit }],
      cpu: { seconds: 2, broker: brokerCpu, load: loadCpu, others: 0 },
      rss: { before: 50 * 2 ** 20, peak: 80 * 2 ** 20 },
      notes: given.notes ?? [],
      errors,
    },
    sighting: {
      ping: delays,
      echo: { ...delays, p99: 0.5, worst: 0.9 },
      judged: delays,
      silent: delays,
      silentMissing: 0,
      refused: 0,
      pinging: 50,
      ended,
      errors: [],
    },
    errors,
  };
}
