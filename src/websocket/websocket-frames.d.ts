/**
 * What this program uses of the npm package `ws`, which has no types of its own. It is installed
 * under this name because `import "ws"` is a module of Bun's own in Bun.
 */
declare module "websocket-frames" {
  /** Reads the frames of RFC 6455: headers, control frames, and what the RFC forbids. */
  export class Receiver {
    constructor(options: { isServer: boolean; maxPayload: number });
    on(event: "ping" | "pong", listener: (payload: Uint8Array) => void): this;
    on(event: "conclude", listener: (code: number) => void): this;
    /** Reads a chunk, a Buffer, and calls `done` before it returns. It keeps no more than a header. */
    _write(chunk: Uint8Array, encoding: "buffer", done: (error?: Error) => void): void;

    // Not documented, and used by the subclass in frame-reader.ts. The version is pinned, and
    // tests/websocket fails if an update changes what they mean.

    /** Hands on the payload of a frame whose header has been read. */
    protected getData(done: (error?: Error) => void): void;
    /** Ends a data frame. */
    protected dataMessage(done: (error?: Error) => void): void;
    protected createError(
      constructor: ErrorConstructor,
      message: string,
      prefix: boolean,
      closeCode: number,
      code: string,
    ): Error;
    /** Takes bytes from those that wait; a view if they lie in one chunk. */
    protected consume(bytes: number): Uint8Array;
    /** Bytes that wait. */
    protected _bufferedBytes: number;
    /** Of the frame, as its header announces it. */
    protected _payloadLength: number;
    /** Announced so far by all fragments of a message. */
    protected _totalPayloadLength: number;
    /** Of the frame, or of the message that it continues. */
    protected _opcode: number;
    protected _mask: Uint8Array | undefined;
    /** Whether to go on reading the bytes that wait. */
    protected _loop: boolean;
  }

  export const Sender: {
    /** The header of a frame, and its payload; one array of both if `mask` and `readOnly` are set. */
    frame(
      payload: Uint8Array,
      options: { fin: boolean; opcode: number; mask: boolean; readOnly: boolean },
    ): Uint8Array[];
  };
}
