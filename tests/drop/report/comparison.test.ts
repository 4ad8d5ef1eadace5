import { expect, test } from "bun:test";
import { compare, type Comparison, countOf } from "../../../src/drop/report/comparison.ts";
import { comparisonText, jsonComparison } from "../../../src/drop/report/comparison-text.ts";
import type { Recording } from "../../../src/drop/report/records.ts";
import type { Result } from "../../../src/drop/scenario.ts";
import { width } from "../../../src/log/columns.ts";
import { defaults, recording } from "./recordings.ts";
import { arm, inconclusive, keepaliveRule, late, never, result, skipped, v5 } from "./results.ts";

const judgedArm = arm({ dueMs: 0, gotMs: 2 });

/** As the player makes them: what was judged has an arm. */
function pass(id: string, more: Partial<Result> = {}): Result {
  return result(id, { arms: [judgedArm], ...more });
}

function changes(before: readonly Result[], after: readonly Result[]): string[] {
  const { results } = compare(recording(before), recording(after));
  return results.map(({ id, protocol, change }) => `${id} ${protocol} ${change}`);
}

const lost = { ...never, dueMs: 0, detail: "no will within 8.00 s" } as const;
const finding = {
  ...lost,
  verdict: "finding",
  arms: [arm({ verdict: "finding", failure: "never", grade: "ours" })],
} as const;

test("a verdict is better or worse: pass, late, finding, fail", () => {
  const ranks = [pass("x"), result("x", late(1500)), result("x", finding), result("x", lost)];
  for (const [was, before] of ranks.entries()) {
    for (const [is, after] of ranks.entries()) {
      const expected = is === was ? "stayed" : is > was ? "worse" : "better";
      expect(changes([before], [after]), `${was} ${is}`).toEqual([`x 3.1.1 ${expected}`]);
    }
  }
});

test("late is worse only where it is later by more than a broker's own rhythm", () => {
  const of = (before: number, after: number): string | undefined =>
    changes([result("x", late(before))], [result("x", late(after))])[0];
  expect(of(1200, 2150)).toBe("x 3.1.1 stayed");
  expect(of(1200, 2500)).toBe("x 3.1.1 worse");
  expect(of(2500, 1200)).toBe("x 3.1.1 better");
  expect(of(20_000, 30_000)).toBe("x 3.1.1 stayed");
});

test("another arm counts where the gravest is the same; one that is worse decides", () => {
  const fail = arm({ arm: "short", verdict: "fail", failure: "never" });
  const other = (verdict: "fail" | "pass") => arm({ arm: "long", verdict });
  const of = (arms: Result["arms"]) => result("x", { ...lost, arms });
  expect(changes([of([fail, other("pass")])], [of([fail, other("fail")])])).toEqual([
    "x 3.1.1 worse",
  ]);
  const mixed = compare(
    recording([of([fail, other("pass")])]),
    recording([of([{ ...fail, verdict: "pass" }, other("fail")])]),
  );
  expect(mixed.results[0]?.arms.map(({ arm: name, change }) => [name, change])).toEqual([
    ["short", "better"],
    ["long", "worse"],
  ]);
  expect(mixed.results[0]?.change).toBe("worse");
});

test("what is judged in one run only appeared or disappeared, whatever the reason", () => {
  const off = result("x", { ...skipped, detail: "MQTT 5.0 only" });
  const doubt = result("x", { ...inconclusive, detail: "held up" });
  expect(changes([off], [result("x", lost)])).toEqual(["x 3.1.1 appeared"]);
  expect(changes([], [pass("x")])).toEqual(["x 3.1.1 appeared"]);
  expect(changes([pass("x")], [doubt])).toEqual(["x 3.1.1 disappeared"]);
  expect(changes([pass("x")], [])).toEqual(["x 3.1.1 disappeared"]);
  expect(changes([off], [doubt])).toEqual(["x 3.1.1 stayed"]);
  expect(changes([doubt], [])).toEqual(["x 3.1.1 stayed"]);
});

test("a broker at another address is the same broker; its second address is another way", () => {
  const at = (target: string, via: string, viaPasses: boolean): Recording =>
    recording(
      [
        pass("x", { target }),
        viaPasses ? pass("x", { target: via }) : result("x", { ...lost, target: via }),
      ],
      { target, via },
    );
  const { results } = compare(
    at("mqtt://a:1883", "mqtt://a:1884", true),
    at("mqtt://b:1", "mqtt://b:2", false),
  );
  expect(results.map(({ via, change }) => [via, change])).toEqual([
    [false, "stayed"],
    [true, "worse"],
  ]);
});

test("the order is that of the scenarios, whatever ended first", () => {
  const names = { scenarios: ["b", "a"] };
  const before = recording([pass("a", v5), pass("a"), pass("b")], names);
  const { results } = compare(before, recording([pass("c")]));
  expect(results.map(({ id, protocol }) => `${id} ${protocol}`)).toEqual([
    "b 3.1.1",
    "a 3.1.1",
    "a 5",
    "c 3.1.1",
  ]);
});

test("exit code: 1 worse, or nothing to compare; 5 a must that can't be judged any more; else 0", () => {
  const code = (before: readonly Result[], after: readonly Result[]): number =>
    compare(recording(before), recording(after)).exitCode;
  const doubt = result("y", inconclusive);
  expect(code([pass("x")], [pass("x"), result("y", lost)])).toBe(0);
  expect(code([pass("x")], [result("x", lost)])).toBe(1);
  expect(code([pass("x")], [pass("y")])).toBe(1);
  expect(code([], [])).toBe(1);
  expect(code([pass("x"), pass("y")], [pass("x"), doubt])).toBe(5);
  expect(code([pass("x"), pass("y", { grade: "ours" })], [pass("x"), doubt])).toBe(0);
  expect(code([pass("x"), pass("y")], [result("x", lost), doubt])).toBe(1);
});

const detail = "the broker ended the client, and no will came";
const before = recording(
  [
    pass("rst"),
    pass("rst", v5),
    result("half-open", { ...late(1800), ...keepaliveRule }),
    result("fin", finding),
    pass("reconnect"),
    result("acl", { ...skipped, detail: "needs --denied-topic" }),
    result("takeover", lost),
  ],
  {},
);
const after = recording(
  [
    result("rst", { ...lost, detail }),
    result("rst", { ...v5, ...lost, detail }),
    result("half-open", { ...late(40_000), ...keepaliveRule }),
    pass("fin"),
    result("reconnect", { ...inconclusive, detail: "this machine was held up" }),
    pass("acl"),
    result("takeover", lost),
  ],
  { settings: { ...defaults, keepAlive: 5 }, commit: null, target: "mqtt://localhost:1884" },
);

function textOf(comparison: Comparison, columns: number): string {
  const runs = [
    { file: "before.json", recording: before },
    { file: "after.json", recording: after },
  ] as const;
  return comparisonText(comparison, runs, { columns, color: false });
}

test("as text, at 80 columns", () => {
  const comparison = compare(before, after);
  expect(`\n${textOf(comparison, 80)}`).toMatchInlineSnapshot(`
    "
    before: before.json: mqtt://localhost:1883, 2026-11-30 08:00:00Z, mqttd 1.2.3
    (commit abc1234), broker: mosquitto version 2.0.18
    after: after.json: mqtt://localhost:1884, 2026-11-30 08:00:00Z, mqttd 1.2.3,
    broker: mosquitto version 2.0.18

    Worse:
      rst (MQTT 3.1.1): pass +2 ms -> FAIL no will
      rst (MQTT 5): pass +2 ms -> FAIL no will
        the broker ended the client, and no will came
        What it means for the user.
      half-open (MQTT 3.1.1): late +1.80 s -> late +40.0 s
        the will came after 43.00 s, due at 3.00 s

    Better:
      fin (MQTT 3.1.1): finding no will -> pass +2 ms

    Appeared (judged after, not before):
      acl (MQTT 3.1.1): skipped -> pass +2 ms

    Disappeared (judged before, not after):
      reconnect (MQTT 3.1.1): pass +2 ms -> inconclusive
        this machine was held up

    As before, and not right:
      takeover (MQTT 3.1.1): FAIL no will

    Not the same in both runs, and maybe the cause: --keepalive 2 s before, 5 s
    after; mqttd 1.2.3 (commit abc1234) before, 1.2.3 after.

    3 worse, 1 better, 1 appeared, 1 disappeared, 1 stayed
    "
  `);
  for (const line of textOf(comparison, 80).split("\n"))
    expect(width(line)).toBeLessThanOrEqual(80);
});

test("as text, at 40 columns", () => {
  const text = textOf(compare(before, after), 40);
  for (const line of text.split("\n")) expect(width(line), line).toBeLessThanOrEqual(40);
  expect(`\n${text}`).toMatchInlineSnapshot(`
    "
    before: before.json:
    mqtt://localhost:1883, 2026-11-30
    08:00:00Z, mqttd 1.2.3 (commit abc1234),
    broker: mosquitto version 2.0.18
    after: after.json:
    mqtt://localhost:1884, 2026-11-30
    08:00:00Z, mqttd 1.2.3, broker:
    mosquitto version 2.0.18

    Worse:
      rst (MQTT 3.1.1): pass +2 ms -> FAIL
        no will
      rst (MQTT 5): pass +2 ms -> FAIL no
        will
        the broker ended the client, and no
        will came
        What it means for the user.
      half-open (MQTT 3.1.1): late +1.80 s
        -> late +40.0 s
        the will came after 43.00 s, due at
        3.00 s

    Better:
      fin (MQTT 3.1.1): finding no will ->
        pass +2 ms

    Appeared (judged after, not before):
      acl (MQTT 3.1.1): skipped -> pass
        +2 ms

    Disappeared (judged before, not after):
      reconnect (MQTT 3.1.1): pass +2 ms ->
        inconclusive
        this machine was held up

    As before, and not right:
      takeover (MQTT 3.1.1): FAIL no will

    Not the same in both runs, and maybe the
    cause: --keepalive 2 s before, 5 s
    after; mqttd 1.2.3 (commit abc1234)
    before, 1.2.3 after.

    3 worse, 1 better, 1 appeared, 1
    disappeared, 1 stayed
    "
  `);
});

test("as NDJSON: a line for each result, and one for the whole", () => {
  const comparison = compare(before, after);
  const lines = jsonComparison(comparison).trimEnd().split("\n");
  expect(lines).toHaveLength(comparison.results.length + 1);
  expect(`\n${lines[0]}\n${lines.at(-1)}\n`).toMatchInlineSnapshot(`
    "
    {"type":"change","id":"rst","protocol":"3.1.1","via":false,"change":"worse","before":{"verdict":"pass","failure":null,"arm":"","dueMs":0,"gotMs":2,"latenessMs":2,"detail":"the will after 0.00 s","means":null},"after":{"verdict":"fail","failure":"never","arm":"","dueMs":0,"gotMs":null,"latenessMs":null,"detail":"the broker ended the client, and no will came","means":"What it means for the user."},"arms":[{"arm":"","change":"worse","before":{"arm":"","grade":"must","verdict":"pass","failure":null,"dueMs":0,"gotMs":2,"watchedMs":3000,"keepAlive":2},"after":{"arm":"","grade":"must","verdict":"fail","failure":"never","dueMs":3000,"gotMs":null,"watchedMs":11000,"keepAlive":2}}]}
    {"type":"comparison","worse":3,"better":1,"appeared":1,"disappeared":1,"stayed":1,"differences":["--keepalive 2 s before, 5 s after","mqttd 1.2.3 (commit abc1234) before, 1.2.3 after"],"exitCode":1}
    "
  `);
  expect(countOf(comparison, "worse")).toBe(3);
});

test("a run that was cut short, or of which the end is missing, is told", () => {
  const gone = { why: "the broker is lost: it is gone", exitCode: 3 };
  const cut = recording([pass("x")], {}, { cut: gone });
  const whole = recording([pass("x")]);
  const unended = { ...whole, summary: null };
  const said = (one: Recording, other: Recording): string =>
    comparisonText(
      compare(one, other),
      [
        { file: "a", recording: one },
        { file: "b", recording: other },
      ],
      { columns: 100, color: false },
    ).replace(/\s+/g, " ");
  const partial = "A run ended before its time: what is missing there says nothing.";
  expect(said(cut, whole)).toContain("; cut short: the broker is lost: it is gone ");
  expect(said(cut, whole)).toContain(partial);
  expect(said(whole, unended)).toContain("; it has no summary: the run did not end ");
  expect(said(whole, unended)).toContain(partial);
  expect(said(whole, whole)).not.toContain(partial);
});

test("a file's words move no cursor and begin no line", () => {
  const hostile = "x\u001b[2J\u0007\n0 worse\u202e";
  const bad = result(hostile, { ...lost, detail: hostile, arm: hostile, means: hostile });
  const one = recording([pass(hostile)], { target: hostile, mqttd: hostile, at: hostile });
  const other = recording([{ ...bad, arms: [arm({ verdict: "fail", failure: "never" })] }]);
  const comparison = compare(one, other);
  const runs = [
    { file: hostile, recording: one },
    { file: "b", recording: other },
  ] as const;
  const text = comparisonText(comparison, runs, { columns: 80, color: false });
  for (const output of [text, jsonComparison(comparison)]) {
    expect(output).not.toMatch(/\p{Cf}/u);
    expect(output.replaceAll("\n", "")).not.toMatch(/\p{Cc}/u);
  }
  expect(text).not.toMatch(/^ *0 worse\b(?!,)/m);
});

test("another version of the broker is told as a difference, where both have said theirs", () => {
  const of = (brokerVersion: string | null | undefined): Recording =>
    recording([pass("x")], { brokerVersion });
  const differences = (before: Recording, after: Recording): readonly string[] =>
    compare(before, after).differences;
  const [old, now] = [of("mosquitto version 2.0.11"), of("mosquitto version 2.0.18")];
  expect(differences(old, now)).toEqual([
    "the broker mosquitto version 2.0.11 before, mosquitto version 2.0.18 after",
  ]);
  for (const silent of [of(null), of(undefined)]) {
    expect(differences(silent, now)).toEqual([]);
    expect(differences(now, silent)).toEqual([]);
  }
});
