import { textBytes } from "./memory.ts";

/**
 * A place in the tree: one level or several, since levels without a value and without a second
 * branch are no places of their own.
 */
export class Place<Value> {
  /** All levels from the first one to the last one of this place. */
  readonly path: string;
  /** Index in a path of this branch where the levels below begin. */
  readonly below: number;
  /** Serial number, in the order in which places were added to the same parent. */
  number: number;
  /** Serial number, in the order in which values were first set; 0: no value. */
  since = 0;
  value: Value | null = null;
  /** By their first level, in order of their numbers. */
  children: Map<string, Place<Value>> | null = null;

  constructor(path: string, below: number, number: number) {
    this.path = path;
    this.below = below;
    this.number = number;
  }
}

/** Bytes of memory of a place with its entry in a map, and of a map. */
const placeBytes = 310;
const mapBytes = 180;

/**
 * Values by topic or filter, as a tree of their levels. Takes memory by the number of values and
 * the length of their paths, however many levels these have: it has at most two places a value.
 *
 * A walk that stops between two steps may go on after changes. A place that has a value keeps its
 * identity until the value is deleted. Places that leave the tree are not changed any more, so a
 * walk that stands on one still finds all that was below it.
 */
export class LevelTree<Value> {
  readonly root = new Place<Value>("", 0, 0);
  #serial = 0;
  #places = 0;
  #maps = 0;
  #textBytes = 0;

  /** The latest serial number: what is added from now on has a higher one. */
  get serial(): number {
    return this.#serial;
  }

  /** Bytes of memory, without the values and their paths. */
  get held(): number {
    return this.#places * placeBytes + this.#maps * mapBytes + this.#textBytes;
  }

  get(path: string): Value | null {
    return this.#find(path)?.value ?? null;
  }

  /** Returns the value that it replaced; null: there was none. */
  set(path: string, value: Value): Value | null {
    const place = this.#placeFor(path);
    const before = place.value;
    place.value = value;
    if (before === null) {
      place.since = ++this.#serial;
      this.#textBytes -= textBytes(path);
    }
    return before;
  }

  /** Returns the deleted value; null: there was none. */
  delete(path: string): Value | null {
    let above = this.root;
    let parent = this.root;
    let place = this.root;
    while (place.below <= path.length) {
      const child = place.children?.get(levelAt(path, place.below));
      if (child === undefined || child.path.length > path.length) return null;
      above = parent;
      parent = place;
      place = child;
    }
    const { value } = place;
    if (value === null || place.path !== path) return null;
    place.value = null;
    place.since = 0;
    this.#textBytes += textBytes(path);
    if (place.children !== null) {
      this.#merge(parent, place);
      return value;
    }
    this.#removeChild(parent, place);
    if (parent !== this.root && parent.value === null) this.#merge(above, parent);
    return value;
  }

  #find(path: string): Place<Value> | null {
    let place = this.root;
    // Looks at the first level of each place only, and compares the whole path at the end.
    while (place.below <= path.length) {
      const child = place.children?.get(levelAt(path, place.below));
      if (child === undefined || child.path.length > path.length) return null;
      place = child;
    }
    return place.path === path ? place : null;
  }

  #placeFor(path: string): Place<Value> {
    let place = this.root;
    while (place.below <= path.length) {
      const level = levelAt(path, place.below);
      const child = place.children?.get(level);
      if (child === undefined) {
        const added = new Place<Value>(path, path.length + 1, ++this.#serial);
        this.#addChild(place, ownText(level, path), added);
        return added;
      }
      const shared = sharedEnd(child.path, path, place.below + level.length);
      place = shared === child.path.length ? child : this.#split(place, level, child, shared);
    }
    return place;
  }

  /** Puts a place between a child and its parent, which ends at a shared level. */
  #split(parent: Place<Value>, level: string, child: Place<Value>, end: number): Place<Value> {
    const path = ownText(child.path.slice(0, end), child.path);
    const between = new Place<Value>(path, end + 1, child.number);
    const below = levelAt(child.path, end + 1);
    between.children = new Map([[ownText(below, child.path), child]]);
    this.#maps += 1;
    parent.children?.set(level, between);
    this.#count(between, 1);
    return between;
  }

  /** Replaces a place without a value by its child, if it has only one. */
  #merge(parent: Place<Value>, place: Place<Value>): void {
    const { children } = place;
    if (children?.size !== 1) return;
    for (const child of children.values()) {
      child.number = place.number;
      parent.children?.set(levelAt(place.path, parent.below), child);
    }
    this.#maps -= 1;
    this.#count(place, -1);
  }

  #addChild(parent: Place<Value>, level: string, child: Place<Value>): void {
    if (parent.children === null) {
      parent.children = new Map();
      this.#maps += 1;
    }
    parent.children.set(level, child);
    this.#count(child, 1);
  }

  #removeChild(parent: Place<Value>, child: Place<Value>): void {
    parent.children?.delete(levelAt(child.path, parent.below));
    this.#count(child, -1);
    if (parent.children?.size !== 0) return;
    parent.children = null;
    this.#maps -= 1;
  }

  /** Counts a place without a value that comes or goes. */
  #count({ path }: Place<Value>, places: 1 | -1): void {
    this.#places += places;
    this.#textBytes += places * textBytes(path);
  }
}

/** The level of a path that begins at an index. */
export function levelAt(path: string, start: number): string {
  const end = path.indexOf("/", start);
  return end < 0 ? path.slice(start) : path.slice(start, end);
}

/** Where the last level ends that two paths share, which are equal up to an end of a level. */
function sharedEnd(a: string, b: string, equalUpTo: number): number {
  let end = equalUpTo;
  for (let index = equalUpTo; ; index++) {
    const code = index < a.length ? a.charCodeAt(index) : slash;
    if (code !== (index < b.length ? b.charCodeAt(index) : slash)) return end;
    if (code !== slash) continue;
    end = index;
    if (index >= a.length || index >= b.length) return end;
  }
}

const slash = 0x2f;

/**
 * A copy of a part of a text. A slice keeps the whole text in memory, and so does a concatenation
 * with it. Where the whole is little longer, the slice costs less.
 */
function ownText(part: string, whole: string): string {
  if (whole.length - part.length < 64) return part;
  const copy: unknown = JSON.parse(JSON.stringify(part));
  return String(copy);
}
