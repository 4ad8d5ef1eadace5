import { expect, test } from "bun:test";
import { cellsOf, cellText } from "../../../scripts/peers/cells.ts";
import { withMatrix } from "../../../scripts/peers/documents.ts";
import { cutShortOf, type Result, resultOf, type Run } from "../../../scripts/peers/measurement.ts";
import { brokerPage } from "../../../scripts/peers/page.ts";
import { measured, run } from "./measurements.ts";

function textOf(...verdicts: (Result["verdict"] | null)[]): string {
  const runs = verdicts.map((verdict) => run("5", verdict === null ? {} : { rst: verdict }));
  return cellText(cellsOf(measured("one", "1.0", runs), "5")[0]);
}

test("verdicts that agree are said once, others with their rate, the gravest first", () => {
  expect(textOf("pass", "pass", "pass")).toBe("pass");
  expect(textOf("fail", "fail")).toBe("**never**");
  expect(textOf("finding")).toBe("_never_");
  expect(textOf("inconclusive")).toBe("?");
  expect(textOf("skipped")).toBe("-");
  expect(textOf("late", "finding", "fail")).toBe(
    "**never** 1 of 3, _never_ 1 of 3, late 1.9 s 1 of 3",
  );
});

test("where runs differ, those that passed are the rest", () => {
  expect(textOf("pass", "fail", "pass")).toBe("**never** 1 of 3");
  expect(textOf("pass", "fail", null)).toBe("**never** 1 of 3, pass 1 of 3");
});

test("a run that ended before a scenario counts among all", () => {
  expect(textOf("pass", null, "pass")).toBe("pass 2 of 3");
});

test("how late: the figure, or the least and the most", () => {
  const late = (...figures: number[]): string => {
    const [model] = run("5", { rst: "late" }).results;
    const runs = figures.map((latenessMs) => {
      return { ...run("5", {}), results: model === undefined ? [] : [{ ...model, latenessMs }] };
    });
    return cellText(cellsOf(measured("one", "1.0", runs), "5")[0]);
  };
  expect(late(1900, 1950, 1920)).toBe("late 1.9 s");
  expect(late(1900, 6210)).toBe("late 1.9 to 6.2 s");
});

test("a line of --json becomes a result without what a run shares; a summary becomes none", () => {
  const line = {
    type: "result",
    id: "half-open",
    protocol: "5",
    target: "mqtt://localhost:1883",
    grade: "must",
    verdict: "late",
    failure: "late",
    arm: "",
    dueMs: 3000,
    gotMs: 6210.1,
    latenessMs: 3210.1,
    rule: "v5-3.1.2-22",
    detail: "the will came after 6.21 s, due at 3.00 s",
    means: "Later.",
    title: "silence",
  };
  expect(resultOf(JSON.stringify(line))).toEqual({
    id: "half-open",
    grade: "must",
    verdict: "late",
    failure: "late",
    latenessMs: 3210.1,
    rule: "v5-3.1.2-22",
    detail: "the will came after 6.21 s, due at 3.00 s",
    means: "Later.",
  });
  const passed = { ...line, verdict: "pass", failure: null, latenessMs: 3, means: "By design." };
  expect(resultOf(JSON.stringify(passed))).toEqual({
    id: "half-open",
    grade: "must",
    verdict: "pass",
    latenessMs: 3,
  });
  const summary = (cutShort: string | null): string =>
    JSON.stringify({ type: "summary", cutShort });
  expect(resultOf(summary(null))).toBeNull();
  expect(["gone", null].map((why) => cutShortOf(summary(why)))).toEqual(["gone", null]);
  expect(cutShortOf(JSON.stringify(line))).toBeNull();
  expect(() => resultOf(JSON.stringify({ ...line, verdict: "perhaps" }))).toThrow();
});

test("a page tells what fails, what was seen, the statement and the advice, and what is undecided", () => {
  const runs = [
    run("3.1.1", { rst: "pass", fin: "fail", "half-open": "inconclusive" }),
    run("3.1.1", { rst: "pass", fin: "pass", "half-open": "pass" }, { load: "busy" }),
  ];
  expect(brokerPage([measured("One", "1.0", runs)])).toMatchInlineSnapshot(`
    "# One

    Made of the data beside it by \`scripts/peers.ts\`; the words are explained in [brokers.md](../brokers.md).

    ## 1.0

    By \`get One\`; its defaults.

    | MQTT  | runs   | exit code | machine busy | held up | played by              | the broker | cut short |
    | ----- | ------ | --------- | ------------ | ------- | ---------------------- | ---------- | --------- |
    | 3.1.1 | 1 calm | 1         | 25 %         | 2 %     | 0.1.0 (commit abc1234) | ran on     | none      |
    | 3.1.1 | 1 busy | 0         | 25 %         | 2 %     | 0.1.0 (commit abc1234) | ran on     | none      |

    ### \`fin\`

    - MQTT 3.1.1, 1 of 2 runs (calm): fail: never: no will within 11.00 s.
    - MQTT 3.1.1, 1 of 2 runs (busy): pass.
    - Statement: v4-3.1.2-8; grade \`must\`.
    - For you: Nobody hears of it.

    ### Undecided

    - \`half-open\`, MQTT 3.1.1, 1 of 2 runs (calm): held up for 900 ms.
    "
  `);
});

test("a rate names the load if all these runs had it and others did not", () => {
  const busy = { load: "busy" } as const;
  const page = (...runs: Run[]): string => brokerPage([measured("One", "1.0", runs)]);
  const [failed, passed] = [{ rst: "fail" }, { rst: "pass" }] as const;
  const alone = page(run("5", passed), run("5", passed, busy), run("5", failed, busy));
  expect(alone).toContain("MQTT 5, 1 of 3 runs (busy): fail: never");
  expect(alone).toContain("MQTT 5, 2 of 3 runs: pass.");
  expect(page(run("5", failed, busy), run("5", passed, busy))).toContain(
    "MQTT 5, 1 of 2 runs: fail",
  );
});

test("the matrix says how late mqttd was in the same place, in calm and in busy runs", () => {
  const late = { load: "busy" } as const;
  const runs = [run("5", { rst: "pass" }), run("5", { rst: "late" }, late)];
  const text = withMatrix("", [measured("mqttd", "0.1.0", runs), measured("one", "1.0", runs)]);
  expect(text).toContain("\n\nmqttd itself was at most 1.90 s late in busy runs: so much");
  expect(withMatrix("", [measured("one", "1.0", runs)])).not.toContain("mqttd itself");
});

test("the matrix: a line for each broker, a table for each protocol, rows that somebody played", () => {
  const both = [
    measured("one", "1.0", [run("3.1.1", { rst: "pass", properties: "skipped" })]),
    measured("two", "2.0", [run("3.1.1", { rst: "fail" }), run("5", { rst: "late" })]),
  ];
  const document =
    "# Brokers\n\n<!-- made by scripts/peers.ts -->\nold\n<!-- end of what it made -->\n\nend\n";
  expect(withMatrix(document, both)).toMatchInlineSnapshot(`
    "# Brokers

    <!-- made by scripts/peers.ts -->

    | broker                | version | measured   | MQTT 3.1.1          | MQTT 5              |
    | --------------------- | ------- | ---------- | ------------------- | ------------------- |
    | [one](brokers/one.md) | 1.0     | 2026-11-29 | 1 calm: exit code 0 |                     |
    | [two](brokers/two.md) | 2.0     | 2026-11-29 | 1 calm: exit code 1 | 1 calm: exit code 0 |

    ## MQTT 3.1.1

    | scenario | grade | one 1.0 | two 2.0   |
    | -------- | ----- | ------- | --------- |
    | \`rst\`    | must  | pass    | **never** |

    Skipped by every one: \`properties\`.

    ## MQTT 5

    | scenario | grade | two 2.0    |
    | -------- | ----- | ---------- |
    | \`rst\`    | must  | late 1.9 s |

    <!-- end of what it made -->

    end
    "
  `);
});
