import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { errorCode } from "../log/system-error.ts";
import { listenError } from "./listen-error.ts";
import { isLocalhost } from "./loopback.ts";
import { ListenError, type ListeningSocket } from "./transport.ts";

/** One bound address. */
export interface BoundAddress {
  readonly port: number;
  /** The system's number for the socket; null: the platform tells none. */
  readonly descriptor: number | null;
  /** Accepts no more; open links live on. Resolves when the address is free again. */
  close(): Promise<void>;
}

/** Binds one address (never a name) or throws the system's error; port 0: a free one. */
export type Bind = (address: string, port: number) => Promise<BoundAddress>;

/**
 * Listens on `host`, an address or a name, with whatever `bind` is. Null and `localhost`: both
 * loopback addresses on one port. Throws ListenError; nothing is left open then.
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
/** A free port of 127.0.0.1 is almost always free on ::1 as well; this often it may not be. */
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

/** Names are looked up here, because Bun.listen would block on it and give no reason. */
async function resolve(host: string, port: number): Promise<string> {
  // A zone (fe80::1%eth0) belongs to the address, but not every platform's isIP knows it.
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

/** `127.0.0.1:1883`, `[::1]:1883`; an IPv4 address mapped into IPv6 is shown as what it is. */
export function endpoint(address: string, port: number): string {
  const plain = address.startsWith("::ffff:") && address.includes(".") ? address.slice(7) : address;
  return plain.includes(":") ? `[${plain}]:${port}` : `${plain}:${port}`;
}

function outOfRange(): Error {
  return Object.assign(new Error("port out of range"), { code: "ERR_OUT_OF_RANGE" });
}
