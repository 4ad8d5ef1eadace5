import type { Millis } from "./io.ts";

/** Spans that are remembered. Older ones matter to nobody but a client that was silent since. */
const spansKept = 64;

/**
 * When the broker's own process did nothing: it was stopped, or its loop was held up. Packets that
 * came meanwhile were read late, so that what is told of a client's silence needs it beside.
 */
export class Standstills {
  readonly #spans: { readonly from: Millis; readonly to: Millis }[] = [];

  add(from: Millis, to: Millis): void {
    this.#spans.push({ from, to });
    if (this.#spans.length > spansKept) this.#spans.shift();
  }

  /** Milliseconds of the time from one moment to another in which the broker stood still. */
  between(from: number, to: number): number {
    let total = 0;
    for (let index = this.#spans.length - 1; index >= 0; index--) {
      const span = this.#spans[index]!;
      if (span.to <= from) break;
      total += Math.max(0, Math.min(to, span.to) - Math.max(from, span.from));
    }
    return total;
  }
}
