/**
 * Takes the keys of a Map or Set that has a bound, oldest first, each to be deleted by the caller.
 * Goes on where it was: a new iterator would pass all the places of deleted keys at the front first,
 * thousands of them.
 */
export class Oldest<Key> {
  readonly #of: Pick<Map<Key, unknown>, "keys">;
  #keys: Iterator<Key, unknown> | null = null;

  constructor(of: Pick<Map<Key, unknown>, "keys"> | Pick<Set<Key>, "keys">) {
    this.#of = of;
  }

  /** Undefined: it is empty. */
  take(): Key | undefined {
    this.#keys ??= this.#of.keys();
    const { done, value } = this.#keys.next();
    if (done !== true) return value;
    // An iterator that has seen the end stays there.
    this.#keys = null;
    return undefined;
  }
}
