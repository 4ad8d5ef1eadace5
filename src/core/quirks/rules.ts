import type { EndCause, WillOnEnd } from "../end-causes.ts";
import type { Qos } from "../packet.ts";

/**
 * The points where brokers go wrong about keepalives and wills, as data. A broker is constructed
 * with one such value and reads it at each decision. The standard value is correct everywhere; the
 * others (`planted.ts`, `likes.ts`) are for testing a client, a dashboard or a checker.
 *
 * The letter before each field is the class of its quirk: A the deadline, B from the end of a
 * connection to its will, C DISCONNECT, D takeover, E delay, F the message, G which wills are
 * valid.
 */
export interface Rules {
  /**
   * A1, A4: the silence that ends a connection, in keepalive intervals. Infinity: none does
   * (rumqttd up to 0.19); 0.75, 1, 1.25: too early (old vernemq, mosca, NanoMQ).
   */
  readonly keepAliveFactor: number;
  /**
   * A2, A4: what restarts the silence. `packetOrSent`: also packets that the broker sends (rumqttd
   * 0.20). `byte`: also parts of a packet (FlashMQ). `byteOfLarge`: also parts of a packet that
   * lacks more than 1000 bytes (mosquitto). `pingreq`: only PINGREQ (old vernemq). `notPingreq`:
   * all packets except PINGREQ.
   */
  readonly keepAliveResetBy:
    "packet" | "packetOrSent" | "byte" | "byteOfLarge" | "pingreq" | "notPingreq";
  /**
   * A3: milliseconds between two sweeps over all keepalives; 0: no sweep, each ends when it is due.
   * mosquitto sweeps every 6 s, NanoMQ every 25 s, FlashMQ about every 30 s.
   */
  readonly keepAliveSweepMs: number;
  /**
   * A4: after a standstill of the broker, ends a client whose packets arrived in time but wait
   * unread in its socket (every broker whose timers run before its sockets).
   */
  readonly countsUnreadAsSilence: boolean;
  /** A4: keepalive in seconds for a client that asked for none; 0: none. */
  readonly keepAliveForNoneSeconds: number;
  /** A4: whether 1.5 K is rounded down to whole seconds (brokers that compute it with integers). */
  readonly keepAliveInWholeSeconds: boolean;
  /** A1: whether a deadline counts while output waits for the client (not in five brokers of sixteen). */
  readonly judgesWhileOutputWaits: boolean;
  /** A3: milliseconds by which all deadlines are late while more than 50 connections are open. */
  readonly lateInCrowdMs: number;
  /** A1: whether TCP's own keepalive and user timeout detect dead peers besides the deadline. */
  readonly tcpDetectors: boolean;
  /**
   * B1, C1, C2, C3: where the fate of a will departs from the table of causes. B1: a close that
   * publishes nothing (FIN: emqx 3.0.1, moquette). C1: DISCONNECT 0x04 (rmqtt, NanoMQ). C2: codes
   * from 0x80, protocol errors (mosquitto 2.0, NanoMQ, vernemq). C3: published after a clean
   * DISCONNECT (amqtt, vernemq). Takeovers have a table of their own.
   */
  readonly willOnEnd: Readonly<Partial<Record<Exclude<EndCause, "takenOver">, WillOnEnd>>>;
  /**
   * B1, B2, D1: a circumstance in which a will is lost though its cause publishes it.
   * `silentWithSession`: the session continues after a keepalive deadline. `finBehindConnect`: FIN
   * arrived with the CONNECT. `takenOverAtOnce`: the CONNECT that takes it over did.
   */
  readonly willLostWhen: "never" | "silentWithSession" | "finBehindConnect" | "takenOverAtOnce";
  /** D1: milliseconds by which a will without delay is delayed; a return meanwhile cancels it. */
  readonly willLagMs: number;
  /** C1: whether a DISCONNECT makes a delayed will due at once. */
  readonly disconnectCutsDelay: boolean;
  /** C1: whether the Session Expiry Interval of a DISCONNECT counts. */
  readonly disconnectSetsExpiry: boolean;
  /** C3: whether a DISCONNECT 0x00 with properties counts as one with an error. */
  readonly goodbyeWithPropertiesIsError: boolean;
  /** C2: whether a DISCONNECT may raise a Session Expiry Interval of 0. */
  readonly expiryMayBeRaised: boolean;
  /** B2, E1: `nothing`: the delay is ignored (NanoMQ, vernemq); `sessionEnd`: NanoMQ. */
  readonly willWaitsFor: "delay" | "nothing" | "sessionEnd";
  /**
   * B3: who gets a will. `connected`: it is not queued for offline subscribers (NanoMQ). `unqueued`:
   * subscribers with a long queue do not get it. `others`: the session of its own client does not.
   */
  readonly willReaches: "everybody" | "connected" | "unqueued" | "others";
  /** B3: milliseconds by which a PUBLISH is delayed, so its client's will overtakes it (NanoMQ). */
  readonly publishLagMs: number;
  /**
   * D1, D2: the fate of the old connection's will. D1: lost if the session is resumed (mosquitto,
   * NanoMQ, emqx). D2: lost if the session ends and the will has a delay (mosquitto, FlashMQ,
   * NanoMQ).
   */
  readonly willOnTakeover: Readonly<Record<Takeover, WillOnEnd | "cancel">>;
  /**
   * D4: a deadline that outlives its connection ends the next one with the same client id (harper).
   */
  readonly deadlineAfterTakeover: "cleared" | "endsSuccessor";
  /** E2: whether the return of its client cancels a delayed will (not in mqtt-lib, NanoMQ). */
  readonly returnCancelsWill: boolean;
  /**
   * E3: whether the end of the session makes a delayed will due. `onExpiry`: only the Session
   * Expiry Interval does, not a connection whose session ends with it (mosquitto). `never`:
   * FlashMQ.
   */
  readonly sessionEndCutsDelay: "always" | "onExpiry" | "never";
  /**
   * E5: the order of delayed wills. `byInterval`: one queue sorted by interval, newest first among
   * equals, and no will overtakes the first (mosquitto).
   */
  readonly delayedWills: "byDueTime" | "byInterval";
  /** F: the minimum QoS of a published will. */
  readonly willQosMin: Qos;
  /** F: the maximum QoS of a published will. */
  readonly willQosMax: Qos;
  /** F: whether a will keeps its RETAIN (not in NanoMQ). */
  readonly willKeepsRetain: boolean;
  /** F: whether a will keeps its v5 properties (not in NanoMQ). */
  readonly willKeepsProperties: boolean;
  /** F: how often a will is published (twice in aedes). */
  readonly willCopies: number;
  /**
   * F: a will with an empty payload. `ignored`: CONNECT is accepted without a will (moquette).
   * `clearsOnly`: the same, unless the will is retained.
   */
  readonly emptyWill: "accepted" | "refused" | "ignored" | "clearsOnly";
  /** B1: whether the will of a bridge (level 0x84) counts. */
  readonly bridgeHasWill: boolean;
  /** F: when the Message Expiry Interval of a will starts. */
  readonly willExpiresFrom: "publication" | "connectionEnd";
  /** F: whether a will stays in its session, for a later connection without one (v5-3.1.2-10). */
  readonly willStaysWithSession: boolean;
  /** F: whether the broker sends packets above a client's Maximum Packet Size. */
  readonly sendsTooLarge: boolean;
  /** F: whether filters that begin with a wildcard match topics that begin with `$`. */
  readonly wildcardsMatchDollar: boolean;
  /**
   * G: a will on a topic that the client may not publish on. `accepted`: dropped later (mosquitto).
   */
  readonly deniedWill: "refused" | "accepted";
  /** G: a will whose topic is empty or has a wildcard (accepted by aedes). */
  readonly invalidWill: "refused" | "accepted";
}

/**
 * How a connection is taken over: the session is resumed (`resumed`) or ends (`ended`), and its
 * will has a delay (`Delayed`) or is due at the end of the connection.
 */
export type Takeover = "resumed" | "resumedDelayed" | "ended" | "endedDelayed";

/** The standard's rules, without quirks. */
export const standardRules: Rules = {
  keepAliveFactor: 1.5,
  keepAliveResetBy: "packet",
  keepAliveSweepMs: 0,
  countsUnreadAsSilence: false,
  keepAliveForNoneSeconds: 0,
  keepAliveInWholeSeconds: false,
  judgesWhileOutputWaits: true,
  lateInCrowdMs: 0,
  tcpDetectors: true,
  willOnEnd: {},
  willLostWhen: "never",
  willLagMs: 0,
  disconnectCutsDelay: false,
  disconnectSetsExpiry: true,
  goodbyeWithPropertiesIsError: false,
  expiryMayBeRaised: false,
  willWaitsFor: "delay",
  willReaches: "everybody",
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
  willQosMin: 0,
  willQosMax: 2,
  willKeepsRetain: true,
  willKeepsProperties: true,
  willCopies: 1,
  emptyWill: "accepted",
  bridgeHasWill: true,
  willExpiresFrom: "publication",
  willStaysWithSession: false,
  sendsTooLarge: false,
  wildcardsMatchDollar: false,
  deniedWill: "refused",
  invalidWill: "refused",
};

/**
 * Milliseconds of silence that a keepalive in seconds allows: 1.5 times as long, by the standard
 * [v4-3.1.2-24] [v5-3.1.2-22]; null: any.
 */
export function allowedSilenceMs(rules: Rules, keepAliveSeconds: number): number | null {
  const seconds = keepAliveSeconds === 0 ? rules.keepAliveForNoneSeconds : keepAliveSeconds;
  const exact = seconds * 1000 * rules.keepAliveFactor;
  const allowed = rules.keepAliveInWholeSeconds ? Math.floor(exact / 1000) * 1000 : exact;
  return seconds === 0 || allowed === Infinity ? null : allowed;
}
