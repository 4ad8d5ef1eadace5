import { accessSync, constants, linkSync, mkdirSync, renameSync, rmSync, statSync } from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Millis } from "../core/io.ts";
import { StoreCopy } from "./copy.ts";
import { StoreError, storeErrorOf, type StoreFault } from "./faults.ts";
import { createPrivate, fileName, refuseEmpty, refuseFile, sizeOf } from "./folder.ts";
import { holderOf, removeHolder, writeHolder } from "./holder.ts";
import { InPlace } from "./in-place.ts";
import { rowKinds, rowsOf } from "./rows.ts";
import { Runs } from "./runs.ts";
import { signName } from "./sign-of-life.ts";
import { applicationId, migrations } from "./schema.ts";
import type { Durability, FileFacts, PastRun } from "./store.ts";
import { Tables } from "./tables.ts";

export interface OpenFile {
  readonly folder: string;
  readonly durability: Durability;
  /** Of the running mqttd: goes into the records of its runs. */
  readonly version: string;
}

/** Pages of 4 KiB in the write-ahead log after which it goes into the file. */
const checkpointPages = 1000;

/** Free pages that stay in the file, and those that leave it at a time. */
const sparePages = 256;
const vacuumPages = 2048;

/** How long to wait for whoever has the file open: the broker before may still be closing it. */
const lockWaitMs = 2000;

/**
 * A store's file in SQLite (write-ahead log), synchronous. Everything that goes wrong is a StoreError.
 * One process has it open at a time: SQLite's lock ends with the process, however that ends.
 */
export class StoreFile {
  readonly path: string;
  readonly #folder: string;
  readonly #database: DatabaseSync;
  /** Null: it is the file itself that is open. */
  readonly #copy: StoreCopy | null;
  readonly #runs: Runs;
  #tables: Tables | null = null;
  readonly #inPlace: InPlace;
  #version = "";
  #isHolder = false;
  /** A batch failed, and has not been kept since. */
  #isBehind = false;
  #durability: Durability = "normal";

  private constructor(folder: string, database: DatabaseSync, copy: StoreCopy | null) {
    this.#folder = folder;
    this.#copy = copy;
    this.path = path.join(folder, fileName);
    this.#database = database;
    this.#runs = new Runs(folder, database);
    this.#inPlace = new InPlace(folder);
    this.#inPlace.note(fileName);
  }

  /** Opens a folder's file for a broker; creates both if need be, and brings an older file up to date. */
  static open({ folder, durability, version }: OpenFile): StoreFile {
    return told(() => {
      refuseFile(folder);
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      refuseEmpty(folder);
      createPrivate(path.join(folder, fileName));
      // The system's words are plainer than those of SQLite, which can't lock such a file.
      for (const name of [folder, path.join(folder, fileName)]) accessSync(name, constants.W_OK);
      const file = StoreFile.#connect(folder);
      try {
        file.#prepare(durability, version);
        return file;
      } catch (cause) {
        file.#leave();
        throw ofHeader(cause);
      }
    });
  }

  /** Opens a copy of the file of a broker that is not running, to read it: the folder stays as it is. */
  static openToRead(folder: string): StoreFile {
    return told(() => {
      if (!refuseFile(folder)) throw new StoreError("foreign", "there is no such folder");
      if (statSync(path.join(folder, fileName), { throwIfNoEntry: false }) === undefined) {
        throw new StoreError("foreign", `there is no ${fileName} in this folder`);
      }
      refuseEmpty(folder);
      const copy = new StoreCopy(folder, fileName);
      try {
        const file = StoreFile.#connect(folder, copy);
        try {
          file.#check();
          file.#migrate(false);
          return file;
        } catch (cause) {
          file.#database.close();
          throw cause;
        }
      } catch (cause) {
        copy.remove();
        throw cause;
      }
    });
  }

  static #connect(folder: string, copy: StoreCopy | null = null): StoreFile {
    const database = new DatabaseSync(path.join(copy?.folder ?? folder, fileName));
    try {
      // Before the first read: then the index of the log is memory of this process alone.
      database.exec(`PRAGMA busy_timeout = ${lockWaitMs}; PRAGMA locking_mode = EXCLUSIVE`);
      database.prepare("SELECT count(*) FROM sqlite_schema").get();
    } catch (cause) {
      database.close();
      throw named(cause, folder);
    }
    return new StoreFile(folder, database, copy);
  }

  /** Writes nothing into a file that is up to date: the start may yet fail. */
  #prepare(durability: Durability, version: string): void {
    const database = this.#database;
    const isNew = this.#isEmpty;
    // Before anything is written: it may be another program's.
    if (isNew) this.#checkLog();
    else this.#check();
    // Takes effect in a file without tables. In others it would write, and the disk may be full.
    if (isNew) database.exec("PRAGMA auto_vacuum = INCREMENTAL");
    database.exec("PRAGMA journal_mode = WAL");
    database.exec(`PRAGMA wal_autocheckpoint = ${checkpointPages}`);
    // The log's file stays small after a burst.
    database.exec(`PRAGMA journal_size_limit = ${16 * 1024 * 1024}`);
    this.#durability = durability;
    this.#version = version;
    this.#migrate(isNew);
    // Pieces whose message never came: the broker ended between them.
    database.exec("DELETE FROM piece WHERE message NOT IN (SELECT message FROM message)");
    this.#sync(null);
    writeHolder(this.#folder);
    this.#isHolder = true;
  }

  #migrate(isNew: boolean): void {
    const missing = migrations.slice(this.#number("PRAGMA user_version"));
    if (missing.length === 0) return;
    const database = this.#database;
    database.exec("BEGIN IMMEDIATE");
    if (isNew) database.exec(`PRAGMA application_id = ${applicationId}`);
    for (const migration of missing) database.exec(migration);
    database.exec(`PRAGMA user_version = ${migrations.length}`);
    database.exec("COMMIT");
    // So that later checkpoints of a small store need no more room than the file has.
    database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  }

  /** Whether it is ours, of a version that we know, and whole. */
  #check(): void {
    if (this.#isEmpty) this.#checkLog();
    if (this.#number("PRAGMA application_id") !== applicationId) {
      throw new StoreError("foreign", "it is no store of mqttd");
    }
    const version = this.#number("PRAGMA user_version");
    if (version > migrations.length) {
      throw new StoreError(
        "newer",
        `mqttd.db was written by a newer mqttd${this.#runs.lastVersion} (form ${version}, this one knows ${migrations.length})`,
      );
    }
    const found = this.#database.prepare("PRAGMA quick_check(1)").get();
    // The name of the database, then what is wrong, on lines of their own.
    const [verdict = ""] = String(Object.values(found ?? {})[0])
      .split("\n")
      .slice(-1);
    if (verdict !== "ok") throw new StoreError("damaged", `mqttd.db is damaged: ${verdict}`);
    this.#checkLog();
  }

  /**
   * SQLite takes a log that is missing, or that has a wrong byte, for one that ends there. What the
   * broker before knew to be on the disk has to be in it; what came after that may be cut.
   */
  #checkLog(): void {
    if (!this.#runs.areWhole(this.#isEmpty)) {
      throw new StoreError("cut", `its write-ahead log (${fileName}-wal) is missing or damaged`);
    }
  }

  /** Closes a file that can't be used, with its log as it is: SQLite deletes a log that it has read. */
  #leave(): void {
    const log = `${this.path}-wal`;
    const other = `${log}.kept`;
    if (sizeOf(log) === 0) return this.#database.close();
    rmSync(other, { force: true });
    linkSync(log, other);
    this.#database.close();
    renameSync(other, log);
    // Renaming does nothing if both are the same file.
    rmSync(other, { force: true });
  }

  /** What is kept, whole sessions one after another, as buffers of rows. */
  *read(): Generator<Uint8Array<ArrayBuffer>, void, void> {
    const rows = this.#rows.read();
    for (;;) {
      let next;
      try {
        next = rows.next();
      } catch (cause) {
        throw storeErrorOf(cause);
      }
      if (next.done === true) return;
      yield next.value;
    }
  }

  /**
   * A batch failed. Returns whether it is noted beside the file, so that the next broker will know that
   * the file is behind.
   */
  noteBehind(fault: StoreFault): boolean {
    this.#isBehind = true;
    // The next broker has another folder then.
    return fault !== "moved" && this.#runs.signBehind();
  }

  /** A batch was kept, with all that was handed in before. */
  noteKept(): void {
    this.#isBehind = false;
  }

  /** Carries out buffers of rows in one transaction: all of them or nothing. */
  apply(...buffers: readonly Uint8Array[]): void {
    told(() => {
      const database = this.#database;
      database.exec("BEGIN");
      try {
        for (const rows of buffers) for (const row of rowsOf(rows)) this.#rows.apply(row);
        database.exec("COMMIT");
      } catch (cause) {
        rollBack(database);
        this.#makeRoom(cause);
        throw cause;
      }
      this.#expectInPlace();
    });
  }

  /** On a full disk: the log may have many forms of pages that the file has room for. */
  #makeRoom(cause: unknown): void {
    if (storeErrorOf(cause).fault !== "full") return;
    try {
      this.#database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    } catch {
      // There is no room for that either. The batch comes again.
    }
  }

  /** What was just written is in the folder. Begins another log if that alone was deleted. */
  #expectInPlace(): void {
    const log = `${fileName}-wal`;
    this.#inPlace.expect(fileName);
    if (this.#inPlace.isGone(log)) {
      // Takes the log into the file, which makes it whole.
      this.#database.exec("PRAGMA journal_mode = DELETE; PRAGMA journal_mode = WAL");
      this.#inPlace.forget(log);
    } else {
      this.#inPlace.note(log);
      this.#inPlace.expect(log);
    }
  }

  /**
   * Notes that the broker lives, from the moment that clients can connect; beside the file also if it
   * takes nothing. With `normal`, what was committed before is on the disk when this returns: SQLite
   * itself syncs the log only when it goes into the file. `isBehind`: something that changed before has
   * not been handed in.
   */
  heartbeat(at: Millis, isBehind = false): void {
    told(() => {
      let isKept = false;
      try {
        if (this.#durability === "normal") this.#sync("FULL");
        this.#runs.beat(at, this.#version);
        this.#expectInPlace();
        isKept = this.#durability !== "off" && !this.#isBehind && !isBehind;
      } catch (cause) {
        this.#makeRoom(cause);
        throw cause;
      } finally {
        this.#sync(null);
        this.#runs.sign(at, isKept);
      }
    });
  }

  /** `null`: what the durability asks of each commit. */
  #sync(level: "FULL" | null): void {
    const usual = { full: "FULL", normal: "NORMAL", off: "OFF" }[this.#durability];
    this.#database.exec(`PRAGMA synchronous = ${level ?? usual}`);
  }

  /** Gives back some room that is free in the file. Returns whether there is more. */
  shrink(): boolean {
    return told(() => {
      const free = this.#number("PRAGMA freelist_count");
      const pages = this.#number("PRAGMA page_count");
      if (free <= sparePages || free * 4 <= pages) return false;
      this.#database.exec(`PRAGMA incremental_vacuum(${vacuumPages})`);
      return true;
    });
  }

  /** Something about what the broker before has left, as a sentence without its end; null: nothing. */
  get warning(): string | null {
    const why = this.#runs.unreadable;
    if (why === null) return null;
    return `${signName} can't be read (${why}): the broker before counts as killed, and whether its last changes are missing is not known`;
  }

  /** The runs before this one, the latest last. */
  pastRuns(): PastRun[] {
    return told(() => this.#runs.past());
  }

  facts(): FileFacts {
    return told(() => ({
      path: this.path,
      bytes: sizeOf(this.path),
      logBytes: sizeOf(`${this.path}-wal`),
      freeBytes: this.#number("PRAGMA freelist_count") * this.#number("PRAGMA page_size"),
      rows: Object.fromEntries(
        rowKinds.map((kind) => [kind, this.#number(`SELECT count(*) FROM ${kind}`)]),
      ) as FileFacts["rows"],
    }));
  }

  /**
   * An orderly stop of a broker, if it served: everything is in the file then, and synced unless
   * durability is `off`. `isBehind`: something has not been handed in.
   */
  stop(at: Millis, isBehind = false): void {
    told(() => {
      this.#isBehind ||= isBehind;
      if (this.#durability !== "off") this.#sync("FULL");
      this.#runs.stop(at);
    });
  }

  close(): void {
    told(() => {
      // What is in the folder is another's.
      if (this.#isHolder && !this.#inPlace.has(fileName)) {
        this.#leave();
        this.#runs.leave();
        this.#inPlace.expect(fileName);
      }
      this.#database.close();
      this.#copy?.remove();
      if (this.#isHolder) removeHolder(this.#folder);
      if (this.#isBehind) this.#runs.leave();
      else this.#runs.close();
    });
  }

  get #isEmpty(): boolean {
    return this.#number("SELECT count(*) FROM sqlite_schema") === 0;
  }

  get #rows(): Tables {
    return (this.#tables ??= new Tables(this.#database));
  }

  #number(sql: string): number {
    return Number(Object.values(this.#database.prepare(sql).get() ?? {})[0]);
  }
}

/**
 * SQLite also says read-only of a file whose header asks for a form of writing that it does not know.
 * That it may be written was asked before.
 */
function ofHeader(cause: unknown): unknown {
  if (storeErrorOf(cause).fault !== "readOnly") return cause;
  return new StoreError("damaged", "mqttd.db is damaged: its header is not what was written", {
    cause,
  });
}

/** Names the process that has the file, if it can be known. */
function named(cause: unknown, folder: string): StoreError {
  const error = storeErrorOf(cause);
  if (error.fault !== "locked") return error;
  const holder = holderOf(folder);
  if (holder === null) return error;
  return new StoreError("locked", `another broker has it open (process ${holder})`, { cause });
}

function rollBack(database: DatabaseSync): void {
  try {
    database.exec("ROLLBACK");
  } catch {
    // SQLite has rolled back by itself, as it does when the disk is full.
  }
}

function told<T>(action: () => T): T {
  try {
    return action();
  } catch (cause) {
    throw storeErrorOf(cause);
  }
}
