import { statSync } from "node:fs";
import path from "node:path";
import { StoreError } from "./faults.ts";

/**
 * Whether the files that a broker has open still have their names. One that was deleted or replaced
 * takes what is written, and the next broker does not see it.
 */
export class InPlace {
  readonly #folder: string;
  /** By their names, what tells them from others. */
  readonly #known = new Map<string, string>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Remembers a file that was just opened, once it is there. */
  note(name: string): void {
    if (this.#known.has(name)) return;
    const identity = this.#identity(name);
    if (identity !== null) this.#known.set(name, identity);
  }

  forget(name: string): void {
    this.#known.delete(name);
  }

  has(name: string): boolean {
    const known = this.#known.get(name);
    return known === undefined || known === this.#identity(name);
  }

  /** Nothing has the name of a file that is open. */
  isGone(name: string): boolean {
    return this.#known.has(name) && this.#identity(name) === null;
  }

  /** Throws StoreError, `moved`. */
  expect(name: string): void {
    if (this.has(name)) return;
    const how = this.isGone(name) ? "deleted or moved" : "replaced by another";
    throw new StoreError("moved", `${name} was ${how} while the broker runs`);
  }

  #identity(name: string): string | null {
    const options = { bigint: true, throwIfNoEntry: false } as const;
    const found = statSync(path.join(this.#folder, name), options);
    return found === undefined ? null : `${found.dev} ${found.ino}`;
  }
}
