import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { withMatrix } from "../../../scripts/peers/documents.ts";
import {
  brokersFolder,
  fileStem,
  type Measurement,
  readMeasurements,
  type Result,
} from "../../../scripts/peers/measurement.ts";
import { brokerPage } from "../../../scripts/peers/page.ts";
import { measured, run } from "./measurements.ts";

// docs/brokers.md and docs/brokers/*.md are what the data beside them give: `scripts/peers.ts --documents`.

const matrixFile = path.join(brokersFolder, "../brokers.md");
const measurements = readMeasurements();

/** A table below a heading: its cells by column title, then by the text of the first column. */
function tableBelow(document: string, heading: string): Map<string, Map<string, string>> {
  const lines = (document.split(`## ${heading}\n`)[1] ?? "").split("\n## ")[0]?.split("\n") ?? [];
  const [head = [], , ...rows] = lines
    .filter((line) => line.startsWith("|"))
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  return new Map(
    head.map((title, column) => [
      title,
      new Map(rows.map((row) => [(row[0] ?? "").replaceAll("`", ""), row[column] ?? ""])),
    ]),
  );
}

function namedVersion({ name, version }: Measurement): string {
  return `${name} ${version}`;
}

const marks = {
  fail: /^\*\*[a-z]+\*\*/,
  finding: /^_[a-z]+_/,
  late: /^late \d/,
  inconclusive: /^\?/,
  skipped: /^-/,
  pass: /^pass/,
} satisfies Record<Result["verdict"], RegExp>;

/** Cells of a document that no run in the data has, or that say how many there were and are wrong. */
function unfounded(document: string, known: readonly Measurement[]): string[] {
  const found = new Set<string>();
  for (const protocol of ["3.1.1", "5"]) {
    for (const [title, cells] of tableBelow(document, `MQTT ${protocol}`)) {
      if (title === "scenario" || title === "grade") continue;
      const runs = known
        .filter((one) => namedVersion(one) === title)
        .flatMap((one) => one.runs.filter((run) => run.protocol === protocol));
      for (const [id, text] of cells) {
        const place = `${title}, MQTT ${protocol}, ${id}: ${text}`;
        const results = runs.flatMap((run) => run.results.filter((result) => result.id === id));
        if (text === "" ? results.length > 0 : results.length === 0) found.add(place);
        const verdicts = new Set(results.map(({ verdict }) => verdict));
        const said = Object.entries(marks).find(([, mark]) => mark.test(text))?.[0] ?? "none";
        if (verdicts.size === 1 && !verdicts.has(said as Result["verdict"])) found.add(place);
        for (const [, count, all] of text.matchAll(/(\d+) of (\d+)/g)) {
          if (Number(all) !== runs.length || Number(count) >= Number(all)) found.add(place);
        }
      }
    }
  }
  return [...found];
}

test("the matrix is what the data give", () => {
  const document = readFileSync(matrixFile, "utf8");
  expect(withMatrix(document, measurements)).toBe(document);
});

test("each broker has the page that its data give, and no page is without data", () => {
  const pages = Map.groupBy(measurements, ({ name }) => `${fileStem(name)}.md`);
  for (const [file, own] of pages) {
    const text = readFileSync(path.join(brokersFolder, file), "utf8");
    expect({ file, text: brokerPage(own) }).toEqual({ file, text });
  }
  const there = readdirSync(brokersFolder).filter((name) => name.endsWith(".md"));
  expect(there.sort()).toEqual([...pages.keys()].sort());
});

test("the matrix has no cell that the data lack, and lacks none that they have", () => {
  const document = readFileSync(matrixFile, "utf8");
  expect(unfounded(document, measurements)).toEqual([]);
  const columns = ["3.1.1", "5"].flatMap((protocol) =>
    [...tableBelow(document, `MQTT ${protocol}`).keys()].filter((title) => title.includes(" ")),
  );
  expect(new Set(columns)).toEqual(new Set(measurements.map((one) => namedVersion(one))));
});

test("a cell without data, one with another verdict and one with another count are seen", () => {
  const both = [
    measured("one", "1.0", [run("3.1.1", { rst: "pass", fin: "fail" })]),
    measured("two", "2.0", [run("3.1.1", { rst: "pass" }), run("3.1.1", { rst: "fail" })]),
  ];
  const document = withMatrix("", both);
  expect(unfounded(document, both)).toEqual([]);
  const [one, two] = [both.slice(0, 1), both.slice(1)];
  expect(unfounded(document, one)).toHaveLength(1);
  expect(unfounded(document, two)).toHaveLength(2);
  const changed = [measured("one", "1.0", [run("3.1.1", { rst: "fail", fin: "fail" })]), ...two];
  expect(unfounded(document, changed)).toEqual(["one 1.0, MQTT 3.1.1, rst: pass"]);
});

test("data and pages name no folder of a machine and no registry", () => {
  for (const name of readdirSync(brokersFolder)) {
    const text = readFileSync(path.join(brokersFolder, name), "utf8");
    const found = /\/(?:tmp|home|root|work)\/|https?:/.exec(text)?.[0] ?? null;
    expect({ name, found }).toEqual({ name, found: null });
  }
});
