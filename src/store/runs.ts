import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Millis } from "../core/io.ts";
import { type LastSign, lastSign, SignOfLife, UnreadableSign } from "./sign-of-life.ts";
import type { PastRun } from "./store.ts";

/** Runs that the file remembers. */
const runsKept = 100;

/**
 * The runs of brokers on a store's file: a row each, which has its signs of life, and a file beside it
 * with those of the latest. Throws the errors of SQLite and of the system.
 */
export class Runs {
  readonly #folder: string;
  readonly #database: DatabaseSync;
  /** Of the broker before, unless it stopped in order. */
  readonly #before: LastSign | UnreadableSign | null;
  /** Null: the broker does not serve yet. Until then the file tells of the one before. */
  #run: number | null = null;
  #heartbeat: StatementSync | null = null;
  #sign: SignOfLife | null = null;

  constructor(folder: string, database: DatabaseSync) {
    this.#folder = folder;
    this.#database = database;
    this.#before = lastSign(folder);
  }

  /** The runs before this one, the latest last. */
  past(): PastRun[] {
    return this.#database
      .prepare("SELECT * FROM run WHERE run IS NOT ? ORDER BY run")
      .all(this.#run)
      .map(({ run, version, process, started, heartbeat, stopped }, index, all) => {
        const inFile = Number(heartbeat) as Millis;
        const isLast = index === all.length - 1;
        const sign = this.#signOf(Number(run), isLast, inFile);
        return {
          version: String(version),
          process: Number(process),
          started: Number(started) as Millis,
          heartbeat: Math.max(inFile, sign?.at ?? 0) as Millis,
          keptUntil: sign === null || sign.kept === 0 || sign.kept >= sign.at ? null : sign.kept,
          stopped: stopped === null ? null : (Number(stopped) as Millis),
        };
      });
  }

  /** What is beside the file of a run. One that can't be read is of the last, and claims nothing. */
  #signOf(run: number, isLast: boolean, inFile: Millis): Pick<LastSign, "at" | "kept"> | null {
    const before = this.#before;
    if (before instanceof UnreadableSign) return isLast ? { at: before.at, kept: inFile } : null;
    return before?.run === run ? before : null;
  }

  /** ` 1.2.3`: of the broker before; empty: in a newer form it can't be read. */
  get lastVersion(): string {
    try {
      const last = this.#database.prepare("SELECT version FROM run ORDER BY run DESC").get();
      return last === undefined ? "" : ` ${String(last["version"])}`;
    } catch {
      return "";
    }
  }

  /** Why the signs of life of the broker before can't be read, as a clause; null: they can. */
  get unreadable(): string | null {
    return this.#before instanceof UnreadableSign ? this.#before.why : null;
  }

  /**
   * Whether the file has all that the broker before knew to be on the disk. `isEmpty`: it has no tables.
   */
  areWhole(isEmpty: boolean): boolean {
    if (this.#before === null) return true;
    // Then nobody knows how far it has to reach.
    if (this.#before instanceof UnreadableSign) return !isEmpty;
    if (this.#before.kept === 0) return true;
    if (isEmpty) return false;
    const { run, kept } = this.#before;
    const found = this.#database.prepare("SELECT heartbeat FROM run WHERE run = ?").get(run);
    return found !== undefined && Number(found["heartbeat"]) >= kept;
  }

  /** A sign of life in the file; the first begins the run of this broker. */
  beat(at: Millis, version: string): void {
    if (this.#run === null) this.#begin(at, version);
    else this.#heartbeat?.run(whole(at), this.#run);
  }

  #begin(at: Millis, version: string): void {
    const database = this.#database;
    const { lastInsertRowid } = database
      .prepare("INSERT INTO run (version, process, started, heartbeat) VALUES (?, ?, ?, ?)")
      .run(version, process.pid, whole(at), whole(at));
    const run = Number(lastInsertRowid);
    this.#run = run;
    this.#heartbeat = database.prepare("UPDATE run SET heartbeat = ? WHERE run = ?");
    database.exec(`DELETE FROM run WHERE run <= ${run - runsKept}`);
  }

  /**
   * A sign of life beside the file. `isKept`: the file has it too, and on the disk. What can't be opened
   * now is opened the next time.
   */
  sign(at: Millis, isKept: boolean): void {
    if (this.#run === null) return;
    this.#sign ??= new SignOfLife(this.#folder, this.#run);
    this.#sign.write(whole(at), isKept);
  }

  /**
   * Notes beside the file that the broker lives and the file is behind, on the disk. Returns whether it
   * is noted.
   */
  signBehind(): boolean {
    return this.#sign?.writeBehind() ?? false;
  }

  /** An orderly stop, if this broker served. */
  stop(at: Millis): void {
    if (this.#run === null) return;
    this.#database
      .prepare("UPDATE run SET heartbeat = ?, stopped = ? WHERE run = ?")
      .run(whole(at), whole(at), this.#run);
  }

  /** Once the file is closed. */
  close(): void {
    this.#sign?.remove();
  }

  /** The same, and what is in the folder is another's. */
  leave(): void {
    this.#sign?.close();
  }
}

/** Milliseconds of a run count whole in the file. */
function whole(at: Millis): number {
  return Math.floor(at);
}
