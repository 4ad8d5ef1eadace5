import type { Client } from "../client/client.ts";

/**
 * Sends PINGREQ when nothing was sent, or nothing has come, for the keepalive [v4-3.1.2-23]
 * [v5-3.1.2-20]; a broker that then stays silent for as long again is dead.
 */
export class Keepalive {
  readonly #client: Client;
  readonly #onSilence: (silentMs: number) => void;
  readonly #everyMs: number;
  #timer: ReturnType<typeof setTimeout> | null = null;
  /** When PINGREQ was sent that nothing has followed; null: none was. */
  #askedAt: number | null = null;
  #isPaused = false;

  constructor(client: Client, onSilence: (silentMs: number) => void) {
    this.#client = client;
    this.#onSilence = onSilence;
    this.#everyMs = client.keepAliveSeconds * 1000;
    this.#wait();
  }

  /** The broker is not read, so that its silence says nothing; PINGREQs go on. */
  pause(): void {
    this.#isPaused = true;
    this.#askedAt = null;
  }

  resume(): void {
    this.#isPaused = false;
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #wait(): void {
    if (this.#everyMs === 0 || this.#client.isOver) return;
    const { lastSentAt, lastHeardAt } = this.#client;
    const since = this.#isPaused ? lastSentAt : Math.min(lastSentAt, lastHeardAt);
    const due = Math.max(since, this.#askedAt ?? 0) + this.#everyMs;
    this.#timer = setTimeout(() => this.#due(), Math.max(1, due - performance.now()));
  }

  #due(): void {
    const now = performance.now();
    const { lastSentAt, lastHeardAt } = this.#client;
    if (this.#askedAt !== null && lastHeardAt > this.#askedAt) this.#askedAt = null;
    if (this.#askedAt !== null && !this.#isPaused && now - this.#askedAt >= this.#everyMs) {
      return this.#onSilence(now - lastHeardAt);
    }
    const since = this.#isPaused ? lastSentAt : Math.min(lastSentAt, lastHeardAt);
    if (this.#askedAt === null && now - since >= this.#everyMs - 1) {
      this.#client.ping();
      if (!this.#isPaused) this.#askedAt = now;
    }
    this.#wait();
  }
}
