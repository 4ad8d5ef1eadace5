import type { Link } from "../../transport/transport.ts";

/**
 * Replaces a link that an operator has declared dead: it accepts all writes and forwards none, as a
 * dead network would.
 */
export class SilentLink implements Link {
  readonly remote: string;
  readonly isLocal: boolean;
  readonly ownBytes: number;
  /** Null, since it is never read. */
  readonly descriptor = null;
  owner: unknown = null;
  readonly #link: Link;

  constructor(link: Link) {
    this.#link = link;
    this.remote = link.remote;
    this.isLocal = link.isLocal;
    this.ownBytes = link.ownBytes ?? 0;
    link.pause();
  }

  write(_bytes: Uint8Array, start: number, end: number): number {
    return end - start;
  }

  pause(): void {}

  resume(): void {}

  watch(): void {}

  /** Resets the link: a dead peer can't close its side. */
  end(onClosed: () => void = () => {}): void {
    this.#link.reset();
    onClosed();
  }

  reset(): void {
    this.#link.reset();
  }
}
