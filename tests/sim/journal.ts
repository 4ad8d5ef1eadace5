const remembered = 50;

interface Line {
  at: number;
  what: string;
  who: number;
  detail: unknown;
}

/** An error that a checker found. */
export class Violation extends Error {
  override name = "Violation";
  readonly rule: string;
  readonly detail: unknown;

  constructor(rule: string, detail: unknown = null) {
    super(detail === null ? rule : `${rule}: ${textOf(detail)}`);
    this.rule = rule;
    this.detail = detail;
  }
}

/** Keeps the last events of a run for debugging, and hashes all of them. */
export class Journal {
  readonly #lines: Line[] = [];
  #count = 0;
  #hash = 0x811c_9dc5;
  readonly #words = new Map<string, number>();
  readonly #print: ((line: string) => void) | null;

  constructor(print: ((line: string) => void) | null) {
    this.#print = print;
  }

  /** Of all bytes and events so far; the same for the same seed. */
  get hash(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, "0");
  }

  /** `who`: the number of a connection, -1: none. Details are computed only when read. */
  note(at: number, what: string, who: number, detail: unknown): void {
    this.mix(at);
    this.mix(this.#wordOf(what));
    this.mix(who);
    const place = this.#count++ % remembered;
    const line = this.#lines[place];
    if (line === undefined) {
      this.#lines[place] = { at, what, who, detail };
    } else {
      line.at = at;
      line.what = what;
      line.who = who;
      line.detail = detail;
    }
    if (this.#print !== null) this.#print(lineOf({ at, what, who, detail }));
  }

  bytes(bytes: Uint8Array): void {
    this.#hash = Bun.hash.xxHash32(bytes, this.#hash >>> 0);
  }

  mix(number: number): void {
    this.#hash = Math.imul(this.#hash ^ (number | 0), 0x0100_0193);
    // Times have more than 32 bits.
    if (number > 0x7fff_ffff)
      this.#hash = Math.imul(this.#hash ^ (number / 0x8000_0000), 0x85eb_ca6b);
    this.#hash ^= this.#hash >>> 15;
  }

  /** The last events, oldest first. */
  get lines(): string[] {
    const oldest = this.#count <= remembered ? 0 : this.#count % remembered;
    return [...this.#lines.slice(oldest), ...this.#lines.slice(0, oldest)].map(lineOf);
  }

  #wordOf(text: string): number {
    let word = this.#words.get(text);
    if (word === undefined) {
      word = Bun.hash.xxHash32(text);
      this.#words.set(text, word);
    }
    return word;
  }
}

function lineOf({ at, what, who, detail }: Line): string {
  const whose = who < 0 ? "" : ` #${who}`;
  return `${String(at).padStart(8)} ${what}${whose}${detail === null ? "" : ` ${textOf(detail)}`}`;
}

function textOf(value: unknown): string {
  const text = JSON.stringify(value, (_, part: unknown) => {
    if (part instanceof Uint8Array)
      return `${part.length} B ${Buffer.from(part.subarray(0, 24)).toString("latin1")}`;
    if (part === Infinity) return "Infinity";
    if (part instanceof Map) return [...part.entries()];
    if (part instanceof Set) return [...part];
    return part;
  });
  return text.length > 700 ? `${text.slice(0, 700)}...` : text;
}
