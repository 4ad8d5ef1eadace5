import { connect, type Socket } from "node:net";
import { errorCode } from "../log/system-error.ts";
import type { Target } from "./target.ts";

/** The network's end of a client: one socket. */
export interface Wire {
  /** Hands over bytes; nothing when it has ended. */
  send(bytes: Uint8Array): void;
  /** FIN, after what was sent. */
  end(): void;
  /** RST on the wire. */
  reset(): void;
  /** Stops reading, so that the kernel's buffer fills. */
  pause(): void;
}

export interface WireEvents {
  data(chunk: Uint8Array): void;
  /** The other side ended it, or the network did. Called once, and not after `end` or `reset`. */
  closed(how: "eof" | "reset" | "timeout"): void;
}

/** There is no way to the broker: exit code 3. */
export class DialError extends Error {
  override name = "DialError";
  /** `ECONNREFUSED`, `ENOTFOUND`, `ETIMEDOUT`, ... */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Transports that a client has so far. */
export const clientTransports: readonly Target["transport"][] = ["tcp"];

/** Opens a connection within `timeoutMs`. Rejects with DialError. */
export async function dial(
  target: Target,
  timeoutMs: number,
  events: (wire: Wire) => WireEvents,
): Promise<Wire> {
  if (!clientTransports.includes(target.transport)) {
    throw new DialError("EPROTONOSUPPORT", `${target.transport} is not among the transports yet`);
  }
  return new Promise((resolve, reject) => {
    const socket = connect({ host: target.host, port: target.port, noDelay: true });
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new DialError("ETIMEDOUT", `no answer within ${timeoutMs / 1000} s`));
    }, timeoutMs);
    socket.once("error", (error) => {
      clearTimeout(timer);
      reject(new DialError(errorCode(error) ?? "EUNKNOWN", error.message));
    });
    socket.once("connect", () => {
      clearTimeout(timer);
      socket.removeAllListeners("error");
      const wire = new SocketWire(socket);
      wire.listen(events(wire));
      resolve(wire);
    });
  });
}

class SocketWire implements Wire {
  readonly #socket: Socket;
  #isOver = false;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  listen(events: WireEvents): void {
    const close = (how: "eof" | "reset" | "timeout"): void => {
      if (this.#isOver) return;
      this.#isOver = true;
      this.#socket.destroy();
      events.closed(how);
    };
    this.#socket.on("data", (chunk: Uint8Array) => {
      if (!this.#isOver) events.data(chunk);
    });
    this.#socket.on("end", () => close("eof"));
    this.#socket.on("error", (error) =>
      close(errorCode(error) === "ETIMEDOUT" ? "timeout" : "reset"),
    );
    this.#socket.on("close", () => close("eof"));
  }

  send(bytes: Uint8Array): void {
    if (!this.#isOver) this.#socket.write(bytes);
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#socket.end();
    // What still comes is read and dropped, so that closing does not make a RST of it.
    this.#socket.resume();
  }

  reset(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#socket.resetAndDestroy();
  }

  pause(): void {
    this.#socket.pause();
  }
}
