import { signalCodes } from "../config/signal-codes.ts";

/**
 * Stops a command on a signal: in order on the first, at once on the second. For commands that
 * clean up before they exit. Handles the signals until `close`.
 */
export class Interrupt {
  readonly signal: AbortSignal;
  /** Resolves with the exit code when a second signal comes. */
  readonly again: Promise<number>;
  /** Runs at the first signal. */
  onFirst: () => void = () => {};
  #exitCode: number | null = null;
  #isUrgent = false;
  readonly #handlers: (readonly [NodeJS.Signals, () => void])[];

  constructor() {
    const abort = new AbortController();
    const again = Promise.withResolvers<number>();
    this.signal = abort.signal;
    this.again = again.promise;
    this.#handlers = Object.entries(signalCodes).map(([name, code]) => {
      const handler = (): void => {
        if (this.#exitCode !== null) {
          this.#isUrgent = true;
          return again.resolve(code);
        }
        this.#exitCode = code;
        abort.abort();
        this.onFirst();
      };
      // The keys of the table are names of signals.
      return [name as keyof typeof signalCodes, handler] as const;
    });
    for (const [signal, handler] of this.#handlers) process.on(signal, handler);
  }

  /** Of the first signal; null: none yet. */
  get exitCode(): number | null {
    return this.#exitCode;
  }

  /** Whether a second signal came. */
  get isUrgent(): boolean {
    return this.#isUrgent;
  }

  close(): void {
    for (const [signal, handler] of this.#handlers) process.off(signal, handler);
  }
}
