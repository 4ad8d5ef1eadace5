/** Milliseconds of handshakes in one turn of the loop. One takes 0.3 ms, with an RSA key 1 ms. */
const handshakeMs = 4;

/** A link whose ClientHello has arrived. */
interface Shaking {
  shakeHands(): void;
}

/** Starts handshakes, a few in each turn of the loop, in the order in which they came. */
export class Handshakes {
  readonly #waiting: Shaking[] = [];
  #isTimed = false;

  add(link: Shaking): void {
    this.#waiting.push(link);
    if (!this.#isTimed) this.#work();
  }

  #work(): void {
    this.#isTimed = false;
    const until = performance.now() + handshakeMs;
    for (let link = this.#waiting.shift(); link !== undefined; link = this.#waiting.shift()) {
      link.shakeHands();
      if (performance.now() >= until) break;
    }
    // Also without any left, so that those of the same poll count together.
    this.#isTimed = true;
    setTimeout(() => {
      if (this.#waiting.length > 0) this.#work();
      else this.#isTimed = false;
    }, 0);
  }
}
