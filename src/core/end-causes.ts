import { Reason, type ProtocolError, type ReasonCode } from "./reason.ts";

/** What an end of a connection does to the will that is armed on it (v5 section 3.1.2.5). */
export type WillOnEnd = "discard" | "publish";

interface End {
  /** The cause as people read it in the log. */
  readonly text: string;
  readonly will: WillOnEnd;
  /** The reason code of the DISCONNECT that a v5 client gets; null: nothing is sent. */
  readonly disconnectReason: ReasonCode | null;
}

/**
 * Every way for a connection to end. A connection ends with exactly one of these, and this table is
 * the only place that says what becomes of its will.
 */
export const ends = {
  // The client said goodbye.
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
  // Somebody's patience ended.
  keepAliveExpired: {
    text: "keepalive expired",
    will: "publish",
    disconnectReason: Reason.keepAliveTimeout,
  },
  tcpTimeout: { text: "peer unreachable (found by TCP)", will: "publish", disconnectReason: null },
  stalled: { text: "stalled: takes no data", will: "publish", disconnectReason: null },
  connectTimeout: { text: "no CONNECT in time", will: "publish", disconnectReason: null },
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
  // The broker's side.
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
  brokerRestarted: { text: "broker restarted", will: "publish", disconnectReason: null },
} as const satisfies Record<string, End>;

export type EndCause = keyof typeof ends;

/** The cause that a broken rule stands for, by the reason code that the standard gives it. */
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
