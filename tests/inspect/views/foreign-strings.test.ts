import { expect, test } from "bun:test";
import fc from "fast-check";
import { name } from "../../../src/log/foreign.ts";
import { width } from "../../../src/log/columns.ts";
import { World } from "../../support/world.ts";
import { plainStyle, viewsOf } from "./viewed.ts";

/** Moves a cursor, starts or forges a line, turns the reading direction, hides, shifts columns. */
const pieces = [
  ...["\u001b[2J", "\u009b1A", "\r", "\n", "\t", "\u0007", "\b", "\u007f"],
  ...["\u202a", "\u202b", "\u202c", "\u202d", "\u202e", "\u2066", "\u2067", "\u2068", "\u2069"],
  ...["\u200b", "\u200d", "\u2060", "\ufeff", "\u2028", "\u00a0", "\u3164", "\u{e0041}"],
  ...["e\u0301", "\u0301\u0302\u0303\u0304\u0305", "灯", "ﾃﾞ", "👩‍👩‍👧", "🇩🇪", "한", "\u1112\u1161"],
  ...["\\", "'", " · ", "   ", "dev-43  127.0.0.1:1 in 5 s", "x".repeat(90), "灯".repeat(60)],
];

/** Some client id, topic and payload; whole characters, since the wire accepts no others. */
const foreign = fc
  .oneof(
    fc
      .array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 12 })
      .map((all) => all.join("")),
    fc.string({ unit: "grapheme", minLength: 1, maxLength: 60 }),
    fc.string({ unit: "binary", minLength: 1, maxLength: 60 }),
  )
  .map((text) =>
    text
      .toWellFormed()
      .replaceAll("\0", "0")
      .replace(/[+#$/]/g, "_"),
  );

/** Every place that a client can fill, filled. */
function worldOf(id: string, topic: string, payload: string): World {
  const world = new World();
  const client = world.open();
  client.connect({
    clientId: id,
    protocolVersion: 5,
    keepalive: 10,
    username: topic,
    properties: { sessionExpiryInterval: 60 },
    will: { topic, payload, qos: 1, retain: true, properties: { willDelayInterval: 20 } },
  });
  client.subscribe({ topic, qos: 1, nl: true }, { topic: `$share/${topic}/${topic}` });
  client.publish(topic, payload, { retain: true });
  const other = world.open();
  other.connect({ clientId: `${id}2`, protocolVersion: 5, will: { topic, payload } });
  other.send({ cmd: "disconnect", reasonCode: 0x80, properties: { reasonString: payload } });
  world.advance(1000);
  client.drop();
  const again = world.open();
  again.connect({
    clientId: `${id}3`,
    protocolVersion: 4,
    keepalive: 10,
    will: { topic, payload },
  });
  return world;
}

const unprintable =
  /[^\n\P{C}]|\p{Zl}|\p{Zp}|(?! )\p{Zs}|\p{Default_Ignorable_Code_Point}|\p{M}{4}/u;

/** Takes a second; longer than bun's limit on a busy machine. */
const limitMs = 180_000;

/** Heads of tables; omitted where there is no room for columns. */
const head = /^[A-Z][A-Z ,]+$/;

/** Lines that look like the start of an item. */
function beginnings(text: string): number {
  return text.split("\n").filter((line) => /^[^ ]/.test(line) && !head.test(line)).length;
}

test(
  "viewed: no string of a client moves the cursor, forges a line, or hides",
  () => {
    const asPlain = (columns: number): Record<string, number> =>
      Object.fromEntries(
        Object.entries(
          viewsOf(worldOf("dev", "t", "p"), plainStyle(columns), { clientId: "dev", topic: "t" }),
        ).map(([verb, text]) => [verb, beginnings(text)]),
      );
    const expected = new Map([40, 80, 160, Infinity].map((columns) => [columns, asPlain(columns)]));
    fc.assert(
      fc.property(
        foreign,
        foreign,
        foreign,
        fc.constantFrom(...expected.keys()),
        (id, topic, payload, columns) => {
          const world = worldOf(id, topic, payload);
          const views = viewsOf(world, plainStyle(columns), { clientId: id, topic });
          for (const [verb, text] of Object.entries(views)) {
            expect(text, verb).not.toMatch(unprintable);
            expect({ verb, lines: beginnings(text) }).toEqual({
              verb,
              lines: expected.get(columns)?.[verb] ?? -1,
            });
            for (const line of text.split("\n")) {
              expect(width(line), `${verb}: ${line}`).toBeLessThanOrEqual(columns);
            }
          }
        },
      ),
      { numRuns: 300, includeErrorInReport: true },
    );
  },
  limitMs,
);

test(
  "viewed: columns stay where they are, whatever the cells hold",
  () => {
    fc.assert(
      fc.property(foreign, fc.constantFrom(80, 160, Infinity), (id, columns) => {
        const world = worldOf(id, "t", "p");
        const { clients = "" } = viewsOf(world, plainStyle(columns), { clientId: id, topic: "t" });
        const [heads = "", ...lines] = clients.split("\n");
        expect(heads).toStartWith("CLIENT");
        const places = lines.flatMap((line) => {
          const at = Math.max(
            line.lastIndexOf("127.0.0.1:500"),
            line.lastIndexOf(" offline  ") + 1,
          );
          return at <= 0 ? [] : [width(line.slice(0, at))];
        });
        expect(places).toEqual([heads.indexOf("FROM"), heads.indexOf("FROM")]);
      }),
      { numRuns: 300, includeErrorInReport: true },
    );
  },
  limitMs,
);

test("viewed: the longest possible client id", () => {
  const id = "灯".repeat(21_845);
  const world = worldOf("dev", "t", "p");
  const client = world.open();
  client.connect({ clientId: id, protocolVersion: 5 });
  const { clients = "" } = viewsOf(world, plainStyle(80), { clientId: "dev", topic: "t" });
  expect(name(id)).toEndWith("... (21845 characters)");
  expect(clients.length).toBeLessThan(1500);
  expect(Math.max(...clients.split("\n").map(width))).toBeLessThanOrEqual(80);
});
