import type { Memory } from "../memory.ts";

/** A part of the records. It counts as memory, once, as long as something keeps it. */
export class Kept {
  #keepers = 0;
  #bytes: number;

  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  hold({ records }: Memory): void {
    this.#keepers += 1;
    if (this.#keepers === 1) records.take(this.#bytes);
  }

  release({ records }: Memory): void {
    this.#keepers -= 1;
    if (this.#keepers === 0) records.give(this.#bytes);
  }

  /** It takes so many bytes more. `memory` null: nothing keeps it yet. */
  grow(bytes: number, memory: Memory | null): void {
    this.#bytes += bytes;
    if (this.#keepers > 0) memory?.records.take(bytes);
  }
}

/** Texts up to this length mostly belong to something else as well, or are the program's own. */
const sharedText = 24;

/** About the memory of a fact or an event: plain objects with few fields, and short lists. */
export function bytesOfFact(fact: unknown): number {
  if (typeof fact === "string") return fact.length > sharedText ? 32 + fact.length : 0;
  if (typeof fact !== "object" || fact === null) return 0;
  let bytes = 32;
  // Without the list that Object.values makes: every event is looked at.
  for (const key in fact) bytes += 8 + bytesOfFact(fact[key as keyof typeof fact]);
  return bytes;
}
