import { Worker } from "node:worker_threads";
import { StoreError } from "./faults.ts";
import type { OpenFile } from "./file.ts";
import type { CommitFigures } from "./store.ts";
import type { Answers, Failure, FromThread, ToThread } from "./thread-messages.ts";

declare const MQTTD_STORE_WORKER: string;

/** In a build it is an entry point of its own, at a place that the build knows. */
function workerUrl(): URL {
  const built = typeof MQTTD_STORE_WORKER === "string" ? MQTTD_STORE_WORKER : "./worker.ts";
  return new URL(built, import.meta.url);
}

interface Question {
  readonly answer: (message: FromThread) => void;
  readonly fail: (cause: unknown) => void;
}

/** Commits of which the median is known. */
const recentMax = 1000;

export type Committed = (error: StoreError | null, isNoted: boolean) => void;

/** The broker's end of the thread that has a store's file. */
export class StoreThread {
  readonly opened: Promise<Answers["open"]>;
  readonly #figures = { count: 0, failed: 0, longestMs: 0 };
  /** Of the last commits, in milliseconds; a ring. */
  readonly #recent: number[] = [];
  readonly #worker: Worker;
  /** Unanswered, the oldest first; commits are not among them. */
  readonly #questions: Question[] = [];
  readonly #onTrouble: (error: StoreError | null) => void;
  #committed: Committed | null = null;
  #isEnding = false;

  constructor(
    file: OpenFile,
    onTrouble: (error: StoreError | null) => void,
    onFault: (cause: unknown) => void,
  ) {
    this.#onTrouble = onTrouble;
    this.#worker = new Worker(workerUrl(), { workerData: file });
    this.opened = this.#answer<"open">();
    const failed = (cause: unknown): void => {
      for (const { fail } of this.#questions.splice(0)) fail(cause);
      if (!this.#isEnding) onFault(cause);
    };
    this.#worker.on("error", failed);
    this.#worker.on("exit", () => failed(new Error("the thread of the store has ended")));
    this.#worker.on("message", (message: FromThread) => this.#told(message));
  }

  get commits(): CommitFigures {
    const sorted = this.#recent.toSorted((a, b) => a - b);
    return { ...this.#figures, medianMs: sorted[sorted.length >> 1] ?? null };
  }

  /** Rejects with a StoreError. */
  async ask<K extends "read" | "facts" | "close">(
    question: Extract<ToThread, { readonly ask: K }>,
  ): Promise<Answers[K]> {
    const answer = this.#answer<K>();
    this.post(question);
    return answer;
  }

  post(message: ToThread): void {
    this.#worker.postMessage(message, []);
  }

  /** Hands over rows, whose buffer is empty then: they belong to the next `commit`. */
  add(rows: Uint8Array<ArrayBuffer>): void {
    this.#hand({ ask: "add", rows });
  }

  /** Ends a transaction with these rows. One at a time. If it fails, what was added is gone too. */
  commit(rows: Uint8Array<ArrayBuffer>, done: Committed): void {
    this.#committed = done;
    this.#hand({ ask: "commit", rows });
  }

  /** Commits rows without those that were added. If that fails, they are gone. */
  commitAlone(rows: Uint8Array<ArrayBuffer>, done: Committed): void {
    this.#committed = done;
    this.#hand({ ask: "commitAlone", rows });
  }

  #hand(message: ToThread & { readonly rows: Uint8Array<ArrayBuffer> }): void {
    this.#worker.postMessage(message, [message.rows.buffer]);
  }

  async end(): Promise<void> {
    this.#isEnding = true;
    await this.#worker.terminate();
  }

  async #answer<K extends keyof Answers>(): Promise<Answers[K]> {
    return new Promise((resolve, reject) => {
      // The thread answers in the order of the questions, each with what belongs to it.
      const answer = (message: FromThread): void => resolve(message as unknown as Answers[K]);
      this.#questions.push({ answer, fail: reject });
    });
  }

  #told(message: FromThread): void {
    switch (message.to) {
      case "commit":
        return this.#tellCommitted(message);
      case "heartbeat":
        return this.#onTrouble(message.failure === null ? null : errorOf(message.failure));
      case "failed":
        return this.#questions.shift()?.fail(errorOf(message.failure));
      default:
        return this.#questions.shift()?.answer(message);
    }
  }

  #tellCommitted({ failure, isNoted, tookMs }: Answers["commit"]): void {
    const figures = this.#figures;
    this.#recent[(figures.count + figures.failed) % recentMax] = tookMs;
    if (failure === null) figures.count += 1;
    else figures.failed += 1;
    figures.longestMs = Math.max(figures.longestMs, tookMs);
    const committed = this.#committed;
    this.#committed = null;
    committed?.(failure === null ? null : errorOf(failure), isNoted);
  }
}

function errorOf({ fault, detail }: Failure): StoreError {
  return new StoreError(fault, detail);
}
