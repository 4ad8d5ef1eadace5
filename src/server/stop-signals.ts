import { signalCodes } from "../config/signal-codes.ts";

type Stop = "SIGINT" | "SIGTERM";

/**
 * INT and TERM request an orderly stop, a second one an immediate stop; HUP reloads the
 * configuration, USR1 logs the state. A platform without one of these signals never sends it.
 */
export class StopSignals {
  /** Resolves with the first stop signal. */
  readonly stop: Promise<Stop>;
  /** Resolves with the exit code for the second stop signal. */
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
