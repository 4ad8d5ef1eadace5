import { test } from "bun:test";
import { playAll, themes } from "./naive-themes.ts";

/**
 * Which messages a member of a shared subscription leaves to the others when its session ends, and
 * which not.
 */
test("each member gets what the naive broker sends it", () => {
  playAll(themes.shares, 600);
}, 3_600_000);
