import type { Link } from "../../transport/transport.ts";

/**
 * Stands before a link that an operator has declared dead: it takes all that is written and passes
 * nothing on, so that whoever writes finds nothing wrong with it.
 */
export class SilentLink implements Link {
  readonly remote: string;
  readonly isLocal: boolean;
  /** Nothing that waits in it is ever read. */
  readonly descriptor = null;
  owner: unknown = null;
  readonly #link: Link;

  constructor(link: Link) {
    this.#link = link;
    this.remote = link.remote;
    this.isLocal = link.isLocal;
    link.pause();
  }

  write(_bytes: Uint8Array, start: number, end: number): number {
    return end - start;
  }

  pause(): void {}

  resume(): void {}

  watch(): void {}

  /** Nobody is there who could close the other side in order. */
  end(onClosed: () => void = () => {}): void {
    this.#link.reset();
    onClosed();
  }

  reset(): void {
    this.#link.reset();
  }
}
