import type { Budget } from "../../core/budget.ts";
import type { Millis } from "../../core/io.ts";
import type { Clock } from "./clock.ts";

/** Work of one turn, in units of `Budget`, and the time that it may take on a slow machine. */
export const unitsOfTurn = 4000;
const turnMs = 5;
/** A turn that has not come for so long is overdue. */
const overdueMs = 2 * turnMs;
/** Work between two looks at the clock. */
const unitsOfLook = 50;
/** Each kind of work has its own part of a turn, so that none waits for the end of another. */
const parts = 6;
/** Slices of a part: one task's share before it goes behind the others. */
const slices = 2;
/** Parts that a turn has more for what is due, while that is late. */
const lateParts = 2;
/**
 * A task is light while it asks for less than one in so many units of a turn each millisecond; if
 * it asked for less before, it may ask for so many milliseconds' worth at once. After more than
 * that it is light again within so many milliseconds.
 */
const lightShare = 4000;
const lightAtOnceMs = 50;
const lightAgainMs = 250;

/** Whose work a turn of the loop continues. */
export interface Worker {
  /** Until then it has used up what a light task may use; milliseconds of the driver's clock. */
  busyUntil: number;
  /** A guess at the work that waits, in units of `Budget`; Infinity: it is not urgent. */
  readonly workAhead: number;
}

/** What a turn of the loop continues. */
export interface Turn<Task> {
  begin(): void;
  /** Handles what is due at its own time. Returns whether more is due. */
  due(): boolean;
  /** Whether what is due is late, so that it needs more of the turn. */
  isLate(): boolean;
  /** Writes waiting output. Returns whether more waits. */
  flush(): boolean;
  /** Returns whether the task has more to do. */
  run(task: Task): boolean;
  end(): void;
}

/**
 * Shares the turns of the event loop among all that has work, so that nobody waits until others are
 * done. The loop reads its sockets between two turns.
 *
 * Callbacks of the loop work at once while the turn's budget lasts, which is nearly always. What
 * they leave continues in the next turn: light tasks, then deadlines, then waiting output, then
 * newcomers and other tasks that have just arrived, then ends of connections, then tasks that were
 * cut before, a slice each, first in, first out. Each kind has a part of the budget (light tasks
 * and deadlines share one, as do those that have arrived), and what it leaves is for the next kind.
 * The last part is for the callbacks of the poll that follows.
 *
 * Light tasks are those that have asked for little lately. They also work at once when the turn is
 * over, up to a part of the budget more: to put a PINGREQ off costs more than to answer it.
 */
export class Turns<Task extends Worker> {
  readonly #soon: (work: () => void) => void;
  readonly #clock: Clock;
  readonly #budget: Budget;
  readonly #turn: Turn<Task>;
  readonly #units: number;
  readonly #light = new Set<Task>();
  readonly #newcomers = new Set<Task>();
  readonly #fresh = new Set<Task>();
  readonly #ends = new Set<Task>();
  readonly #cut = new Set<Task>();
  #isDue = false;
  #isScheduled = false;
  /** When the turn to come was asked for, or last found overdue. */
  #askedAt: Millis;
  /** When this turn began, and when the part that works now has to end. */
  #startedAt: Millis;
  #endsAt = 0;
  /** The work at which to look at the clock again, and what it showed. */
  #lookAt = 0;
  #isLate = false;
  #now: Millis;
  /** What light tasks may use of this turn once it is over. */
  #lightLeft: number;
  /** The work done when the task that works went on because it is light; null: it did not. */
  #overdrawnAt: number | null = null;

  /** `soon` runs work after the next poll of the sockets. `units`: budget of a turn. */
  constructor(
    soon: (work: () => void) => void,
    clock: Clock,
    budget: Budget,
    turn: Turn<Task>,
    units: number = unitsOfTurn,
  ) {
    this.#soon = soon;
    this.#clock = clock;
    this.#budget = budget;
    this.#turn = turn;
    this.#units = units;
    this.#now = clock.now();
    this.#startedAt = this.#now;
    this.#askedAt = this.#now;
    this.#lightLeft = units / parts;
    budget.limit = units;
  }

  /** A callback of the loop begins; `now` was just read from the clock. */
  begin(now: Millis): void {
    this.#now = now;
    if (!this.#isScheduled) this.#startedAt = now;
    this.#endsAt = this.#startedAt + turnMs;
    if (now >= this.#endsAt) this.#isLate = true;
    this.#lookAt = this.#budget.spent + unitsOfLook;
  }

  /** Whether the rest of the work has to wait for a later turn. */
  get isOver(): boolean {
    const { spent, limit } = this.#budget;
    if (spent >= limit || this.#isLate) return true;
    if (spent < this.#lookAt) return false;
    this.#lookAt = spent + unitsOfLook;
    this.#isLate = this.#clock.now() >= this.#endsAt;
    return this.#isLate;
  }

  /** From now on the turn is over when so many parts of it are used up. */
  #allow(partsUsed: number): void {
    this.#budget.limit = (partsUsed * this.#units) / parts;
    this.#endsAt = this.#startedAt + (partsUsed * turnMs) / parts;
    this.#isLate = this.#clock.now() >= this.#endsAt;
  }

  /**
   * A callback of the loop ends. Callbacks share one budget until they have used a part of it: only
   * then a turn of their own is worth its cost.
   */
  end(): void {
    if (this.#isLate || this.#budget.spent * parts >= this.#units) this.schedule();
  }

  /** Runs a task in the next turn: first if it is light, last if it is one that was cut. */
  add(task: Task): void {
    if (this.isLight(task)) this.#moveToLight(task);
    else if (!this.#cut.has(task)) this.#fresh.add(task);
    this.schedule();
  }

  #moveToLight(task: Task): void {
    this.#newcomers.delete(task);
    this.#cut.delete(task);
    this.#fresh.delete(task);
    this.#light.add(task);
  }

  /** Whether a task has asked for little lately. */
  isLight({ busyUntil, workAhead }: Task): boolean {
    const now = this.#now;
    return Math.max(busyUntil, now) + this.#msOf(workAhead) <= now + lightAtOnceMs;
  }

  /** How long a light task takes to earn so many units. */
  #msOf(units: number): number {
    return (units * lightShare) / this.#units;
  }

  /** Whether a task may work now: the turn is not over, or the task is light. `charge` it then. */
  mayWork(task: Task): boolean {
    if (!this.isOver) return true;
    const { spent } = this.#budget;
    const since = this.#overdrawnAt ?? spent;
    if (spent - since >= this.#lightLeft || !this.isLight(task)) return false;
    this.#overdrawnAt = since;
    return true;
  }

  /** A task has used so many units. */
  charge(task: Task, units: number): void {
    const now = this.#now;
    if (this.#overdrawnAt !== null) this.#lightLeft -= this.#budget.spent - this.#overdrawnAt;
    this.#overdrawnAt = null;
    const until = Math.max(task.busyUntil, now) + this.#msOf(units);
    task.busyUntil = Math.min(until, now + lightAgainMs);
  }

  /** As `add`, ahead of those that have just arrived, for a task that has never worked. */
  addNewcomer(task: Task): void {
    this.#newcomers.add(task);
    this.schedule();
  }

  /** As `add`, for a task that nobody waits for at the other end: thousands may come at once. */
  addEnd(task: Task): void {
    this.#ends.add(task);
    this.schedule();
  }

  /** Ends wait: one that comes now waits behind them. */
  get hasEnds(): boolean {
    return this.#ends.size > 0;
  }

  /**
   * Whether the loop calls back and calls back, but the turn does not come: Bun reads on without a
   * turn, and without a timer, as long as more than 1,024 sockets are ready. Says so once in a while.
   */
  isOverdue(): boolean {
    if (!this.#isScheduled || this.#now - this.#askedAt < overdueMs) return false;
    this.#askedAt = this.#now;
    return true;
  }

  /** Runs newcomers, one at least, although the turn does not come: their part of one. */
  runNewcomers(): void {
    const budget = this.#budget;
    const until = budget.spent + this.#units / parts / slices;
    for (const task of this.#newcomers) {
      this.#newcomers.delete(task);
      if (this.#turn.run(task)) this.#cutAgain(task);
      if (budget.spent >= until) return;
    }
  }

  /** Handles what is due in the next turn. */
  addDue(): void {
    this.#isDue = true;
    this.schedule();
  }

  /** The next turn handles what is due: no timer is needed. */
  get isDue(): boolean {
    return this.#isDue;
  }

  /**
   * For work that must not wait for its turn: it gets its part of the budget, or also (`isAll`) what
   * is left of the turn.
   */
  atOnce(work: () => void, isAll: boolean): void {
    const budget = this.#budget;
    const limit = budget.spent + this.#units / parts;
    budget.limit = isAll ? Math.max(this.#units, limit) : limit;
    work();
    budget.limit = this.#units;
  }

  /** Asks for a turn. */
  schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#askedAt = this.#now;
    this.#soon(() => this.#run());
  }

  #run(): void {
    const turn = this.#turn;
    this.#isScheduled = false;
    this.#budget.spent = 0;
    this.#isLate = false;
    turn.begin();
    this.#runTasks(this.#light, 0.5);
    const more = this.#isDue && turn.isLate() ? lateParts : 0;
    this.#allow(1 + more);
    if (this.#isDue) this.#isDue = turn.due();
    this.#allow(2 + more);
    const waits = turn.flush();
    this.#runTasks(this.#newcomers, 2.5 + more);
    this.#runTasks(this.#fresh, 3 + more);
    this.#runTasks(this.#ends, 4 + more);
    this.#allow(5 + more);
    // What was cut would add to the output that waits already.
    if (!waits || !turn.flush()) this.#runTasks(this.#cut, 5 + more);
    // What is left is for them. Those that have just arrived wait: more of them come together then.
    for (const tasks of [this.#light, this.#ends])
      if (!this.isOver) this.#runTasks(tasks, 5 + more);
    this.#allow(parts + more);
    this.#lightLeft = this.#units / parts;
    turn.end();
    if (this.#isDue || this.#isAnyLeft) this.schedule();
  }

  get #isAnyLeft(): boolean {
    const sets = [this.#light, this.#newcomers, this.#fresh, this.#ends, this.#cut];
    return sets.some(({ size }) => size > 0);
  }

  #cutAgain(task: Task): void {
    this.#ends.delete(task);
    if (this.isLight(task)) return this.#moveToLight(task);
    this.#light.delete(task);
    this.#newcomers.delete(task);
    this.#fresh.delete(task);
    this.#cut.add(task);
  }

  /** Runs tasks, one at least, until so many parts of the turn are used up. */
  #runTasks(tasks: Set<Task>, partsUsed: number): void {
    this.#allow(partsUsed);
    const budget = this.#budget;
    const { limit } = budget;
    for (const task of tasks) {
      tasks.delete(task);
      budget.limit = Math.min(limit, budget.spent + this.#units / parts / slices);
      // A task that is cut again stands at the end of the set, which this loop reaches too.
      if (this.#turn.run(task)) this.#cutAgain(task);
      budget.limit = limit;
      if (this.isOver) return;
    }
  }
}
