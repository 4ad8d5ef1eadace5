import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";

/** How long a broker may take to stop in order. */
const orderlyMs = 3000;

/**
 * Runs a broker's command in a process of its own, and ends it with that process: a bench that is
 * killed leaves no broker behind.
 */
export class Keeper {
  /** Null: it did not start. */
  readonly pid: number | null;
  readonly ended: Promise<void>;
  readonly #child: ChildProcess;
  #isOver = false;

  /** The broker's output goes to the file `log`. */
  constructor(command: readonly string[], log: string) {
    const [program = "", ...args] = command;
    const output = openSync(log, "a");
    this.#child = spawn(program, args, { stdio: ["ignore", output, output] });
    closeSync(output);
    this.pid = this.#child.pid ?? null;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    const over = (): void => {
      this.#isOver = true;
      resolve();
    };
    this.#child.on("exit", over);
    this.#child.on("error", over);
  }

  /** SIGTERM, then SIGKILL. */
  async end(): Promise<void> {
    if (this.#isOver) return;
    this.#child.kill("SIGTERM");
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), orderlyMs);
    await this.ended;
    clearTimeout(timer);
  }
}
