import { createHmac, randomBytes } from "node:crypto";

/** Failures of one address and user name in a row. */
interface Failures {
  count: number;
  /** Of the last, milliseconds. */
  at: number;
}

/** Pairs of an address and a user name; beyond them, the one that failed longest ago is forgotten. */
const pairsMax = 10_000;
const forgottenAfterMs = 10 * 60_000;
/** Of the second failure; each further one doubles it. */
const firstDelayMs = 100;

/**
 * How long refusals are delayed, for each address and user name of its own: whoever guesses slows
 * down only himself. The first failure costs nothing, since people mistype.
 */
export class Backoff {
  /** In order of the last failure. */
  readonly #failures = new Map<string, Failures>();
  readonly #key = randomBytes(32);
  /** Milliseconds. */
  readonly delayMaxMs: number;

  /** `delayMax`: milliseconds; 0: no refusal is delayed. */
  constructor(delayMax: number) {
    this.delayMaxMs = delayMax;
  }

  /** Counts a failure; returns its number in a row and the milliseconds by which to delay it. */
  failed(address: string, username: string, now: number): { count: number; delayMs: number } {
    const key = this.#keyOf(address, username);
    const before = this.#failures.get(key);
    const isFresh = before !== undefined && now - before.at < forgottenAfterMs;
    const count = (isFresh ? before.count : 0) + 1;
    this.#failures.delete(key);
    this.#failures.set(key, { count, at: now });
    if (this.#failures.size > pairsMax) {
      for (const oldest of this.#failures.keys()) {
        this.#failures.delete(oldest);
        break;
      }
    }
    const delayMs = count < 2 ? 0 : firstDelayMs * 2 ** Math.min(count - 2, 30);
    return { count, delayMs: Math.min(delayMs, this.delayMaxMs) };
  }

  succeeded(address: string, username: string): void {
    if (this.#failures.size > 0) this.#failures.delete(this.#keyOf(address, username));
  }

  /** Pairs that are remembered. */
  get size(): number {
    return this.#failures.size;
  }

  /** A user name may have 65 KB; its digest is short. */
  #keyOf(address: string, username: string): string {
    const digest = createHmac("sha256", this.#key).update(address).update("\0").update(username);
    return digest.digest("base64");
  }
}
