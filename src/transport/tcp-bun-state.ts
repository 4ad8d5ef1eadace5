import { loadLibc } from "./libc-bun.ts";

/** Kernel state of a socket that Bun does not expose. */
export interface SocketState {
  /** Whether the peer's FIN has arrived, possibly behind unread bytes. */
  hasPeerClosed(fd: number): boolean;
  /** Bytes written that the peer's system has not acknowledged yet; null: unknown. */
  unacknowledged(fd: number): number | null;
  /** Reads a few bytes that have arrived; null: none have. Only for a socket without an error. */
  receive(fd: number): Uint8Array | null;
}

/**
 * Linux only: macOS has no POLLRDHUP, and SO_NWRITE for its send buffer is untested. Null: another
 * system, or no C library found.
 */
export async function loadSocketState(): Promise<SocketState | null> {
  if (process.platform !== "linux") return null;
  const libc = await loadLibc();
  if (libc === null) return null;
  // `struct pollfd`: descriptor (32 bits), requested events (16), returned events (16).
  const polled = new Int32Array(2);
  const waiting = new Int32Array(1);
  const received = new Uint8Array(receivedAtOnce);
  return {
    hasPeerClosed(fd) {
      polled[0] = fd;
      polled[1] = readHangUp;
      return libc.poll(polled, 1, 0) > 0 && ((polled[1] >> 16) & readHangUp) !== 0;
    },
    unacknowledged: (fd) => (libc.ioctl(fd, outQueue, waiting) === 0 ? (waiting[0] ?? null) : null),
    receive(fd) {
      const count = libc.recv(fd, received, received.length, dontWait);
      return count > 0 ? received.slice(0, count) : null;
    },
  };
}

/** POLLRDHUP and SIOCOUTQ, the same on x64 and arm64. */
const readHangUp = 0x2000;
const outQueue = 0x5411n;
/** MSG_DONTWAIT. */
const dontWait = 0x40;
const receivedAtOnce = 4096;
