import { expect, test } from "bun:test";
import { recordingOf } from "../../../src/drop/report/records.ts";
import { printed, recording } from "./recordings.ts";
import { keepaliveRule, late, never, result, skipped } from "./results.ts";

test("what --json prints is read again, key by key", () => {
  const results = [
    result("rst"),
    result("half-open", { ...late(3210.16), ...keepaliveRule, protocol: 5 }),
    result("delay", { ...skipped, noVerdict: "unspoken", protocol: 3 }),
  ];
  const lines = printed(results)
    .trimEnd()
    .split("\n")
    .map((line): unknown => JSON.parse(line));
  const { run, results: read, summary } = recording(results);
  expect([run, ...read, summary] as unknown[]).toEqual(lines);
});

test("unknown keys, unknown lines and a missing end are no errors", () => {
  const [first = "", ...more] = printed([result("rst")]).split("\n");
  const extended = first.replace("{", '{"later":1,');
  const read = recordingOf([extended, '{"type":"news"}', ...more.slice(0, 1)].join("\r\n"));
  expect(read).toMatchObject({ results: [{ id: "rst" }], summary: null });
});

test("a file without the broker's version, of before, is read", () => {
  const old = printed([result("rst")], { brokerVersion: undefined, viaBrokerVersion: undefined });
  expect(old).not.toContain("rokerVersion");
  expect(recordingOf(old)).toMatchObject({ results: [{ id: "rst" }] });
});

test("results that were called off are none", () => {
  const off = result("fin", { ...skipped, noVerdict: "called off" });
  expect(recording([result("rst"), off]).results.map(({ id }) => id)).toEqual(["rst"]);
});

function errorIn(text: string): string {
  const read = recordingOf(text);
  return typeof read === "string" ? read : "no error";
}

test("anything else is told by its line", () => {
  const one = printed([result("rst", never)]);
  const run = one.split("\n")[0] ?? "";
  const wrong = [
    "",
    "rst  pass\u001b[2J",
    "[1]",
    '{"type":"result"}',
    one.replace(run, ""),
    one.replace('"gotMs":null', '"gotMs":"soon"'),
    one.replace('"watchedMs":11000', '"watchedMs":1e300'),
    one + one,
    `${run}\n${run}`,
  ];
  expect(`\n${wrong.map(errorIn).join("\n")}\n`).toMatchInlineSnapshot(`
    "
    no line has "type":"run"
    line 1: found "rst  pass\\u001b[2J", allowed: an object of JSON
    line 1: found "[1]", allowed: an object with a type
    line 1: result: "id" is missing or not what --json prints
    line 2: the line with "type":"run" is not before it
    line 2: result: "gotMs" is missing or not what --json prints
    line 2: result: "arms.0.watchedMs" is missing or not what --json prints
    line 4: the summary is not the last line; one run is expected
    line 2: another run begins; one is expected
    "
  `);
});
