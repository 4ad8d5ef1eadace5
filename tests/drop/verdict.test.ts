import { expect, test } from "bun:test";
import { Patience } from "../../src/drop/patience.ts";
import { besideReference } from "../../src/drop/reference.ts";
import type { Observation, Result } from "../../src/drop/scenario.ts";
import { judge } from "../../src/drop/verdict.ts";
import { arm, late, never, result, scenario } from "./report/results.ts";

/** What is made of what was seen, without a broker. */

const target = { transport: "tcp", host: "h", port: 1883, path: "", tls: null } as const;

/** A will that was due 3 s after the drop, at 0, and came at `got`. */
function seen(got: readonly number[], more: Partial<Observation> = {}): Observation {
  return {
    arm: "",
    since: 0,
    due: 3000,
    got,
    until: 11_000,
    altered: null,
    broken: null,
    inconclusive: null,
    ...more,
  };
}

/** `stalledMs`: for so long this process stood still, whenever it is asked about. */
function judged(
  observations: readonly Observation[],
  stalledMs = 0,
  grade: "must" | "should" = "must",
): Result {
  const options = {
    target: { ...target, username: null, password: null },
    version: 4,
    keepAliveSeconds: 2,
    waitMs: 8000,
    toleranceMs: 1000,
    clientId: null,
    will: {},
    deniedTopic: null,
    restartCommand: null,
    brokerPid: null,
    patience: new Patience({ waitMs: 8000, goesOn: false }, false, () => {}),
    onWait: () => {},
    signal: new AbortController().signal,
  } as const;
  return judge(scenario("x", { grade }), options, 0, observations, () => stalledMs);
}

test("the arm that took the broker down speaks for its scenario, not the first that failed", () => {
  const accepted = seen([], { arm: "wildcard #", due: null, broken: "CONNECT is accepted" });
  const down = "after this CONNECT the broker does not answer any more";
  const last = seen([], { arm: "Will QoS 3", due: null, broken: "neither", down });
  expect(judged([accepted, last])).toMatchObject({
    failure: "down",
    arm: "Will QoS 3",
    detail: `${down}; also wrong: wildcard #`,
  });
});

test("a stall of this machine casts doubt only on what is of its size", () => {
  const verdict = (observation: Observation, stalledMs: number): string =>
    judged([observation], stalledMs).verdict;
  expect(verdict(seen([], { until: 60_000 }), 288)).toBe("fail");
  expect(verdict(seen([]), 288)).toBe("fail");
  expect(verdict(seen([]), 4100)).toBe("inconclusive");
  expect(verdict(seen([9000]), 288)).toBe("late");
  expect(verdict(seen([4200]), 288)).toBe("inconclusive");
  expect(verdict(seen([1000]), 288)).toBe("fail");
  expect(verdict(seen([2800]), 288)).toBe("inconclusive");
  expect(verdict(seen([3000]), 60_000)).toBe("pass");
  expect(verdict(seen([100], { due: null }), 60_000)).toBe("fail");
  expect(judged([seen([4200])], 288).detail).toBe(
    "this machine was held up for 288 ms, and the verdict depends on 200 ms",
  );
});

test("each arm is judged by its own grade, and the gravest speaks", () => {
  const should = seen([], { arm: "large", grade: "should" });
  const right = seen([3000], { arm: "small" });
  expect(judged([right, should])).toMatchObject({
    verdict: "finding",
    grade: "should",
    arm: "large",
  });
  const must = seen([], { arm: "small", grade: "must" });
  const both = judged([should, must], 0, "should");
  expect(both).toMatchObject({ verdict: "fail", grade: "must", arm: "small" });
  expect(both.detail).toEndWith("; also wrong: large");
  expect(both.arms.map(({ verdict }) => verdict)).toEqual(["finding", "fail"]);
});

test("doubt in one arm hides a finding of another, and no failure", () => {
  const doubt = seen([], { arm: "a", inconclusive: "why" });
  expect(judged([doubt, seen([], { arm: "b" })]).verdict).toBe("fail");
  expect(judged([doubt, seen([], { arm: "b", grade: "ours" })])).toMatchObject({
    verdict: "inconclusive",
    detail: "why; also wrong: b",
  });
});

test("too early is a finding where no statement forbids it, and a failure before that", () => {
  const early = { findingFrom: 2000, note: "after K, but before 1.5 K", means: "mild" };
  expect(judged([seen([2100], { early })])).toMatchObject({
    verdict: "finding",
    grade: "ours",
    means: "mild",
    detail: "the will came after 2.10 s, due at 3.00 s: after K, but before 1.5 K",
  });
  expect(judged([seen([1900], { early })])).toMatchObject({ verdict: "fail", grade: "must" });
});

test("a will before the drop is a failure of its own, whatever the scenario's grade", () => {
  expect(judged([seen([], { before: [-400] })], 0, "should")).toMatchObject({
    verdict: "fail",
    failure: "alive",
    grade: "must",
    rule: "v4-3.1.2-8",
    detail: "the will came 0.40 s before the drop, while its client was connected",
  });
});

test("where the reference is as late, no more is claimed", () => {
  const held = result("delay-churn", {
    ...late(5000),
    verdict: "fail",
    failure: "broken",
    detail: "no will while other clients dropped",
  });
  const plain = (more: Partial<Result>): Result => result("delay", more);
  const claimed = (reference: Result): string => {
    const { verdict, failure } = besideReference(held, reference, 1000);
    return `${verdict} ${failure}`;
  };
  expect(claimed(plain({}))).toBe("fail broken");
  expect(claimed(plain(late(4500)))).toBe("late late");
  expect(claimed(plain(late(2000)))).toBe("fail broken");
  expect(claimed(plain(never))).toBe("skipped null");
  expect(claimed(plain({ verdict: "inconclusive" }))).toBe("inconclusive null");
  expect(besideReference(held, plain(late(4500)), 1000).detail).toBe(
    "the will came 5.00 s late, and that of delay 4.50 s",
  );
});

test("who waits for a deadline waits as long as half-open shows to be worth it", () => {
  const said: string[] = [];
  const patience = (goesOn: boolean, hasSource: boolean): Patience =>
    new Patience({ waitMs: 8000, goesOn }, hasSource, (text) => said.push(text));
  const shown = (half: Partial<Result>, goesOn = true): number => {
    const one = patience(goesOn, true);
    one.show(result("half-open", half));
    return one.until(0, 3000);
  };
  expect(patience(false, true).until(0, 3000)).toBe(11_000);
  expect(patience(true, true).until(0, 3000)).toBe(60_000);
  expect(patience(true, false).until(0, 3000)).toBe(60_000);
  expect(patience(true, false).until(0, 90_000)).toBe(188_000);
  expect(shown(never)).toBe(11_000);
  expect(shown({ arms: [arm({ gotMs: 3010 })] })).toBe(11_000);
  expect(shown(late(20_000))).toBe(51_000);
  expect(shown(late(20_000), false)).toBe(11_000);
  patience(true, true).goesOn(11_000, 60_000);
  expect(said).toEqual([
    "no will after 11.0 s of silence: waiting up to 1 min to tell a late deadline from none (--no-wait: don't)",
  ]);
});
