import { expect, test } from "bun:test";
import { habitsOf } from "../../../src/inspect/explain/lint.ts";
import { mortal } from "../../support/mortal.ts";
import { answerOf, topicsOf, watched } from "./explained.ts";
import type { World } from "../../support/world.ts";

function silentAgain(times: number, pings: number): World {
  const world = watched();
  for (let time = 0; time < times; time++) {
    const client = mortal(world, { version: 4, keepalive: 15 });
    client.publish("soil", "41", { retain: true });
    for (let ping = 0; ping < pings; ping++) {
      world.advance(10_000);
      client.ping();
    }
    world.advance(30_000);
  }
  return world;
}

test("a client that falls silent on each connection without a PINGREQ may sleep", () => {
  const world = silentAgain(3, 0);
  expect(topicsOf(world)).toContain("sleepsWithoutDisconnect");
  const found = habitsOf(answerOf(world)).find(({ topic }) => topic === "sleepsWithoutDisconnect");
  expect(found?.mark).toBe("likely");
  expect(found?.rule).toBe("v4-3.1.2-23");
});

test("twice is no habit, and a client that pinged does not sleep so", () => {
  expect(topicsOf(silentAgain(2, 0))).not.toContain("sleepsWithoutDisconnect");
  expect(topicsOf(silentAgain(3, 2))).not.toContain("sleepsWithoutDisconnect");
});
