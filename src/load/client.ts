import { isWebSocket, type Target } from "../client/target.ts";
import { type FrameReader, FrameCutter } from "./frames.ts";
import {
  connect,
  type ConnectFields,
  disconnect,
  receiveMaximum,
  type Version,
} from "./packets.ts";
import { type LoadSocket, openSocket, type SocketEvents } from "./sockets.ts";
import { openWebSocket } from "./web-sockets.ts";

/** The broker that a load goes to, by an address: a load resolves nothing. */
export interface LoadTarget extends Target {
  readonly version: Version;
  /** The broker's process; null: unknown, or on another machine. */
  readonly pid: number | null;
  /** Begins every client id and topic of this run, so that two runs do not meet. */
  readonly prefix: string;
}

/** The broker refused what the load needs, or the connection ended before its answer. */
export class Unanswered extends Error {
  override name = "Unanswered";
}

/** The last byte of an answer, and the answer itself as far as it was kept. */
interface Answer {
  readonly code: number;
  readonly bytes: Uint8Array;
}

/**
 * One MQTT client on a socket. It does what its caller orders, answers nothing by itself, and passes
 * packets on undecoded: a load must be much cheaper than the broker.
 */
export class Client implements FrameReader, SocketEvents {
  readonly id: string;
  readonly target: LoadTarget;
  /** The broker's Receive Maximum. */
  receiveMaximum = 65_535;
  /** Bytes that arrived. */
  received = 0;
  isOpen = false;
  /** The broker or the network ended the connection. */
  onEnded: () => void = () => {};
  /** A packet that answers no request. */
  onFrame: (bytes: Uint8Array, start: number, size: number) => void = () => {};
  /** The socket takes bytes again, after a write that it did not take whole. */
  onDrained: () => void = () => {};
  protected readonly cutter = new FrameCutter(this);
  #socket: LoadSocket | null = null;
  /** Ended, by whichever side: a client connects once. */
  #isOver = false;
  #expected: { type: number; resolve(answer: Answer): void; reject(error: Error): void } | null =
    null;
  readonly #unwritten: Uint8Array[] = [];

  constructor(id: string, target: LoadTarget) {
    this.id = id;
    this.target = target;
  }

  /** Opens the socket. Rejects with the system's error, or that of the transport. */
  async dial(): Promise<void> {
    const open = isWebSocket(this.target.transport) ? openWebSocket : openSocket;
    const socket = await open(this.target, this);
    if (this.#isOver) {
      socket.terminate();
      throw new Unanswered(`${this.id}: ended before it was connected`);
    }
    this.#socket = socket;
    this.isOpen = true;
  }

  /** Opens the socket and waits for CONNACK. Rejects with Unanswered, or the system's error. */
  async open(fields: Omit<ConnectFields, "clientId">): Promise<void> {
    await this.dial();
    await this.greet(fields);
  }

  /** Sends CONNECT and waits for CONNACK. Rejects with Unanswered. */
  async greet(fields: Omit<ConnectFields, "clientId">): Promise<void> {
    const { version, username, password } = this.target;
    const whole = { username, password, ...fields, clientId: this.id };
    const { code, bytes } = await this.request(connect(version, whole), 0x20);
    if (code !== 0) throw new Unanswered(`${this.id}: CONNECT was refused with code ${code}`);
    if (version === 5) this.receiveMaximum = receiveMaximum(bytes, 0, bytes.length);
  }

  /** Sends a packet, and waits for one of the type that answers it. Rejects with Unanswered. */
  async request(bytes: Uint8Array, type: number): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    this.#expected = { type, resolve, reject };
    this.write(bytes);
    return promise;
  }

  /** Whether the kernel took everything written. */
  get isDrained(): boolean {
    return this.#unwritten.length === 0;
  }

  /** Returns how many bytes the kernel took at once; keeps the rest. */
  write(bytes: Uint8Array, start = 0, length = bytes.length - start): number {
    let taken = 0;
    if (this.isDrained) taken = Math.max(0, this.#socket?.write(bytes, start, length) ?? 0);
    if (taken < length && this.#socket !== null) {
      this.#unwritten.push(bytes.slice(start + taken, start + length));
    }
    return taken;
  }

  /** As `write`, but forgets the rest. */
  offer(bytes: Uint8Array, start: number): number {
    return Math.max(0, this.#socket?.write(bytes, start, bytes.length - start) ?? 0);
  }

  /** Sends DISCONNECT, then FIN. */
  leave(): void {
    this.fin(disconnect);
  }

  /** Sends FIN, after these bytes. */
  fin(last: Uint8Array = new Uint8Array()): void {
    const socket = this.#forget();
    if (last.length > 0) socket?.write(last);
    socket?.end();
  }

  /** Sends RST. */
  reset(): void {
    this.#forget()?.terminate();
  }

  /** From now on counts the bytes that arrive, from 0, and cuts no packets. */
  countOnly(): void {
    this.received = 0;
    this.data = (chunk) => {
      this.received += chunk.length;
    };
  }

  /** Reads nothing more, so that the kernel's buffers fill. */
  stopReading(): void {
    this.#socket?.pause();
  }

  frame(bytes: Uint8Array, start: number, size: number): void {
    const expected = this.#expected;
    if (expected === null || (bytes[start] ?? 0) >> 4 !== expected.type >> 4) {
      this.onFrame(bytes, start, size);
      return;
    }
    this.#expected = null;
    const kept = bytes.slice(start, start + size);
    // The code of a CONNACK is its fourth byte; of a SUBACK and of an acknowledgement, its last.
    const at = expected.type === 0x20 ? 3 : kept.length - 1;
    expected.resolve({ code: kept[at] ?? 0xff, bytes: kept });
  }

  /** Called after all packets of one read. */
  protected readEnded(): void {}

  /** Called with each read. */
  protected read(chunk: Uint8Array): void {
    this.cutter.push(chunk);
  }

  /** Whether an answer is awaited. */
  protected get isAsking(): boolean {
    return this.#expected !== null;
  }

  data(chunk: Uint8Array): void {
    this.received += chunk.length;
    this.read(chunk);
    this.readEnded();
  }

  drain(): void {
    while (this.#unwritten.length > 0) {
      const bytes = this.#unwritten[0] ?? new Uint8Array();
      const taken = Math.max(0, this.#socket?.write(bytes) ?? 0);
      if (taken < bytes.length) {
        this.#unwritten[0] = bytes.subarray(taken);
        return;
      }
      this.#unwritten.shift();
    }
    this.onDrained();
    this.readEnded();
  }

  ended(why: string): void {
    if (!this.isOpen) return;
    this.#forget(why);
    this.onEnded();
  }

  /** Called first, because the close handler may run at once. */
  #forget(why = "it ended the connection itself"): LoadSocket | null {
    const socket = this.#socket;
    this.#socket = null;
    this.isOpen = false;
    this.#isOver = true;
    this.#unwritten.length = 0;
    this.#expected?.reject(new Unanswered(`${this.id}: ${why}`));
    this.#expected = null;
    return socket;
  }
}

/** Connections that open at the same time: fewer than any broker's backlog, so that no SYN is dropped. */
const atOnce = 50;

/** Runs `work` for each item, some at the same time. Rejects with the first error. */
export async function forAll<T>(
  items: readonly T[],
  work: (item: T, index: number) => Promise<void>,
  parallel = atOnce,
): Promise<void> {
  const waiting = items.entries();
  const worker = async (): Promise<void> => {
    for (const [index, item] of waiting) await work(item, index);
  };
  await Promise.all(Array.from({ length: parallel }, worker));
}
