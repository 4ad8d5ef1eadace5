import { DialError } from "../../src/client/dial-error.ts";
import type { Wire, WireEvents } from "../../src/client/wire.ts";
import type { Target } from "../../src/client/target.ts";
import type { Link, LinkEvents } from "../../src/transport/transport.ts";

/** Milliseconds from one side to the other. */
const latencyMs = 1;
/** Bytes that fit between a sender and a receiver that does not read. */
const bufferBytes = 256 * 1024;

/** Connections in memory, on the timers of the process: to be had with VirtualTime. */
export class VirtualNet {
  readonly #listeners = new Map<number, LinkEvents>();
  #lastPort = 0;

  /** Returns the port. */
  listen(events: LinkEvents): number {
    const port = ++this.#lastPort;
    this.#listeners.set(port, events);
    return port;
  }

  /** As `dial` of src/client has it. */
  readonly dial = async (
    target: Target,
    _: number,
    events: (wire: Wire) => WireEvents,
  ): Promise<Wire> => {
    const broker = this.#listeners.get(target.port);
    if (broker === undefined) throw new DialError("ECONNREFUSED", "nothing listens there");
    await passed(latencyMs);
    const link = new VirtualLink(`127.0.0.1:${++this.#lastPort}`);
    const wire = new VirtualWire();
    const up = new Pipe(
      (chunk) => broker.data(link, chunk),
      (how) => link.isOver || (link.over(), broker.closed(link, how)),
      () => {},
    );
    const down = new Pipe(
      (chunk) => wire.events?.data(chunk),
      (how) => wire.isOver || (wire.over(), wire.events?.closed(how)),
      () => link.isOver || broker.drained(link),
    );
    link.join(up, down);
    wire.join(up, down);
    broker.opened(link);
    await passed(latencyMs);
    wire.events = events(wire);
    return wire;
  };
}

async function passed(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

type End = "eof" | "reset";

/** One direction of a connection. */
class Pipe {
  readonly #data: (chunk: Uint8Array) => void;
  readonly #closed: (how: End) => void;
  readonly #drained: () => void;
  readonly #arrived: (Uint8Array | End)[] = [];
  #bytes = 0;
  #isFull = false;
  #isPaused = false;
  #isCut = false;

  constructor(data: (chunk: Uint8Array) => void, closed: (how: End) => void, drained: () => void) {
    this.#data = data;
    this.#closed = closed;
    this.#drained = drained;
  }

  /** Returns how many bytes it takes. */
  write(bytes: Uint8Array, most: number): number {
    const takes = Math.min(bytes.length, Math.max(0, most - this.#bytes));
    if (takes < bytes.length) this.#isFull = true;
    if (takes === 0) return 0;
    this.#bytes += takes;
    // The sender may use its buffer again.
    this.#later(bytes.slice(0, takes));
    return takes;
  }

  end(how: End): void {
    this.#later(how);
  }

  /** Nothing of it arrives any more. */
  cut(): void {
    this.#isCut = true;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    setTimeout(() => this.#deliver(), 0);
  }

  #later(what: Uint8Array | End): void {
    setTimeout(() => {
      if (what === "reset") this.#arrived.length = 0;
      this.#arrived.push(what);
      // A reset is noticed by a socket that is not read, too.
      if (what === "reset") this.#isPaused = false;
      this.#deliver();
    }, latencyMs);
  }

  #deliver(): void {
    while (!this.#isPaused && !this.#isCut) {
      const what = this.#arrived.shift();
      if (what === undefined) return;
      if (typeof what === "string") this.#closed(what);
      else {
        this.#bytes -= what.length;
        this.#data(what);
        if (!this.#isFull) continue;
        this.#isFull = false;
        setTimeout(this.#drained, 0);
      }
    }
  }
}

/** The broker's end. */
class VirtualLink implements Link {
  readonly isLocal = true;
  readonly descriptor = null;
  readonly remote: string;
  owner: unknown = null;
  isOver = false;
  #up: Pipe | null = null;
  #down: Pipe | null = null;

  constructor(remote: string) {
    this.remote = remote;
  }

  join(up: Pipe, down: Pipe): void {
    this.#up = up;
    this.#down = down;
  }

  over(): void {
    this.isOver = true;
    this.#up?.cut();
  }

  write(bytes: Uint8Array, start: number, end: number): number {
    if (this.isOver) return -1;
    return this.#down?.write(bytes.subarray(start, end), bufferBytes) ?? 0;
  }

  pause(): void {
    this.#up?.pause();
  }

  resume(): void {
    this.#up?.resume();
  }

  end(gone?: () => void): void {
    if (this.isOver) return;
    this.over();
    this.#down?.end("eof");
    if (gone !== undefined) setTimeout(gone, 2 * latencyMs);
  }

  reset(): void {
    if (this.isOver) return;
    this.over();
    this.#down?.end("reset");
  }

  watch(): void {}
}

/** The client's end. */
class VirtualWire implements Wire {
  readonly webSocket = null;
  events: WireEvents | null = null;
  isOver = false;
  #up: Pipe | null = null;
  #down: Pipe | null = null;

  join(up: Pipe, down: Pipe): void {
    this.#up = up;
    this.#down = down;
  }

  over(): void {
    this.isOver = true;
    this.#down?.cut();
  }

  send(bytes: Uint8Array): void {
    if (!this.isOver) this.#up?.write(bytes, Infinity);
  }

  end(): void {
    if (this.isOver) return;
    this.over();
    this.#up?.end("eof");
  }

  cut(): void {
    this.end();
  }

  reset(): void {
    if (this.isOver) return;
    this.over();
    this.#up?.end("reset");
  }

  pause(): void {
    this.#down?.pause();
  }

  resume(): void {
    this.#down?.resume();
  }

  async flushed(): Promise<void> {}

  readonly gone = Promise.resolve();

  silence(): void {}
}
