import { Broker } from "../../src/core/broker.ts";
import type { Changes, Commit } from "../../src/core/durable.ts";
import type { Millis } from "../../src/core/io.ts";
import { type DurableState, stateOfBroker, stateOfStore } from "../support/durable-state.ts";
import { ShadowStore } from "../support/shadow-store.ts";
import { demand } from "./books.ts";
import { Violation } from "./journal.ts";
import { expectRecounted } from "./recount.ts";
import type { WorldDice } from "./world-dice.ts";

/** Milliseconds that a commit takes, to choose from. */
const delays = [
  [0, 0],
  [0, 5],
  [1, 50],
  [20, 400],
] as const;

interface Batch {
  readonly changes: Changes;
  /** Inputs that had changed something durable when it was made. */
  readonly until: number;
}

/**
 * The store of one broker's life in a world: slow, and torn from it in the middle of a commit. Knows
 * for each packet which commit it has to wait for.
 */
export class SimStore {
  readonly kept = new ShadowStore();
  readonly #dice: WorldDice;
  readonly #later: (milliseconds: number, work: () => void) => void;
  readonly #delay: readonly [number, number];
  #broker: Broker | null = null;
  /** Inputs so far that changed something durable; those of the last batch; those that are kept. */
  #changed = 0;
  #taken = 0;
  #kept = 0;
  /** The input whose effects are carried out changed something. */
  #isChanging = false;
  #batch: Batch | null = null;

  constructor(dice: WorldDice, later: (milliseconds: number, work: () => void) => void) {
    this.#dice = dice;
    this.#later = later;
    this.#delay = dice.pick(delays);
  }

  /** Follows a broker that has just started. */
  watch(broker: Broker): void {
    this.#broker = broker;
    const { journal } = broker;
    if (journal === null) throw new Error("a broker with a store has a journal");
    const handle = broker.handle.bind(broker);
    broker.handle = (input, now) => {
      const effects = handle(input, now);
      this.#isChanging = effects.some(({ type }) => type === "persist");
      if (this.#isChanging) this.#changed += 1;
      return effects;
    };
    const take = journal.take.bind(journal);
    journal.take = () => {
      const changes = take();
      this.#taken = this.#changed;
      // Then nothing has to be kept for what was promised.
      if (changes.length === 0) this.#kept = this.#taken;
      return changes;
    };
  }

  readonly commit: Commit = (changes, done) => {
    if (this.#batch !== null) throw new Violation("one commit is under way");
    this.#batch = { changes, until: this.#taken };
    const [least, most] = this.#delay;
    this.#later(this.#dice.between(least, most), () => {
      this.#keep();
      done(null);
    });
  };

  #keep(): void {
    if (this.#batch === null) return;
    this.kept.apply(this.#batch.changes);
    this.#kept = this.#batch.until;
    this.#batch = null;
  }

  /** The commit that a packet has to wait for which is sent now; 0: none. */
  get needed(): number {
    return this.#isChanging ? this.#changed : 0;
  }

  /** A packet that promises something leaves, which was to wait for this commit. */
  expectKept(needed: number, detail: unknown): void {
    demand(needed <= this.#kept, "nothing is promised before it is kept", detail);
  }

  /** If nothing is left to keep, the store has what the broker has. */
  expectSame(): void {
    const broker = this.#broker;
    if (broker === null || this.#batch !== null || broker.journal?.isClean !== true) return;
    expectEqual(stateOfStore(this.kept.load()), stateOfBroker(broker));
  }

  /** The broker dies: what it has handed over last is kept as a whole, or not at all. */
  tear(now: Millis): void {
    if (this.#dice.happens(0.5)) this.#keep();
    this.#batch = null;
    const restored = new Broker({ durable: true }, now);
    const part = this.kept.load();
    restored.handle({ type: "loaded", part, heartbeatAt: now }, now);
    restored.handle({ type: "listening" }, now);
    expectRecounted(restored, false);
    this.kept.apply(restored.journal?.take() ?? []);
    expectEqual(stateOfStore(this.kept.load()), stateOfBroker(restored));
  }
}

function expectEqual(store: DurableState, broker: DurableState): void {
  demand(Bun.deepEquals(store, broker), "the store has what the broker has", { store, broker });
}
