import type { Loop } from "./loop.ts";
import type { Channel } from "./channel.ts";

/** Milliseconds between two looks at paused connections, and connections in one look. */
const lookMs = 50;
const askedAtOnce = 1000;

/**
 * Publishers that the driver does not read because subscribers are slow. Their peers may close
 * meanwhile: the FIN waits behind unread bytes, so ask the kernel for it.
 */
export class PeerCloses {
  readonly #loop: Loop;
  readonly #onClosed: (channels: readonly Channel[]) => void;
  readonly #watched = new Set<Channel>();
  /** When the kernel was last asked as a watch began. */
  readonly #askedAt = new WeakMap<Channel, number>();
  /** Channels whose peer has closed, not reported yet. */
  readonly #found = new Set<Channel>();
  #stop: (() => void) | null = null;

  /** `onClosed` gets channels whose peer has sent its FIN; they are no longer watched. */
  constructor(loop: Loop, onClosed: (channels: readonly Channel[]) => void) {
    this.#loop = loop;
    this.#onClosed = onClosed;
  }

  /** Asks at once if the last check is `lookMs` ago, since a hold may be shorter than that. */
  watch(channel: Channel, now: number): void {
    if (channel.link.hasPeerClosed === undefined) return;
    this.#watched.add(channel);
    const isDue = now - (this.#askedAt.get(channel) ?? -Infinity) >= lookMs;
    if (isDue) this.#askedAt.set(channel, now);
    if (isDue && channel.link.hasPeerClosed()) {
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
    const closed = new Set(this.#found);
    this.#found.clear();
    let asked = Math.min(this.#watched.size, askedAtOnce);
    for (const channel of this.#watched) {
      if (asked-- === 0) break;
      this.#watched.delete(channel);
      if (closed.has(channel)) continue;
      if (channel.link.hasPeerClosed?.() === true) closed.add(channel);
      else this.#watched.add(channel);
    }
    if (this.#watched.size > 0) this.#stop = this.#loop.after(lookMs, () => this.#look());
    if (closed.size > 0) this.#onClosed([...closed]);
  }
}
