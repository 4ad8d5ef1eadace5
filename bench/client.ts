import { connect, receiveMaximum, type Version } from "./packets.ts";

/** Reports an error of a run. The loader ends at the first one. */
export type Complain = (error: string) => void;

/**
 * One MQTT client on a raw socket: it cuts the received bytes into frames and passes each one undecoded
 * to its subclass, publisher or subscriber. It allocates nothing for a frame.
 */
export abstract class Client {
  readonly id: string;
  readonly version: Version;
  /** The broker's Receive Maximum. */
  receiveMaximum = 65_535;
  protected readonly complain: Complain;
  #socket: Bun.Socket<Client> | null = null;
  #expected: { packetType: number; resolve: () => void } | null = null;
  /** The start of a frame whose end has not arrived yet. */
  readonly #partial = new Uint8Array(1024);
  #partialBytes = 0;
  #unwritten: Uint8Array[] = [];

  constructor(id: string, version: Version, complain: Complain) {
    this.id = id;
    this.version = version;
    this.complain = complain;
  }

  /** Called with a whole packet in bytes[start..end). */
  protected abstract frame(bytes: Uint8Array, start: number, end: number): void;
  /** Called after all frames of one read. */
  protected abstract readEnded(): void;

  /** Opens the socket, with the local address `from` if given, and waits for CONNACK. */
  async open(host: string, port: number, keepAlive: number, from?: string): Promise<void> {
    // Bun accepts localAddress, although its types omit it.
    const source = from === undefined ? {} : { localAddress: from };
    this.#socket = await Bun.connect<Client>({
      ...source,
      hostname: host,
      port,
      data: this,
      socket: socketHandlers,
    });
    await this.request(connect(this.version, this.id, keepAlive), 0x20);
  }

  /** Sends a packet and waits for a packet of the other type. */
  protected request(bytes: Uint8Array, packetType: number): Promise<void> {
    const answered = new Promise<void>((resolve) => {
      this.#expected = { packetType, resolve };
    });
    this.write(bytes, 0, bytes.length);
    return answered;
  }

  /** Whether the kernel took everything written. */
  get drained(): boolean {
    return this.#unwritten.length === 0;
  }

  write(bytes: Uint8Array, start: number, length: number): void {
    let taken = 0;
    if (this.drained) taken = Math.max(0, this.#socket?.write(bytes, start, length) ?? 0);
    if (taken < length) this.#unwritten.push(bytes.slice(start + taken, start + length));
  }

  /** Sends DISCONNECT and closes; ignores what the broker sends after that. */
  end(bytes: Uint8Array): void {
    const socket = this.#socket;
    // First, because the close handler runs at once.
    this.#socket = null;
    socket?.write(bytes);
    socket?.end();
  }

  /** The socket accepts more bytes. */
  flush(): void {
    while (this.#unwritten.length > 0) {
      const bytes = this.#unwritten[0] ?? new Uint8Array();
      const taken = Math.max(0, this.#socket?.write(bytes) ?? 0);
      if (taken < bytes.length) {
        this.#unwritten[0] = bytes.subarray(taken);
        return;
      }
      this.#unwritten.shift();
    }
    this.readEnded();
  }

  closed(why: string): void {
    if (this.#socket === null) return;
    this.#socket = null;
    this.complain(`${this.id}: ${why}`);
  }

  received(chunk: Uint8Array): void {
    let at = this.#partialBytes > 0 ? this.#completePartial(chunk) : 0;
    for (;;) {
      const size = frameSize(chunk, at, chunk.length);
      if (size === 0 || at + size > chunk.length) break;
      this.#dispatch(chunk, at, at + size);
      at += size;
    }
    if (at < chunk.length) this.#keepPartial(chunk, at);
    this.readEnded();
  }

  #dispatch(bytes: Uint8Array, start: number, end: number): void {
    if (this.#expected === null) this.frame(bytes, start, end);
    else this.#answer(this.#expected, bytes, start, end);
  }

  #answer(
    expected: { packetType: number; resolve: () => void },
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    const packetType = (bytes[start] ?? 0) & 0xf0;
    // The code of a CONNACK is its fourth byte; the code of a SUBACK (here exactly one) is its last.
    const code = bytes[packetType === 0x20 ? start + 3 : end - 1] ?? 0xff;
    if (packetType !== expected.packetType || code > 2) {
      this.complain(`${this.id}: refused (packet type ${packetType >> 4}, code ${code})`);
      return;
    }
    if (packetType === 0x20 && this.version === 5)
      this.receiveMaximum = receiveMaximum(bytes, start, end);
    this.#expected = null;
    expected.resolve();
  }

  /** Moves bytes from the chunk until the frame is whole; returns where the next one starts. */
  #completePartial(chunk: Uint8Array): number {
    for (let at = 0; at < chunk.length;) {
      this.#partial[this.#partialBytes++] = chunk[at++] ?? 0;
      if (frameSize(this.#partial, 0, this.#partialBytes) === this.#partialBytes) {
        const size = this.#partialBytes;
        this.#partialBytes = 0;
        this.#dispatch(this.#partial, 0, size);
        return at;
      }
    }
    return chunk.length;
  }

  #keepPartial(chunk: Uint8Array, from: number): void {
    const rest = chunk.length - from;
    if (rest > this.#partial.length) {
      this.complain(`${this.id}: a packet longer than any published one`);
      return;
    }
    this.#partial.set(chunk.subarray(from), 0);
    this.#partialBytes = rest;
  }
}

/** Size in bytes of the packet that starts at `start`; 0 while its length is not known. */
function frameSize(bytes: Uint8Array, start: number, end: number): number {
  if (start + 2 > end) return 0;
  const first = bytes[start + 1] ?? 0;
  if (first < 0x80) return 2 + first;
  let length = first & 0x7f;
  for (let digit = 1; digit < 4; digit++) {
    if (start + 1 + digit >= end) return 0;
    const byte = bytes[start + 1 + digit] ?? 0;
    length += (byte & 0x7f) * 128 ** digit;
    if (byte < 0x80) return 2 + digit + length;
  }
  // Five length bytes are invalid: the size stays unknown, and the caller's buffer fills up.
  return 0;
}

const socketHandlers: Bun.SocketHandler<Client> = {
  data: (socket, chunk) => socket.data.received(chunk),
  drain: (socket) => socket.data.flush(),
  end: (socket) => socket.data.closed("closed by the broker"),
  close: (socket) => socket.data.closed("connection closed"),
  error: (socket, error) => socket.data.closed(error.message),
};
