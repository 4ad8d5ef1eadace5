import type { Dice } from "../support/dice.ts";

/** Names by relative frequency. */
export class Weights<Name extends string> {
  readonly #names: Name[] = [];
  readonly #sums: number[] = [];
  #total = 0;

  constructor(weights: Readonly<Partial<Record<Name, number>>>) {
    for (const [name, weight] of Object.entries(weights)) {
      if (typeof weight !== "number" || weight <= 0) continue;
      this.#total += weight;
      // The keys are those of the type.
      this.#names.push(name as Name);
      this.#sums.push(this.#total);
    }
  }

  pick(dice: Dice): Name {
    const at = (dice.word() / 2 ** 32) * this.#total;
    let place = 0;
    while (at >= (this.#sums[place] ?? Infinity)) place++;
    const name = this.#names[place];
    if (name === undefined) throw new Error("there is nothing to pick from");
    return name;
  }
}
