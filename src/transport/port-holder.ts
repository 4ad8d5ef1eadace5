import { connect } from "node:net";
import path from "node:path";
import { existsSync, readdirSync, readFileSync, readlinkSync, realpathSync } from "node:fs";

/** A process that listens on a port. */
export interface PortHolder {
  readonly pid: number;
  readonly name: string;
}

/**
 * The process that listens on `port` and keeps `host` (an address) from it. Null: unknown. Only
 * Linux says, and only for processes that this user may inspect. Blocks while it reads the
 * descriptors of all processes, so call it only where nothing waits.
 */
export function portHolder(host: string, port: number): PortHolder | null {
  const sockets = new Set(listeningInodes(host, port).map((inode) => `socket:[${inode}]`));
  if (sockets.size === 0) return null;
  for (const entry of list("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    const descriptors = `/proc/${entry}/fd`;
    if (list(descriptors).some((fd) => sockets.has(link(`${descriptors}/${fd}`)))) {
      return { pid: Number(entry), name: programOf(Number(entry)) };
    }
  }
  return null;
}

/** The program of a process as `ps` names it; empty where the system does not tell. Linux only. */
export function programOf(pid: number): string {
  const name = read(`/proc/${pid}/comm`).trim();
  if (name !== "MainThread") return name;
  // Node from version 24 on calls itself after its thread.
  const [program = ""] = read(`/proc/${pid}/cmdline`).split("\0");
  return program === "" ? name : path.basename(program);
}

/** Whether anything listens on a port of this machine; null: the system does not say, and nothing answers. */
export async function portIsOpen(port: number): Promise<boolean | null> {
  if (list("/proc/net").length > 0) return listeningInodes("0.0.0.0", port).length > 0;
  const answers = await Promise.all(["127.0.0.1", "::1"].map(async (host) => accepts(host, port)));
  return answers.includes(true) ? true : answers.includes(null) ? null : false;
}

const acceptMs = 500;

/** Null: no answer in time. */
async function accepts(host: string, port: number): Promise<boolean | null> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (answer: boolean | null): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(() => end(null), acceptMs);
    socket.on("connect", () => end(true));
    socket.on("error", () => end(false));
  });
}

/**
 * Whether a process listens on a port of this machine, by any address, or on a unix socket. Null where
 * the system does not say: only Linux does, and only of processes that this user may look into.
 */
export function listensOn(
  pid: number,
  place: { readonly port: number } | { readonly path: string },
): boolean | null {
  if (list("/proc").length === 0) return null;
  const descriptors = orElse(() => readdirSync(`/proc/${pid}/fd`), null);
  if (descriptors === null) return existsSync(`/proc/${pid}`) ? null : false;
  const inodes = "port" in place ? listeningInodes("0.0.0.0", place.port) : unixInodes(place.path);
  const sockets = new Set(inodes.map((inode) => `socket:[${inode}]`));
  return descriptors.some((fd) => sockets.has(link(`/proc/${pid}/fd/${fd}`)));
}

const listening = "0A";

function listeningInodes(host: string, port: number): string[] {
  const local = port.toString(16).toUpperCase().padStart(4, "0");
  const rivals = rivalAddresses(host);
  const inodes: string[] = [];
  for (const table of ["/proc/net/tcp", "/proc/net/tcp6"]) {
    for (const row of read(table).split("\n").slice(1)) {
      // Columns: number, local address, remote address, state, ..., inode as the tenth.
      const columns = row.trim().split(/\s+/);
      const [address, localPort] = (columns[1] ?? "").split(":");
      const inode = columns[9];
      if (address === undefined || inode === undefined) continue;
      if (localPort !== local || columns[3] !== listening) continue;
      if (rivals === null || rivals.has(address)) inodes.push(inode);
    }
  }
  return inodes;
}

/** `path`: as the listening process gave it, or absolute. */
function unixInodes(path: string): string[] {
  const real = orElse(() => realpathSync(path), path);
  return read("/proc/net/unix")
    .split("\n")
    .flatMap((row) => {
      // Columns: number, references, protocol, flags, type, state, inode, path.
      const [, flags, inode = "", name = ""] =
        /^\S+ \S+ \S+ (\S+) \S+ \S+ +(\d+) (.*)$/.exec(row) ?? [];
      const isHere = name === path || orElse(() => realpathSync(name), name) === real;
      return flags === acceptsConnections && isHere ? [inode] : [];
    });
}

/** The flag of a unix socket that listens. */
const acceptsConnections = "00010000";

const any4 = "00000000";
const any6 = any4.repeat(4);
const mapped4 = "0000000000000000FFFF0000";

/** Addresses, as the tables write them, that conflict with `host`; null: all of them. */
function rivalAddresses(host: string): Set<string> | null {
  if (host === "::1") return new Set([any6, `${any4.repeat(3)}01000000`]);
  if (host === "0.0.0.0" || host.includes(":")) return null;
  // The tables print 32 bits in the machine's byte order; Bun runs on little-endian machines only.
  const bytes = host.split(".").reverse();
  const address = bytes.map((byte) => Number(byte).toString(16).padStart(2, "0")).join("");
  return new Set([any4, any6, address.toUpperCase(), mapped4 + address.toUpperCase()]);
}

/**
 * Processes end meanwhile, and other users' are not readable: treat an unreadable entry as absent.
 */
function orElse<T>(attempt: () => T, otherwise: T): T {
  try {
    return attempt();
  } catch {
    return otherwise;
  }
}

function list(folder: string): string[] {
  return orElse(() => readdirSync(folder), []);
}

function link(path: string): string {
  return orElse(() => readlinkSync(path), "");
}

function read(path: string): string {
  return orElse(() => readFileSync(path, "utf8"), "");
}
