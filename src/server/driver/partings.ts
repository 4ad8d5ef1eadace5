import type { Loop } from "./loop.ts";
import type { Port } from "./port.ts";

/** How long the last words to a client that was sent away may wait for it to read. */
const lingerMs = 5000;

/** Connections that the core is done with, whose clients have yet to take their last bytes. */
export class Partings {
  readonly #loop: Loop;
  #count = 0;

  constructor(loop: Loop) {
    this.#loop = loop;
  }

  /** Links that were ended, or are to be, and whose peers have not closed yet. */
  get count(): number {
    return this.#count;
  }

  /** Ends the link once all that waits has been taken, or resets it when that takes too long. */
  begin(port: Port): void {
    this.#count += 1;
    if (port.outbox.size === 0) return this.finish(port);
    port.stopLinger = this.#loop.after(lingerMs, () => {
      port.stopLinger = null;
      port.loseOutput();
      port.link.reset();
      this.#count -= 1;
    });
  }

  /** All has been taken. */
  finish(port: Port): void {
    port.stopLinger?.();
    port.stopLinger = null;
    port.link.end(() => {
      this.#count -= 1;
    });
  }

  /** The peer has closed before it had taken all. */
  giveUp(port: Port): void {
    if (port.stopLinger === null) return;
    port.stopLinger();
    port.stopLinger = null;
    this.#count -= 1;
  }
}
