import { expect, test } from "bun:test";
import { Dice } from "../support/dice.ts";
import { playCrashes } from "./play.ts";

test("a broker that is killed five times loses nothing that it has acknowledged", async () => {
  const seed = Dice.seed();
  const figures = await playCrashes({ rounds: 5, seed, durability: "normal" });
  expect({ seed, hadMessages: figures.acknowledged > 100 }).toEqual({ seed, hadMessages: true });
}, 240_000);
