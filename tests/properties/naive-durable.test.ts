import { test } from "bun:test";
import { ShadowStore } from "../support/shadow-store.ts";
import { expectMany, playAll, themes } from "./naive-themes.ts";

/**
 * With a store the broker sends what it sends without one, and after each act the store has exactly
 * the sessions, messages, retained messages and wills that the broker has.
 */
test.each(Object.entries(themes))(
  "a store has what the broker has: %s",
  (_, theme) => {
    const tally = playAll(theme, 40, () => ({ store: new ShadowStore() }));
    expectMany(tally, ["publish"]);
  },
  3_600_000,
);
