import { frameOf, type FrameShape } from "../websocket/frame-stream.ts";
import { spoken, upgrade } from "../websocket/server-bytes.ts";

/** What carries the bytes of a WebSocket. */
interface Below {
  readonly local: string;
  readonly ended: Promise<"eof" | "reset">;
  readonly socket: { pause(): unknown; resume(): unknown; write(bytes: Uint8Array): number };
  readonly bytes: Uint8Array;
  send(bytes: string | Uint8Array): void;
  fin(): void;
  rst(): void;
}

/** A client that has asked for a WebSocket, and whose data are in its frames. */
export class WebSocketPeer {
  readonly local: string;
  readonly ended: Promise<"eof" | "reset">;
  readonly #below: Below;

  constructor(below: Below) {
    this.#below = below;
    this.local = below.local;
    this.ended = below.ended;
    // A connection that was reset at once takes nothing.
    below.socket.write(Buffer.from(upgrade));
  }

  get socket() {
    const { socket } = this.#below;
    return {
      pause: () => socket.pause(),
      resume: () => socket.resume(),
      /** Returns how many bytes of the payload were taken. */
      write: (payload: string | Uint8Array): number => {
        const frame = frameOf(Buffer.from(payload));
        const taken = socket.write(frame);
        return taken < 0 ? taken : Math.max(0, taken - (frame.length - payload.length));
      },
    };
  }

  get text(): string {
    return spoken(this.#below.bytes).text;
  }

  get bytes(): Uint8Array {
    return Buffer.from(this.text, "latin1");
  }

  send(text: string | Uint8Array): void {
    this.#below.send(frameOf(Buffer.from(text)));
  }

  fin(): void {
    this.#below.fin();
  }

  rst(): void {
    this.#below.rst();
  }
}

/** The bytes with which a client begins that sends this payload: the upgrade, and frames. */
export function beginning(payload: Uint8Array): Uint8Array {
  const frames: Uint8Array[] = [Buffer.from(upgrade)];
  for (let at = 0; at < payload.length; at += frameBytes) {
    frames.push(frameOf(payload.subarray(at, at + frameBytes)));
  }
  return Buffer.concat(frames);
}

const frameBytes = 500_000;

export function sendFrame(peer: Below, text: string, shape: FrameShape = {}): void {
  peer.send(frameOf(Buffer.from(text), shape));
}
