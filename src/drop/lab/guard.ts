import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import type { GuardOrder, GuardWord } from "./guard-program.ts";
import { ControlFailed, NotOffered } from "../no-verdict.ts";
import { selfCommand } from "../../config/self.ts";
import type { Stage } from "../stage.ts";
import { type Received, wordsFrom } from "./words.ts";

/** The hidden command that runs guard-program.ts. */
export const guardCommand = "drop-guard";

/** From source, starting a runtime on a busy machine takes seconds. */
const startTimeoutMs = 15_000;
/** How late the guard may continue the process. */
const slackMs = 5000;

/** Stops the broker's process for a while. A separate process continues it, even if this one is killed. */
export class Guard {
  readonly #stage: Stage;
  readonly #pid: number;
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #words: readonly Received<GuardWord>[];
  readonly #ended: Promise<void>;
  #isOver = false;
  /** In case the guard itself is killed. */
  readonly #continue = (): void => {
    try {
      process.kill(this.#pid, "SIGCONT");
    } catch {
      // The broker has ended.
    }
  };

  /** Starts the guard; it ends with the stage at the latest. Rejects with NotOffered or CalledOff. */
  static async start(stage: Stage, pid: number): Promise<Guard> {
    const [program, ...args] = [...selfCommand(), guardCommand];
    const guard = new Guard(stage, pid, program, args);
    stage.later(async () => guard.end());
    await guard.#waitFor("start", startTimeoutMs, "the guard");
    return guard;
  }

  private constructor(stage: Stage, pid: number, program: string, args: readonly string[]) {
    this.#stage = stage;
    this.#pid = pid;
    this.#child = spawn(program, args, { stdio: ["pipe", "pipe", "ignore"], detached: true });
    const ended = Promise.withResolvers<void>();
    this.#ended = ended.promise;
    const over = (): void => {
      this.#isOver = true;
      ended.resolve();
    };
    this.#child.on("error", over);
    this.#child.on("exit", over);
    this.#child.stdin.on("error", () => {});
    this.#words = wordsFrom(this.#child.stdout);
  }

  /** Resolves once the broker runs again, to the moments at which it stopped and continued. */
  async stopFor(forMs: number): Promise<{ readonly from: number; readonly to: number }> {
    const order: GuardOrder = { pid: this.#pid, forMs };
    process.on("exit", this.#continue);
    try {
      this.#child.stdin.write(`${JSON.stringify(order)}\n`);
      const from = await this.#waitFor("stop", slackMs, "the broker's stop");
      const to = await this.#waitFor("continue", forMs + slackMs, "the broker's return");
      return { from, to };
    } finally {
      // A second SIGCONT does no harm.
      this.#continue();
      process.off("exit", this.#continue);
    }
  }

  async end(): Promise<void> {
    this.#child.stdin.destroy();
    await this.#ended;
  }

  /** Resolves to the moment of the guard's report. */
  async #waitFor(deed: GuardWord["did"], boundMs: number, what: string): Promise<number> {
    const find = (did: GuardWord["did"]) => this.#words.find(({ word }) => word.did === did);
    const isFound = (): boolean => find(deed) !== undefined || find("fail") !== undefined;
    await this.#stage.until(boundMs, what, () => isFound() || this.#isOver);
    const found = find(deed);
    if (found !== undefined) return found.at;
    const failed = find("fail")?.word;
    if (failed?.did === "fail") {
      throw new NotOffered(`the broker cannot be stopped: ${failed.message}`);
    }
    throw new ControlFailed("the process that stops and continues the broker has ended");
  }
}
