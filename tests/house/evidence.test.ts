import { describe, expect, test } from "bun:test";
import path from "node:path";
import { citationsIn, evidenceIn, nounAt } from "../../scripts/citations.ts";
import { evidence } from "../../src/standard/evidence.ts";
import { ledger } from "../../src/standard/statements.ts";

// What `mqttd rule` says about the sources is made from them: npm run evidence

test("the evidence is that of these sources; else: npm run evidence", async () => {
  const found = await evidenceIn(path.resolve(import.meta.dir, "../.."));
  expect(found).toEqual(evidence);
});

/** Tested statements without a place of their own in src. Their number may only decrease. */
const unplaced = [
  "v4-4.8.0-2",
  "v4-7.0.0-2",
  "v5-3.2.2-1",
  "v5-3.2.2-8",
  "v5-3.3.4-5",
  "v5-3.9.3-2",
  "v5-3.11.3-2",
  "v5-4.3.3-13",
];

test("what is tested is cited where it is obeyed, but for a few", () => {
  const found = Object.entries(ledger).filter(([id, { status }]) => {
    return status === "tested" && (evidence[id]?.obeyed ?? []).length === 0;
  });
  expect(found.map(([id]) => id)).toEqual(unplaced);
});

describe("a citation is found", () => {
  for (const [how, text, ids] of [
    ["in a comment", "// [v4-3.1.2-24] [v5-3.1.2-22]", ["v4-3.1.2-24", "v5-3.1.2-22"]],
    ["with more of its section", "(v4-3.3.2-1 and -2)", ["v4-3.3.2-1", "v4-3.3.2-2"]],
    [
      "with others behind commas",
      "(v5-3.3.2-15, -16, -18)",
      ["15", "16", "18"].map((n) => `v5-3.3.2-${n}`),
    ],
    ["as a range", "[v5-3.3.1-9] to -11", ["9", "10", "11"].map((n) => `v5-3.3.1-${n}`)],
    ["over two lines", "[v5-3.6.2-2]\n * and -3", ["v5-3.6.2-2", "v5-3.6.2-3"]],
    [
      "as a pair of arguments",
      'fail(code, "3.8.3-3", "3.8.3-2", "x")',
      ["v4-3.8.3-3", "v5-3.8.3-2"],
    ],
    ["as a pair over two lines", 'fail(\n  "",\n  "1.5.5-1",\n  "x",\n)', ["v5-1.5.5-1"]],
    ["as a pair of 3.1.1 alone", 'fail(code, "3.1.2-22", "", "x")', ["v4-3.1.2-22"]],
    ["in columns", '{ v4: "3.6.1-1", v5: "3.6.1-2" }', ["v4-3.6.1-1", "v5-3.6.1-2"]],
    ["alone", 'statement: "3.4.2-1"', ["v5-3.4.2-1"]],
    ["for a computed version", "`v${version}-3.1.0-2`", ["v4-3.1.0-2", "v5-3.1.0-2"]],
    ["nowhere else", 'const dates = ["2026-11-25", "1.2.3", "v5-4.13"];', []],
  ] as const) {
    test(how, () =>
      expect(
        citationsIn(text)
          .map(({ id }) => id)
          .sort(),
      ).toEqual([...ids].sort()),
    );
  }
});

test("a citation belongs to what is declared there, or below its comment", () => {
  const text = `/** Of a const: A. */
const one = 1;

/** Of a function: B. */
export async function two(): Promise<void> {
  // Inside: C.
}

export class Three {
  /** Of a member: D. */
  readonly four: number;

  five(): void {
    this.four = 1; // E
  }

  /** F */
  #six(): void {}
}

/**
 * G
 */
export interface Seven {
  /** H */
  readonly eight: string;
}
`;
  const nouns = "ABCDEFGH"
    .split("")
    .map((letter) => nounAt(text, text.search(new RegExp(`\\b${letter}\\b`))));
  expect(nouns).toEqual([
    "one",
    "two",
    "two",
    "Three.four",
    "Three.five",
    "Three.#six",
    "Seven",
    "Seven.eight",
  ]);
});
