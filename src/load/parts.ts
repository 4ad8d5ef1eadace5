import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { selfCommand } from "../config/self.ts";
import { JsonLines } from "./json-lines.ts";
import { type NextOrder, partCommand, type PartOrder, type PartWord } from "./part.ts";

/** A part failed, ended or did not answer in time. */
export class PartFailed extends Error {
  override name = "PartFailed";
}

/** From source, starting a runtime on a busy machine takes seconds. */
const startMs = 20_000;
/** How long a part may take to end once its stdin is closed. */
const endMs = 5000;

/** A process of the bench, seen from the bench. */
export class Part {
  readonly #name: string;
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #ended = Promise.withResolvers<void>();
  readonly #words: PartWord[] = [];
  #onWord: () => void = () => {};
  #isOver = false;

  /** `before` is a prefix of its command. */
  constructor(order: PartOrder, before: readonly string[] = []) {
    this.#name = order.part;
    const self = selfCommand();
    const [program = self[0], ...args] = [...before, ...self];
    // In a session of its own: Ctrl-C reaches the bench alone, which ends its parts.
    this.#child = spawn(program, [...args, partCommand], {
      stdio: ["pipe", "pipe", "inherit"],
      detached: true,
    });
    const over = (): void => {
      this.#isOver = true;
      this.#ended.resolve();
      this.#onWord();
    };
    this.#child.on("exit", over);
    this.#child.on("error", over);
    this.#child.stdin.on("error", () => {});
    this.#read();
    this.#child.stdin.write(`${JSON.stringify(order)}\n`);
  }

  send(order: NextOrder): void {
    this.#child.stdin.write(`${JSON.stringify(order)}\n`);
  }

  /** The next word of the part. Rejects with PartFailed, also after `boundMs` and on the signal. */
  async word(signal: AbortSignal, boundMs = startMs): Promise<PartWord> {
    const bound = performance.now() + boundMs;
    for (;;) {
      const word = this.#words.shift();
      if (word !== undefined) {
        if (typeof word["failed"] === "string") throw new PartFailed(word["failed"]);
        return word;
      }
      if (signal.aborted) throw new PartFailed("called off");
      if (this.#isOver) throw new PartFailed(`the process of the ${this.#name} has ended`);
      const left = bound - performance.now();
      if (left <= 0)
        throw new PartFailed(`the ${this.#name} did not answer within ${boundMs / 1000} s`);
      await this.#change(signal, left);
    }
  }

  /** Ends the process; resolves when it has ended. */
  async end(): Promise<void> {
    this.#child.stdin.destroy();
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), endMs);
    await this.#ended.promise;
    clearTimeout(timer);
  }

  async #change(signal: AbortSignal, boundMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const done = (): void => resolve();
    const timer = setTimeout(done, boundMs);
    signal.addEventListener("abort", done);
    this.#onWord = done;
    await promise;
    clearTimeout(timer);
    signal.removeEventListener("abort", done);
  }

  #read(): void {
    const lines = new JsonLines();
    this.#child.stdout.on("data", (chunk: Uint8Array) => {
      // Written by part.ts of the same program.
      this.#words.push(...(lines.push(chunk) as PartWord[]));
      this.#onWord();
    });
  }
}
