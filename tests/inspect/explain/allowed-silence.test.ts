import { describe, expect, test } from "bun:test";
import { likeNamed, likes } from "../../../src/core/quirks/likes.ts";
import { plantedQuirks } from "../../../src/core/quirks/planted.ts";
import type { ClientAnswer } from "../../../src/api/api.ts";
import { clientShape } from "../../../src/inspect/answers/answer-shape.ts";
import { explain } from "../../../src/inspect/explain/explain.ts";
import { clientLines } from "../../../src/inspect/views/client.ts";
import { duration, setting } from "../../../src/log/duration.ts";
import { mortal } from "../../support/mortal.ts";
import { World } from "../../support/world.ts";
import { answerOf, topicsOf } from "./explained.ts";
import { plainStyle } from "../views/viewed.ts";

/** Everything that the page says about the client, each sentence on a line. */
function textsOf(answer: ClientAnswer): string {
  const { verdict, before, story, next, advice, others } = explain(answer);
  const sentences = [verdict, ...(before === null ? [] : [before])];
  const all = [...sentences, ...story, ...next, ...advice, ...others].map(({ text }) => text);
  return [...all, ...clientLines(answer, plainStyle(10_000))].join("\n");
}

function worldLike(name: string): World {
  return new World({ rules: likeNamed(name)?.rules ?? {} });
}

/** Words by which a text promises that silence ends the connection, or that it does not. */
const promises = /ends after \S+ .*of silence|silence of \S+ .*ends it|detected after/;
const denials = /ends nobody|does not end it|never finds|silence alone never|only TCP can detect/;

const names = ["standard", ...likes.map(({ name }) => name), ...Object.keys(plantedQuirks)];
const keepAlives = [0, 5, 7200];
const day = 24 * 3_600_000;

describe.each(names)("explained, of a broker like %s", (name) => {
  test.each(keepAlives)(
    "the page's allowed silence for a keepalive of %d is the broker's",
    (keepalive) => {
      const world = worldLike(name);
      const client = mortal(world, { keepalive });
      world.advance(1);
      const texts = textsOf(answerOf(world));
      const allowed = world.broker.sessions.get("mortal")?.connection?.allowedMs ?? null;
      const [account] = answerOf(world).connections;
      expect(account?.allowedMs).toBe(allowed);
      if (allowed === null) {
        expect(texts).not.toMatch(promises);
        expect(texts).toMatch(denials);
        world.advance(day);
        expect(world.noted("ended")).toEqual([]);
        return;
      }
      expect(texts).toContain(`ends after ${duration(allowed)} of silence`);
      expect(texts).toContain(`silence of ${setting(allowed)} ends it`);
      if (keepalive === 7200)
        expect(texts).toContain(`death is detected after ${setting(allowed)}`);
      expect(texts).not.toMatch(denials);
      // The remaining time is the time after which the connection ends.
      const left = (account?.deadlineAt ?? 0) - answerOf(world).now;
      world.advance(left - 1);
      expect(world.noted("ended")).toEqual([]);
      world.advance(1);
      expect(world.noted("ended")).toMatchObject([{ peer: { remote: client.remote } }]);
      expect(texts).toContain(`fires in ${duration(left)}`);
      expect(textsOf(answerOf(world))).toContain(`allows ${duration(allowed)} of silence`);
    },
  );
});

test("explained: for a broker that never ends for silence, the keepalive's line says so", () => {
  const world = worldLike("rumqttd-0.19");
  mortal(world, { keepalive: 5 });
  const { verdict, story } = explain(answerOf(world));
  expect([verdict.text, story[1]?.text]).toMatchInlineSnapshot(`
    [
      "The will of mortal is armed and has not fired: mortal is connected and was last heard 0 ms ago. This broker disconnects no silent client, because it was started to misbehave.",
      "It asked for a keepalive of 5 s. This broker disconnects no silent client, because it was started to misbehave.",
    ]
  `);
});

test("explained: a client that keeps its keepalive is not blamed where the broker allows less", () => {
  const world = worldLike("A4-deadline-at-1.0");
  const client = mortal(world, { keepalive: 10 });
  world.advance(9_900);
  client.ping();
  expect(explain(answerOf(world)).advice.map(({ topic }) => topic)).not.toContain("closeCall");
});

describe("explained: an older broker, which does not report the allowed silence", () => {
  /** The answer as it was before the field. */
  function older(world: World): ClientAnswer {
    const answer = JSON.parse(JSON.stringify(answerOf(world))) as {
      connections: { allowedMs?: number }[];
      faults: { allowedMs?: number }[];
    };
    for (const one of [...answer.connections, ...answer.faults]) delete one.allowedMs;
    return clientShape.parse(answer);
  }

  test.each([
    ["standard", 0, "none: silence does not end it"],
    ["standard", 5, "silence of 7.50 s ends it"],
    ["rumqttd-0.19", 5, "silence does not end it"],
  ])("%s, a keepalive of %d: %s", (name, keepalive, words) => {
    const world = worldLike(name);
    mortal(world, { keepalive });
    expect(textsOf(older(world))).toContain(words);
    expect(textsOf(older(world))).toBe(textsOf(answerOf(world)));
  });

  test("an ended connection shows it with its end", () => {
    const world = worldLike("A4-deadline-at-0.75");
    mortal(world, { keepalive: 10 });
    world.advance(20_000);
    expect(textsOf(older(world))).toContain("silence of 7.50 s ends it");
  });

  test("a long keepalive is described without a number", () => {
    const world = worldLike("standard");
    mortal(world, { keepalive: 7200 });
    expect(textsOf(older(world))).toContain("is detected after 1.5 times that");
  });
});

describe("explained: a keepalive is long", () => {
  test.each([
    [119, false],
    [120, true],
  ])("from minutes on where nothing has happened: %d s, %p", (keepalive, isLong) => {
    const world = worldLike("standard");
    mortal(world, { keepalive });
    expect(topicsOf(world).includes("longKeepAlive")).toBe(isLong);
  });

  test.each([
    [59, false],
    [60, true],
  ])("from a minute on where silence has just ended it: %d s, %p", (keepalive, isLong) => {
    const world = worldLike("standard");
    mortal(world, { keepalive });
    world.advance(keepalive * 1500);
    expect(topicsOf(world).includes("longKeepAlive")).toBe(isLong);
  });
});
