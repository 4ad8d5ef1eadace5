import { loadLibc } from "./libc-bun.ts";

/** Kernel state of a socket that Bun does not expose. */
export interface SocketState {
  /** Whether the peer's FIN has arrived, possibly behind unread bytes. */
  hasPeerClosed(fd: number): boolean;
  /** Bytes written that the peer's system has not acknowledged yet; null: unknown. */
  unacknowledged(fd: number): number | null;
}

/**
 * Linux only: macOS has no POLLRDHUP, and SO_NWRITE for its send buffer is untested. Null: another
 * system, or no C library found.
 */
export async function loadSocketState(): Promise<SocketState | null> {
  if (process.platform !== "linux") return null;
  const libc = await loadLibc();
  if (libc === null) return null;
  const polled = new Uint8Array(8);
  const poll = new DataView(polled.buffer);
  const waiting = new Int32Array(1);
  return {
    hasPeerClosed(fd) {
      // struct pollfd: descriptor, requested events, returned events; in the machine's byte order.
      poll.setInt32(0, fd, true);
      poll.setInt16(4, readHangUp, true);
      poll.setInt16(6, 0, true);
      return libc.poll(polled, 1, 0) > 0 && (poll.getInt16(6, true) & readHangUp) !== 0;
    },
    unacknowledged: (fd) => (libc.ioctl(fd, outQueue, waiting) === 0 ? (waiting[0] ?? null) : null),
  };
}

/** POLLRDHUP and SIOCOUTQ, the same on x64 and arm64. */
const readHangUp = 0x2000;
const outQueue = 0x5411n;
