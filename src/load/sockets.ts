import { isIP } from "node:net";
import { serverNameOf, type Target, type TargetTls } from "../client/target.ts";

/** A load's connection: what it uses of Bun's sockets, which are one. */
export interface LoadSocket {
  /** Returns how many bytes were taken; below 0 once it has ended. `drain` follows if not all were. */
  write(bytes: Uint8Array, start?: number, length?: number): number;
  /** Ends in order, after all bytes that were taken. */
  end(): void;
  /** Sends RST. */
  terminate(): void;
  /** Stops reading. */
  pause(): void;
}

/** What a connection tells of itself. */
export interface SocketEvents {
  data(chunk: Uint8Array): void;
  drain(): void;
  /** By the broker or the network; also after `end` and `terminate`. */
  ended(why: string): void;
}

/** Rejects with the system's error, or that of TLS. */
export async function openSocket(target: Target, above: SocketEvents): Promise<LoadSocket> {
  const { transport, host, port, path, tls } = target;
  if (transport === "unix") {
    return Bun.connect<SocketEvents>({ unix: path, data: above, socket: handlers });
  }
  const place = { hostname: host, port, data: above };
  const socket =
    tls === null
      ? await Bun.connect<SocketEvents>({ ...place, socket: handlers })
      : await shaken(place, tlsOptions(target, tls));
  socket.setNoDelay(true);
  return socket;
}

/** One object for all sockets. */
const handlers: Bun.SocketHandler<SocketEvents> = {
  data: (socket, chunk) => socket.data.data(chunk),
  drain: (socket) => socket.data.drain(),
  close: (socket) => socket.data.ended("the connection ended"),
  error: (socket, error) => socket.data.ended(error.message),
};

interface Place {
  readonly hostname: string;
  readonly port: number;
  readonly data: SocketEvents;
}

/** TLS of the runtime's own, whose cost is a fraction of what node:tls over another stream takes. */
async function shaken(place: Place, tls: Bun.TLSOptions): Promise<Bun.Socket<SocketEvents>> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  // The connection may end before it is awaited.
  promise.catch(() => {});
  const failed = (why: string): void => reject(new Error(`TLS handshake: ${why}`));
  const socket = await Bun.connect<SocketEvents>({
    ...place,
    tls,
    socket: {
      ...handlers,
      handshake: (_, isGood, error) => {
        // Else it tells of another name, too. A handshake that fails altogether ends the connection.
        if (isGood || tls.rejectUnauthorized === false) resolve();
        else failed(error?.message ?? "it failed");
      },
      close: (ended) => {
        failed("the connection ended");
        ended.data.ended("the connection ended");
      },
    },
  });
  try {
    await promise;
  } catch (error) {
    socket.terminate();
    throw error;
  }
  return socket;
}

function tlsOptions(target: Target, { ca, cert, key, insecure }: TargetTls): Bun.TLSOptions {
  const name = serverNameOf(target);
  return {
    // An address is no name to ask for (RFC 6066, section 3).
    ...(isIP(name) === 0 && { serverName: name }),
    ...(ca !== null && { ca }),
    ...(cert !== null && { cert }),
    ...(key !== null && { key }),
    rejectUnauthorized: !insecure,
  };
}
