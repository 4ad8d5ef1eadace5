/**
 * Bound for an event that is certain to happen, on a machine that stands still for seconds at any
 * moment. Below the limit of a test, whose message says less.
 */
export const patienceMs = 20_000;

/** Items that arrive over time, in order, and the waiters for particular ones. */
export class Inbox<Item> {
  readonly items: Item[] = [];
  readonly #looks = new Set<() => void>();
  #ended: string | null = null;

  add(item: Item): void {
    this.items.push(item);
    for (const look of this.#looks) look();
  }

  /** No item follows; the waiters that are left fail at once, with this text. */
  end(why: string): void {
    this.#ended ??= why;
    for (const look of this.#looks) look();
  }

  /**
   * The first matching item, of those so far and those within `boundMs`. Rejects with the items
   * that arrived instead.
   */
  async first<Found extends Item>(
    what: string,
    fits: (item: Item) => item is Found,
    boundMs?: number,
  ): Promise<Found>;
  async first(what: string, fits: (item: Item) => boolean, boundMs?: number): Promise<Item>;
  async first(what: string, fits: (item: Item) => boolean, boundMs = patienceMs): Promise<Item> {
    let looked = 0;
    return this.#until(what, boundMs, () => {
      for (; looked < this.items.length; looked++) {
        const item = this.items[looked];
        if (item !== undefined && fits(item)) return item;
      }
      return undefined;
    });
  }

  /** Resolves when so many matching items have arrived. */
  async count(what: string, expected: number, fits: (item: Item) => boolean): Promise<void> {
    let looked = 0;
    let found = 0;
    await this.#until(`${expected} x ${what}`, patienceMs, () => {
      for (; looked < this.items.length; looked++) {
        const item = this.items[looked];
        if (item !== undefined && fits(item)) found++;
      }
      return found >= expected ? true : undefined;
    });
  }

  async #until<Found>(
    what: string,
    boundMs: number,
    find: () => Found | undefined,
  ): Promise<Found> {
    const { promise, resolve, reject } = Promise.withResolvers<Found>();
    const fail = (why: string): void => reject(new Error(`${what}: ${why}\n${this.#tail()}`));
    const look = (): void => {
      const found = find();
      if (found !== undefined) resolve(found);
      else if (this.#ended !== null) fail(this.#ended);
    };
    const bound = setTimeout(() => fail(`did not come within ${boundMs} ms`), boundMs);
    this.#looks.add(look);
    look();
    try {
      return await promise;
    } finally {
      clearTimeout(bound);
      this.#looks.delete(look);
    }
  }

  #tail(): string {
    const last = this.items.slice(-10).map((item) => `  ${JSON.stringify(item)}`);
    return [`the last of ${this.items.length} that came:`, ...last].join("\n");
  }
}

/**
 * Polls for a fact that has no event, for example one in /proc. Rejects after `boundMs`, with the
 * text of `describe` at that time.
 */
export async function eventually(
  isSo: () => boolean | Promise<boolean>,
  describe: () => string,
  boundMs = patienceMs,
): Promise<void> {
  const until = performance.now() + boundMs;
  while (!(await isSo())) {
    if (performance.now() > until) throw new Error(`not within ${boundMs} ms: ${describe()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Waits for a promise that is certain to settle; rejects after `boundMs`, with the text of `describe`. */
export async function within<Value>(
  promise: Promise<Value>,
  describe: () => string,
  boundMs = patienceMs,
): Promise<Value> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const fail = (): void => reject(new Error(`not within ${boundMs} ms: ${describe()}`));
  const bound = setTimeout(fail, boundMs);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(bound);
  }
}

/**
 * Waits until every one of several promises has settled, then rejects with the first failure: nothing
 * that a test has started runs on after the test.
 */
export async function all<const Promises extends readonly unknown[]>(
  promises: Promises,
): Promise<{ -readonly [At in keyof Promises]: Awaited<Promises[At]> }> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}

/** Milliseconds of a clock that the processes of this machine share. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}
