/**
 * How busy the machine is, measured by who has no part in what is tested: a process of the lowest
 * priority that wants to look at the clock every 10 ms. The time by which it is late is time in
 * which no core was idle.
 */
import { setPriority } from "node:os";

const everyMs = 10;
/** Below that a timer may be late on an idle machine. */
const worthMs = 5;
/** How often it says that it was not late, milliseconds. */
const wordMs = 200;
/** How long it may take to say how it was. */
const patienceMs = 30_000;

interface Late {
  /** Milliseconds since the epoch. */
  readonly from: number;
  readonly to: number;
}

/** The process, as the one that asks it sees it. */
export class Meter implements AsyncDisposable {
  readonly #child = Bun.spawn([process.execPath, import.meta.path], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  readonly #late: Late[] = [];
  #heardUntil = 0;
  #onWord: () => void = () => {};
  readonly #heard = this.#listen();

  get pid(): number {
    return this.#child.pid;
  }

  /** Milliseconds between two moments (since the epoch) in which the machine had none to spare. */
  async busyMs(from: number, to: number): Promise<number> {
    await this.heardOf(to);
    return this.#late.reduce(
      (sum, one) => sum + Math.max(0, Math.min(one.to, to) - Math.max(one.from, from)),
      0,
    );
  }

  /** Waits until it has said how it was at a moment. Throws when it does not say. */
  async heardOf(moment: number): Promise<void> {
    const end = Promise.withResolvers<void>();
    const bound = setTimeout(end.resolve, patienceMs);
    while (this.#heardUntil < moment) {
      const word = Promise.withResolvers<void>();
      this.#onWord = word.resolve;
      const isOver = await Promise.race([
        word.promise.then(() => false),
        Promise.race([this.#heard, end.promise]).then(() => true),
      ]);
      if (isOver) throw new Error("the meter says nothing");
    }
    clearTimeout(bound);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
  }

  async #listen(): Promise<void> {
    let rest = "";
    const decoder = new TextDecoder();
    for await (const chunk of this.#child.stdout) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const [from = 0, to = 0] = line.split(" ").map(Number);
        if (to > from) this.#late.push({ from, to });
        this.#heardUntil = to;
      }
      this.#onWord();
    }
  }
}

/** Writes a line for each time it is late (from, to), and from time to time one where both are now. */
function measure(): void {
  setPriority(19);
  // Whoever has started it is gone.
  process.stdin.on("close", () => process.exit(0)).resume();
  const now = (): number => performance.timeOrigin + performance.now();
  let due = now() + everyMs;
  let said = 0;
  setInterval(() => {
    const at = now();
    const isLate = at - due > worthMs;
    if (isLate || at - said > wordMs) {
      process.stdout.write(`${isLate ? due : at} ${at}\n`);
      said = at;
    }
    due = at + everyMs;
  }, everyMs);
}

if (import.meta.main) measure();
