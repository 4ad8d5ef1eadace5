import { Dice } from "../support/dice.ts";
import type { Corpus } from "./corpus.ts";
import type { FuzzInput } from "./input.ts";
import { chunked, drawInput } from "./mutate-session.ts";
import { type Plant, play, type Shown } from "./play.ts";

/** Inputs with new behaviour are kept as models for others; the oldest are replaced. */
const keptMax = 2000;

/** The behaviour that all runs together have shown. */
export interface Tally {
  inputs: number;
  connections: number;
  accepted: number;
  readonly causes: Map<string, number>;
  readonly statements: Map<string, number>;
  readonly features: Set<string>;
}

/** Draws inputs for a broker from a seed, and plays them. The same seed gives the same inputs. */
export class BrokerFuzzer {
  readonly tally: Tally = {
    inputs: 0,
    connections: 0,
    accepted: 0,
    causes: new Map(),
    statements: new Map(),
    features: new Set(),
  };
  /** The current input, or the last one. */
  current: FuzzInput | null = null;
  readonly #dice: Dice;
  readonly #corpus: Corpus;
  readonly #kept: FuzzInput[] = [];
  readonly #plant: Plant;

  constructor(seed: number, corpus: Corpus, plant: Plant = () => {}) {
    this.#plant = plant;
    this.#dice = new Dice(seed);
    this.#corpus = corpus;
  }

  /** Throws the broker's fault; `current` is the input that caused it. */
  async step(onInput: (input: FuzzInput) => void = () => {}): Promise<void> {
    const drawn = drawInput(this.#dice, this.#corpus, this.#kept);
    const input = chunked(this.#dice, drawn);
    this.current = input;
    onInput(input);
    this.#count(await play(input, this.#plant), drawn);
  }

  #count(shown: Shown, drawn: FuzzInput): void {
    const { tally } = this;
    tally.inputs += 1;
    tally.connections += shown.connections;
    tally.accepted += shown.accepted;
    for (const cause of shown.causes) add(tally.causes, cause);
    for (const statement of shown.statements) add(tally.statements, statement);
    const before = tally.features.size;
    for (const feature of shown.features) tally.features.add(feature);
    if (tally.features.size === before) return;
    this.#kept.push(drawn);
    if (this.#kept.length > keptMax) this.#kept.shift();
  }
}

function add(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
