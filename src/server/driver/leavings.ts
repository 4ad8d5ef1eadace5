import type { Loop } from "./loop.ts";
import type { Port } from "./port.ts";

/** Milliseconds between two looks at connections that are not read, and how many one look asks. */
const lookMs = 50;
const askedAtOnce = 1000;

/**
 * Connections that are not read for the sake of others, whose peers may end them meanwhile: the FIN stands
 * behind what is not read, so the kernel is asked for it.
 */
export class Leavings {
  readonly #loop: Loop;
  readonly #left: (ports: readonly Port[]) => void;
  readonly #watched = new Set<Port>();
  /** Of those that are to be told of. */
  readonly #found = new Set<Port>();
  #stop: (() => void) | null = null;

  /** `left` is told of those whose peer sends nothing more; they are watched no longer. */
  constructor(loop: Loop, left: (ports: readonly Port[]) => void) {
    this.#loop = loop;
    this.#left = left;
  }

  /** Holds may be shorter than the time between two looks: who was not asked for that long is asked at once. */
  watch(port: Port, now: number): void {
    if (port.link.isLeaving === undefined) return;
    this.#watched.add(port);
    const isDue = now - port.askedAt >= lookMs;
    if (isDue) port.askedAt = now;
    if (isDue && port.link.isLeaving()) {
      this.#found.add(port);
      this.#stop?.();
      this.#stop = this.#loop.after(0, () => this.#look());
    }
    this.#stop ??= this.#loop.after(lookMs, () => this.#look());
  }

  forget(port: Port): void {
    this.#watched.delete(port);
    if (this.#watched.size + this.#found.size > 0) return;
    this.#stop?.();
    this.#stop = null;
  }

  #look(): void {
    this.#stop = null;
    const left = new Set(this.#found);
    this.#found.clear();
    let asked = Math.min(this.#watched.size, askedAtOnce);
    for (const port of this.#watched) {
      if (asked-- === 0) break;
      this.#watched.delete(port);
      if (left.has(port)) continue;
      if (port.link.isLeaving?.() === true) left.add(port);
      else this.#watched.add(port);
    }
    if (this.#watched.size > 0) this.#stop = this.#loop.after(lookMs, () => this.#look());
    if (left.size > 0) this.#left([...left]);
  }
}
