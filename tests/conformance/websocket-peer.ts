import { generate, type Packet } from "mqtt-packet";
import { frameOf } from "../websocket/frame-stream.ts";
import { spoken, upgrade } from "../websocket/server-bytes.ts";
import { holds } from "./disagreement.ts";
import type { Line, LineEvents, Port } from "./port.ts";

/** Zeros, so that a quirk can read the payload. */
const mask = [0, 0, 0, 0];

/** A client on a WebSocket, which writes each frame as a check asks. */
export class WebSocketPeer implements LineEvents {
  isClosed = false;
  readonly #port: Port;
  readonly #version: 4 | 5;
  #line: Line | null = null;
  #bytes: Uint8Array = new Uint8Array(0);

  constructor(port: Port, version: 4 | 5) {
    this.#port = port;
    this.#version = version;
  }

  /** Asks for a WebSocket. Null: the broker has no such listener. */
  async open(): Promise<WebSocketPeer | null> {
    const opening = this.#port.openWebSocket(this);
    if (opening === null) return null;
    this.#line = await opening;
    this.#line.send(Buffer.from(upgrade));
    await this.#until(() => spoken(this.#bytes).status !== "");
    return this;
  }

  // Set by the line.

  data(bytes: Uint8Array): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
  }

  closed(): void {
    this.isClosed = true;
  }

  // What the client does.

  /** Sends a frame. `opcode`: 1 text, 2 binary. */
  frame(payload: Uint8Array, opcode: 1 | 2 = 2): void {
    this.#line?.send(frameOf(payload, { opcode, mask }));
  }

  encoded(packet: Packet): Uint8Array {
    return generate(packet, { protocolVersion: this.#version });
  }

  /** Sends CONNECT, cut into frames of so many bytes. */
  connect(clientId: string, bytes = Infinity): void {
    const packet = this.encoded({
      cmd: "connect",
      protocolId: "MQTT",
      protocolVersion: this.#version,
      clean: true,
      keepalive: 0,
      clientId,
    });
    for (let at = 0; at < packet.length; at += bytes) this.frame(packet.subarray(at, at + bytes));
  }

  drop(): void {
    this.#line?.end();
  }

  // What the client expects.

  /** The HTTP head of the answer. */
  get head(): string {
    return Buffer.from(this.#bytes).toString("latin1").split("\r\n\r\n")[0] ?? "";
  }

  /** Waits for so many packets, by their first bytes, in binary frames. */
  async receives(...first: readonly number[]): Promise<void> {
    const isThere = (): boolean => this.#firstBytes().length >= first.length;
    await this.#until(() => isThere() || this.isClosed);
    const hex = (bytes: readonly number[]): string => Buffer.from(bytes).toString("hex");
    const came = this.#firstBytes();
    holds(hex(came) === hex(first), `packets that begin with ${hex(first)}`, hex(came) || "none");
  }

  async closes(): Promise<void> {
    await this.#until(() => this.isClosed);
    holds(this.isClosed, "the broker to close the connection", "it stays open");
  }

  /** Of the packets in binary frames; those that a check expects have less than 128 bytes. */
  #firstBytes(): number[] {
    const bytes = Buffer.from(spoken(this.#bytes).text, "latin1");
    const found: number[] = [];
    for (let at = 0; at + 1 < bytes.length; at += 2 + bytes.readUInt8(at + 1)) {
      found.push(bytes.readUInt8(at));
    }
    return found;
  }

  async #until(isSo: () => boolean): Promise<void> {
    await this.#port.until(isSo, this.#port.patienceMs);
  }
}
