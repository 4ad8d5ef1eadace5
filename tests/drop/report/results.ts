import type { ArmResult, Result, Scenario } from "../../../src/drop/scenario.ts";
import type { Report } from "../../../src/drop/report/summary.ts";

/** A result that passed, with what is said otherwise. */
export function result(id: string, more: Partial<Result> = {}): Result {
  return {
    id,
    title: `the drop ${id}`,
    protocol: 4,
    target: "mqtt://localhost:1883",
    grade: "must",
    verdict: "pass",
    failure: null,
    arm: "",
    arms: [],
    dueMs: 0,
    gotMs: 2,
    latenessMs: 2,
    rule: "v4-3.1.2-8",
    detail: "the will after 0.00 s",
    noVerdict: null,
    means: null,
    tries: 1,
    ...more,
  };
}

export const skipped = { verdict: "skipped", dueMs: null, gotMs: null, latenessMs: null } as const;
export const inconclusive = { ...skipped, verdict: "inconclusive" } as const;

/** A will that should have come 3 s after the drop and did not within 11 s. */
export const never = {
  verdict: "fail",
  failure: "never",
  dueMs: 3000,
  gotMs: null,
  latenessMs: null,
  detail: "no will within 11.00 s",
  means: "What it means for the user.",
  arms: [arm({ verdict: "fail", failure: "never", watchedMs: 11_000 })],
} as const satisfies Partial<Result>;

/** What a client that fell silent has shown, with a keepalive in seconds. */
export function arm(more: Partial<ArmResult> = {}): ArmResult {
  return {
    arm: "",
    grade: "must",
    verdict: "pass",
    failure: null,
    dueMs: 3000,
    gotMs: null,
    watchedMs: 3000,
    keepAliveSeconds: 2,
    ...more,
  };
}

/** A deadline with a keepalive of 2 s, and in arms of their own what others showed. */
export function late(latenessMs: number, others: readonly ArmResult[] = []): Partial<Result> {
  const own = arm({ verdict: "late", failure: "late", gotMs: 3000 + latenessMs });
  return {
    arms: [own, ...others],
    verdict: "late",
    failure: "late",
    dueMs: 3000,
    gotMs: 3000 + latenessMs,
    latenessMs,
    detail: `the will came after ${(3 + latenessMs / 1000).toFixed(2)} s, due at 3.00 s`,
    means: null,
  };
}

export const keepaliveRule = { rule: "v4-3.1.2-24" } as const;
export const v5 = { protocol: 5, rule: "v5-3.1.2-8" } as const;
export const v5Keepalive = { protocol: 5, rule: "v5-3.1.2-22" } as const;

/** A scenario as reports and lists see it. */
export function scenario(id: string, more: Partial<Scenario> = {}): Scenario {
  return {
    id,
    title: `the drop ${id}`,
    grade: "must",
    quick: true,
    needs: [],
    serial: false,
    rule: { v4: "v4-3.1.2-8", v5: "v5-3.1.2-8" },
    does: "Does something.",
    passes: "the will comes at once",
    wrong: "Brokers forget it.",
    byHand: ["mosquitto_sub -t status -v &"],
    means: {},
    play: async () => [],
    ...more,
  };
}

/** A run that ended after 12.34 s with these results. */
export function report(results: readonly Result[], more: Partial<Report> = {}): Report {
  return {
    scenarios: [...new Set(results.map(({ id }) => id))].map((id) => scenario(id)),
    results,
    planned: results.length,
    tookMs: new Map(results.map((one) => [one, 2500])),
    elapsedMs: 12_340,
    keepAliveSeconds: 2,
    waitMs: 8000,
    strict: false,
    cut: null,
    ...more,
  };
}
