import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** How long a broker may take to stop in order. */
const orderlyMs = 3000;
/** Between two looks at whether it has stopped. */
const lookMs = 20;

/**
 * Runs a broker's command in a process group of its own, and ends the whole group: some shells run a
 * command as a child, and pass no signal on. A broker that leaves the group, as daemons do, runs on.
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
    // Detached: the first of a new group.
    this.#child = spawn(program, args, { stdio: ["ignore", output, output], detached: true });
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

  /** SIGTERM to the command and all that it started, then SIGKILL. */
  async end(): Promise<void> {
    const until = performance.now() + orderlyMs;
    // Also to what a command that has ended by itself left in the group.
    this.#signal("SIGTERM");
    while (this.#signal(0) && performance.now() < until) await sleep(lookMs);
    this.#signal("SIGKILL");
    await this.ended;
  }

  /** False: nothing is left to signal. */
  #signal(signal: NodeJS.Signals | 0): boolean {
    if (this.pid === null || process.platform === "win32") {
      return !this.#isOver && this.#child.kill(signal);
    }
    try {
      return process.kill(-this.pid, signal);
    } catch {
      return false;
    }
  }
}
