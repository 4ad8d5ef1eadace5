import type { Client } from "../client.ts";

/** The most packets in one write. */
const room = 4096;

/** Acknowledgements of a client, gathered into one write a read. */
export class Replies {
  readonly #client: Client;
  #bytes: Uint8Array | null = null;
  #used = 0;

  constructor(client: Client) {
    this.#client = client;
  }

  /** `type`: the first byte of PUBACK, PUBREC, PUBREL or PUBCOMP. */
  add(type: number, id: number): void {
    this.#bytes ??= new Uint8Array(room * 4);
    if (this.#used === this.#bytes.length) this.flush();
    const at = this.#used;
    this.#bytes[at] = type;
    this.#bytes[at + 1] = 2;
    this.#bytes[at + 2] = id >> 8;
    this.#bytes[at + 3] = id;
    this.#used += 4;
  }

  flush(): void {
    if (this.#used === 0 || this.#bytes === null) return;
    this.#client.write(this.#bytes, 0, this.#used);
    this.#used = 0;
  }
}
