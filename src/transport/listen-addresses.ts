import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { errorCode } from "../log/system-error.ts";
import { listenError } from "./listen-error.ts";
import { isLocalhost } from "./loopback.ts";
import { ListenError, type ListeningSocket } from "./transport.ts";

/** One bound address. */
export interface BoundAddress {
  readonly port: number;
  /** The socket's file descriptor; null: the platform does not expose it. */
  readonly descriptor: number | null;
  /** Stops accepting; open links stay open. Resolves when the address is free again. */
  close(): Promise<void>;
}

/** Binds one address, never a name. Port 0: a free one. Throws the system's error. */
export type Bind = (address: string, port: number) => Promise<BoundAddress>;

/**
 * Listens on `host`, an address or a name, by way of `bind`. Null and `localhost`: both loopback
 * addresses on one port. Throws ListenError and leaves nothing open.
 */
export async function listenOn(
  host: string | null,
  port: number,
  bind: Bind,
): Promise<ListeningSocket> {
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw listenError(outOfRange(), host ?? loopback4, port);
  }
  if (host === null || isLocalhost(host)) return listenOnLoopback(port, bind);
  const address = await resolve(host.replace(/^\[(.*)\]$/, "$1"), port);
  return listening([{ address, bound: await bindOrThrow(bind, address, port) }]);
}

const loopback4 = "127.0.0.1";
const loopback6 = "::1";
/**
 * Attempts to find a port that is free on both 127.0.0.1 and ::1; the first almost always works.
 */
const attemptsMax = 16;

interface Listening {
  readonly address: string;
  readonly bound: BoundAddress;
}

async function listenOnLoopback(port: number, bind: Bind): Promise<ListeningSocket> {
  for (let attempt = 1; ; attempt += 1) {
    const first = { address: loopback4, bound: await bindOrThrow(bind, loopback4, port) };
    try {
      const second = { address: loopback6, bound: await bind(loopback6, first.bound.port) };
      return listening([first, second]);
    } catch (error) {
      const code = errorCode(error);
      if (code === "EADDRNOTAVAIL" || code === "EAFNOSUPPORT") return listening([first]);
      const taken = first.bound.port;
      await first.bound.close();
      if (port === 0 && code === "EADDRINUSE" && attempt < attemptsMax) continue;
      throw listenError(error, loopback6, taken);
    }
  }
}

async function bindOrThrow(bind: Bind, address: string, port: number): Promise<BoundAddress> {
  try {
    return await bind(address, port);
  } catch (error) {
    throw listenError(error, address, port);
  }
}

/** Resolves names, because Bun.listen blocks on the lookup and gives no reason for a failure. */
async function resolve(host: string, port: number): Promise<string> {
  // fe80::1%eth0 with its zone is an address, but isIP rejects it on some platforms.
  if (isIP(host.replace(/%.*$/, "")) !== 0) return host;
  try {
    return (await lookup(host)).address;
  } catch (error) {
    const code = errorCode(error) ?? "ENOTFOUND";
    throw new ListenError(code, host, port, `the host name "${host}" has no address (${code})`);
  }
}

function listening(bound: readonly Listening[]): ListeningSocket {
  return {
    addresses: bound.map((one) => endpoint(one.address, one.bound.port)),
    port: bound[0]?.bound.port ?? 0,
    descriptors: bound.flatMap((one) => one.bound.descriptor ?? []),
    close() {
      for (const one of bound) void one.bound.close();
    },
  };
}

/** `127.0.0.1:1883`, `[::1]:1883`; an IPv4 address mapped into IPv6 is shown as IPv4. */
export function endpoint(address: string, port: number): string {
  const plain = address.startsWith("::ffff:") && address.includes(".") ? address.slice(7) : address;
  // Joined, because a template keeps its parts beside itself, and each connection keeps its address.
  return [plain.includes(":") ? `[${plain}]` : plain, port].join(":");
}

function outOfRange(): Error {
  return Object.assign(new Error("port out of range"), { code: "ERR_OUT_OF_RANGE" });
}
