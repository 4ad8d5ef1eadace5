import { loadLibc } from "./libc-bun.ts";

/** What the kernel knows of a socket and Bun does not tell. Null: it can't be known. */
export interface SocketState {
  /** Whether the peer's FIN has arrived, possibly behind unread bytes. */
  hasPeerClosed(fd: number): boolean;
  /** Bytes that were written and that the peer's system has not taken yet. */
  unacknowledged(fd: number): number | null;
}

/**
 * Linux alone: macOS has no POLLRDHUP, and what it says of its send buffer (SO_NWRITE) was never tried.
 * Null where there is no such library.
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
      // struct pollfd: the descriptor, what is asked, what came; in the machine's own byte order.
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
