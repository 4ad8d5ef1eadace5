import type { Port } from "./port.ts";

/** How long the last words to a client that was sent away may wait for it to read. */
const lingerMs = 5000;

/** Connections that the core is done with, whose clients have yet to take their last bytes. */
export class Partings {
  #count = 0;

  /** Links that were ended, or are to be, and whose peers have not closed yet. */
  get count(): number {
    return this.#count;
  }

  /** Ends the link once all that waits has been taken, or resets it when that takes too long. */
  begin(port: Port): void {
    this.#count += 1;
    if (port.outbox.size === 0) return this.finish(port);
    port.linger = setTimeout(() => {
      port.linger = null;
      port.loseOutput();
      port.link.reset();
      this.#count -= 1;
    }, lingerMs);
  }

  /** All has been taken. */
  finish(port: Port): void {
    if (port.linger !== null) clearTimeout(port.linger);
    port.linger = null;
    port.link.end(() => {
      this.#count -= 1;
    });
  }

  /** The peer has closed before it had taken all. */
  giveUp(port: Port): void {
    if (port.linger === null) return;
    clearTimeout(port.linger);
    port.linger = null;
    this.#count -= 1;
  }
}
