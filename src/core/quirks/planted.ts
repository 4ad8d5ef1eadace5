import { standardRules, type Rules } from "./rules.ts";

const takeover = standardRules.willOnTakeover;

/**
 * One quirk each, named by its class and its effect. Every checker that claims to detect a class
 * has to detect the quirk planted here.
 */
export const plantedQuirks = {
  "A1-no-deadline": { keepAliveFactor: Infinity, tcpDetectors: false },
  "A2-sent-packets-reset-deadline": { keepAliveResetBy: "packetOrSent" },
  "A2-partial-packets-reset-deadline": { keepAliveResetBy: "byte" },
  "A2-parts-of-large-packets-reset-deadline": { keepAliveResetBy: "byteOfLarge" },
  "A3-deadlines-found-by-sweep": { keepAliveSweepMs: 6000 },
  "A4-deadline-at-0.75": { keepAliveFactor: 0.75 },
  "A4-deadline-at-1.0": { keepAliveFactor: 1 },
  "A4-deadline-at-1.25": { keepAliveFactor: 1.25 },
  "A4-only-pingreq-counts": { keepAliveResetBy: "pingreq" },
  "A4-pingreq-does-not-count": { keepAliveResetBy: "notPingreq" },
  "A4-unread-packets-do-not-count": { countsUnreadAsSilence: true },
  "A4-keepalive-0-has-deadline": { keepAliveForNoneSeconds: 1 },
  "B1-fin-publishes-nothing": { willOnEnd: { closedByPeer: "discard" } },
  "B1-reset-publishes-nothing": { willOnEnd: { resetByPeer: "discard" } },
  "B2-will-waits-for-session-end": { willWaitsFor: "sessionEnd" },
  "B3-will-not-queued": { willIsQueued: false },
  "B3-will-overtakes-publish": { publishLagMs: 50 },
  "C1-disconnect-with-will-eats-will": { willOnEnd: { disconnectedWithWill: "discard" } },
  "C2-disconnect-with-error-eats-will": { willOnEnd: { disconnectedWithError: "discard" } },
  "C2-protocol-error-eats-will": {
    willOnEnd: { protocolError: "discard", malformedPacket: "discard", packetTooLarge: "discard" },
  },
  "C3-clean-disconnect-publishes": { willOnEnd: { disconnected: "publish" } },
  "D1-takeover-loses-will": { willOnTakeover: { ...takeover, resumed: "discard" } },
  "D1-clean-takeover-loses-will": { willOnTakeover: { ...takeover, ended: "discard" } },
  "D1-takeover-publishes-delayed-will": {
    willOnTakeover: { ...takeover, resumedDelayed: "publish" },
  },
  "D2-clean-takeover-loses-delayed-will": {
    willOnTakeover: { ...takeover, endedDelayed: "discard" },
  },
  "D4-old-deadline-ends-new-connection": { deadlineAfterTakeover: "endsSuccessor" },
  "E1-delay-ignored": { willWaitsFor: "nothing" },
  "E2-return-does-not-cancel": { returnCancelsWill: false },
  "E3-session-end-does-not-cut-delay": { sessionEndCutsDelay: "never" },
  "E3-session-end-cuts-delay-on-expiry-only": { sessionEndCutsDelay: "onExpiry" },
  "E5-newer-wills-hold-up-older": { delayedWills: "byInterval" },
  "F-qos-lowered": { willQosMax: 0 },
  "F-retain-dropped": { willKeepsRetain: false },
  "F-properties-dropped": { willKeepsProperties: false },
  "F-published-twice": { willCopies: 2 },
  "F-empty-will-refused": { emptyWill: "refused" },
  "F-empty-will-ignored": { emptyWill: "ignored" },
  "G-denied-will-taken": { deniedWill: "accepted" },
  "G-invalid-will-taken": { invalidWill: "accepted" },
} as const satisfies Record<string, Partial<Rules>>;

export type PlantedQuirk = keyof typeof plantedQuirks;
