import { generate, type Packet } from "mqtt-packet";
import type { WorldOptions } from "../support/world.ts";
import { Disagreement } from "./disagreement.ts";
import { Frames, type Frame } from "./frame.ts";
import type { Line, LineEvents, Port } from "./port.ts";

/** A packet, or bytes that no encoder would write. */
export type Sent = Packet | Uint8Array;

/** One wrong behaviour of a broker. */
export interface Quirk {
  readonly name: string;
  /** Statements that it breaks, each of whose checks must detect it; ids with blanks between. */
  readonly breaks: string;
  /** Replaces a packet of the broker on its way to the client. */
  readonly answer?: (frame: Frame, line: QuirkyLine) => readonly Sent[];
  /** Replaces a packet of the client on its way to the broker. */
  readonly request?: (frame: Frame, line: QuirkyLine) => readonly Sent[];
  readonly neverCloses?: boolean;
  /** Sent to the client before the broker closes. */
  readonly closing?: (line: QuirkyLine) => readonly Sent[];
  /** The client has gone. */
  readonly gone?: (line: QuirkyLine) => void;
  /** Time has advanced by a second or more at once. */
  readonly passed?: (line: QuirkyLine) => void;
  /** The remaining bytes of one write. */
  readonly write?: (bytes: Uint8Array) => Uint8Array;
  /** Changes the bytes that the broker sends on a WebSocket, HTTP head first. */
  readonly webSocketAnswer?: (bytes: Buffer) => Uint8Array;
  /** Changes each frame that the client sends. */
  readonly webSocketRequest?: (frame: Uint8Array) => Uint8Array;
  /** Changes in the broker itself. */
  readonly options?: WorldOptions;
}

/** Sits between a broker and its clients, and plants a quirk. */
export class QuirkyPort implements Port {
  /** All connections so far. */
  readonly lines: QuirkyLine[] = [];
  readonly patienceMs: number;
  readonly quietMs: number;
  readonly marginMs: number;
  readonly isShared = false;
  readonly #inner: Port;
  readonly #quirk: Quirk;
  readonly #version: 4 | 5;

  constructor(inner: Port, quirk: Quirk, version: 4 | 5) {
    this.#inner = inner;
    this.#quirk = quirk;
    this.#version = version;
    this.patienceMs = inner.patienceMs;
    this.quietMs = inner.quietMs;
    this.marginMs = inner.marginMs;
  }

  async open(events: LineEvents): Promise<Line> {
    const line = new QuirkyLine(this.lines, this.#quirk, this.#version, events);
    this.lines.push(line);
    line.inner = await this.#inner.open(line);
    return line;
  }

  openWebSocket(events: LineEvents): Promise<Line> | null {
    const { webSocketAnswer, webSocketRequest, neverCloses = false } = this.#quirk;
    const opening = this.#inner.openWebSocket({
      data: (bytes) => events.data(webSocketAnswer?.(Buffer.from(bytes)) ?? bytes),
      closed: () => {
        if (!neverCloses) events.closed();
      },
    });
    return opening === null ? null : this.#changed(opening, webSocketRequest);
  }

  async #changed(opening: Promise<Line>, request: Quirk["webSocketRequest"]): Promise<Line> {
    const line = await opening;
    return {
      send: (bytes) => line.send(request?.(bytes) ?? bytes),
      end: () => line.end(),
    };
  }

  async pass(milliseconds: number): Promise<void> {
    await this.#inner.pass(milliseconds);
    if (milliseconds < 1000) return;
    for (const line of this.lines) this.#quirk.passed?.(line);
  }

  async until(isSo: () => boolean, boundMs: number): Promise<boolean> {
    return this.#inner.until(isSo, boundMs);
  }
}

/** One connection of the port. A quirk keeps its state here. */
export class QuirkyLine implements Line, LineEvents {
  inner: Line | null = null;
  readonly version: 4 | 5;
  /** All connections of the port, including this one. */
  readonly lines: readonly QuirkyLine[];
  /** Packets that the client received, and that the broker received. */
  readonly answers: Packet[] = [];
  readonly requests: Packet[] = [];
  /** Packets held back. */
  held: Sent | null = null;
  readonly #quirk: Quirk;
  readonly #client: LineEvents;
  readonly #fromBroker = new Frames();
  readonly #fromClient = new Frames();
  #isBroken = false;

  constructor(lines: readonly QuirkyLine[], quirk: Quirk, version: 4 | 5, client: LineEvents) {
    this.lines = lines;
    this.#quirk = quirk;
    this.version = version;
    this.#client = client;
  }

  // From the broker.

  data(bytes: Uint8Array): void {
    for (const frame of this.#fromBroker.feed(bytes, this.version)) {
      const sent = this.#quirk.answer?.(frame, this) ?? [frame.bytes];
      this.answers.push(frame.packet);
      for (const each of sent) this.tell(each);
    }
  }

  closed(): void {
    for (const each of this.#quirk.closing?.(this) ?? []) this.tell(each);
    if (this.#quirk.neverCloses !== true) this.#client.closed();
  }

  /** Closes the client's side without telling the broker. */
  hangUp(): void {
    this.#client.closed();
  }

  /** Sends to the client. */
  tell(sent: Sent): void {
    this.#client.data(this.#encode(sent));
  }

  // From the client.

  send(bytes: Uint8Array): void {
    const written = this.#quirk.write?.(bytes) ?? bytes;
    if (this.#quirk.request === undefined || this.#isBroken) return this.inner?.send(written);
    for (const frame of this.#cut(written)) {
      if (frame instanceof Uint8Array) {
        this.inner?.send(frame);
        continue;
      }
      const sent = this.#quirk.request(frame, this);
      this.requests.push(frame.packet);
      for (const each of sent) this.ask(each);
    }
  }

  end(): void {
    this.inner?.end();
    this.#quirk.gone?.(this);
  }

  /** Sends to the broker. */
  ask(sent: Sent): void {
    this.inner?.send(this.#encode(sent));
  }

  /**
   * Passes bytes that mqtt-packet cannot read, and everything after them, to the broker unchanged.
   */
  #cut(bytes: Uint8Array): readonly (Frame | Uint8Array)[] {
    try {
      return this.#fromClient.feed(bytes, this.version);
    } catch (error) {
      if (!(error instanceof Disagreement)) throw error;
      this.#isBroken = true;
      return [bytes];
    }
  }

  #encode(sent: Sent): Uint8Array {
    return sent instanceof Uint8Array ? sent : generate(sent, { protocolVersion: this.version });
  }
}
