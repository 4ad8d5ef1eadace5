import { expect, test } from "bun:test";
import { explain } from "../../../src/inspect/explain/explain.ts";
import { habitsOf } from "../../../src/inspect/explain/lint.ts";
import { mortal } from "../../support/mortal.ts";
import type { World } from "../../support/world.ts";
import { answerOf, flatPage, watched } from "./explained.ts";

/** Connections of one client that each end after this silence. */
function closedAfter(silences: readonly number[], how: "eof" | "reset", keepalive = 60): World {
  const world = watched();
  for (const silence of silences) {
    const client = mortal(world, { keepalive });
    world.advance(silence);
    client.drop(how);
    world.advance(1_000);
  }
  return world;
}

const idleAdvice = (world: World): string | undefined =>
  explain(answerOf(world)).advice.find(({ topic }) => topic === "idleTimeout")?.text;

test("a FIN may come from something between client and broker", () => {
  const page = flatPage(closedAfter([5_000], "eof"));
  expect(page).toContain("because mortal, or something between, closed the connection without");
});

test("ends after the same silence below the keepalive: an idle timeout between", () => {
  const world = closedAfter([30_000, 30_010, 30_002], "eof");
  expect(idleAdvice(world)).toStartWith(
    "Its last 3 connections that were closed or reset ended after the same silence of 30.0 s, before " +
      "its keepalive of 1 min was over. A proxy, load balancer or NAT",
  );
  expect(idleAdvice(world)).toContain("a keepalive of at most 15 s");
  const found = habitsOf(answerOf(world)).find(({ topic }) => topic === "idleTimeout");
  expect(found?.mark).toBe("likely");
  expect(idleAdvice(closedAfter([30_000, 30_010, 30_002], "reset"))).toBeDefined();
});

test("ends after other silences, too few of them, or beyond the keepalive are no idle timeout", () => {
  expect(idleAdvice(closedAfter([30_000, 12_000, 30_000], "eof"))).toBeUndefined();
  expect(idleAdvice(closedAfter([30_000, 30_000], "eof"))).toBeUndefined();
  expect(idleAdvice(closedAfter([30_000, 30_000, 30_000], "eof", 25))).toBeUndefined();
  expect(idleAdvice(closedAfter([0, 0, 0], "eof"))).toBeUndefined();
});
