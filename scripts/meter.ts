/**
 * Measures how busy the machine is, from outside the tests: a process of the lowest priority looks at
 * the clock every 10 ms. While it is late, no core was idle.
 */
import { setPriority } from "node:os";

const everyMs = 10;
/** On an idle machine a timer may be late by up to this. */
const worthMs = 5;
/** The longest time between two reports of the child process. */
const reportMs = 200;
/** The longest wait for a report. */
const patienceMs = 30_000;

interface Late {
  /** Milliseconds since the epoch. */
  readonly from: number;
  readonly to: number;
}

/** Starts the measuring process, and reads its reports. */
export class Meter implements AsyncDisposable {
  readonly #child = Bun.spawn([process.execPath, import.meta.path], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  readonly #late: Late[] = [];
  #reportedUntil = 0;
  #onReport: () => void = () => {};
  readonly #closed = this.#listen();

  get pid(): number {
    return this.#child.pid;
  }

  /** Milliseconds between two moments (since the epoch) in which no core was idle. */
  async busyMs(from: number, to: number): Promise<number> {
    await this.reportUntil(to);
    return this.#late.reduce(
      (sum, one) => sum + Math.max(0, Math.min(one.to, to) - Math.max(one.from, from)),
      0,
    );
  }

  /** Waits for a report about a moment (since the epoch). Throws without one within `patienceMs`. */
  async reportUntil(moment: number): Promise<void> {
    const end = Promise.withResolvers<void>();
    const bound = setTimeout(end.resolve, patienceMs);
    while (this.#reportedUntil < moment) {
      const report = Promise.withResolvers<void>();
      this.#onReport = report.resolve;
      const isOver = await Promise.race([
        report.promise.then(() => false),
        Promise.race([this.#closed, end.promise]).then(() => true),
      ]);
      if (isOver) throw new Error("the meter does not report");
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
        this.#reportedUntil = to;
      }
      this.#onReport();
    }
  }
}

/** Writes a line (from, to) for each delay, and at least every `reportMs` one in which both are now. */
function measure(): void {
  setPriority(19);
  // The parent has ended.
  process.stdin.on("close", () => process.exit(0)).resume();
  const now = (): number => performance.timeOrigin + performance.now();
  let due = now() + everyMs;
  let reportedAt = 0;
  setInterval(() => {
    const at = now();
    const isLate = at - due > worthMs;
    if (isLate || at - reportedAt > reportMs) {
      process.stdout.write(`${isLate ? due : at} ${at}\n`);
      reportedAt = at;
    }
    due = at + everyMs;
  }, everyMs);
}

if (import.meta.main) measure();
