import pc from "picocolors";
import { clause } from "../../log/foreign.ts";
import { padded, pieces } from "../../log/columns.ts";
import { targetText } from "../../client/target.ts";
import { protocolText } from "../protocol.ts";
import type { RunName } from "../run.ts";
import type { Result, Verdict } from "../scenario.ts";
import { type Colors, paintOf, verdictWord } from "./table.ts";

/** What a person sees while scenarios play. */
export interface Progress {
  started(run: RunName): void;
  waits(run: RunName, what: string, until: number, due: number | null): void;
  /** It plays again after the others, since nothing could be concluded. */
  doubted(run: RunName, why: string): void;
  ended(run: RunName, result: Result): void;
  /** Whole lines of somebody else, above the live ones. */
  say(text: string): void;
  /** Takes the live lines away; nothing is drawn after it. */
  stop(): void;
}

export interface ProgressOptions {
  readonly write: (text: string) => void;
  /** The terminal that reads; null: none does, so that nothing may move a cursor. */
  readonly screen: () => Screen | null;
  readonly color: boolean;
  /** How many results there will be, as far as is known. */
  readonly planned: number;
  /** More than one address: lines name theirs. */
  readonly naming: boolean;
}

export interface Screen {
  readonly columns: number;
  readonly rows: number;
}

export function progressTo(options: ProgressOptions): Progress {
  return options.screen() === null ? new EndLines(options) : new LiveLines(options);
}

/** One line when a scenario ends, for logs; the report, which often follows there, has the details. */
class EndLines implements Progress {
  readonly #options: ProgressOptions;
  readonly #colors: Colors;

  constructor(options: ProgressOptions) {
    this.#options = options;
    this.#colors = pc.createColors(options.color);
  }

  started(): void {}

  waits(): void {}

  doubted(run: RunName, why: string): void {
    const text = `  ${clause(why)}; plays again at the end, alone`;
    this.#line("in doubt", "inconclusive", run, text);
  }

  ended(run: RunName, { verdict, noVerdict }: Result): void {
    if (noVerdict === "called off") return;
    this.#line(verdictWord(verdict), verdict, run);
  }

  #line(word: string, verdict: Verdict, { id, protocol, target }: RunName, text = ""): void {
    const where = this.#options.naming ? ` ${targetText(target)}` : "";
    const painted = paintOf(verdict)(this.#colors)(padded(word, 12));
    const name = `${padded(id, nameColumns)}  MQTT ${padded(protocolText(protocol), 5)}${where}`;
    this.say(`${`${painted}  ${name}${text}`.trimEnd()}\n`);
  }

  say(text: string): void {
    this.#options.write(text);
  }

  stop(): void {}
}

interface Live {
  readonly run: RunName;
  what: string;
  until: number | null;
  due: number | null;
}

const frameMs = 100;
const nameColumns = 20;
/** Columns of a terminal on which the live lines are in columns. */
const alignedFrom = 70;

/** A line for each scenario that plays, with a countdown; drawn anew ten times a second. */
class LiveLines implements Progress {
  readonly #options: ProgressOptions;
  readonly #colors: Colors;
  readonly #lives = new Map<string, Live>();
  readonly #counts = new Map<Verdict, number>();
  readonly #timer: ReturnType<typeof setInterval>;
  #drawn = 0;
  #isOver = false;

  constructor(options: ProgressOptions) {
    this.#options = options;
    this.#colors = pc.createColors(options.color);
    this.#timer = setInterval(() => this.#draw(), frameMs);
  }

  started(run: RunName): void {
    this.#lives.set(keyOf(run), { run, what: "begins", until: null, due: null });
  }

  waits(run: RunName, what: string, until: number, due: number | null): void {
    this.#lives.set(keyOf(run), { run, what, until, due });
  }

  doubted(run: RunName): void {
    this.#lives.delete(keyOf(run));
  }

  ended(run: RunName, { verdict, noVerdict }: Result): void {
    this.#lives.delete(keyOf(run));
    if (noVerdict === "called off") return;
    this.#counts.set(verdict, (this.#counts.get(verdict) ?? 0) + 1);
  }

  say(text: string): void {
    const before = this.#erased();
    this.#drawn = 0;
    this.#options.write(before + text);
    this.#draw();
  }

  stop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearInterval(this.#timer);
    if (this.#drawn > 0) this.#options.write(this.#erased());
    this.#drawn = 0;
  }

  #draw(): void {
    const screen = this.#options.screen();
    if (this.#isOver || screen === null) return;
    const lines = this.#lines(screen, performance.now());
    // In one write, so that no frame is seen half.
    this.#options.write(this.#erased() + lines.map((line) => `${line}\n`).join(""));
    this.#drawn = lines.length;
  }

  /**
   * Back to the first of the live lines, line by line: clearing the screen from there on would leave
   * a copy of it in the history of some terminals. The cursor's own line may hold an echoed `^C`.
   */
  #erased(): string {
    return this.#drawn === 0 ? "" : `\r\u001b[2K${"\u001b[1A\u001b[2K".repeat(this.#drawn)}`;
  }

  #lines({ columns, rows }: Screen, now: number): string[] {
    // One row for the line of counts, one for the cursor, one for what does not fit.
    const room = Math.max(1, rows - 3);
    const all = [...this.#lives.values()];
    const shown = all.slice(0, room);
    const more = all.length - shown.length;
    // A line that wraps would be two to erase.
    const cut = (line: string): string => pieces(line, columns - 1)[0] ?? "";
    return [
      this.#colors.bold(cut(this.#countsText())),
      ...shown.map((live) => cut(`  ${this.#liveText(live, columns, now)}`)),
      ...(more > 0 ? [cut(`  and ${more} more`)] : []),
    ];
  }

  #countsText(): string {
    const done = [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
    const wrong = (["fail", "finding", "late", "inconclusive"] as const).flatMap((verdict) => {
      const count = this.#counts.get(verdict) ?? 0;
      return count === 0 ? [] : [`${count} ${verdict}`];
    });
    return [`${done} of ${this.#options.planned} done`, ...wrong].join(", ");
  }

  #liveText({ run, what, until, due }: Live, columns: number, now: number): string {
    const text = waitText(what, until, due, now);
    const protocol = protocolText(run.protocol);
    // Without columns more of the text fits.
    if (columns < alignedFrom) return `${run.id} ${protocol}: ${text}`;
    const where = this.#options.naming ? `${targetText(run.target)}  ` : "";
    return `${padded(run.id, nameColumns)}  MQTT ${padded(protocol, 5)}  ${where}${text}`;
  }
}

/** One played scenario: the same id is played by each protocol, and at each address. */
export function keyOf({ id, protocol, target }: RunName): string {
  return `${id} ${protocol} ${targetText(target)}`;
}

function waitText(what: string, until: number | null, due: number | null, now: number): string {
  if (until === null) return what;
  const left = countdown(until - now);
  if (due === null) return `${what}: ${left} left`;
  if (due > now) return `${what} is due in ${countdown(due - now)}`;
  return `${what}: due ${countdown(now - due)} ago, ${left} left`;
}

function countdown(milliseconds: number): string {
  return `${(Math.max(0, milliseconds) / 1000).toFixed(1)} s`;
}
