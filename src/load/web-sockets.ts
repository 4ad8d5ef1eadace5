import { authorityOf, type Target } from "../client/target.ts";
import { FrameReader } from "../websocket/frame-reader.ts";
import { clientFrame, closeFrame, controlFrame } from "../websocket/frames.ts";
import { upgradeRequest, type UpgradeRequest } from "../websocket/handshake.ts";
import { HeadReader } from "../websocket/http-head.ts";
import { CloseCode } from "../websocket/close-code.ts";
import { type LoadSocket, openSocket, type SocketEvents } from "./sockets.ts";

/** Bytes. What a broker puts into a frame is as large as its buffers. */
const frameMaxBytes = 256 * 1024 * 1024;
const nothing = new Uint8Array(0);

/** Opens a WebSocket at a `ws` or `wss` target. Rejects as `openSocket`, or with what was answered. */
export async function openWebSocket(target: Target, above: SocketEvents): Promise<LoadSocket> {
  const socket = new WebSocketSocket(target, above);
  await socket.open(target);
  return socket;
}

/** Each `write` is one frame. */
class WebSocketSocket implements LoadSocket, SocketEvents {
  readonly #above: SocketEvents;
  readonly #request: UpgradeRequest;
  readonly #frames = new FrameReader(false, frameMaxBytes);
  #below: LoadSocket | null = null;
  /** Null: the handshake is done. */
  #head: HeadReader | null = new HeadReader();
  readonly #upgraded = Promise.withResolvers<void>();
  /** The rest of a frame that the socket did not take whole. */
  #unwritten: Uint8Array = nothing;
  /** The socket ends once it has taken the rest. */
  #isEnding = false;

  constructor(target: Target, above: SocketEvents) {
    this.#above = above;
    this.#request = upgradeRequest(authorityOf(target), target.path, "mqtt");
    // The connection may end before it is awaited.
    this.#upgraded.promise.catch(() => {});
  }

  async open(target: Target): Promise<void> {
    const below = await openSocket(target, this);
    this.#below = below;
    this.#send(Buffer.from(this.#request.head, "latin1"));
    try {
      await this.#upgraded.promise;
      // The answer and a Close frame may have come together.
      if (this.#below === null) throw new Error("WebSocket: the connection ended");
    } catch (error) {
      below.terminate();
      throw error;
    }
  }

  write(bytes: Uint8Array, start = 0, length = bytes.length - start): number {
    if (this.#below === null) return -1;
    if (this.#unwritten.length > 0) return 0;
    this.#send(clientFrame(bytes.subarray(start, start + length)));
    return length;
  }

  end(): void {
    this.#send(closeFrame(CloseCode.normal, true));
    if (this.#unwritten.length > 0) this.#isEnding = true;
    else this.#endBelow();
  }

  terminate(): void {
    this.#below?.terminate();
    this.#below = null;
  }

  pause(): void {
    this.#below?.pause();
  }

  /** The socket below calls this and the following methods. */
  data(chunk: Uint8Array): void {
    if (this.#head === null) return this.#read(chunk);
    const answer = this.#head.feed(chunk);
    if (answer === null) return;
    this.#head = null;
    const refused = this.#request.refused(answer.head);
    if (refused !== null) return this.#upgraded.reject(new Error(`WebSocket: ${refused}`));
    this.#upgraded.resolve();
    if (answer.rest.length > 0) this.#read(answer.rest);
  }

  drain(): void {
    const rest = this.#unwritten;
    this.#unwritten = nothing;
    this.#send(rest);
    if (this.#unwritten.length > 0) return;
    if (this.#isEnding) this.#endBelow();
    else this.#above.drain();
  }

  ended(why: string): void {
    this.#below = null;
    this.#upgraded.reject(new Error(`WebSocket: ${why}`));
    this.#above.ended(why);
  }

  #read(chunk: Uint8Array): void {
    const frames = this.#frames;
    frames.begin(chunk);
    frames.read(0, chunk.length);
    const payloads = frames.take();
    if (payloads.length > 0) this.#above.data(payloads);
    if (frames.ping !== null) this.#send(controlFrame("pong", frames.ping, true));
    frames.ping = null;
    if (!frames.isOver) return;
    const why = frames.violation?.detail ?? `WebSocket Close ${frames.close?.text ?? ""}`;
    this.terminate();
    this.#above.ended(why);
  }

  #endBelow(): void {
    this.#below?.end();
    this.#below = null;
  }

  /** Between frames. */
  #send(bytes: Uint8Array): void {
    if (this.#below === null) return;
    if (this.#unwritten.length > 0) {
      this.#unwritten = Buffer.concat([this.#unwritten, bytes]);
      return;
    }
    const taken = Math.max(0, this.#below.write(bytes, 0, bytes.length));
    if (taken < bytes.length) this.#unwritten = bytes.subarray(taken);
  }
}
