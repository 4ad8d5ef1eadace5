import { standardRules, type Rules } from "./rules.ts";

const takeover = standardRules.willOnTakeover;

/**
 * One quirk each, named by its class and its effect. Every checker that claims to detect a class
 * has to detect the quirk planted here.
 */
export const plantedQuirks = {
  "A1-no-deadline": { keepAliveFactor: Infinity, tcpDetectors: false },
  "A1-no-deadline-while-output-waits": { judgesWhileOutputWaits: false },
  "A2-sent-packets-reset-deadline": { keepAliveResetBy: "packetOrSent" },
  "A2-partial-packets-reset-deadline": { keepAliveResetBy: "byte" },
  "A2-parts-of-large-packets-reset-deadline": { keepAliveResetBy: "byteOfLarge" },
  "A3-deadlines-found-by-sweep": { keepAliveSweepMs: 6000 },
  "A3-deadlines-late-in-a-crowd": { lateInCrowdMs: 5000 },
  "A4-deadline-in-whole-seconds": { keepAliveInWholeSeconds: true },
  "A4-deadline-at-0.75": { keepAliveFactor: 0.75 },
  "A4-deadline-at-1.0": { keepAliveFactor: 1 },
  "A4-deadline-at-1.25": { keepAliveFactor: 1.25 },
  "A4-only-pingreq-counts": { keepAliveResetBy: "pingreq" },
  "A4-pingreq-does-not-count": { keepAliveResetBy: "notPingreq" },
  "A4-unread-packets-do-not-count": { countsUnreadAsSilence: true },
  "A4-keepalive-0-has-deadline": { keepAliveForNoneSeconds: 1 },
  "B1-fin-publishes-nothing": { willOnEnd: { closedByPeer: "discard" } },
  "B1-reset-publishes-nothing": { willOnEnd: { resetByPeer: "discard" } },
  "B1-fin-behind-connect-publishes-nothing": { willLostWhen: "finBehindConnect" },
  "B1-bridge-publishes-nothing": { bridgeHasWill: false },
  "B2-will-waits-for-session-end": { willWaitsFor: "sessionEnd" },
  "B2-silence-with-session-publishes-nothing": { willLostWhen: "silentWithSession" },
  "B3-will-not-queued": { willReaches: "connected" },
  "B3-will-lost-behind-queue": { willReaches: "unqueued" },
  "B3-will-not-to-own-session": { willReaches: "others" },
  "B3-will-overtakes-publish": { publishLagMs: 50 },
  "C1-disconnect-with-will-eats-will": { willOnEnd: { disconnectedWithWill: "discard" } },
  "C1-disconnect-cuts-delay": { disconnectCutsDelay: true },
  "C1-disconnect-keeps-session": { disconnectSetsExpiry: false },
  "C2-raised-expiry-eats-will": { expiryMayBeRaised: true },
  "C2-disconnect-with-error-eats-will": { willOnEnd: { disconnectedWithError: "discard" } },
  "C2-protocol-error-eats-will": {
    willOnEnd: { protocolError: "discard", malformedPacket: "discard", packetTooLarge: "discard" },
  },
  "C3-clean-disconnect-publishes": { willOnEnd: { disconnected: "publish" } },
  "C3-goodbye-with-properties-publishes": { goodbyeWithPropertiesIsError: true },
  "D1-return-overtakes-will": { willLagMs: 50 },
  "D1-takeover-at-once-loses-will": { willLostWhen: "takenOverAtOnce" },
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
  "F-qos-raised": { willQosMin: 2 },
  "F-qos-lowered": { willQosMax: 0 },
  "F-retain-dropped": { willKeepsRetain: false },
  "F-properties-dropped": { willKeepsProperties: false },
  "F-expiry-begins-at-connection-end": { willExpiresFrom: "connectionEnd" },
  "F-comes-again-with-session": { willStaysWithSession: true },
  "F-too-large-is-sent": { sendsTooLarge: true },
  "F-dollar-topic-reaches-wildcards": { wildcardsMatchDollar: true },
  "F-published-twice": { willCopies: 2 },
  "F-empty-will-refused": { emptyWill: "refused" },
  "F-empty-will-ignored": { emptyWill: "ignored" },
  "F-empty-will-only-clears": { emptyWill: "clearsOnly" },
  "G-denied-will-taken": { deniedWill: "accepted" },
  "G-invalid-will-taken": { invalidWill: "accepted" },
} as const satisfies Record<string, Partial<Rules>>;

export type PlantedQuirk = keyof typeof plantedQuirks;
