import type { Loop } from "./loop.ts";
import type { Channel } from "./channel.ts";

/** Milliseconds between two looks at connections that are not read, and how many one look asks. */
const lookMs = 50;
const askedAtOnce = 1000;

/**
 * Connections that are not read for the sake of others, whose peers may end them meanwhile: the FIN stands
 * behind what is not read, so the kernel is asked for it.
 */
export class Leavings {
  readonly #loop: Loop;
  readonly #left: (channels: readonly Channel[]) => void;
  readonly #watched = new Set<Channel>();
  /** Of those that are to be told of. */
  readonly #found = new Set<Channel>();
  #stop: (() => void) | null = null;

  /** `left` is told of those whose peer sends nothing more; they are watched no longer. */
  constructor(loop: Loop, left: (channels: readonly Channel[]) => void) {
    this.#loop = loop;
    this.#left = left;
  }

  /** Holds may be shorter than the time between two looks: who was not asked for that long is asked at once. */
  watch(channel: Channel, now: number): void {
    if (channel.link.isLeaving === undefined) return;
    this.#watched.add(channel);
    const isDue = now - channel.askedAt >= lookMs;
    if (isDue) channel.askedAt = now;
    if (isDue && channel.link.isLeaving()) {
      this.#found.add(channel);
      this.#stop?.();
      this.#stop = this.#loop.after(0, () => this.#look());
    }
    this.#stop ??= this.#loop.after(lookMs, () => this.#look());
  }

  forget(channel: Channel): void {
    this.#watched.delete(channel);
    if (this.#watched.size + this.#found.size > 0) return;
    this.#stop?.();
    this.#stop = null;
  }

  #look(): void {
    this.#stop = null;
    const left = new Set(this.#found);
    this.#found.clear();
    let asked = Math.min(this.#watched.size, askedAtOnce);
    for (const channel of this.#watched) {
      if (asked-- === 0) break;
      this.#watched.delete(channel);
      if (left.has(channel)) continue;
      if (channel.link.isLeaving?.() === true) left.add(channel);
      else this.#watched.add(channel);
    }
    if (this.#watched.size > 0) this.#stop = this.#loop.after(lookMs, () => this.#look());
    if (left.size > 0) this.#left([...left]);
  }
}
