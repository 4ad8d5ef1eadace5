import { expect, test } from "bun:test";
import { jsonListing, listing, portrait } from "../../../src/drop/report/listing.ts";
import { jsonResult, jsonSummary } from "../../../src/drop/report/json.ts";
import { junitReport } from "../../../src/drop/report/junit.ts";
import { textReport } from "../../../src/drop/report/text.ts";
import type { Result } from "../../../src/drop/scenario.ts";
import { width } from "../../../src/log/columns.ts";
import { summarize } from "../../../src/drop/report/summary.ts";
import {
  inconclusive,
  keepaliveRule,
  late,
  never,
  report,
  result,
  scenario,
  skipped,
  v5,
  v5Keepalive,
} from "./results.ts";

const bare = { columns: 80, color: false };

/** Without the closing line, which has tests of its own. */
function paragraphs(results: readonly Result[]): string {
  const parts = textReport(report(results), bare).split("\n\n");
  return `\n${parts.slice(2, -1).join("\n\n")}\n`;
}

const mixed: readonly Result[] = [
  result("rst"),
  result("half-open", { ...never, ...keepaliveRule, title: "silence, the socket stays open" }),
  result("late-ping", {
    ...keepaliveRule,
    grade: "ours",
    dueMs: null,
    gotMs: null,
    latenessMs: null,
  }),
  result("takeover-delay-clean", { ...skipped, detail: "MQTT 5.0 only" }),
  result("rst", { ...v5 }),
  result("half-open", {
    ...v5Keepalive,
    ...late(3210),
    title: "silence, the socket stays open",
  }),
  result("late-ping", {
    ...v5Keepalive,
    grade: "ours",
    verdict: "finding",
    failure: "spurious",
    dueMs: null,
    gotMs: 2000,
    latenessMs: null,
    detail: "a will came after 2.00 s where none is due",
    means: "Clients with a jittery ping die here.",
  }),
  result("takeover-delay-clean", {
    ...v5,
    ...inconclusive,
    detail: "this machine was held up for 300 ms",
  }),
];

test("table, a paragraph for each cause and the closing line, at 80 columns without colours", () => {
  const text = textReport(report(mixed), bare);
  expect(`\n${text}`).toMatchInlineSnapshot(`
    "
    mqtt://localhost:1883 (keepalive 2 s, wait 8 s)

    scenario              due      MQTT 3.1.1    MQTT 5            the drop
    rst                   at once  pass +2 ms    pass +2 ms        the drop rst
    half-open             3.00 s   FAIL no will  late +3.21 s      silence, the so..
    late-ping             none     pass          finding spurious  the drop late-p..
    takeover-delay-clean           skipped       inconclusive      the drop takeov..

    FAIL half-open (MQTT 3.1.1): no deadline within 11.0 s.
      What it means for the user.
      Rule v4-3.1.2-24; it passes when the will comes at once.
      By hand: mqttd simulate-drop --show half-open

    finding late-ping (MQTT 5): a will came after 2.00 s where none is due.
      Clients with a jittery ping die here.
      Rule v5-3.1.2-22; it passes when the will comes at once.
      By hand: mqttd simulate-drop --show late-ping

    late half-open (MQTT 5): the keepalive deadline fires 3.21 s late.
      A device that loses power is reported late: by up to 3.21 s here with a
      keepalive of 2 s. Only one keepalive was measured; with another it may be more
      or less.
      Rule v5-3.1.2-22; it passes when the will comes at once.
      By hand: mqttd simulate-drop --show half-open

    inconclusive takeover-delay-clean (MQTT 5): this machine was held up for 300 ms.

    skipped takeover-delay-clean (MQTT 3.1.1): MQTT 5.0 only.

    What a rule says: mqttd rule v4-3.1.2-24
    Keepalive deadlines were at worst 3.21 s late.
    3 passed, 1 failed, 1 finding, 1 late, 1 inconclusive, 1 skipped in 12.3 s
    "
  `);
  for (const line of text.split("\n")) expect(line.length, line).toBeLessThanOrEqual(80);
});

test("where there is no room for columns: a line for each result", () => {
  const text = textReport(report(mixed), { columns: 40, color: false });
  expect(`\n${text}`).toMatchInlineSnapshot(`
    "
    mqtt://localhost:1883 (keepalive 2 s,
    wait 8 s)

    rst, due at once
      MQTT 3.1.1: pass +2 ms
      MQTT 5: pass +2 ms
    half-open, due 3.00 s
      MQTT 3.1.1: FAIL no will
      MQTT 5: late +3.21 s
    late-ping
      MQTT 3.1.1: pass
      MQTT 5: finding spurious
    takeover-delay-clean
      MQTT 3.1.1: skipped
      MQTT 5: inconclusive

    FAIL half-open (MQTT 3.1.1): no deadline
    within 11.0 s.
      What it means for the user.
      Rule v4-3.1.2-24; it passes when the
      will comes at once.
      By hand: mqttd simulate-drop --show
      half-open

    finding late-ping (MQTT 5): a will came
    after 2.00 s where none is due.
      Clients with a jittery ping die here.
      Rule v5-3.1.2-22; it passes when the
      will comes at once.
      By hand: mqttd simulate-drop --show
      late-ping

    late half-open (MQTT 5): the keepalive
    deadline fires 3.21 s late.
      A device that loses power is reported
      late: by up to 3.21 s here with a
      keepalive of 2 s. Only one keepalive
      was measured; with another it may be
      more or less.
      Rule v5-3.1.2-22; it passes when the
      will comes at once.
      By hand: mqttd simulate-drop --show
      half-open

    inconclusive takeover-delay-clean (MQTT
    5): this machine was held up for 300 ms.

    skipped takeover-delay-clean (MQTT
    3.1.1): MQTT 5.0 only.

    What a rule says: mqttd rule v4-3.1.2-24
    Keepalive deadlines were at worst 3.21 s
    late.
    3 passed, 1 failed, 1 finding, 1 late, 1
    inconclusive, 1 skipped in 12.3 s
    "
  `);
  const colored = textReport(report(mixed), { columns: 40, color: true });
  expect(Bun.stripANSI(colored)).toBe(text);
});

test("no line is wider than the terminal, also where a broker's words are", () => {
  const wide = result("fin", { ...inconclusive, detail: "灯 ".repeat(60) });
  const fail = result("drip", { ...never, detail: "灯光 ".repeat(60) });
  for (const columns of [40, 57, 80, 120]) {
    const text = textReport(report([...mixed, wide, fail]), { columns, color: false });
    for (const line of text.split("\n")) {
      expect(width(line), line).toBeLessThanOrEqual(columns);
    }
  }
});

test("a wide terminal sees the rules too", () => {
  const [, table] = textReport(report(mixed), { columns: 140, color: false }).split("\n\n");
  expect(`\n${table}\n`).toMatchInlineSnapshot(`
    "
    scenario              due      MQTT 3.1.1    MQTT 5            the drop                        rule
    rst                   at once  pass +2 ms    pass +2 ms        the drop rst                    v4-3.1.2-8, v5-3.1.2-8
    half-open             3.00 s   FAIL no will  late +3.21 s      silence, the socket stays open  v4-3.1.2-24, v5-3.1.2-22
    late-ping             none     pass          finding spurious  the drop late-ping              v4-3.1.2-24, v5-3.1.2-22
    takeover-delay-clean           skipped       inconclusive      the drop takeover-delay-clean
    "
  `);
});

test("colours change no word, and none is there without them", () => {
  const colored = textReport(report(mixed), { columns: 80, color: true });
  expect(colored).toContain("\u001b[");
  expect(Bun.stripANSI(colored)).toBe(textReport(report(mixed), bare));
});

test("two addresses stand side by side, and the fault of what stands between is named", () => {
  const via = { target: "mqtt://proxy:1884" };
  const results = [
    result("takeover-delay-clean"),
    result("half-open", { ...keepaliveRule, dueMs: 3000, gotMs: 3004, latenessMs: 4 }),
    result("takeover-delay-clean", v5),
    result("half-open", { ...v5Keepalive, dueMs: 3000, gotMs: 3004, latenessMs: 4 }),
    result("takeover-delay-clean", via),
    result("half-open", { ...via, ...keepaliveRule, ...never }),
    result("takeover-delay-clean", { ...v5, ...via }),
    result("half-open", { ...v5Keepalive, ...via, ...never }),
  ];
  const text = textReport(report(results), bare);
  expect(`\n${text}`).toMatchInlineSnapshot(`
    "
    mqtt://localhost:1883, and via mqtt://proxy:1884 (keepalive 2 s, wait 8 s)

    scenario              MQTT 3.1.1  MQTT 5      MQTT 3.1.1 via  MQTT 5 via
    takeover-delay-clean  pass +2 ms  pass +2 ms  pass +2 ms      pass +2 ms
    half-open             pass +4 ms  pass +4 ms  FAIL no will    FAIL no will

    FAIL half-open (MQTT 3.1.1 and 5 via the second address): no deadline within
    11.0 s.
      What it means for the user.
      Directly at mqtt://localhost:1883 it passes: check what is between
      mqtt://proxy:1884 and the broker.
      Rule v4-3.1.2-24, v5-3.1.2-22; it passes when the will comes at once.
      By hand: mqttd simulate-drop --show half-open

    What a rule says: mqttd rule v4-3.1.2-24
    Keepalive deadlines were at worst 4 ms late.
    6 passed, 2 failed in 12.3 s
    "
  `);
  for (const line of text.split("\n")) expect(line.length, line).toBeLessThanOrEqual(80);
});

test("who gets no will at all is told once", () => {
  const ids = ["rst", "fin", "half-open", "retain", "takeover", "offline-sub", "last-words"];
  const results = ids.flatMap((id) => [result(id, never), result(id, { ...never, ...v5 })]);
  expect(paragraphs(results)).toMatchInlineSnapshot(`
    "
    FAIL rst, fin, half-open, retain, takeover and 2 more (MQTT 3.1.1 and 5): no
    will came at all.
      What it means for the user.
      Rule v4-3.1.2-8, v5-3.1.2-8; it passes when the will comes at once.
      By hand: mqttd simulate-drop --show rst
    "
  `);
});

test("a broker without a deadline is told once, its other faults apart", () => {
  const results = [
    result("rst"),
    result("half-open", { ...never, ...keepaliveRule }),
    result("mid-packet", { ...never, ...keepaliveRule }),
    result("retain", { ...never, means: null }),
  ];
  expect(paragraphs(results)).toMatchInlineSnapshot(`
    "
    FAIL half-open, mid-packet (MQTT 3.1.1): no deadline within 11.0 s.
      What it means for the user.
      Rule v4-3.1.2-24; it passes when the will comes at once.
      By hand: mqttd simulate-drop --show half-open

    FAIL retain (MQTT 3.1.1): no will within 11.00 s.
      Subscribers are not told that this client died.
      Rule v4-3.1.2-8; it passes when the will comes at once.
      By hand: mqttd simulate-drop --show retain
    "
  `);
});

test("deadlines that are late by a step are told once, with the step", () => {
  const results = [
    result("rst"),
    result("half-open", { ...late(1500), ...keepaliveRule }),
    result("mid-packet", { ...late(5250), ...keepaliveRule }),
    result("half-open", { ...late(2000), ...v5Keepalive }),
  ];
  expect(paragraphs(results)).toMatchInlineSnapshot(`
    "
    late half-open, mid-packet (MQTT 3.1.1 and 5): the keepalive deadline fires
    1.50 s to 5.25 s late.
      A device that loses power is reported late: by up to 5.25 s here with a
      keepalive of 2 s. Only one keepalive was measured; with another it may be more
      or less.
      Rule v4-3.1.2-24, v5-3.1.2-22; it passes when the will comes at once.
      By hand: mqttd simulate-drop --show half-open
    "
  `);
  expect(textReport(report(results), bare)).toEndWith(
    "Keepalive deadlines were at worst 5.25 s late.\n1 passed, 0 failed, 3 late in 12.3 s\n",
  );
});

test("faults that differ in kind, or in their arm, are told apart", () => {
  const results = [
    result("retain", never),
    result("retain", { ...v5, ...never, failure: "altered", detail: "QoS 0 instead of 1" }),
    result("delay", { ...never, arm: "expiry 0" }),
  ];
  expect(paragraphs(results)).toMatchInlineSnapshot(`
    "
    FAIL retain (MQTT 3.1.1): no will within 11.00 s.
      What it means for the user.
      Rule v4-3.1.2-8; it passes when the will comes at once.
      By hand: mqttd simulate-drop --show retain

    FAIL retain (MQTT 5): QoS 0 instead of 1.
      What it means for the user.
      Rule v5-3.1.2-8; it passes when the will comes at once.
      By hand: mqttd simulate-drop --show retain

    FAIL delay [expiry 0] (MQTT 3.1.1): no will within 11.00 s.
      What it means for the user.
      Rule v4-3.1.2-8; it passes when the will comes at once.
      By hand: mqttd simulate-drop --show delay
    "
  `);
});

test("a client that may not publish is told what to do, once for all scenarios", () => {
  const why = (id: string) =>
    `an ordinary PUBLISH on mqttd-drop/ab12/${id}/v4/will did not reach its subscriber within 3 s, and the broker gave no reason: this client may not publish there, so neither can its will`;
  const noVerdict = "may not publish";
  const results = ["rst", "fin"].map((id) =>
    result(id, { ...inconclusive, noVerdict, detail: why(id) }),
  );
  const text = textReport(report(results), bare);
  expect(`\n${text}`).toMatchInlineSnapshot(`
    "
    mqtt://localhost:1883 (keepalive 2 s, wait 8 s)

    scenario  due  MQTT 3.1.1    the drop      rule
    rst            inconclusive  the drop rst
    fin            inconclusive  the drop fin

    inconclusive rst, fin (MQTT 3.1.1): an ordinary PUBLISH on mqttd-drop/... did
    not reach its subscriber within 3 s, and the broker gave no reason: this client
    may not publish there, so neither can its will.
      Name a topic that it may use (--will-topic), or log in as another user (-u,
      -P).

    No scenario could be judged: nothing is known about this broker.
    0 passed, 0 failed, 2 inconclusive in 12.3 s
    "
  `);
});

test("a protocol that the broker does not speak is a line, not a column", () => {
  const detail = "the broker does not speak it: unacceptable protocol version (0x01)";
  const noVerdict = "unspoken";
  const results = [
    result("rst"),
    result("fin"),
    result("rst", { ...v5, ...skipped, noVerdict, detail }),
    result("fin", { ...v5, ...skipped, noVerdict, detail }),
  ];
  expect(`\n${textReport(report(results), bare)}`).toMatchInlineSnapshot(`
    "
    mqtt://localhost:1883 (keepalive 2 s, wait 8 s)

    scenario  due      MQTT 3.1.1  the drop      rule
    rst       at once  pass +2 ms  the drop rst  v4-3.1.2-8
    fin       at once  pass +2 ms  the drop fin  v4-3.1.2-8

    skipped MQTT 5 altogether: the broker does not speak it: unacceptable protocol
    version (0x01).

    2 passed, 0 failed, 2 skipped in 12.3 s
    "
  `);
});

test("two protocols that the broker refuses in the same words share the line", () => {
  const detail = "the broker does not speak it: unacceptable protocol version (0x01)";
  const unspoken = { ...skipped, noVerdict: "unspoken", detail } as const;
  const results = [
    result("rst", { ...unspoken, protocol: 3 }),
    result("rst"),
    result("rst", { ...v5, ...unspoken }),
  ];
  expect(textReport(report(results), bare)).toContain("skipped MQTT 3.1 and 5 altogether: ");
});

test("a surprising pass gets its remark", () => {
  const means = "By design: publish 'offline' yourself.";
  const results = [result("disconnect", { means }), result("disconnect", { ...v5, means })];
  expect(paragraphs(results)).toMatchInlineSnapshot(`
    "
    note disconnect: By design: publish 'offline' yourself.
    "
  `);
});

test("a run that was cut short says why, and what was not played", () => {
  const calledOff = { ...inconclusive, noVerdict: "called off", detail: "called off" } as const;
  const cut = { why: "the broker is lost: nothing listens on mqtt://localhost:1883", exitCode: 3 };
  const results = [result("rst"), result("fin", calledOff)];
  expect(`\n${textReport(report(results, { planned: 5, cut }), bare)}`).toMatchInlineSnapshot(`
    "
    mqtt://localhost:1883 (keepalive 2 s, wait 8 s)

    scenario  due      MQTT 3.1.1  the drop      rule
    rst       at once  pass +2 ms  the drop rst  v4-3.1.2-8

    The run was cut short: the broker is lost: nothing listens on
    mqtt://localhost:1883.
    1 passed, 0 failed, 4 not played in 12.3 s
    "
  `);
});

test("exit codes", () => {
  const pass = result("rst");
  const fail = result("fin", never);
  const finding = result("drip", { ...never, verdict: "finding", grade: "should" });
  const lateOne = result("half-open", { ...late(3000), ...keepaliveRule });
  const unclear = result("fin", { ...inconclusive, detail: "x" });
  const skip = result("delay", { ...skipped, detail: "x" });
  const code = (results: readonly Result[], more: Parameters<typeof report>[1] = {}): number =>
    summarize(report(results, more)).exitCode;
  const gone = { why: "gone", exitCode: 3 };
  const interrupted = { why: "called off", exitCode: 130 };
  const unclearBelow = result("late-ping", { ...inconclusive, detail: "x", grade: "ours" });
  expect(code([pass, skip, unclear])).toBe(5);
  expect(code([pass, fail, unclear])).toBe(1);
  expect(code([pass, finding, unclear], { strict: true })).toBe(1);
  expect(code([pass, unclearBelow])).toBe(0);
  expect(code([unclearBelow, skip])).toBe(1);
  expect(code([pass, fail])).toBe(1);
  expect(code([pass, finding, lateOne])).toBe(0);
  expect(code([pass, finding], { strict: true })).toBe(1);
  expect(code([pass, lateOne], { strict: true })).toBe(1);
  expect(code([unclear, skip])).toBe(5);
  expect(code([skip])).toBe(1);
  expect(code([finding])).toBe(0);
  expect(code([pass], { cut: gone })).toBe(3);
  expect(code([pass, fail], { cut: gone })).toBe(1);
  expect(code([pass, fail], { cut: interrupted })).toBe(130);
});

test("NDJSON: stable keys, milliseconds to the tenth, a summary at the end", () => {
  const lines = [
    jsonResult(result("half-open", { ...late(3210.123), ...keepaliveRule })),
    jsonResult(result("delay", { ...skipped, detail: "MQTT 5.0 only" })),
    jsonSummary(report(mixed, { planned: 9, elapsedMs: 12_340.56 })),
  ];
  expect(`\n${lines.join("")}`).toMatchInlineSnapshot(`
    "
    {"type":"result","id":"half-open","protocol":"3.1.1","target":"mqtt://localhost:1883","grade":"must","verdict":"late","noVerdict":null,"failure":"late","arm":"","dueMs":3000,"gotMs":6210.1,"latenessMs":3210.1,"rule":"v4-3.1.2-24","detail":"the will came after 6.21 s, due at 3.00 s","means":null,"title":"the drop half-open","tries":1,"arms":[{"arm":"","grade":"must","verdict":"late","failure":"late","dueMs":3000,"gotMs":6210.1,"watchedMs":3000,"keepAlive":2}]}
    {"type":"result","id":"delay","protocol":"3.1.1","target":"mqtt://localhost:1883","grade":"must","verdict":"skipped","noVerdict":null,"failure":null,"arm":"","dueMs":null,"gotMs":null,"latenessMs":null,"rule":"v4-3.1.2-8","detail":"MQTT 5.0 only","means":null,"title":"the drop delay","tries":1,"arms":[]}
    {"type":"summary","passed":3,"failed":1,"findings":1,"late":1,"inconclusive":1,"skipped":1,"notPlayed":1,"worstKeepaliveLatenessMs":3210,"elapsedMs":12340.6,"cutShort":null,"exitCode":1}
    "
  `);
});

test("JUnit: a suite for each protocol and address, what says nothing is skipped", () => {
  expect(`\n${junitReport(report(mixed))}`).toMatchInlineSnapshot(`
    "
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites name="mqttd simulate-drop" tests="8" failures="1" errors="0" skipped="2" time="20.000">
      <testsuite name="simulate-drop MQTT 3.1.1 mqtt://localhost:1883" tests="4" failures="1" errors="0" skipped="1" time="10.000">
        <testcase name="rst" classname="simulate-drop.mqtt-3.1.1" time="2.500"/>
        <testcase name="half-open" classname="simulate-drop.mqtt-3.1.1" time="2.500">
          <failure message="no will within 11.00 s" type="never">What it means for the user.
    rule v4-3.1.2-24</failure>
        </testcase>
        <testcase name="late-ping" classname="simulate-drop.mqtt-3.1.1" time="2.500"/>
        <testcase name="takeover-delay-clean" classname="simulate-drop.mqtt-3.1.1" time="2.500">
          <skipped message="MQTT 5.0 only"/>
        </testcase>
      </testsuite>
      <testsuite name="simulate-drop MQTT 5 mqtt://localhost:1883" tests="4" failures="0" errors="0" skipped="1" time="10.000">
        <testcase name="rst" classname="simulate-drop.mqtt-5" time="2.500"/>
        <testcase name="half-open" classname="simulate-drop.mqtt-5" time="2.500">
          <system-out>late: the will came after 6.21 s, due at 3.00 s
    rule v5-3.1.2-22</system-out>
        </testcase>
        <testcase name="late-ping" classname="simulate-drop.mqtt-5" time="2.500">
          <system-out>finding: a will came after 2.00 s where none is due
    Clients with a jittery ping die here.
    rule v5-3.1.2-22</system-out>
        </testcase>
        <testcase name="takeover-delay-clean" classname="simulate-drop.mqtt-5" time="2.500">
          <skipped message="inconclusive: this machine was held up for 300 ms"/>
        </testcase>
      </testsuite>
    </testsuites>
    "
  `);
});

test("JUnit: strict makes failures of findings and of late wills", () => {
  const xml = junitReport(report(mixed, { strict: true }));
  expect(xml).toContain('tests="8" failures="3" errors="0" skipped="2"');
  expect(xml).not.toContain("system-out");
});

test("JUnit: advice is whole, however long", () => {
  const means = `${"The broker has no keepalive deadline; ".repeat(20)}the end.`;
  const detail = `${"seen ".repeat(100)}at last`;
  const results = [
    result("half-open", { ...never, means, detail }),
    result("drip", { ...never, verdict: "finding", means, detail }),
    result("fin", { ...skipped, detail }),
  ];
  const xml = junitReport(report(results));
  expect(xml.split(means)).toHaveLength(3);
  expect(xml.split(detail)).toHaveLength(4);
  expect(xml).not.toContain("characters)");
});

/** What a broker might say to make a reader believe something else. */
const hostile = "x\u001b[2J\u0000\u0007\n37 passed <&\"'> ]]>\u202e\ud800\ufffe";

test("a broker's words move no cursor, begin no line and break no document", async () => {
  const bad = result("rst", { ...never, detail: hostile, arm: hostile });
  const odd = result("fin", { ...inconclusive, detail: hostile });
  const all = report([bad, odd, result("delay", { ...skipped, detail: hostile })]);
  const text = textReport(all, bare);
  const xml = junitReport(all);
  const json = jsonResult(bad);
  for (const output of [text, xml, json]) {
    expect(output).not.toMatch(/[\p{Cf}\p{Cs}\p{Cn}]/u);
    expect(output.replaceAll("\n", "")).not.toMatch(/\p{Cc}/u);
    expect(output).not.toMatch(/^37 passed/m);
  }
  expect(json.trimEnd().split("\n")).toHaveLength(1);
  expect(JSON.parse(json)).toMatchObject({ detail: hostile, arm: hostile });
  expect(xml).toContain("37 passed &lt;&amp;&quot;'&gt; ]]&gt;");
});

test("the list names what each scenario needs, within 80 columns", () => {
  const scenarios = [
    scenario("rst"),
    scenario("takeover-delay-clean", { quick: false, grade: "should", needs: ["v5"] }),
    scenario("link-down", {
      quick: false,
      needs: ["network namespace"],
      title: "the link of the client goes down without a word to anybody",
    }),
  ];
  const text = listing(scenarios, 80);
  expect(`\n${text}`).toMatchInlineSnapshot(`
    "
       scenario              grade   the drop (and what it needs)
    *  rst                   must    the drop rst
       takeover-delay-clean  should  the drop takeover-delay-clean (MQTT 5)
       link-down             must    the link of the client goes down without a word
                                     to anybody (network namespace)

    * in the quick set, which plays when none is named; --all plays all.
    must: a normative statement requires it; should: the text suggests it; ours: the
    standard allows it, but users suffer. What does not pass is a failure where the
    grade is must, else a finding. An arm of a scenario may have a grade of its own.
    mqttd simulate-drop --show ID describes one of them.
    "
  `);
  for (const line of text.split("\n")) expect(line.length, line).toBeLessThanOrEqual(80);
  expect(jsonListing(scenarios).split("\n")[1]).toMatchInlineSnapshot(
    `"{"type":"scenario","id":"takeover-delay-clean","title":"the drop takeover-delay-clean","grade":"should","quick":false,"serial":false,"needs":["v5"],"rule":{"v4":"v4-3.1.2-8","v5":"v5-3.1.2-8"}}"`,
  );
});

test("the portrait of a scenario", () => {
  const told = scenario("half-open", {
    needs: ["v5", "child process"],
    serial: true,
    means: { never: "The broker has no keepalive deadline. ".repeat(4).trim() },
    remark: "By design.",
  });
  expect(`\n${portrait(told, 80)}`).toMatchInlineSnapshot(`
    "
    half-open: the drop half-open
    (grade must; in the quick set; needs: MQTT 5, child process; plays alone)

    What it does:
      Does something.

    It passes when:
      the will comes at once.

    The rule:
      MQTT 3.1.1: v4-3.1.2-8
      MQTT 5: v5-3.1.2-8

    How brokers get it wrong:
      Brokers forget it.

    What a failure means:
      never: The broker has no keepalive deadline. The broker has no keepalive
      deadline. The broker has no keepalive deadline. The broker has no keepalive
      deadline.

    When it passes:
      By design.

    By hand:
      mosquitto_sub -t status -v &
    "
  `);
});
