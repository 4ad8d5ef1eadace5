import { expect, test } from "bun:test";
import fc from "fast-check";
import pc from "picocolors";
import type { LogEvent } from "../../src/log/events.ts";
import { clause, jsonLine, name, nameFromPrinted, singleQuoted } from "../../src/log/foreign.ts";
import { renderHuman, renderJson } from "../../src/log/render.ts";
import { now, samples } from "./samples.ts";

/**
 * Controls, direction marks, separators, and characters without width or without a meaning of their
 * own.
 */
const forbidden =
  // The pattern looks for control characters.
  // oxlint-disable-next-line no-control-regex
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]/u;

/** Strings full of an attacker's characters, besides arbitrary ones. */
const hostile = fc.oneof(
  fc.string({ unit: "binary", maxLength: 300 }),
  fc
    .array(
      fc.constantFrom(
        "\u001b[2J",
        "\u009b1A",
        "\r",
        "\n",
        "\u202e",
        "\u2066",
        "\u200b",
        "\ufeff",
        "\ud800",
        "\u0007",
        "\\",
        "'",
        " · ",
        "a/b",
        "\u{e0041}",
        "Client dev-1 disconnected: DISCONNECT",
      ),
      { maxLength: 40 },
    )
    .map((parts) => parts.join("")),
);

const everySample = fc.constantFrom(...Object.values(samples).flat());

/** The event with another string in every place that a peer or a file can fill. */
function poisoned(event: LogEvent, poison: string): LogEvent {
  const keys = new Set([
    ...["remote", "username", "topic", "filter", "detail", "text", "clientId", "address"],
    ...["file", "hint", "signal", "statement", "addresses", "changed", "problems"],
  ]);
  const replaced = JSON.parse(JSON.stringify(event), (key, value: unknown) => {
    if (key === "payload") return new Uint8Array(5);
    if (key === "sessionExpiry" && value === null) return Infinity;
    if (!keys.has(key)) return value;
    if (Array.isArray(value)) return value.map(() => poison);
    return typeof value === "string" ? poison : value;
  }) as LogEvent; // The shape is the same; only strings were replaced by strings.
  return replaced;
}

test("no foreign string moves the cursor, forges a line or hides text", () => {
  const plain = { colors: pc.createColors(false), zone: "utc" } as const;
  fc.assert(
    fc.property(everySample, hostile, (event, poison) => {
      expect(renderHuman(poisoned(event, poison), now, plain)).not.toMatch(forbidden);
    }),
    { numRuns: 2000 },
  );
});

test("with colours, every escape sequence in a line is one of ours", () => {
  const colored = { colors: pc.createColors(true), zone: "utc" } as const;
  // oxlint-disable-next-line no-control-regex
  const ours = /\u001b\[(?:2|22|31|32|33|35|39)m/g;
  fc.assert(
    fc.property(everySample, hostile, (event, poison) => {
      const line = renderHuman(poisoned(event, poison), now, colored);
      expect(line.replace(ours, "")).not.toMatch(forbidden);
    }),
    { numRuns: 2000 },
  );
});

test("a JSON line is one line of harmless characters, and gives every string back", () => {
  fc.assert(
    fc.property(everySample, hostile, (event, poison) => {
      const line = renderJson(poisoned(event, poison), now);
      expect(line).not.toMatch(forbidden);
      expect(() => JSON.parse(line)).not.toThrow();
    }),
    { numRuns: 2000 },
  );
  const topic = "\ud800\u202e\u{e0041}\u001b";
  const line = renderJson({ event: "dropping", clientId: "a", why: "blocked", topic }, now);
  const parsed: unknown = JSON.parse(line);
  expect(parsed).toMatchObject({ topic });
});

test("escaped characters are visible", () => {
  expect(name("a\nb\u202ec\u001b[2J\ud800\u{e0041}")).toBe(
    "'a\\nb\\u202ec\\u001b[2J\\ud800\\u{e0041}'",
  );
  expect(clause("tab\there · and\\there\u0085")).toBe("tab\\there \\u00b7 and\\\\there\\u0085");
  expect(singleQuoted("it's")).toBe("'it\\'s'");
});

test("a name that could be mistaken for a part of the sentence is quoted", () => {
  expect(name("")).toBe("''");
  expect(name("my device")).toBe("'my device'");
  expect(name("Client dev-1 disconnected: DISCONNECT · no will")).toBe(
    "'Client dev-1 disconnected: DISCONNECT · no will'",
  );
  expect(name("home/küche/+/温度/#")).toBe("home/küche/+/温度/#");
  expect(name("[::1]:51042")).toBe("[::1]:51042");
});

test("a printed name reads as the original, with its quotes or after a shell has removed them", () => {
  const short = fc.oneof(
    fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 }),
    hostile.filter((text) => text.length <= 100),
  );
  fc.assert(
    fc.property(short, (original) => {
      const printed = singleQuoted(original);
      expect(nameFromPrinted(printed) ?? printed).toBe(original);
      const typed = name(original);
      if (typed !== original) expect(nameFromPrinted(typed)).toBe(original);
      const bare = printed.slice(1, -1);
      if (!/^'.*'$/su.test(original)) expect(nameFromPrinted(bare) ?? bare).toBe(original);
    }),
  );
  expect(nameFromPrinted(String.raw`dev\u001b[31mX`)).toBe("dev\u001b[31mX");
  expect(nameFromPrinted("dev-42")).toBeNull();
});

test("marks do not combine with other text", () => {
  expect(name("e\u0301")).toBe("e\u0301");
  expect(name(`e${"\u0301".repeat(5)}`)).toBe("'e\u0301\u0301\u0301\\u0301\\u0301'");
});

test("a long string is cut, and its length given", () => {
  expect(name("x".repeat(200))).toBe("x".repeat(200));
  expect(name("x".repeat(65_535))).toBe(`${"x".repeat(200)}... (65535 characters)`);
  expect(clause("\u{1f600}".repeat(201))).toBe(`${"\u{1f600}".repeat(200)}... (201 characters)`);
});

test("the longest strings that MQTT allows make a line of bounded length", () => {
  const plain = { colors: pc.createColors(false), zone: "utc" } as const;
  for (const event of Object.values(samples).flat()) {
    const line = renderHuman(poisoned(event, "\u001b".repeat(65_535)), now, plain);
    expect(line.length).toBeLessThan(8000);
  }
});

test("JSON is complete and printable, wherever it is cut into pieces", () => {
  const characters = [
    "a",
    "\u200b",
    "\u{1f600}",
    "\u{e0041}",
    "\u061c\u202e",
    "灯",
    "\ud800",
    "\\",
    '"',
    "\n",
  ];
  fc.assert(
    fc.property(
      // Some places before and after the end of the first piece.
      fc.integer({ min: 65_500, max: 65_540 }),
      fc.array(fc.constantFrom(...characters), { minLength: 40, maxLength: 80 }),
      (length, tail) => {
        const value = { id: "x".repeat(length) + tail.join("") };
        const line = jsonLine(value);
        expect(JSON.parse(line)).toEqual(value);
        expect(line).not.toMatch(/\p{C}/u);
      },
    ),
    { numRuns: 200 },
  );
});

test("a name of many millions of characters is cut, with its length", () => {
  expect(name("\u{1f600}".repeat(1_000_000))).toEndWith("... (1000000 characters)");
  expect(name("a".repeat(200))).toBe("a".repeat(200));
  expect(name("灯".repeat(201))).toBe(`${"灯".repeat(200)}... (201 characters)`);
});
