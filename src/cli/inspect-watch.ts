import { overviewShape } from "../inspect/answers/answer-shape.ts";
import { type BrokerClient, NoSuchClient } from "../inspect/broker-client.ts";
import { CliError, usageError } from "../config/cli-error.ts";
import { folded } from "../log/columns.ts";
import { timeOfDay } from "../log/render.ts";
import { setting } from "../log/duration.ts";
import type { Arguments } from "./arguments.ts";
import { durationFrom } from "./client-flags.ts";
import type { Surroundings } from "./command.ts";
import { Interrupt } from "./interrupt.ts";
import type { Order, Output } from "./inspect-output.ts";
import { Repaint } from "./repaint.ts";

const everyMsDefault = 2000;
const everyMsMin = 100;
const everyMsMax = 3_600_000;

/** Milliseconds between two snapshots; null: one is asked for. Throws CliError. */
export function watchFrom(given: Arguments): number | null {
  if (!given.has("watch")) return null;
  for (const flag of ["wait", "expect"]) {
    if (given.has(flag)) throw usageError(`--watch and --${flag} exclude each other`, "give one");
  }
  if (given.text("watch") === "") return everyMsDefault;
  const everyMs = durationFrom(given, "watch", everyMsMax) ?? everyMsDefault;
  if (everyMs >= everyMsMin) return everyMs;
  throw usageError(`--watch: found less than ${everyMsMin} ms, which the broker would notice`);
}

export interface Watch {
  readonly everyMs: number;
  /** What is watched: `inspect wills`. */
  readonly title: string;
  readonly order: Order;
  /** Finds the broker, which may have moved when it started again. Throws CliError. */
  readonly find: () => Promise<BrokerClient>;
  readonly surroundings: Surroundings;
  /** The output for one snapshot, as wide as the terminal is now; `print` gets it. */
  readonly outputTo: (print: Surroundings["print"]) => Output;
}

/**
 * Shows snapshots until a signal, whose exit code it resolves to, or until the reader of the output
 * has gone. On a terminal each takes the place of the one before; elsewhere each has its time above
 * it, and JSON is one answer a line. Survives the broker's restart, and says so. Throws CliError if
 * the first one fails.
 */
export async function watch(given: Watch): Promise<number> {
  const interrupt = new Interrupt();
  try {
    return await new Watching(given, interrupt.signal).run(interrupt);
  } finally {
    interrupt.close();
  }
}

/** The broker that answered: another one has another process, or started at another time. */
interface Seen {
  readonly pid: number;
  readonly startedAt: number;
}

class Watching {
  readonly #watch: Watch;
  readonly #signal: AbortSignal;
  readonly #ended: Promise<void>;
  readonly #repaint = new Repaint();
  #client: BrokerClient | null = null;
  #seen: Seen | null = null;
  /** Since when no broker has answered, milliseconds since the epoch; null: it answers. */
  #goneSince: number | null = null;
  /** What has happened to the broker, for the line above the snapshot. */
  #news = "";

  constructor(given: Watch, signal: AbortSignal) {
    this.#watch = given;
    this.#signal = signal;
    this.#ended = new Promise((resolve) => {
      signal.addEventListener("abort", () => resolve());
    });
  }

  async run(interrupt: Interrupt): Promise<number> {
    for (;;) {
      const begin = performance.now();
      const shown = await Promise.race([this.#snapshot(), this.#ended]);
      if (interrupt.exitCode !== null) return interrupt.exitCode;
      if (shown === "unread") return 0;
      await this.#pause(this.#watch.everyMs - (performance.now() - begin));
      if (interrupt.exitCode !== null) return interrupt.exitCode;
    }
  }

  async #pause(milliseconds: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, Math.max(0, milliseconds));
    await Promise.race([promise, this.#ended]);
    clearTimeout(timer);
  }

  async #snapshot(): Promise<"shown" | "unread"> {
    let text = "";
    const output = this.#watch.outputTo((piece) => {
      text += typeof piece === "string" ? piece : new TextDecoder().decode(piece);
    });
    try {
      await this.#ask(output);
    } catch (error) {
      if (this.#signal.aborted) return "unread";
      if (!(error instanceof CliError)) throw error;
      if (error instanceof NoSuchClient && !output.json) {
        // It may still connect.
        text = folded(error.text.trimEnd(), output.style.columns).join("\n");
      } else if (this.#seen !== null && (error.exitCode === 3 || error.exitCode === 5)) {
        this.#gone(error, output);
        text = "";
      } else throw error;
    }
    return this.#show(text, output);
  }

  async #ask(output: Output): Promise<void> {
    this.#client ??= await this.#watch.find();
    const { process, startedAt } = await this.#client.ask("/v1/overview", overviewShape);
    this.#answers({ pid: process.pid, startedAt }, output);
    await this.#watch.order(this.#client, output);
  }

  #answers(now: Seen, output: Output): void {
    const before = this.#seen;
    const since = this.#goneSince;
    this.#seen = now;
    this.#goneSince = null;
    if (before === null) return;
    const isSame = before.pid === now.pid && before.startedAt === now.startedAt;
    if (!isSame) this.#tell(`the broker has started again (pid ${now.pid})`, output);
    else if (since !== null) this.#tell("the broker answers again", output);
  }

  #gone({ message }: CliError, output: Output): void {
    // Where it starts again is found anew.
    this.#client = null;
    if (this.#goneSince !== null) return;
    this.#goneSince = Date.now();
    this.#tell(`no answer: ${message}`, output);
  }

  /** On a terminal above the snapshot, elsewhere on stderr. */
  #tell(what: string, { json }: Output): void {
    const { surroundings } = this.#watch;
    this.#news = `${clock()} ${what}`;
    if (json || !isDrawn(surroundings)) {
      surroundings.printError(`mqttd: ${this.#news}\n`);
    }
  }

  async #show(text: string, { json }: Output): Promise<"shown" | "unread"> {
    const { surroundings } = this.#watch;
    const screen = surroundings.screen("stdout");
    if (json) surroundings.print(text);
    else if (screen === null || !isDrawn(surroundings)) {
      if (text !== "") surroundings.print(`${clock()}\n${text}\n`);
    } else {
      const { title, everyMs } = this.#watch;
      const head = `${title} every ${setting(everyMs)}, ${clock()}; Ctrl-C ends`;
      const news = this.#news === "" ? [] : [this.#news];
      const own = [head, ...news].flatMap((line) => folded(line, screen.columns));
      const lines = [...own, ...text.trimEnd().split("\n")];
      surroundings.print(this.#repaint.paint(lines, screen));
    }
    return (await surroundings.flushed()) ? "shown" : "unread";
  }
}

/** Whether the cursor of the output can be moved. */
function isDrawn({ screen, env }: Surroundings): boolean {
  return screen("stdout") !== null && env["TERM"] !== "dumb";
}

function clock(): string {
  return timeOfDay(Date.now(), "local").replace(/\.\d+$/, "");
}
