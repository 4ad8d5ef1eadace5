import type { StreamedEvent } from "../api/api.ts";
import { type Missed, tailLine } from "../inspect/tail.ts";
import type { Surroundings } from "./command.ts";
import type { Output } from "./inspect-output.ts";

type PrintedTo = Pick<Surroundings, "print" | "flushed">;

/** Characters that wait for the reader of stdout. */
export const waitingMaxChars = 1024 * 1024;

/**
 * Prints events no faster than stdout is read. The stream is always read, since the broker closes
 * one that is not: events that arrive while too much output waits are dropped, and a line counts
 * them.
 */
export class TailPrinter {
  /** Resolves when the reader closes the output; rejects when it can't be written. */
  readonly outputClosed: Promise<void>;
  readonly #surroundings: PrintedTo;
  readonly #lineOf: (event: StreamedEvent | Missed) => string;
  readonly #closed = Promise.withResolvers<void>();
  #waiting = 0;
  #missed = 0;

  constructor(
    { json, style }: Pick<Output, "json" | "style">,
    surroundings: PrintedTo,
    like: string | null,
  ) {
    this.#surroundings = surroundings;
    this.#lineOf = (event) => tailLine(event, { ...style, like, json }, Date.now());
    this.outputClosed = this.#closed.promise;
  }

  add(event: StreamedEvent | Missed): void {
    if (this.#missed > 0 || this.#waiting > waitingMaxChars) {
      this.#missed += "missed" in event ? event.missed : 1;
    } else this.#print(event);
  }

  /** Resolves when all lines have been read, the count of dropped events too. */
  async flushed(): Promise<void> {
    while (this.#waiting > 0 && (await this.#surroundings.flushed()));
  }

  #print(event: StreamedEvent | Missed): void {
    const line = this.#lineOf(event);
    this.#waiting += line.length;
    this.#surroundings.print(line);
    this.#surroundings.flushed().then((isRead) => {
      this.#waiting -= line.length;
      if (!isRead) this.#closed.resolve();
      else if (this.#waiting === 0 && this.#missed > 0) {
        const missed = this.#missed;
        this.#missed = 0;
        this.#print({ missed });
      }
    }, this.#closed.reject);
  }
}
