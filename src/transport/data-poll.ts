import type { Libc } from "./libc-bun.ts";
import type { DataWatch } from "./socket-poll.ts";

/** POLLIN, and POLLRDHUP, which only Linux has. */
const readable = 0x1;
const readHangUp = 0x2000;
/** Sockets in one poll: the system refuses more than the process may have descriptors. */
const polledAtOnce = 256;
/** poll takes no notice of it. */
const nobody = -1;

/**
 * A list of `struct pollfd` (descriptor, 32 bits; requested events, 16; returned events, 16) that
 * stands, so that a look at thousands of sockets is some system calls and one loop over numbers.
 */
export class DataPoll implements DataWatch {
  readonly #libc: Libc;
  #polled = new Int32Array(0);
  #size = 0;

  constructor(libc: Libc) {
    this.#libc = libc;
  }

  add(place: number, descriptor: number): void {
    if (2 * place >= this.#polled.length) this.#grow(place);
    this.#size = Math.max(this.#size, place + 1);
    this.#polled[2 * place] = descriptor;
    this.#polled[2 * place + 1] = readable | readHangUp;
  }

  #grow(place: number): void {
    const places = Math.max(polledAtOnce, 2 * place);
    const grown = new Int32Array(2 * places).fill(nobody);
    grown.set(this.#polled);
    this.#polled = grown;
  }

  delete(place: number): void {
    if (place < this.#size) this.#polled[2 * place] = nobody;
  }

  find(): readonly number[] {
    const found: number[] = [];
    for (let from = 0; from < this.#size; from += polledAtOnce) {
      const count = Math.min(polledAtOnce, this.#size - from);
      const polled = this.#polled.subarray(2 * from, 2 * (from + count));
      if (this.#libc.poll(polled, count, 0) <= 0) continue;
      for (let at = 0; at < count; at++) {
        if ((polled[2 * at + 1] ?? 0) >> 16 === readable) found.push(from + at);
      }
    }
    return found;
  }
}
