import { expect, test } from "bun:test";
import pc from "picocolors";
import { overviewOf } from "../../../src/core/queries/overview.ts";
import { explain, explanationText, explainUnknown } from "../../../src/inspect/explain/explain.ts";
import { mortal } from "../../support/mortal.ts";
import { World } from "../../support/world.ts";
import { answerOf, pageOf } from "./explained.ts";

/** Moves a cursor, starts a line, turns the reading direction, hides. */
const hostile = "\u001b[2J\r\n\u202edev\u200b\u0007'\\[v5-1.1-1]";

test("explained: no string of a client can harm a terminal", () => {
  const world = new World();
  const client = mortal(world, {
    id: hostile,
    keepalive: 10,
    username: hostile,
    will: { topic: `wills/${hostile}`, retain: true },
  });
  client.send({ cmd: "disconnect", reasonCode: 0x80, properties: { reasonString: hostile } });
  const text = pageOf(world, hostile);
  expect(text).not.toMatch(/[^\n\P{C}]|\u202e|\u200b/u);
  expect(text.split("\n").filter((line) => line.includes("dev"))).not.toBeEmpty();
});

test("explained: an explanation is plain data", () => {
  const world = new World();
  mortal(world, { keepalive: 10, delay: 30, expiry: 60 }).drop();
  const explanation = explain(answerOf(world));
  expect(JSON.parse(JSON.stringify(explanation))).toEqual(explanation);
  expect(explanation.verdict.rule).toBe("v5-3.1.2-8");
});

for (const columns of [40, 57, 80, 100, 200]) {
  test(`explained: lines fit into ${columns} columns`, () => {
    const world = new World();
    mortal(world, { keepalive: 10, delay: 30, expiry: 60, will: { retain: true } }).drop();
    const style = { columns, colors: pc.createColors(false), zone: "utc" } as const;
    const lines = explanationText(explain(answerOf(world)), style).split("\n");
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns);
  });
}

test("explained: colours change no word", () => {
  const world = new World();
  mortal(world, { keepalive: 10 });
  const style = { columns: 80, colors: pc.createColors(true), zone: "utc" } as const;
  const colored = explanationText(explain(answerOf(world)), style);
  expect(colored).toContain("\u001b[");
  expect(Bun.stripANSI(colored)).toBe(pageOf(world));
});

test("explained: an unknown client id", () => {
  const known = { now: 1_800_000_012_300, startedAt: 1_800_000_000_000, recentEnds: [] };
  const explanation = explainUnknown("dev-4", known, ["dev-42", "dev-43"]);
  const style = { columns: 80, colors: pc.createColors(false), zone: "utc" } as const;
  expect(explanationText(explanation, style)).toMatchInlineSnapshot(`
    "dev-4 has not connected since the broker started 12.3 s ago (or the broker has
    since forgotten it). Did you mean dev-42 or dev-43?

    What happened
      08:00:00.000  The broker started. It keeps sessions, retained messages and
                    wills in memory: what an earlier process held when it was killed
                    is lost, and its wills never fire.

    What to change
      - Look at the client id that its program really sends: some libraries draw a
        new one for each start, and some put something before the one that you give
        them. \`mqttd serve --verbose\` logs each CONNECT.
    "
  `);
});

test("explained: a client id of which only the session is left", () => {
  const world = new World();
  mortal(world, { keepalive: 10, expiry: 60 }).drop();
  const answer = { ...answerOf(world), connections: [], wills: [] };
  expect(explain(answer).verdict.text).toBe(
    "No connection of mortal is remembered, though its session is kept.",
  );
});

test("explained: a client with an unreadable id is named by its address", () => {
  const world = new World();
  world.advance(1_000);
  world.open().sendBytes(Uint8Array.of(0x10, 0x04, 0x00, 0x02, 0x58, 0x58));
  world.advance(1_000);
  const explanation = explainUnknown("dev-4", overviewOf(world.broker), []);
  const style = { columns: 80, colors: pc.createColors(false), zone: "utc" } as const;
  expect(explanationText(explanation, style)).toMatchInlineSnapshot(`
    "dev-4 has not connected since the broker started 1.00 s ago (or the broker has
    since forgotten it).

    What happened
      08:00:00.000  The broker started. It keeps sessions, retained messages and
                    wills in memory: what an earlier process held when it was killed
                    is lost, and its wills never fire.
      08:00:01.000  A connection from 127.0.0.1:50001 ended before its client id was
                    read: malformed packet, packet ends within Protocol Level.

    What to change
      - Look at the client id that its program really sends: some libraries draw a
        new one for each start, and some put something before the one that you give
        them. \`mqttd serve --verbose\` logs each CONNECT.
    "
  `);
});
