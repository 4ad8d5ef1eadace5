/** Entries up to which a list is searched. */
const listMax = 8;
/** The list of every map without entries; nothing is added to it. */
const noEntries: never[] = [];

/**
 * A map of which there are many with few entries each: a list, of keys and values in turn, takes a
 * third of the memory of a Map. From a number of entries on it is one.
 */
export class SmallMap<Key extends number | string, Value extends object> {
  #list: (Key | Value)[] = noEntries;
  #map: Map<Key, Value> | null = null;

  get size(): number {
    return this.#map?.size ?? this.#list.length / 2;
  }

  get(key: Key): Value | undefined {
    if (this.#map !== null) return this.#map.get(key);
    const at = this.#placeOf(key);
    // Values stand behind their keys.
    return at < 0 ? undefined : (this.#list[at + 1] as Value);
  }

  set(key: Key, value: Value): void {
    if (this.#map !== null) return void this.#map.set(key, value);
    const at = this.#placeOf(key);
    if (at >= 0) this.#list[at + 1] = value;
    else if (this.#list.length === 0) this.#list = [key, value];
    else if (this.#list.length < 2 * listMax) this.#list.push(key, value);
    else {
      this.#map = new Map(this);
      this.#map.set(key, value);
      this.#list = noEntries;
    }
  }

  delete(key: Key): boolean {
    if (this.#map !== null) return this.#map.delete(key);
    const at = this.#placeOf(key);
    if (at >= 0) this.#list.splice(at, 2);
    return at >= 0;
  }

  *keys(): Generator<Key, void, void> {
    for (const [key] of this) yield key;
  }

  *values(): Generator<Value, void, void> {
    for (const [, value] of this) yield value;
  }

  /** In the order of their first `set`. */
  *[Symbol.iterator](): Generator<[Key, Value], void, void> {
    if (this.#map !== null) return yield* this.#map;
    // Entries may be deleted meanwhile.
    const list = [...this.#list];
    for (let at = 0; at < list.length; at += 2) {
      // Keys and values in turn.
      yield [list[at] as Key, list[at + 1] as Value];
    }
  }

  #placeOf(key: Key): number {
    const list = this.#list;
    for (let at = 0; at < list.length; at += 2) if (list[at] === key) return at;
    return -1;
  }
}
