import path from "node:path";
import { setTimeout } from "node:timers/promises";
import type { Restart, StoreAccount } from "../api/api.ts";
import { usageError } from "../config/cli-error.ts";
import { bare } from "../config/problem.ts";
import type { StoreSettings } from "../config/settings.ts";
import { signOfLifeMs, type Changes, type Commit } from "../core/durable.ts";
import type { Millis } from "../core/io.ts";
import { duration } from "../log/duration.ts";
import type { LogEvent } from "../log/events.ts";
import { BackgroundCommits } from "../store/background.ts";
import { remedy, StoreError } from "../store/faults.ts";
import { fileName } from "../store/folder.ts";
import { SqliteStore } from "../store/sqlite.ts";
import type { PastRun } from "../store/store.ts";
import type { Clock } from "./driver/clock.ts";
import type { Driver } from "./driver/driver.ts";
import type { Loop } from "./driver/loop.ts";
import { garbageCollector } from "./platform.ts";
import { restartsOf } from "./restarts.ts";

/** Milliseconds for which an orderly stop waits until everything is kept. */
const lastCommitMs = 5000;

/** After so many parts (of 128 KiB or one large message) much of the process is garbage. */
const partsOfMuch = 75;

/** What the store asks of the driver. */
type StoringDriver = Pick<Driver, "order" | "isKept" | "isBehind" | "keepRecords">;

interface PersistenceParts {
  readonly clock: Clock;
  readonly loop: Loop;
  readonly version: string;
  readonly note: (event: LogEvent) => void;
  readonly onFault: (cause: unknown) => void;
}

/** The store of a running broker. */
export class Persistence {
  readonly commit: Commit;
  /** Null: a commit is done when it is kept. */
  readonly #background: BackgroundCommits | null;
  /** The path of its file. */
  readonly file: string;
  readonly #store: SqliteStore;
  readonly #settings: StoreSettings;
  /** Names the setting and the folder in an error. */
  readonly #at: string;
  readonly #clock: Clock;
  readonly #warn: (text: string) => void;
  #heartbeat: ReturnType<typeof setInterval> | null = null;
  #isServing = false;
  /** What restoring changed: kept once clients can connect, since the start may fail. */
  #early: (() => void) | null = null;
  /** The last commit; null: none yet. */
  #lastAt: Millis | null = null;
  /** What it failed with; null: it did not. */
  #failure: string | null = null;
  /** The same of the last heartbeat. */
  readonly #heartbeats: Heartbeats;

  private constructor(
    store: SqliteStore,
    settings: StoreSettings,
    at: string,
    heartbeats: Heartbeats,
    { clock, loop, note }: PersistenceParts,
  ) {
    this.#store = store;
    this.#heartbeats = heartbeats;
    this.file = path.resolve(settings.path ?? "", fileName);
    this.#settings = settings;
    this.#at = at;
    this.#clock = clock;
    this.#warn = (text) => note({ event: "warning", text });
    const commit: Commit = (changes, done) => {
      if (this.#isServing) this.#commit(changes, done);
      else this.#early = () => this.#commit(changes, done);
    };
    this.#background =
      settings.durability === "off"
        ? new BackgroundCommits(commit, loop, ({ detail }) =>
            this.#warn(`the store writes nothing at the moment: ${detail}`),
          )
        : null;
    this.commit = this.#background?.commit ?? commit;
  }

  #commit(changes: Changes, done: Parameters<Commit>[1]): void {
    this.#store.commit(changes, (failure) => {
      this.#failure = failure?.detail ?? null;
      if (failure === null) this.#lastAt = this.#clock.now();
      done(failure);
    });
  }

  /** Null: nothing outlives the process. `at`: names the setting in an error. Throws CliError. */
  static async open(
    settings: StoreSettings,
    at: string,
    parts: PersistenceParts,
  ): Promise<Persistence | null> {
    const { path: folder, durability } = settings;
    if (folder === null) return null;
    const { version, note, onFault } = parts;
    const named = `${at} ${bare(folder)}`;
    const heartbeats = new Heartbeats(note);
    try {
      const store = await SqliteStore.open({
        folder: path.resolve(folder),
        ...{ durability, version },
        onTrouble: (error) => heartbeats.told(error),
        onFault,
        soon: (work) => parts.loop.soon(work),
      });
      if (store.warning !== null) note({ event: "warning", text: `${named}: ${store.warning}` });
      const file = path.resolve(folder, fileName);
      note({ event: "storeOpened", file, isNew: store.pastRuns.length === 0 });
      return new Persistence(store, settings, named, heartbeats, parts);
    } catch (cause) {
      throw refusal(cause, named);
    }
  }

  /** Makes state of what is kept, part by part. Throws CliError. */
  async restore(driver: StoringDriver): Promise<void> {
    const { pastRuns } = this.#store;
    const last = pastRuns.at(-1);
    if (last === undefined) return;
    this.#warnOfGap(last);
    let parts = 0;
    try {
      for await (const part of this.#store.load()) {
        const heartbeatAt = last.stopped ?? last.heartbeat;
        driver.order({ type: "loaded", part, heartbeatAt, isBehind: last.keptUntil !== null });
        parts += 1;
      }
      driver.order({ type: "loadedAll" });
      // Before clients can connect: what parts were made of is garbage by now.
      if (parts > partsOfMuch) (await garbageCollector())?.all();
    } catch (cause) {
      throw refusal(cause, this.#at);
    }
  }

  /** What is restored may be older than the end of the broker before. */
  #warnOfGap({ stopped, heartbeat, keptUntil }: PastRun): void {
    if (keptUntil === null) return;
    const gap = duration((stopped ?? heartbeat) - keptUntil);
    this.#warn(
      `the store had not kept everything of the last ${gap} of the broker before: sessions live as much longer, and wills may come twice`,
    );
  }

  /** Clients can connect. From now on the store knows that the broker lives. */
  start(driver: StoringDriver): void {
    const beat = (): void => this.#store.heartbeat(this.#clock.now(), driver.isBehind);
    // Before all that this broker keeps.
    beat();
    this.#heartbeat = setInterval(() => {
      beat();
      driver.keepRecords();
    }, signOfLifeMs);
    this.#isServing = true;
    this.#early?.();
    this.#early = null;
    driver.order({ type: "listening" });
  }

  /** The brokers before this one, which started at `backAt`, the latest first. */
  restarts(backAt: Millis): Restart[] {
    return restartsOf(this.#store.pastRuns, backAt);
  }

  /** Whether one of the runs before this one was that process. */
  isOf(pid: number): boolean {
    return this.#store.pastRuns.some((run) => run.process === pid);
  }

  async account(): Promise<StoreAccount> {
    const { durability } = this.#settings;
    const facts = await this.#store.facts();
    const commits = { ...this.#store.commits, lastAt: this.#lastAt };
    return { ...facts, durability, commits, failure: this.#failure ?? this.#heartbeats.failure };
  }

  /** An orderly stop: keeps what is not kept yet, for a while. */
  async close(driver: StoringDriver): Promise<void> {
    this.stop();
    const until = performance.now() + lastCommitMs;
    driver.keepRecords();
    const isKept = (): boolean => driver.isKept && this.#background?.isIdle !== false;
    while (!isKept() && performance.now() < until) await setTimeout(5);
    if (!isKept()) {
      this.#warn(`what changed last is not kept: the store has not taken it in ${lastCommitMs} ms`);
    }
    await this.#closeFile(!isKept());
  }

  /** Closes the file of a broker that could not start. */
  async abandon(): Promise<void> {
    await this.#closeFile(false);
  }

  async #closeFile(isBehind: boolean): Promise<void> {
    this.stop();
    try {
      await this.#store.close(this.#clock.now(), isBehind);
    } catch (cause) {
      if (!(cause instanceof StoreError)) throw cause;
      this.#warn(`the store could not be closed: ${cause.message}`);
    }
  }

  /** No more heartbeats. */
  stop(): void {
    if (this.#heartbeat !== null) clearInterval(this.#heartbeat);
    this.#heartbeat = null;
  }
}

/** Milliseconds for which a heartbeat's failure is not repeated in the log. */
const troubleSilenceMs = 60_000;

/** Logs that heartbeats fail; commits that fail have an event of their own. */
class Heartbeats {
  /** What the last one failed with; null: it did not. */
  failure: string | null = null;
  readonly #note: PersistenceParts["note"];
  #loggedAt = -Infinity;

  constructor(note: PersistenceParts["note"]) {
    this.#note = note;
  }

  told(error: StoreError | null): void {
    this.failure = error?.message ?? null;
    const now = performance.now();
    if (error === null || now - this.#loggedAt < troubleSilenceMs) return;
    this.#loggedAt = now;
    const text =
      error.fault === "moved"
        ? `${error.message}: nothing is kept until it is back as it was (${remedy(error.fault)})`
        : `the store can't note that the broker lives: ${error.message}`;
    this.#note({ event: "warning", text });
  }
}

/** A store that can't be used at the start, as one line. */
function refusal(cause: unknown, at: string): unknown {
  if (!(cause instanceof StoreError)) return cause;
  return usageError(`${at}: ${cause.message}`, remedy(cause.fault));
}
