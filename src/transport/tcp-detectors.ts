import type { TcpWatch } from "./transport.ts";

/** Settings by which TCP itself detects a dead peer, beside the keepalive deadline. */
export interface TcpDetectors {
  /** Null: no keepalive probes. */
  readonly keepAlive: TcpKeepAlive | null;
  /**
   * Milliseconds for which sent data may stay unacknowledged, or the peer's window closed; 0: until
   * the system stops retransmitting.
   */
  readonly userTimeoutMs: number;
}

interface TcpKeepAlive {
  /** Silence before the first probe. */
  readonly idleSeconds: number;
  /** Time between probes. */
  readonly intervalSeconds: number;
  /** Unanswered probes after which the connection ends. */
  readonly probes: number;
}

/** Which of TcpDetectors a transport can set on this platform. */
export interface TcpCapabilities {
  /** `idle only`: the system decides interval and count. */
  readonly keepAlive: "idle, interval, probes" | "idle only";
  readonly userTimeout: boolean;
  /** Connections that may wait to be accepted; null: the platform's default. */
  readonly backlog: number | null;
}

const probes = 3;
/** Linux's maximum of idle time and interval (MAX_TCP_KEEPIDLE, MAX_TCP_KEEPINTVL). */
const secondsMax = 32_767;

/**
 * The detectors for a connection that may be silent for `allowedMs`. Null: for ever, so TCP is the
 * only detector. Seconds are rounded up: TCP never ends a connection before its keepalive deadline
 * (v4-3.1.2-24, v5-3.1.2-22). Zero in `tcp` switches a detector off.
 */
export function tcpDetectors(tcp: TcpWatch, allowedMs: number | null): TcpDetectors {
  if (allowedMs === null) {
    return {
      keepAlive: tcp.keepAliveMs === 0 ? null : keepAlive(tcp.keepAliveMs),
      userTimeoutMs: tcp.userTimeoutMs,
    };
  }
  return {
    keepAlive: tcp.keepAliveMs === 0 ? null : keepAlive(allowedMs),
    // Linux treats a closed window like lost data, even while the peer answers the probes. A client
    // with a short keepalive that pings in time but reads slowly must survive that, so the
    // configured time is a lower bound here.
    userTimeoutMs: tcp.userTimeoutMs === 0 ? 0 : Math.max(allowedMs, tcp.userTimeoutMs),
  };
}

function keepAlive(silentMs: number): TcpKeepAlive {
  const seconds = Math.max(1, Math.ceil(silentMs / 1000));
  const idleSeconds = Math.min(seconds, secondsMax);
  const rest = Math.ceil((seconds - idleSeconds) / probes);
  const intervalSeconds = Math.max(rest, Math.min(10, Math.ceil(idleSeconds / 10)));
  return { idleSeconds, intervalSeconds, probes };
}
