import { Broker } from "../../src/core/broker.ts";
import type { Changes, Commit, StoredPart, StoreFailure } from "../../src/core/durable.ts";
import type { Millis } from "../../src/core/io.ts";
import type { PublishPacket } from "../../src/core/packet.ts";
import { isForStore } from "../../src/core/publish.ts";
import { type DurableState, stateOfBroker, stateOfStore } from "../support/durable-state.ts";
import { ShadowStore } from "../support/shadow-store.ts";
import { demand } from "./books.ts";
import type { Said } from "./connection.ts";
import { Violation } from "./journal.ts";
import { expectRecounted } from "./recount.ts";
import type { Referee } from "./referee.ts";
import type { Snapshot } from "./snapshot.ts";
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
  /** What the referee knew when it was made. */
  readonly snapshot: Snapshot;
  /** Inputs that had changed something durable when it was made. */
  readonly until: number;
}

/** What outlives a broker of a world: its store, and what the referee knew of that. */
export interface Legacy {
  readonly kept: ShadowStore;
  readonly snapshot: Snapshot;
  readonly heartbeatAt: Millis;
  /** It had not kept everything, and nobody waited for the rest. */
  readonly isBehind: boolean;
  /** Inputs so far, of all brokers, that changed something durable. */
  readonly changed: number;
}

/**
 * The store of one broker's life in a world: slow, and torn from it in the middle of a commit. Knows
 * for each packet which commit it has to wait for.
 */
export class SimStore {
  readonly kept: ShadowStore;
  readonly #referee: Pick<Referee, "snapshot" | "promisesBroken">;
  /** What the referee knew of what is kept, and of the batch that was made last. */
  #snapshot: Snapshot;
  #takenSnapshot: Snapshot;
  #heartbeatAt: Millis;
  readonly #dice: WorldDice;
  readonly #later: (milliseconds: number, work: () => void) => void;
  readonly #delay: readonly [number, number];
  #broker: Broker | null = null;
  /** Inputs so far that changed something durable; those of the last batch; those that are kept. */
  #changed = 0;
  #taken = 0;
  #kept = 0;
  /** Those when a batch failed: the wills among them wait for it no longer. */
  #given = 0;
  /** The last batch failed. */
  isFailing = false;
  /** The trouble that begins now and then. */
  readonly #trouble: Trouble;
  /** The input whose effects are carried out changed something. */
  #isChanging = false;
  #batch: Batch | null = null;

  /** `before`: what the broker before left; null: the store is new. */
  constructor(
    dice: WorldDice,
    referee: Pick<Referee, "snapshot" | "promisesBroken">,
    before: Legacy | null,
    later: (milliseconds: number, work: () => void) => void,
  ) {
    this.#dice = dice;
    this.#referee = referee;
    this.#later = later;
    this.#delay = dice.pick(delays);
    this.#trouble = new Trouble(dice);
    this.kept = before?.kept ?? new ShadowStore();
    this.#snapshot = before?.snapshot ?? referee.snapshot();
    this.#takenSnapshot = this.#snapshot;
    this.#heartbeatAt = before?.heartbeatAt ?? (0 as Millis);
    this.#changed = before?.changed ?? 0;
    this.#taken = this.#changed;
    this.#kept = this.#changed;
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
    let size = 0;
    journal.take = (most) => {
      const changes = take(most);
      size += changes.length;
      // Otherwise it is a part, and what changes before the next one belongs to the same batch.
      if (!journal.isClean) return changes;
      this.#taken = this.#changed;
      this.#takenSnapshot = this.#referee.snapshot();
      // Then nothing has to be kept for what was promised.
      if (size === 0) this.#keepTaken();
      size = 0;
      return changes;
    };
  }

  readonly commit: Commit = (changes, done) => {
    if (this.#batch !== null) throw new Violation("one commit is under way");
    this.#batch = { changes, until: this.#taken, snapshot: this.#takenSnapshot };
    const [least, most] = this.#delay;
    const trouble = this.#trouble.next();
    this.#later(this.#dice.between(least, most), () => {
      if (trouble !== null) return this.#fail(trouble, done);
      this.#keep();
      this.isFailing = false;
      done(null);
    });
  };

  #fail(trouble: StoreFailure, done: Parameters<Commit>[1]): void {
    const batch = this.#batch;
    if (batch === null) return;
    // An error while it is synced: it may be on the disk all the same.
    if (!trouble.isFull && this.#dice.happens(0.3)) {
      this.kept.apply(batch.changes);
      this.#snapshot = batch.snapshot;
    }
    this.#batch = null;
    this.#referee.promisesBroken((said) => this.#isUnkept(said));
    this.#given = this.#changed;
    this.isFailing = true;
    done(trouble);
  }

  #keep(): void {
    if (this.#batch === null) return;
    const { changes, until, snapshot } = this.#batch;
    this.kept.apply(changes);
    this.#kept = until;
    this.#snapshot = snapshot;
    this.#batch = null;
  }

  #keepTaken(): void {
    this.#kept = this.#taken;
    this.#snapshot = this.#takenSnapshot;
  }

  /** Nothing fails any more. */
  heal(): void {
    this.#trouble.isOver = true;
  }

  /** The broker says that it lives. */
  beat(now: Millis): void {
    this.#heartbeatAt = now;
  }

  /** The commit that a packet has to wait for which is sent now; 0: none. */
  get needed(): number {
    return this.#isChanging ? this.#changed : 0;
  }

  /** Whether the broker has to refuse a PUBLISH that it is about to handle, since it can't be kept. */
  refuses(clientId: string, topic: string, packet: PublishPacket): boolean {
    const broker = this.#broker;
    const publisher = broker?.sessions.get(clientId);
    if (!this.isFailing || broker === null || publisher === undefined) return false;
    const { qos, retain, payload, properties } = packet;
    const content = { topic, qos, retain, payload, properties, expiresAt: null };
    return isForStore(broker, publisher, { ...content, frame: null, owned: false, keepers: 0 });
  }

  /** A packet leaves that was to wait for a commit. */
  expectKept(said: Said, detail: unknown): void {
    demand(!this.#isUnkept(said), "nothing is promised before it is kept", detail);
  }

  /** A will that can't be kept as published is published all the same. */
  #isUnkept({ needed, isPromise }: Said): boolean {
    return needed > (isPromise ? this.#kept : Math.max(this.#kept, this.#given));
  }

  /** If nothing is left to keep, the store has what the broker has. */
  expectSame(): void {
    const broker = this.#broker;
    const isBehind = this.#batch !== null || this.isFailing;
    if (broker === null || isBehind || broker.journal?.isClean !== true) return;
    expectEqual(stateOfStore(this.kept.load()), stateOfBroker(broker));
  }

  /** The broker dies: what it has handed over last is kept as a whole, or not at all. */
  tear(now: Millis, isBehind: boolean): Legacy {
    if (this.#dice.happens(0.5)) this.#keep();
    this.#batch = null;
    const restored = new Broker({ durable: true }, now);
    const copy = this.kept.copy();
    expectAccounts(copy.load());
    restored.handle({ type: "loaded", part: copy.load(), heartbeatAt: now, isBehind: false }, now);
    restored.handle({ type: "listening" }, now);
    expectRecounted(restored, false);
    copy.apply(restored.journal?.take() ?? []);
    expectEqual(stateOfStore(copy.load()), stateOfBroker(restored));
    return {
      ...{ kept: this.kept, snapshot: this.#snapshot },
      ...{ heartbeatAt: this.#heartbeatAt, isBehind, changed: this.#changed },
    };
  }
}

/** When batches fail: some in a row, some after another. */
class Trouble {
  readonly #dice: WorldDice;
  /** Batches until it begins, on average; 0: never. */
  readonly #every: number;
  readonly #longest: number;
  #left = 0;
  #failure: StoreFailure = failures[0];
  /** The world has healed. */
  isOver = false;

  constructor(dice: WorldDice) {
    this.#dice = dice;
    this.#every = dice.pick([0, 0, 5, 30]);
    this.#longest = dice.pick([1, 3, 10]);
  }

  /** Why the next batch fails; null: it is kept. */
  next(): StoreFailure | null {
    if (this.#every === 0 || this.isOver) return null;
    if (this.#left === 0 && this.#dice.happens(1 / this.#every)) {
      this.#left = this.#dice.between(1, this.#longest);
      this.#failure = this.#dice.pick(failures);
    }
    if (this.#left === 0) return null;
    this.#left -= 1;
    return this.#failure;
  }
}

const failures = [
  { isFull: true, detail: "the disk is full", isNoted: true },
  { isFull: false, detail: "the disk reports an error", isNoted: false },
] as const;

/** Of each will that is kept as undecided there is one: no other fate can come. */
function expectAccounts({ willRecords, sessions }: StoredPart): void {
  for (const { fate, clientId, armedAt } of willRecords) {
    const isThere = sessions.some(
      ({ session, will }) => session.clientId === clientId && will?.armedAt === armedAt,
    );
    demand(fate !== null || isThere, "each will that is remembered has its fate", clientId);
  }
}

function expectEqual(store: DurableState, broker: DurableState): void {
  demand(Bun.deepEquals(store, broker), "the store has what the broker has", { store, broker });
}
