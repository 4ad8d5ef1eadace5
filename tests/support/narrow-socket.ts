import { dlopen } from "bun:ffi";

/** Linux's numbers. */
const afInet = 2;
const sockStream = 1;
const solSocket = 1;
const soRcvBuf = 8;
const msgDontWait = 0x40;
const msgNoSignal = 0x4000;

/**
 * A TCP connection to a port of 127.0.0.1 with a small receive buffer. The test reads as much as it
 * asks for: no runtime reads ahead. Linux only.
 */
export class NarrowSocket implements Disposable {
  readonly #libc = dlopen("libc.so.6", {
    socket: { args: ["i32", "i32", "i32"], returns: "i32" },
    setsockopt: { args: ["i32", "i32", "i32", "ptr", "u32"], returns: "i32" },
    connect: { args: ["i32", "ptr", "u32"], returns: "i32" },
    send: { args: ["i32", "ptr", "u64", "i32"], returns: "i64" },
    recv: { args: ["i32", "ptr", "u64", "i32"], returns: "i64" },
    close: { args: ["i32"], returns: "i32" },
  });
  readonly #fd: number;

  constructor(port: number, receiveBuffer: number) {
    const { symbols } = this.#libc;
    this.#fd = symbols.socket(afInet, sockStream, 0);
    const size = Int32Array.of(receiveBuffer);
    const isSet = symbols.setsockopt(this.#fd, solSocket, soRcvBuf, size, size.byteLength) === 0;
    const address = new Uint8Array(16);
    const view = new DataView(address.buffer);
    view.setUint16(0, afInet, true);
    view.setUint16(2, port);
    address.set([127, 0, 0, 1], 4);
    const isConnected = symbols.connect(this.#fd, address, address.length) === 0;
    if (!isSet || !isConnected) throw new Error("no connection with a small receive buffer");
  }

  send(bytes: Uint8Array): void {
    const sent = this.#libc.symbols.send(this.#fd, bytes, BigInt(bytes.length), msgNoSignal);
    if (Number(sent) !== bytes.length)
      throw new Error(`${sent} of ${bytes.length} bytes were sent`);
  }

  /** At most so many of the waiting bytes. Null: none, or no connection. */
  read(most: number): Uint8Array | null {
    const bytes = new Uint8Array(most);
    const read = Number(this.#libc.symbols.recv(this.#fd, bytes, BigInt(most), msgDontWait));
    return read > 0 ? bytes.subarray(0, read) : null;
  }

  [Symbol.dispose](): void {
    this.#libc.symbols.close(this.#fd);
    this.#libc.close();
  }
}
