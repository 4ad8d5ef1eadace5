import { signalCodes } from "../config/signal-codes.ts";

type Stop = "SIGINT" | "SIGTERM";

/**
 * INT and TERM ask for an orderly stop, a second one for a stop at once; HUP reloads, USR1 reports.
 * Where a platform lacks one of them it never comes.
 */
export class StopSignals {
  /** Resolves with the first one. */
  readonly stop: Promise<Stop>;
  /** Resolves with the exit code of the second one. */
  readonly again: Promise<number>;
  onReload: () => void = () => {};
  onReport: () => void = () => {};
  readonly #handlers: [NodeJS.Signals, () => void][];

  constructor() {
    const first = Promise.withResolvers<Stop>();
    const second = Promise.withResolvers<number>();
    let asked = false;
    const received = (signal: Stop) => (): void => {
      if (asked) second.resolve(signalCodes[signal]);
      asked = true;
      first.resolve(signal);
    };
    this.stop = first.promise;
    this.again = second.promise;
    this.#handlers = [
      ["SIGINT", received("SIGINT")],
      ["SIGTERM", received("SIGTERM")],
      ["SIGHUP", () => this.onReload()],
      ["SIGUSR1", () => this.onReport()],
    ];
    for (const [signal, handler] of this.#handlers) process.on(signal, handler);
  }

  close(): void {
    for (const [signal, handler] of this.#handlers) process.off(signal, handler);
  }
}
