import { Dice } from "../support/dice.ts";

/** Dice for what happens in a world. */
export class WorldDice extends Dice {
  /** `probability`: 0 to 1. */
  happens(probability: number): boolean {
    return this.word() < probability * 2 ** 32;
  }

  /** Durations without memory: mostly less than `mean`, sometimes many times as much. */
  wait(mean: number): number {
    return Math.ceil(-Math.log((this.word() + 1) / (2 ** 32 + 1)) * mean);
  }
}
