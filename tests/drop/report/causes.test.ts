import { expect, test } from "bun:test";
import { mattersOf } from "../../../src/drop/report/causes.ts";
import type { Result } from "../../../src/drop/scenario.ts";
import { arm, keepaliveRule, late, never, result } from "./results.ts";

/** What is told once for several results, and what may be said of them. */

test("no deadline is said only of a broker that was given a minute", () => {
  const given = (watchedMs: number): Result =>
    result("half-open", {
      ...never,
      ...keepaliveRule,
      arms: [arm({ failure: "never", watchedMs })],
    });
  const seen = (watchedMs: number): string | undefined =>
    mattersOf([given(watchedMs)]).map((matter) => matter.seen)[0];
  expect(seen(11_000)).toBe("no deadline within 11.0 s");
  expect(seen(60_010)).toBe("no keepalive deadline: no will within 1 min of silence");
});

test("a fixed step, or a share of K, is said only after two keepalives were measured", () => {
  const means = (
    latenessMs: number,
    keepAliveSeconds: number,
    otherMs: number,
  ): string | null | undefined => {
    const other = arm({
      keepAliveSeconds,
      dueMs: keepAliveSeconds * 1500,
      gotMs: keepAliveSeconds * 1500 + otherMs,
    });
    const both = late(latenessMs, [other]);
    return mattersOf([result("half-open", { ...both, ...keepaliveRule })])[0]?.means;
  };
  expect(means(3000, 2, 3000)).toContain("Only one keepalive was measured");
  expect(means(3000, 3, 4500)).toContain("the deadline is 3.0 K instead of 1.5 K");
  expect(means(3000, 3, 3010)).toContain("late by a fixed step of about 3.01 s");
  expect(means(1900, 3, 400)).toContain("no share of K");
});

test("a broker that dies is told first, and a live client's will once for all scenarios", () => {
  const alive = {
    verdict: "fail",
    failure: "alive",
    detail: "the will came 0.10 s before",
  } as const;
  const results = [
    result("rst", never),
    result("fin", alive),
    result("retain", alive),
    result("reconnect", { ...alive, detail: "in 3 of 20 reconnections" }),
    result("invalid-will", { verdict: "fail", failure: "down", detail: "the broker died" }),
  ];
  expect(mattersOf(results).map(({ names, id }) => [names.join(" "), id])).toEqual([
    ["invalid-will", "invalid-will"],
    ["rst", "rst"],
    ["fin retain reconnect", "reconnect"],
  ]);
});
