import type { ProtocolVersion } from "./packet.ts";
import { Reason, type ProtocolError, type ReasonCode } from "./reason.ts";

/** What the end of a connection does to its armed will (v5 section 3.1.2.5). */
export type WillOnEnd = "discard" | "publish";

interface End {
  /** The cause as the log prints it. */
  readonly text: string;
  readonly will: WillOnEnd;
  /** The reason code of the DISCONNECT sent to a v5 client; null: none is sent. */
  readonly disconnectReason: ReasonCode | null;
}

/**
 * Every way a connection can end. A connection ends with exactly one of these causes, and this
 * table alone decides what that does to its will.
 */
export const ends = {
  // The client sent DISCONNECT.
  disconnected: { text: "DISCONNECT", will: "discard", disconnectReason: null },
  disconnectedWithWill: { text: "DISCONNECT with will", will: "publish", disconnectReason: null },
  disconnectedWithError: {
    text: "DISCONNECT with an error",
    will: "publish",
    disconnectReason: null,
  },
  // The network connection ended without a DISCONNECT.
  closedByPeer: {
    text: "closed without DISCONNECT (FIN)",
    will: "publish",
    disconnectReason: null,
  },
  resetByPeer: { text: "connection reset (RST)", will: "publish", disconnectReason: null },
  tlsCut: {
    text: "TLS cut without close_notify (FIN)",
    will: "publish",
    disconnectReason: null,
  },
  webSocketClosed: {
    text: "closed without DISCONNECT (WebSocket Close)",
    will: "publish",
    disconnectReason: null,
  },
  // What has to come before MQTT did not, or what carries it broke its own rules.
  tlsFailed: { text: "TLS failed", will: "publish", disconnectReason: null },
  webSocketFailed: { text: "WebSocket failed", will: "publish", disconnectReason: null },
  proxyFailed: { text: "no PROXY header", will: "publish", disconnectReason: null },
  // A timeout expired, the broker's or TCP's.
  keepAliveExpired: {
    text: "keepalive expired",
    will: "publish",
    disconnectReason: Reason.keepAliveTimeout,
  },
  tcpTimeout: { text: "peer unreachable (found by TCP)", will: "publish", disconnectReason: null },
  stalled: { text: "stalled: takes no data", will: "publish", disconnectReason: null },
  connectTimeout: { text: "no CONNECT in time", will: "publish", disconnectReason: null },
  crowdedOut: {
    text: "no CONNECT yet, reset to make room",
    will: "publish",
    disconnectReason: null,
  },
  // The client broke a rule.
  protocolError: {
    text: "protocol error",
    will: "publish",
    disconnectReason: Reason.protocolError,
  },
  malformedPacket: {
    text: "malformed packet",
    will: "publish",
    disconnectReason: Reason.malformedPacket,
  },
  packetTooLarge: {
    text: "packet too large",
    will: "publish",
    disconnectReason: Reason.packetTooLarge,
  },
  quotaExceeded: {
    text: "quota exceeded",
    will: "publish",
    disconnectReason: Reason.quotaExceeded,
  },
  // The broker closed it.
  memory: { text: "memory full", will: "publish", disconnectReason: Reason.quotaExceeded },
  refused: { text: "refused", will: "publish", disconnectReason: null },
  takenOver: { text: "taken over", will: "publish", disconnectReason: Reason.sessionTakenOver },
  kicked: {
    text: "closed by the operator",
    will: "publish",
    disconnectReason: Reason.administrativeAction,
  },
  shuttingDown: {
    text: "broker stopped",
    will: "publish",
    disconnectReason: Reason.serverShuttingDown,
  },
  storeFailed: { text: "store failed", will: "publish", disconnectReason: Reason.unspecifiedError },
  brokerRestarted: { text: "broker died", will: "publish", disconnectReason: null },
} as const satisfies Record<string, End>;

export type EndCause = keyof typeof ends;

/** The cause of an end that a transport reports, by the way it ended. */
export const lossCauses = {
  eof: "closedByPeer",
  reset: "resetByPeer",
  timeout: "tcpTimeout",
  /** TLS: the FIN came without close_notify, so the last bytes may be missing. */
  tlsCut: "tlsCut",
  /** The TLS handshake, or a later record, broke a rule of TLS or of the listener. */
  tlsFailed: "tlsFailed",
  /** The peer sent a WebSocket Close frame. */
  webSocketClosed: "webSocketClosed",
  /** The upgrade to WebSocket was refused, or a frame broke a rule of RFC 6455. */
  webSocketFailed: "webSocketFailed",
  /** A WebSocket text frame: it breaks a rule of MQTT, not of WebSocket. */
  textFrame: "protocolError",
  /** A WebSocket frame above the largest packet. */
  frameTooLarge: "packetTooLarge",
  /** The PROXY protocol's header is missing or broken, or not from a trusted address. */
  proxyFailed: "proxyFailed",
} as const satisfies Record<string, EndCause>;

/** How a link ended that neither a DISCONNECT nor the broker ended. */
export type Loss = keyof typeof lossCauses;

/** The statement of MQTT that such an end broke; null: none. */
export function lossStatement(how: Loss, version: ProtocolVersion): string | null {
  if (how !== "textFrame") return null;
  return version === 5 ? "v5-6.0.0-1" : "v4-6.0.0-1";
}

/** The cause of an end for a violation, by the reason code that the standard gives it. */
export function causeOf(error: ProtocolError): EndCause {
  switch (error.reason) {
    case Reason.malformedPacket:
      return "malformedPacket";
    case Reason.packetTooLarge:
      return "packetTooLarge";
    case Reason.receiveMaximumExceeded:
    case Reason.quotaExceeded:
    case Reason.messageRateTooHigh:
      return "quotaExceeded";
    default:
      return "protocolError";
  }
}
