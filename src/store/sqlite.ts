import type { Changes, StoredPart, StoreFailure } from "../core/durable.ts";
import type { Millis } from "../core/io.ts";
import { encodeBatch, type EncodedRows } from "./batch.ts";
import type { StoreError } from "./faults.ts";
import type { OpenFile } from "./file.ts";
import { PartReader } from "./parts.ts";
import type { CommitFigures, FileFacts, PastRun } from "./store.ts";
import { type Committed, StoreThread } from "./store-thread.ts";
import type { Answers } from "./thread-messages.ts";

export interface SqliteSettings extends OpenFile {
  /** A heartbeat could not be written, or (null) could again; a commit's failure goes to its `done`. */
  readonly onTrouble: (error: StoreError | null) => void;
  /** Runs work in the next turn of the loop. */
  readonly soon: (work: () => void) => void;
  /** The thread itself ended: a fault of our own. */
  readonly onFault: (cause: unknown) => void;
}

/** Keeps what outlives the process in an SQLite file, on a thread of its own. It knows no rule of MQTT. */
export class SqliteStore {
  /** The runs before this one, the latest last. */
  readonly pastRuns: readonly PastRun[];
  /** Of what the broker before has left; null: nothing is wrong with it. */
  readonly warning: string | null;
  readonly #thread: StoreThread;
  readonly #soon: SqliteSettings["soon"];

  private constructor(
    thread: StoreThread,
    { pastRuns, warning }: Answers["open"],
    soon: SqliteSettings["soon"],
  ) {
    this.#thread = thread;
    this.#soon = soon;
    this.pastRuns = pastRuns;
    this.warning = warning;
  }

  get commits(): CommitFigures {
    return this.#thread.commits;
  }

  /** Opens or creates the file of a folder. Throws StoreError, and leaves nothing open. */
  static async open({ onTrouble, onFault, soon, ...file }: SqliteSettings): Promise<SqliteStore> {
    const thread = new StoreThread(file, onTrouble, onFault);
    try {
      return new SqliteStore(thread, await thread.opened, soon);
    } catch (cause) {
      await thread.end();
      throw cause;
    }
  }

  /**
   * Reads everything, part by part, each small enough for one turn of the loop. Only before the
   * first commit. Throws StoreError.
   */
  async *load(): AsyncIterable<StoredPart> {
    const reader = new PartReader();
    let asked = this.#thread.ask({ ask: "read" });
    for (;;) {
      const { rows } = await asked;
      if (rows === null) break;
      // The thread reads on while this part is restored.
      asked = this.#thread.ask({ ask: "read" });
      yield reader.read(rows);
    }
    yield reader.end();
  }

  /**
   * Keeps a batch, all of it or nothing; a large one is encoded in several turns of the loop. Calls
   * `done` once, after this has returned. One batch at a time.
   */
  commit(changes: Changes, done: (failure: StoreFailure | null) => void): void {
    this.#send(encodeBatch(changes), (error, isNoted) => done(error?.failure(isNoted) ?? null));
  }

  #send(batch: Iterator<EncodedRows, void, void>, done: Committed): void {
    const next = batch.next();
    if (next.done === true) return;
    const { of, rows } = next.value;
    if (of === "part") {
      this.#thread.add(rows);
      return this.#soon(() => this.#send(batch, done));
    }
    if (of === "last") return this.#thread.commit(rows, done);
    this.#thread.commitAlone(rows, (error, isNoted) => {
      if (error === null) this.#send(batch, done);
      else done(error, isNoted);
    });
  }

  /**
   * Notes that the broker lives. `isBehind`: something that changed before has not been committed, and
   * nobody waits for it.
   */
  heartbeat(at: Millis, isBehind = false): void {
    this.#thread.post({ ask: "heartbeat", at, isBehind });
  }

  async facts(): Promise<FileFacts> {
    const { facts } = await this.#thread.ask({ ask: "facts" });
    return facts;
  }

  /**
   * Notes the orderly stop and closes, after all that the thread has been handed. A batch whose last
   * part has not been is not kept. `isBehind`: not everything was committed. Throws StoreError.
   */
  async close(at: Millis, isBehind = false): Promise<void> {
    try {
      await this.#thread.ask({ ask: "close", at, isBehind });
    } finally {
      await this.#thread.end();
    }
  }
}
