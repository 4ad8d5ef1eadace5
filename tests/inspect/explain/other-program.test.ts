import { expect, test } from "bun:test";
import { habitsOf } from "../../../src/inspect/explain/lint.ts";
import { mortal, type MortalOptions } from "../../support/mortal.ts";
import { answerOf, flatPage, topicsOf, watched } from "./explained.ts";
import type { World } from "../../support/world.ts";

// A client id that comes again: whether the same program came is not known, only what differs.

const delayed = { keepalive: 10, delay: 30, expiry: 3600, clean: false } as const;

function returned(next: MortalOptions): { page: string; world: World } {
  const world = watched();
  mortal(world, { ...delayed, host: "127.0.0.21" }).drop();
  world.advance(12_000);
  mortal(world, { ...delayed, host: "127.0.0.21", ...next });
  return { page: flatPage(world), world };
}

test("a resumed session: another keepalive, will topic and address may be another program", () => {
  const { page, world } = returned({
    ...{ keepalive: 60, host: "127.0.0.77" },
    will: { topic: "wills/laptop" },
  });
  expect(page).toContain(
    "The will before it (on wills/mortal) did not fire: a connection with the client id mortal came " +
      "after 12.0 s and resumed the session before the delay of 30 s was over. The connection that came " +
      "has another keepalive (1 min, before: 10 s), another will topic (wills/laptop, before: " +
      "wills/mortal), another address (127.0.0.77, before: 127.0.0.21): another program may be using " +
      "the client id.",
  );
  expect(page).not.toContain("came back");
  expect(topicsOf(world)).toContain("sharedClientId");
  expect(topicsOf(world)).not.toContain("quickReturn");
  const marks = habitsOf(answerOf(world)).map(({ mark, topic }) => `${mark} ${topic}`);
  expect(marks).toContain("likely sharedClientId");
});

test("a resumed session: another user may be another program", () => {
  const { page } = returned({ username: "laptop" });
  expect(page).toContain("has another user (laptop, before: none): another program may be using");
});

test("a resumed session: another address alone may be another network", () => {
  const { page, world } = returned({ host: "127.0.0.77" });
  expect(page).toContain("the client's network may have changed, or another program may be using");
  expect(topicsOf(world)).not.toContain("sharedClientId");
  expect(topicsOf(world)).not.toContain("quickReturn");
});

test("a resumed session without a difference: the client came back", () => {
  const { page, world } = returned({});
  expect(page).toContain("mortal came back after 12.0 s and resumed its session");
  expect(page).not.toContain("another program");
  expect(topicsOf(world)).toContain("quickReturn");
});

test("a takeover by a connection with another user: no advice about a reconnect", () => {
  const world = watched();
  mortal(world, { keepalive: 10, username: "plant" });
  world.advance(1_000);
  mortal(world, { keepalive: 10, username: "laptop" });
  expect(flatPage(world)).toContain("another user (laptop, before: plant)");
  expect(topicsOf(world)).not.toContain("takeover");
});
