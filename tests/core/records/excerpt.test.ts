import { expect, test } from "bun:test";
import { excerpt } from "../../../src/core/records/excerpt.ts";

test("a short value stays identical", () => {
  const event = {
    event: "x",
    peer: { clientId: "a", remote: "b" },
    list: ["x".repeat(512)],
    at: 1,
  };
  expect(excerpt(event)).toBe(event);
  expect(excerpt(null)).toBeNull();
  expect(excerpt("x".repeat(512))).toBe("x".repeat(512));
});

test("long texts are cut at any depth, and the original keeps them", () => {
  const event = {
    at: 1,
    topic: "t".repeat(513),
    peer: { clientId: "c".repeat(70_000) },
    will: null,
    losses: [{ clientId: "c".repeat(513) }, { clientId: "short" }],
  };
  expect(excerpt(event)).toEqual({
    at: 1,
    topic: `${"t".repeat(512)}...`,
    peer: { clientId: `${"c".repeat(512)}...` },
    will: null,
    losses: [{ clientId: `${"c".repeat(512)}...` }, { clientId: "short" }],
  });
  expect(event.topic).toHaveLength(513);
});

test("a character of two units is not cut in half", () => {
  expect(excerpt(`${"x".repeat(511)}\u{1f4a5}more`)).toBe(`${"x".repeat(511)}...`);
});
