/** A password that waits to be checked. */
export interface Check {
  /** Without its port. */
  readonly address: string;
  readonly username: string;
  /** Checks it now. Null: decided without work. Must not throw or reject. */
  readonly run: () => Promise<void> | null;
  /** There is no place for it in the queue. */
  readonly refuse: () => void;
}

/** Checks of one address by user name, each in order of arrival. */
type Lane = Map<string, Check[]>;

/** How long one turn of the loop may start checks that need no work, milliseconds. */
const turnMs = 2;

/**
 * The checks of passwords that run, and those that wait. Addresses take turns, and the user names of
 * one address too, so that a flood of wrong passwords delays its own address. Full, it refuses a
 * check of the address with most of them.
 */
export class CheckQueue {
  readonly #atOnce: number;
  readonly #soon: (work: () => void) => void;
  /** Checks that may wait. */
  waitingMax: number;
  #running = 0;
  #waiting = 0;
  #isResuming = false;
  /** By address, in the order in which they come next. */
  readonly #lanes = new Map<string, Lane>();

  constructor(options: {
    readonly atOnce: number;
    readonly waitingMax: number;
    readonly soon: (work: () => void) => void;
  }) {
    this.#atOnce = options.atOnce;
    this.waitingMax = options.waitingMax;
    this.#soon = options.soon;
  }

  get waiting(): number {
    return this.#waiting;
  }

  add(check: Check): void {
    if (this.#waiting >= this.waitingMax && !this.#makeRoom(check)) return check.refuse();
    const lane: Lane = this.#lanes.get(check.address) ?? new Map<string, Check[]>();
    this.#lanes.set(check.address, lane);
    const checks = lane.get(check.username);
    if (checks === undefined) lane.set(check.username, [check]);
    else checks.push(check);
    this.#waiting++;
    this.#start();
  }

  /** Takes a check out that waits. False: it runs, or is decided. */
  remove(check: Check): boolean {
    const lane = this.#lanes.get(check.address);
    const checks = lane?.get(check.username);
    const place = checks?.indexOf(check) ?? -1;
    if (lane === undefined || checks === undefined || place < 0) return false;
    checks.splice(place, 1);
    this.#shrink(check.address, lane, check.username, checks);
    return true;
  }

  #start(): void {
    if (this.#isResuming) return;
    const began = performance.now();
    while (this.#running < this.#atOnce) {
      const check = this.#next();
      if (check === null) return;
      const work = check.run();
      if (work !== null) {
        this.#running++;
        void work.then(() => {
          this.#running--;
          this.#start();
        });
      } else if (performance.now() - began > turnMs) {
        this.#isResuming = true;
        return this.#soon(() => {
          this.#isResuming = false;
          this.#start();
        });
      }
    }
  }

  /** The next address's next user name's first check; both go to the end of their rows. */
  #next(): Check | null {
    for (const [address, lane] of this.#lanes) {
      for (const [username, checks] of lane) {
        const check = checks.shift();
        this.#lanes.delete(address);
        this.#lanes.set(address, lane);
        lane.delete(username);
        lane.set(username, checks);
        this.#shrink(address, lane, username, checks);
        return check ?? null;
      }
    }
    return null;
  }

  /** One check less waits. */
  #shrink(address: string, lane: Lane, username: string, checks: readonly Check[]): void {
    this.#waiting--;
    if (checks.length > 0) return;
    lane.delete(username);
    if (lane.size === 0) this.#lanes.delete(address);
  }

  /** Refuses the newest check of the user name with most, of the address with most. False: that is `newcomer`. */
  #makeRoom(newcomer: Check): boolean {
    let [longest, most] = [newcomer.address, this.#countOf(this.#lanes.get(newcomer.address)) + 1];
    for (const [address, lane] of this.#lanes) {
      const count = this.#countOf(lane);
      if (count > most) [longest, most] = [address, count];
    }
    const lane = this.#lanes.get(longest);
    const isOwn = longest === newcomer.address;
    let found = isOwn ? [...(lane?.get(newcomer.username) ?? []), newcomer] : [];
    for (const checks of lane?.values() ?? []) if (checks.length > found.length) found = checks;
    const refused = found.at(-1);
    if (refused === undefined || refused === newcomer) return false;
    this.remove(refused);
    refused.refuse();
    return true;
  }

  #countOf(lane: Lane | undefined): number {
    let count = 0;
    for (const checks of lane?.values() ?? []) count += checks.length;
    return count;
  }
}
