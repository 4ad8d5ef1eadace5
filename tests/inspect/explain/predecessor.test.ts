import { expect, test } from "bun:test";
import type { ClientAnswer } from "../../../src/api/api.ts";
import { explain, explainUnknown } from "../../../src/inspect/explain/explain.ts";
import { mortal } from "../../support/mortal.ts";
import { World } from "../../support/world.ts";
import { answerOf } from "./explained.ts";

// The broker process before this one was killed: what it took with it, and who may have lost it.

const start = 1_800_000_000_000;
const predecessor = { pid: 4711, startedAt: start - 90_000, followedAt: start };

function after(world: World): ClientAnswer {
  return { ...answerOf(world), predecessor };
}

test("explained: the first connection after a broker that was killed", () => {
  const world = new World();
  world.advance(1_000);
  mortal(world, { keepalive: 10, clean: false, expiry: 60 });
  const { before, story } = explain(after(world));
  expect(before).toEqual({
    text:
      "The broker before this one (pid 4711, started 1 min 30 s earlier) was killed, or it crashed: " +
      "the session and the will that mortal may have had there are lost; that will was not published.",
    rule: null,
  });
  expect(story.map(({ text }) => text)).toContain(
    "With Clean Start 0 it began a new session, because there was none to resume (one that the " +
      "broker before this one held is lost with it), which is kept for 1 min after the connection.",
  );
});

test("explained: of a client with an earlier will, that one is told, and no lost session", () => {
  const world = new World();
  mortal(world, { keepalive: 10 }).drop();
  mortal(world, { keepalive: 10, clean: false });
  const { before, story } = explain(after(world));
  expect(before?.text).toStartWith("The will before it fired at once");
  expect(story.some(({ text }) => text.includes("is lost with it"))).toBe(false);
});

test("explained: a client that first came long after the start lost nothing", () => {
  const world = new World();
  world.advance(2 * 60 * 60 * 1000);
  mortal(world, { keepalive: 10 });
  expect(explain(after(world)).before).toBeNull();
});

test("explained: an unknown client id after a broker that was killed", () => {
  const known = { now: start + 12_300, startedAt: start, recentEnds: [], predecessor };
  const { verdict, advice } = explainUnknown("dev-4", known, []);
  expect(verdict.text).toEndWith(
    "was killed, or it crashed: if dev-4 was connected then, its will is lost, and was not published.",
  );
  expect(advice.map(({ topic }) => topic)).toEqual(["killedBroker", "unknownClient"]);
});
