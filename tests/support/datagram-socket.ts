import { dlopen } from "bun:ffi";

/** Linux's numbers. */
const unix = 1;
const datagramNonBlocking = 2 | 0x80000 | 0x800;

/** A socket of a service manager: receives datagrams at a path, or at `@NAME` without a file. */
export class DatagramSocket implements Disposable {
  readonly #libc = dlopen("libc.so.6", {
    socket: { args: ["i32", "i32", "i32"], returns: "i32" },
    bind: { args: ["i32", "ptr", "u32"], returns: "i32" },
    recv: { args: ["i32", "ptr", "usize", "i32"], returns: "i64" },
    close: { args: ["i32"], returns: "i32" },
  });
  readonly #descriptor: number;
  readonly #received: string[] = [];

  constructor(address: string) {
    const { socket, bind } = this.#libc.symbols;
    this.#descriptor = socket(unix, datagramNonBlocking, 0);
    const name = new TextEncoder().encode(address.replace(/^@/, "\0"));
    const bytes = new Uint8Array(2 + name.length);
    bytes[0] = unix;
    bytes.set(name, 2);
    if (bind(this.#descriptor, bytes, bytes.length) !== 0) throw new Error(`bind to ${address}`);
  }

  /** All that has come so far. */
  received(): readonly string[] {
    const buffer = new Uint8Array(4096);
    for (;;) {
      const length = Number(this.#libc.symbols.recv(this.#descriptor, buffer, buffer.length, 0));
      if (length < 0) return this.#received;
      this.#received.push(new TextDecoder().decode(buffer.subarray(0, length)));
    }
  }

  [Symbol.dispose](): void {
    this.#libc.symbols.close(this.#descriptor);
    this.#libc.close();
  }
}
