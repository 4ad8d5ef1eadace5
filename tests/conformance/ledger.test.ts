import { Glob } from "bun";
import { describe, expect, test } from "bun:test";
import path from "node:path";
import { catalogue } from "./catalogue.ts";
import { casesOf } from "./check.ts";
import { clientAlone } from "../../src/standard/statement.ts";
import { countOf, isStatement, ledger, statementsOf } from "../../src/standard/statements.ts";

/** Statements that bind a server and that no check covers. Their number may only decrease. */
const gaps = { 4: 0, 5: 0 } as const;

/** The number of statements in each section of the standard, in its order. */
const sections = {
  4: `1.5.3:3 2.2.2:2 2.3.1:7 3.1.0:2 3.1.2:24 3.1.3:11 3.1.4:5 3.2.0:1 3.2.2:6 3.3.1:12 3.3.2:3
      3.3.4:1 3.3.5:2 3.6.1:1 3.8.1:1 3.8.3:4 3.8.4:6 3.9.3:2 3.10.1:1 3.10.3:2 3.10.4:6 3.12.4:1
      3.14.1:1 3.14.4:3 4.1.0:2 4.3.1:1 4.3.2:2 4.3.3:2 4.4.0:1 4.5.0:2 4.6.0:6 4.7.1:3 4.7.2:1
      4.7.3:4 4.8.0:2 6.0.0:4 7.0.0:2 7.1.1:2 7.1.2:2`,
  5: `1.5.4:3 1.5.5:1 1.5.7:1 2.1.3:1 2.2.1:5 2.2.2:1 3.1.0:2 3.1.2:30 3.1.3:12 3.1.4:6 3.2.0:2
      3.2.2:22 3.3.1:13 3.3.2:20 3.3.4:10 3.4.2:3 3.5.2:3 3.6.1:1 3.6.2:3 3.7.2:3 3.8.1:1 3.8.3:5
      3.8.4:8 3.9.2:2 3.9.3:2 3.10.1:1 3.10.3:2 3.10.4:6 3.11.2:2 3.11.3:2 3.12.4:1 3.14.0:1
      3.14.1:1 3.14.2:4 3.14.4:3 3.15.1:1 3.15.2:3 4.1.0:2 4.2:1 4.3.1:1 4.3.2:5 4.3.3:13 4.4.0:2
      4.5.0:2 4.6.0:6 4.7.0:1 4.7.1:2 4.7.2:1 4.7.3:4 4.8.2:6 4.9.0:3 4.12.0:7 4.12.1:2 4.13.1:1
      4.13.2:1 6.0.0:4`,
} as const;

/** Numbering starts at 2 there: the standard removed a statement. */
const firstOf = (version: 4 | 5, section: string): number =>
  version === 5 && section === "2.2.1" ? 2 : 1;

const root = path.resolve(import.meta.dir, "../..");
const cases = casesOf(catalogue);

for (const version of [4, 5] as const) {
  describe(version === 4 ? "MQTT 3.1.1" : "MQTT 5.0", () => {
    const statements = statementsOf(version);

    test("the ledger has every statement of the standard, in its order", () => {
      const wanted = sections[version].split(/\s+/).flatMap((entry) => {
        const [section = "", count = ""] = entry.split(":");
        const first = firstOf(version, section);
        const ids = Array.from({ length: Number(count) }, (_, index) => index + first);
        return ids.map((number) => `v${version}-${section}-${number}`);
      });
      expect(statements.map(({ id }): string => id)).toEqual(wanted);
    });

    test("each statement that counts as tested has a check that names it, and no other statement has", () => {
      const named = new Set(cases.flatMap((each) => each.statements));
      const disagreeing = statements.filter(({ id, status }) => {
        return named.has(id) !== (status === "tested");
      });
      expect(disagreeing).toEqual([]);
    });

    test("the number of gaps only decreases", () => {
      expect(countOf(version, "gap")).toBe(gaps[version]);
    });

    test("an untested statement has a reason", () => {
      const silent = statements.filter(({ status, why }) => (status === "tested") !== (why === ""));
      expect(silent).toEqual([]);
    });
  });
}

test("checks name only statements that exist", () => {
  const ids = catalogue.flatMap(({ checks }) => checks.flatMap((check) => check.statements));
  expect(ids.filter((id) => !isStatement(id))).toEqual([]);
});

test("code and documents cite only statements of the ledger", async () => {
  const cited: string[] = [];
  for await (const file of new Glob("{src,docs}/**/*.{ts,md}").scan(root)) {
    const text = await Bun.file(path.join(root, file)).text();
    cited.push(...(text.match(/\bv[45]-\d+(?:\.\d+)*-\d+\b/g) ?? []));
  }
  expect(cited.length).toBeGreaterThan(200);
  expect(cited.filter((id) => !isStatement(id))).toEqual([]);
});

test("names of checks are unique", () => {
  const names = cases.map(({ name }) => name);
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
});

test("the figures of the ledger", () => {
  const figures = ([4, 5] as const).map((version) => ({
    version,
    statements: statementsOf(version).length,
    tested: countOf(version, "tested"),
    gaps: countOf(version, "gap"),
    notApplicable: countOf(version, "not applicable"),
  }));
  expect(figures).toMatchInlineSnapshot(`
    [
      {
        "gaps": 0,
        "notApplicable": 17,
        "statements": 143,
        "tested": 126,
        "version": 4,
      },
      {
        "gaps": 0,
        "notApplicable": 23,
        "statements": 251,
        "tested": 228,
        "version": 5,
      },
    ]
  `);
});

test("what no server has to react to binds the client", () => {
  const alone = Object.values(ledger).filter(({ why }) => why === clientAlone);
  expect(alone.filter(({ binds }) => binds !== "client")).toEqual([]);
  expect(alone.length).toBeGreaterThan(20);
});

test("each statement is told in words of its own, as the beginning of a sentence without its end", () => {
  const odd = Object.entries(ledger).filter(
    ([, { says }]) =>
      says.length < 20 || /[.:;,]$/.test(says) || /^(?:and|which|that|then)\b/.test(says),
  );
  expect(odd).toEqual([]);
});
