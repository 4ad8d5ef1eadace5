import { connect, type Socket } from "node:net";
import { errorCode } from "../log/system-error.ts";
import type { Target } from "./target.ts";

/** A client's socket. */
export interface Wire {
  /** Sends bytes; does nothing once the socket has ended. */
  send(bytes: Uint8Array): void;
  /** Sends FIN after all bytes. */
  end(): void;
  /** Sends RST. */
  reset(): void;
  /** Stops reading, so that the kernel's buffer fills. */
  pause(): void;
  /** Resumes reading; what arrived meanwhile comes first. */
  resume(): void;
}

export interface WireEvents {
  data(chunk: Uint8Array): void;
  /**
   * The peer or the network ended the connection. Called at most once, never after `end` or
   * `reset`.
   */
  closed(how: "eof" | "reset" | "timeout"): void;
}

/** The broker can't be reached: exit code 3. */
export class DialError extends Error {
  override name = "DialError";
  /** `ECONNREFUSED`, `ENOTFOUND`, `ETIMEDOUT`, ... */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Transports that the client supports. */
export const clientTransports: readonly Target["transport"][] = ["tcp"];

/** Opens a connection within `timeoutMs`. Rejects with DialError. */
export async function dial(
  target: Target,
  timeoutMs: number,
  events: (wire: Wire) => WireEvents,
): Promise<Wire> {
  if (!clientTransports.includes(target.transport)) {
    throw new DialError(
      "EPROTONOSUPPORT",
      `the transport ${target.transport} is not supported yet`,
    );
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
    // Read and drop the rest: closing with unread data would send RST instead of FIN.
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

  resume(): void {
    this.#socket.resume();
  }
}
