import type { EndCause, WillOnEnd } from "../end-causes.ts";
import type { Qos } from "../packet.ts";

/**
 * The places where brokers go wrong about keepalives and wills, as data. A broker is built with one
 * such value and looks at it where the decision falls. The standard value is right everywhere; others
 * (`planted.ts`, `likes.ts`) are brokers to try a client, a dashboard or a checker on.
 *
 * The letter before each field is the class of its quirk: A the deadline, B the way from the end of a
 * connection to its will, C DISCONNECT, D takeover, E delay, F the message, G what may be a will.
 */
export interface Rules {
  /**
   * A1, A4: the silence that ends a connection, in keepalive intervals. Infinity: no silence does
   * (rumqttd up to 0.19); 0.75, 1, 1.25: too early (old vernemq, mosca, NanoMQ).
   */
  readonly keepAliveFactor: number;
  /**
   * A2, A4: what begins the silence anew. `packetOrSent`: what the broker sends does too (rumqttd
   * 0.20). `byte`: so do parts of a packet (FlashMQ). `byteOfLarge`: parts of one that lacks more
   * than 1000 bytes (mosquitto). `pingreq`: only PINGREQ does (old vernemq). `notPingreq`: all but
   * PINGREQ does.
   */
  readonly keepAliveResetBy:
    "packet" | "packetOrSent" | "byte" | "byteOfLarge" | "pingreq" | "notPingreq";
  /**
   * A3: milliseconds from one look at all deadlines to the next; 0: each is met when it is due.
   * mosquitto looks every 6 s, NanoMQ every 25 s, FlashMQ about every 30 s.
   */
  readonly keepAliveSweepMs: number;
  /**
   * A4: a client is judged by the clock although what it has sent in time waits in its socket, since
   * the broker itself had stood still (every broker whose timers run before its sockets).
   */
  readonly countsUnreadAsSilence: boolean;
  /** A4: seconds in force for a client that asked for no keepalive at all; 0: none. */
  readonly keepAliveForNoneSeconds: number;
  /** A1: whether TCP's own keepalive and user timeout find the dead beside the deadline. */
  readonly tcpDetectors: boolean;
  /**
   * B1, C1, C2, C3: where the fate of a will departs from the table of ends. B1: a way of closing
   * that publishes nothing (FIN: emqx 3.0.1, moquette). C1: DISCONNECT 0x04 (rmqtt, NanoMQ). C2:
   * codes from 0x80, protocol errors (mosquitto 2.0, NanoMQ, vernemq). C3: published after a clean
   * DISCONNECT (amqtt, vernemq). A takeover has a table of its own.
   */
  readonly willOnEnd: Readonly<Partial<Record<Exclude<EndCause, "takenOver">, WillOnEnd>>>;
  /** B2, E1: `nothing`: the delay is ignored (NanoMQ, vernemq); `sessionEnd`: NanoMQ. */
  readonly willWaitsFor: "delay" | "nothing" | "sessionEnd";
  /** B3: whether a will with QoS 1 or 2 waits for subscribers that are offline (not in NanoMQ). */
  readonly willIsQueued: boolean;
  /** B3: milliseconds by which a PUBLISH is behind, so that the client's will overtakes it (NanoMQ). */
  readonly publishLagMs: number;
  /**
   * D1, D2: what becomes of the old connection's will. D1: lost when the session goes on (mosquitto,
   * NanoMQ, emqx). D2: lost when the session ends, since it had a delay (mosquitto, FlashMQ, NanoMQ).
   */
  readonly willOnTakeover: Readonly<Record<Takeover, WillOnEnd | "cancel">>;
  /** D4: a deadline that outlives its connection ends the one with the same id (harper). */
  readonly deadlineAfterTakeover: "cleared" | "endsSuccessor";
  /** E2: whether a delayed will is cancelled by the return of its client (not in mqtt-lib, NanoMQ). */
  readonly returnCancelsWill: boolean;
  /**
   * E3: whether the session's end makes a delayed will due. `onExpiry`: only its Session Expiry
   * Interval does, not the end of a connection whose session ends with it (mosquitto). `never`:
   * FlashMQ.
   */
  readonly sessionEndCutsDelay: "always" | "onExpiry" | "never";
  /**
   * E5: the order of delayed wills. `byInterval`: in one line by interval, newest first among equals,
   * and nobody passes the first one (mosquitto).
   */
  readonly delayedWills: "byDueTime" | "byInterval";
  /** F: the highest QoS that a will keeps. */
  readonly willQosMax: Qos;
  /** F: whether a will keeps its RETAIN (not in NanoMQ). */
  readonly willKeepsRetain: boolean;
  /** F: whether a will keeps its v5 properties (not in NanoMQ). */
  readonly willKeepsProperties: boolean;
  /** F: how often a will is published (twice in aedes). */
  readonly willCopies: number;
  /** F: a will without payload. `ignored`: the client is let in as if it had none (moquette). */
  readonly emptyWill: "accepted" | "refused" | "ignored";
  /** G: a will on a topic where the client may not publish. `taken`: dropped later (mosquitto). */
  readonly deniedWill: "refused" | "accepted";
  /** G: a will whose topic is empty or holds a wildcard (taken by aedes). */
  readonly invalidWill: "refused" | "accepted";
}

/**
 * How a connection is taken over: the session goes on (`resumed`) or ends, and its will waits
 * (`Delayed`) or is due at the end of the connection.
 */
export type Takeover = "resumed" | "resumedDelayed" | "ended" | "endedDelayed";

/** What the standard says, everywhere. */
export const standardRules: Rules = {
  keepAliveFactor: 1.5,
  keepAliveResetBy: "packet",
  keepAliveSweepMs: 0,
  countsUnreadAsSilence: false,
  keepAliveForNoneSeconds: 0,
  tcpDetectors: true,
  willOnEnd: {},
  willWaitsFor: "delay",
  willIsQueued: true,
  publishLagMs: 0,
  willOnTakeover: {
    resumed: "publish",
    resumedDelayed: "cancel",
    ended: "publish",
    endedDelayed: "publish",
  },
  deadlineAfterTakeover: "cleared",
  returnCancelsWill: true,
  sessionEndCutsDelay: "always",
  delayedWills: "byDueTime",
  willQosMax: 2,
  willKeepsRetain: true,
  willKeepsProperties: true,
  willCopies: 1,
  emptyWill: "accepted",
  deniedWill: "refused",
  invalidWill: "refused",
};

/**
 * Milliseconds of silence that a keepalive of so many seconds allows: one and a half times as much
 * [v4-3.1.2-24] [v5-3.1.2-22]; null: any.
 */
export function allowedSilenceMs(rules: Rules, keepAliveSeconds: number): number | null {
  const seconds = keepAliveSeconds === 0 ? rules.keepAliveForNoneSeconds : keepAliveSeconds;
  const allowed = seconds * 1000 * rules.keepAliveFactor;
  return seconds === 0 || allowed === Infinity ? null : allowed;
}
