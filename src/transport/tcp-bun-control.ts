import { DataPoll } from "./data-poll.ts";
import { loadLibc } from "./libc-bun.ts";
import type { SocketPoll } from "./socket-poll.ts";
import type { TcpDetectors } from "./tcp-detectors.ts";

/** C library calls on a descriptor that Bun does not expose. */
export interface TcpControl extends SocketPoll {
  /**
   * Sets keepalive probes and the user timeout. An option that the system refuses stays unchanged.
   * `before`: those that the socket has already; null: unknown.
   */
  detect(fd: number, detectors: TcpDetectors, before: TcpDetectors | null): void;
  /** Accepted sockets have the detectors of the listening one. */
  readonly inheritsDetectors: boolean;
  /** Sets how many connections may wait to be accepted. False: the system refused. */
  backlog(fd: number, connections: number): boolean;
}

/** Constants of one platform's socket interface. */
interface SocketConstants {
  readonly solSocket: number;
  readonly soKeepAlive: number;
  readonly ipprotoTcp: number;
  readonly keepIdle: number;
  readonly keepInterval: number;
  readonly keepCount: number;
  readonly userTimeout: number;
  /** Milliseconds in one unit of `userTimeout`. */
  readonly userTimeoutUnitMs: number;
  readonly inheritsDetectors: boolean;
}

const linux: SocketConstants = {
  solSocket: 1,
  soKeepAlive: 9,
  ipprotoTcp: 6,
  keepIdle: 4,
  keepInterval: 5,
  keepCount: 6,
  userTimeout: 18,
  userTimeoutUnitMs: 1,
  inheritsDetectors: true,
};

/** keepIdle is TCP_KEEPALIVE, userTimeout is TCP_RXT_CONNDROPTIME, in seconds. */
const darwin: SocketConstants = {
  solSocket: 0xffff,
  soKeepAlive: 0x8,
  ipprotoTcp: 6,
  keepIdle: 0x10,
  keepInterval: 0x101,
  keepCount: 0x102,
  userTimeout: 0x80,
  userTimeoutUnitMs: 1000,
  // Not tried.
  inheritsDetectors: false,
};

/** Null: no C library found, or this platform's constants are unknown. */
export async function loadTcpControl(): Promise<TcpControl | null> {
  if (process.platform !== "linux" && process.platform !== "darwin") return null;
  const libc = await loadLibc();
  if (libc === null) return null;
  const constants = process.platform === "linux" ? linux : darwin;
  const value = new Int32Array(1);
  const set = (fd: number, level: number, option: number, to: number): void => {
    value[0] = to;
    libc.setsockopt(fd, level, option, value, value.byteLength);
  };
  return {
    detect(fd, { keepAlive, userTimeoutMs }, before) {
      const { ipprotoTcp } = constants;
      const had = before?.keepAlive ?? null;
      if (keepAlive !== null) {
        const { idleSeconds, intervalSeconds, probes } = keepAlive;
        if (had?.idleSeconds !== idleSeconds) set(fd, ipprotoTcp, constants.keepIdle, idleSeconds);
        if (had?.intervalSeconds !== intervalSeconds)
          set(fd, ipprotoTcp, constants.keepInterval, intervalSeconds);
        if (had?.probes !== probes) set(fd, ipprotoTcp, constants.keepCount, probes);
      }
      // The user timeout comes first: it bounds the probes that the next line may start.
      if (before?.userTimeoutMs !== userTimeoutMs) {
        const userTimeout = Math.ceil(userTimeoutMs / constants.userTimeoutUnitMs);
        set(fd, ipprotoTcp, constants.userTimeout, userTimeout);
      }
      if (before === null || (had === null) !== (keepAlive === null)) {
        set(fd, constants.solSocket, constants.soKeepAlive, keepAlive === null ? 0 : 1);
      }
    },
    inheritsDetectors: constants.inheritsDetectors,
    backlog: (fd, connections) => libc.listen(fd, connections) === 0,
    ask(questions) {
      const answers: boolean[] = [];
      for (let from = 0; from < questions.length; from += pollAtOnce) {
        const some = questions.slice(from, from + pollAtOnce);
        // `struct pollfd`: descriptor (32 bits), requested events (16), returned events (16).
        const polled = new Int32Array(2 * some.length);
        for (const [index, { descriptor, reads, writes }] of some.entries()) {
          polled[2 * index] = descriptor;
          polled[2 * index + 1] = (reads ? pollIn : 0) | (writes ? pollOut : 0);
        }
        if (libc.poll(polled, some.length, 0) < 0) return null;
        // poll reports an end or an error even if not requested.
        for (const index of some.keys()) answers.push((polled[2 * index + 1] ?? 0) >> 16 !== 0);
      }
      return answers;
    },
    ...(process.platform === "linux" && { watchData: () => new DataPoll(libc) }),
  };
}

const pollIn = 0x1;
const pollOut = 0x4;
/** Sockets in one poll: the system refuses more than the process may have descriptors. */
const pollAtOnce = 256;
