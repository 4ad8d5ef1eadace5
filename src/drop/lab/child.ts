import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { NoAnswer, Refused, InvalidAnswer } from "../../client/client-error.ts";
import { DialError } from "../../client/dial-error.ts";
import type { Target } from "../../client/target.ts";
import { type ChildWord, writeChildOrder } from "./child-program.ts";
import { selfCommand } from "../../config/self.ts";
import { NotOffered } from "../no-verdict.ts";
import type { Stage } from "../stage.ts";
import { type Received, wordsFrom } from "./words.ts";

/** The hidden command that runs child-program.ts. */
export const childCommand = "drop-client";

/** From source, a busy machine takes its time to start a runtime. */
const startTimeoutMs = 15_000;
/** Longer than the client itself waits, so that its own error arrives first. */
const connectTimeoutMs = 12_000;
/** How long a child may take to say goodbye before it is killed. */
const endTimeoutMs = 1500;

/** The client that dies, as a process of its own: what kills it is no play. */
export class ChildClient {
  /** As a Client has it: when its last packet went out, and the keepalive in force in seconds. */
  lastSentAt = 0;
  keepAliveSeconds = 0;
  readonly #stage: Stage;
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #words: readonly Received<ChildWord>[];
  readonly #ended: Promise<void>;
  readonly #killAtExit = (): void => this.#signal("SIGKILL");
  #complaint = "";
  #isOver = false;
  #isFrozen = false;

  /**
   * Starts the process, with the words of `under` before it. It ends with the stage, at the latest.
   * Rejects with NotOffered when it does not start, and with CalledOff.
   */
  static async start(stage: Stage, under: readonly string[] = []): Promise<ChildClient> {
    const [program, ...args] = [...under, ...selfCommand(), childCommand];
    const child = new ChildClient(stage, program ?? process.execPath, args);
    stage.later(async () => child.end());
    await child.#waitFor("start", startTimeoutMs, "the child process");
    return child;
  }

  private constructor(stage: Stage, program: string, args: readonly string[]) {
    this.#stage = stage;
    this.#child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"], windowsHide: true });
    const ended = Promise.withResolvers<void>();
    this.#ended = ended.promise;
    const over = (): void => {
      this.#isOver = true;
      ended.resolve();
    };
    this.#child.on("error", (error) => {
      this.#complaint += error.message;
      over();
    });
    this.#child.on("exit", over);
    // Whoever writes to a process that has ended is told so here; its end says it too.
    this.#child.stdin.on("error", () => {});
    this.#child.stderr.on("data", (chunk: Buffer) => (this.#complaint += chunk.toString()));
    this.#words = wordsFrom(this.#child.stdout);
  }

  /** Undefined: it did not start. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /**
   * The client connects as the stage's victim would, by another address where `target` names one.
   * Rejects with Refused, NoAnswer, DialError, NotOffered or CalledOff.
   */
  async connect(target: Target = this.#stage.options.target): Promise<void> {
    const stage = this.#stage;
    const { will } = stage;
    if (will.retain) stage.retains(will.topic);
    const connect = stage.connectOptions({
      will: stage.willOptions(),
      keepalive: stage.options.keepAliveSeconds,
    });
    const orderedAt = stage.now;
    this.#child.stdin.write(writeChildOrder({ target, version: stage.options.version, connect }));
    const sent = await this.#waitFor("send", connectTimeoutMs, "the child's CONNECT");
    // Clocks of two processes agree to the millisecond; a wall clock that is set does not matter.
    const at = sent.word.at - performance.timeOrigin;
    this.lastSentAt = Math.min(Math.max(at, orderedAt), sent.at);
    this.keepAliveSeconds = (
      await this.#waitFor("connect", connectTimeoutMs, "the child's CONNACK")
    ).word.keepAliveSeconds;
  }

  /** SIGKILL; on Windows it is terminated, which leaves it no word either. */
  kill(): void {
    this.#signal("SIGKILL");
  }

  /** SIGSTOP: the process stands still, its sockets stay. It is killed at the end. */
  freeze(): void {
    this.#isFrozen = true;
    // It can't see the end of its stdin any more, so it would outlive this process.
    process.on("exit", this.#killAtExit);
    this.#signal("SIGSTOP");
  }

  /** Ends the process, if it has not ended: with DISCONNECT where it can still speak. */
  async end(): Promise<void> {
    this.#child.stdin.destroy();
    if (this.#isFrozen) this.kill();
    const timer = setTimeout(() => this.kill(), endTimeoutMs);
    await this.#ended;
    clearTimeout(timer);
    process.off("exit", this.#killAtExit);
  }

  /** By the process id, since Deno's `kill` of a child knows only one signal in its life. */
  #signal(name: "SIGKILL" | "SIGSTOP"): void {
    const { pid } = this.#child;
    if (pid === undefined || this.#isOver) return;
    try {
      process.kill(pid, name);
    } catch {
      // It has ended this moment, and nobody was told yet.
    }
  }

  /** Waits until the child has done something; throws what it met instead. */
  async #waitFor<Deed extends ChildWord["did"]>(
    deed: Deed,
    boundMs: number,
    what: string,
  ): Promise<{ word: ChildWord & { did: Deed }; at: number }> {
    const find = () => this.#words.find((received) => isDeed(received, deed));
    const failed = () => this.#words.some(({ word }) => errorOf(word) !== null);
    await this.#stage.until(boundMs, what, () => find() !== undefined || failed() || this.#isOver);
    const found = find();
    if (found !== undefined && isDeed(found, deed)) return found;
    for (const { word } of this.#words) {
      const error = errorOf(word);
      if (error !== null) throw error;
    }
    const [why = ""] = this.#complaint.split("\n");
    const said = why === "" ? (this.#isOver ? "it ended" : "it says nothing") : why;
    throw new NotOffered(`the child process that is the client does not run: ${said}`);
  }
}

function isDeed<Deed extends ChildWord["did"]>(
  received: { word: ChildWord; at: number },
  deed: Deed,
): received is { word: ChildWord & { did: Deed }; at: number } {
  return received.word.did === deed;
}

/** What a client in this process would have thrown; null: no error. */
function errorOf(word: ChildWord): Error | null {
  switch (word.did) {
    case "refused":
      return new Refused(word.connack);
    case "no answer":
      return new NoAnswer(word.message, word.isClosed);
    case "invalid answer":
      return new InvalidAnswer(word.detail);
    case "no way":
      return new DialError(word.code, word.message);
    case "start":
    case "send":
    case "connect":
      return null;
  }
}
