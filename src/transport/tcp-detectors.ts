import type { TcpWatch } from "./transport.ts";

/** What TCP itself is told, so that it finds a dead peer beside the keepalive deadline. */
export interface TcpDetectors {
  /** Null: no keepalive probes. */
  readonly keepAlive: TcpKeepAlive | null;
  /**
   * Milliseconds that sent data may stay without acknowledgement, or the peer's window closed;
   * 0: as long as the system's own retransmissions last.
   */
  readonly userTimeoutMs: number;
}

interface TcpKeepAlive {
  /** Silence before the first probe. */
  readonly idleSeconds: number;
  /** Time from probe to probe. */
  readonly intervalSeconds: number;
  /** Probes without an answer that end the connection. */
  readonly probes: number;
}

/** How much of TcpDetectors a transport can set on this platform. */
export interface TcpCapabilities {
  /** `idle only`: the system's own interval and count follow it. */
  readonly keepAlive: "idle, interval, probes" | "idle only";
  readonly userTimeout: boolean;
  /** Connections that may wait to be accepted; null: the platform's default. */
  readonly backlog: number | null;
}

const probes = 3;
/** Linux takes no longer idle time or interval (MAX_TCP_KEEPIDLE, MAX_TCP_KEEPINTVL). */
const secondsMax = 32_767;

/**
 * The detectors for a connection that may be silent for `allowedMs`; null: for ever, so that TCP is
 * the only detector. Seconds are rounded up: TCP never ends what the keepalive deadline would let
 * live (v4-3.1.2-24, v5-3.1.2-22). Zero in `tcp` switches a detector off.
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
    // Linux counts a closed window like lost data, even while the peer answers the probes. A client
    // with a short keepalive that pings in time but reads slowly has to outlive that, so the
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
