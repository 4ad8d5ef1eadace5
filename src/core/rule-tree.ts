import type { Principal } from "./access.ts";

/** What a line of an access list gives or takes. */
export type Grant = "read" | "write" | "readwrite" | "deny";

/** The first lines that match, by what they decide; 0: none does. */
export interface Lines {
  deny: number;
  read: number;
  write: number;
}

/** A topic or filter of which some levels are any text that no line names. */
export type Level = string;
/** Such a level. U+0000 is in no topic and in no line. */
export const anyLevel: Level = "\u0000";

interface Place {
  children: Map<string, Place> | null;
  /** The level `+`. */
  any: Place | null;
  /** Levels with %c or %u, whose text depends on the client. */
  templates: { readonly level: string; readonly place: Place }[] | null;
  /** Lines whose filter ends here, and with `#` below here. */
  here: Lines | null;
  rest: Lines | null;
}

/**
 * The filters of one user's lines, or of all patterns, by their levels: a topic is looked up along
 * its own levels and `+`, however many lines there are.
 */
export class RuleTree {
  readonly #root = newPlace();
  /** Levels of the longest filter that denies. */
  #deepestDeny = 0;
  #lines = 0;

  get isEmpty(): boolean {
    return this.#lines === 0;
  }

  get deepestDeny(): number {
    return this.#deepestDeny;
  }

  /** `isPattern`: %c and %u mean the client's id and user name. */
  add(filter: string, grant: Grant, line: number, isPattern: boolean): void {
    this.#lines += 1;
    const levels = filter.split("/");
    let place = this.#root;
    const hasRest = levels.at(-1) === "#";
    if (hasRest) levels.pop();
    for (const level of levels) place = childFor(place, level, isPattern);
    const lines = hasRest ? (place.rest ??= newLines()) : (place.here ??= newLines());
    if (grant === "deny") {
      this.#deepestDeny = Math.max(this.#deepestDeny, levels.length);
      lines.deny ||= line;
    } else {
      if (grant !== "write") lines.read ||= line;
      if (grant !== "read") lines.write ||= line;
    }
  }

  /** Adds to `found` the first lines that match a topic, given by its levels. */
  find(levels: readonly Level[], who: Principal, found: Lines): void {
    this.#find(this.#root, levels, 0, who, found);
  }

  #find(place: Place, levels: readonly Level[], depth: number, who: Principal, found: Lines): void {
    const level = levels[depth];
    // A wildcard on the first level matches no topic that begins with `$` [v4-4.7.2-1] [v5-4.7.2-1].
    const isWild = depth > 0 || level?.startsWith("$") !== true;
    // `#` matches its parent level too (section 4.7.1.2).
    if (place.rest !== null && isWild) addLines(found, place.rest);
    if (level === undefined) {
      if (place.here !== null) addLines(found, place.here);
      return;
    }
    const own = place.children?.get(level);
    if (own !== undefined) this.#find(own, levels, depth + 1, who, found);
    if (place.any !== null && isWild) this.#find(place.any, levels, depth + 1, who, found);
    for (const { level: template, place: below } of place.templates ?? none) {
      if (filled(template, who) === level) this.#find(below, levels, depth + 1, who, found);
    }
  }

  /**
   * The lines that allow to read topics which a filter matches too, each with these topics: their
   * levels, and whether further ones may follow. Null: a step without one.
   */
  *readable(filter: readonly string[], who: Principal): Generator<Readable | null, void, void> {
    yield* this.#readable(this.#root, filter, [], who);
  }

  *#readable(
    place: Place,
    filter: readonly string[],
    levels: readonly Level[],
    who: Principal,
  ): Generator<Readable | null, void, void> {
    yield null;
    const depth = levels.length;
    const hash = filter.at(-1) === "#" ? filter.length - 1 : Infinity;
    const isRest = depth >= hash;
    const asked = isRest ? "+" : filter[depth];
    const isAtRoot = depth === 0;
    const isReserved = isAtRoot && asked?.startsWith("$") === true;
    const { rest, here } = place;
    if (rest !== null && rest.read > 0 && !isReserved) {
      // All that the filter leaves open after these levels.
      const tail = isRest ? [] : filter.slice(depth, hash);
      const own = tail.map((level) => (level === "+" ? anyLevel : level));
      yield { levels: [...levels, ...own], isOpen: hash !== Infinity };
    }
    if (here !== null && here.read > 0 && (isRest || asked === undefined)) {
      yield { levels, isOpen: false };
    }
    if (asked === undefined) return;
    const { children, any, templates } = place;
    const isWild = asked === "+";
    if (isWild) {
      for (const [level, below] of children ?? noChildren) {
        if (isAtRoot && level.startsWith("$")) continue;
        yield* this.#readable(below, filter, [...levels, level], who);
      }
    } else {
      const own = children?.get(asked);
      if (own !== undefined) yield* this.#readable(own, filter, [...levels, asked], who);
    }
    if (any !== null && !isReserved) {
      yield* this.#readable(any, filter, [...levels, isWild ? anyLevel : asked], who);
    }
    for (const { level: template, place: below } of templates ?? none) {
      const level = filled(template, who);
      if (level === null || (isWild ? isAtRoot && level.startsWith("$") : level !== asked))
        continue;
      yield* this.#readable(below, filter, [...levels, level], who);
    }
  }
}

/** Topics that a line allows to read and that a filter matches. */
export interface Readable {
  readonly levels: readonly Level[];
  /** Any levels may follow. */
  readonly isOpen: boolean;
}

const none: NonNullable<Place["templates"]> = [];
const noChildren: ReadonlyMap<string, Place> = new Map();

function newPlace(): Place {
  return { children: null, any: null, templates: null, here: null, rest: null };
}

export function newLines(): Lines {
  return { deny: 0, read: 0, write: 0 };
}

/** The first line of each kind counts, for people: any of them decides the same. */
function addLines(found: Lines, { deny, read, write }: Lines): void {
  if (deny > 0 && (found.deny === 0 || deny < found.deny)) found.deny = deny;
  if (read > 0 && (found.read === 0 || read < found.read)) found.read = read;
  if (write > 0 && (found.write === 0 || write < found.write)) found.write = write;
}

function childFor(place: Place, level: string, isPattern: boolean): Place {
  if (level === "+") return (place.any ??= newPlace());
  if (isPattern && placeholder.test(level)) {
    place.templates ??= [];
    let known = place.templates.find((one) => one.level === level);
    if (known === undefined) place.templates.push((known = { level, place: newPlace() }));
    return known.place;
  }
  place.children ??= new Map();
  let child = place.children.get(level);
  if (child === undefined) place.children.set(level, (child = newPlace()));
  return child;
}

const placeholder = /%[cu]/;
const placeholders = /%[cu]/g;

/** The text of a level for a client; null: it has no user name, so the line is none of its own. */
function filled(level: string, { clientId, username }: Principal): string | null {
  if (username === null && level.includes("%u")) return null;
  return level.replace(placeholders, (one) => (one === "%c" ? clientId : (username ?? "")));
}
