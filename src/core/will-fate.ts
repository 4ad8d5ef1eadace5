import { assert } from "./assert.ts";
import { mayWrite, rightsOf } from "./access-lists.ts";
import type { Broker } from "./broker.ts";
import { ends, type EndCause, type WillOnEnd } from "./end-causes.ts";
import type { SessionEnd, WaitEnd, WillAtEnd, WillCancelled, WillFate } from "./events.ts";
import { after, type Millis } from "./io.ts";
import { publish } from "./publish.ts";
import { Rank } from "./schedule.ts";
import { publishFate } from "./sys.ts";
import type { Rules } from "./quirks/rules.ts";
import { expiryOf, isLost, lagged, qosOf } from "./will-rules.ts";
import type { Session } from "./session.ts";
import { willDelay, type Will } from "./will.ts";

/**
 * Decides the fate or the delay of the will of a connection that ends [v4-3.1.2-8] [v5-3.1.2-8],
 * by the table of causes. `endDue`: when the connection had to end, which a standstill of the
 * broker can have delayed.
 */
export function endWill(
  broker: Broker,
  session: Session,
  cause: EndCause,
  sessionContinues: boolean,
  endDue: Millis,
): WillAtEnd | null {
  const will = session.will;
  if (will === null) return null;
  const { topic } = will;
  will.ended = { cause, at: broker.now };
  const delay = lagged(
    broker.rules,
    will,
    cause,
    delaySecondsOf(broker.rules, will, sessionContinues),
  );
  const ageMs = broker.now - will.armedAt;
  const lost = isLost(broker.rules, cause, sessionContinues, ageMs);
  const fate = lost ? "discard" : fateOf(broker.rules, will, cause, sessionContinues, delay);
  if (fate === "discard") {
    // [v4-3.1.2-10] [v4-3.14.4-3] [v5-3.14.4-3]
    const why = cause === "disconnected" ? "disconnect" : "on purpose";
    return setFate(broker, will, { fate: "discarded", topic, why });
  }
  if (fate === "cancel") return setFate(broker, will, { fate: "cancelled", topic, why: "resumed" });
  const isDelayed = delay > 0 && cause !== "takenOver";
  if (!isDelayed && !mustWait(broker, cause)) return publishWill(broker, will, endDue);
  const due = isDelayed ? after(broker.now, delay * 1000) : endDue;
  will.become("delayed");
  if (!isDelayed) {
    will.isPostponed = true;
    broker.postponed.add(will);
  }
  broker.records.willDelayed(will, due);
  broker.deadlines.set(will.deadline, due);
  return { fate: "delayed", topic: will.topic, due };
}

/**
 * Whether others are due before a will that is due now. Its connection ends in any case: a silence is
 * judged in time, however long it takes to publish thousands of wills. A takeover does not wait,
 * since the new connection's will follows.
 */
function mustWait(broker: Broker, cause: EndCause): boolean {
  if (cause === "takenOver") return false;
  const { budget, deadlines, now } = broker;
  if (budget.spent >= broker.willsUntil) return true;
  const first = broker.isBehind ? deadlines.nextOf(Rank.fate) : null;
  return first !== null && first <= now;
}

function fateOf(
  rules: Rules,
  will: Will,
  cause: EndCause,
  sessionContinues: boolean,
  delay: number,
): WillOnEnd | "cancel" {
  if (cause !== "takenOver") return rules.willOnEnd[cause] ?? ends[cause].will;
  if (sessionContinues) return rules.willOnTakeover[delay > 0 ? "resumedDelayed" : "resumed"];
  return rules.willOnTakeover[will.packet.delayIntervalSeconds > 0 ? "endedDelayed" : "ended"];
}

/** Seconds from the end of the connection to the publication [v5-3.1.2-8] [v5-3.1.3-9]. */
function delaySecondsOf(rules: Rules, will: Will, sessionContinues: boolean): number {
  const { packet, session } = will;
  if (rules.willWaitsFor === "nothing") return 0;
  // 0xFFFFFFFF means "never" on the wire; used as seconds it still yields a finite due time.
  if (rules.willWaitsFor === "sessionEnd")
    return Math.min(session.expiryIntervalSeconds, 0xffff_ffff);
  if (rules.sessionEndCutsDelay === "never") return packet.delayIntervalSeconds;
  if (sessionContinues) return willDelay(packet, session.expiryIntervalSeconds);
  return rules.sessionEndCutsDelay === "always" ? 0 : packet.delayIntervalSeconds;
}

/**
 * A planted quirk: postpones a due will behind another that is not yet due and has a shorter
 * interval, or is newer with the same one. Returns whether it did.
 */
export function postponeBehindOther(broker: Broker, will: Will): boolean {
  const interval = will.packet.delayIntervalSeconds;
  for (const timed of broker.deadlines.owners()) {
    if (timed.kind !== "will" || timed.will.deadline.due <= broker.now) continue;
    const other = timed.will.packet.delayIntervalSeconds;
    const isNewer = (timed.will.ended?.at ?? 0) > (will.ended?.at ?? 0);
    if (other > interval || (other === interval && !isNewer)) continue;
    will.originalDue ??= will.deadline.due;
    broker.deadlines.set(will.deadline, timed.will.deadline.due);
    return true;
  }
  return false;
}

/** Publishes a delayed will because its session ends [v5-3.1.2-8]. */
export function endDelay(broker: Broker, will: Will, why: SessionEnd): void {
  const { willOnTakeover, sessionEndCutsDelay: cuts } = broker.rules;
  if (why === "replaced" && willOnTakeover.endedDelayed === "discard") {
    broker.deadlines.clear(will.deadline);
    const { topic } = will;
    setFate(broker, will, { fate: "discarded", topic, why: "on purpose" }, "session ended");
  } else if (cuts === "never" || (cuts === "onExpiry" && why === "connection ended")) {
    detach(will);
  } else {
    const isForRoom = why === "memory" || why === "session limit";
    const by = isForRoom ? why : "session ended";
    publishWill(broker, will, dueAtSessionEnd(broker, will), by);
  }
}

/** A planted quirk: the will stays delayed without its session. */
function detach(will: Will): void {
  will.isDetached = true;
  will.session.will = null;
  will.session.journal?.willChanged();
}

/** Cancels a delayed will because its client returned in time [v5-3.1.3-9]. */
export function cancelDelayedWill(broker: Broker, session: Session, why: WillCancelled): void {
  const will = session.will;
  if (will === null) return;
  if (!broker.rules.returnCancelsWill) return detach(will);
  broker.deadlines.clear(will.deadline);
  setFate(broker, will, { fate: "cancelled", topic: will.topic, why }, why);
}

/**
 * Publishes a will as CONNECT gave it [v4-3.1.2-16] [v4-3.1.2-17] [v5-3.1.2-14] [v5-3.1.2-15]
 * [v5-3.1.3-10], unless access is denied. `by`: what ended its delay; null: it had none.
 */
export function publishWill(
  broker: Broker,
  will: Will,
  due: Millis,
  by: WaitEnd | null = null,
): WillFate {
  const { session, packet, topic } = will;
  broker.deadlines.clear(will.deadline);
  if (!mayWrite(broker, session, topic)) {
    const { by: rule } = rightsOf(broker, session).verdict("write", topic);
    return setFate(broker, will, { fate: "discarded", topic, why: "denied", deniedBy: rule }, by);
  }
  const { rules } = broker;
  const message = {
    topic,
    qos: qosOf(rules, packet),
    retain: packet.retain && rules.willKeepsRetain,
    payload: packet.payload,
    properties: rules.willKeepsProperties ? packet.properties : null,
    expiresAt: expiryOf(rules, will, broker.now),
    frame: null,
    owned: true,
    keepers: 0,
  };
  let reach = publish(broker, session, message, rules.willReaches);
  for (let copy = 1; copy < rules.willCopies; copy++) {
    reach = publish(broker, session, message, rules.willReaches);
  }
  const fate = { fate: "published", topic, due, at: broker.now, reach } as const;
  const { delayIntervalSeconds } = packet;
  const unwaited = by === null ? delayIntervalSeconds : 0;
  const stoodStillMs = due < broker.now ? broker.standstills.delayedMs(due, broker.now) : 0;
  // Without a spread for most: thousands may come at once.
  if (unwaited === 0 && stoodStillMs === 0) return setFate(broker, will, fate, by);
  const own = stoodStillMs > 0 && { stoodStillMs };
  return setFate(broker, will, { ...fate, ...own, ...(unwaited > 0 && { unwaited }) }, by);
}

/**
 * Gives a will its fate and detaches it from its session [v4-3.1.2-10] [v5-3.1.2-10]. `$SYS`
 * publishes a delayed will's fate here, any other's after the end of its connection.
 */
function setFate<Fate extends WillFate>(
  broker: Broker,
  will: Will,
  fate: Fate,
  by: WaitEnd | null = null,
): Fate {
  will.become(fate.fate);
  if (will.isPostponed || will.session.isOver) broker.postponed.delete(will);
  broker.memory.wills.give(will.held);
  if (broker.rules.willStaysWithSession) broker.formerWills.set(will.session, will.packet);
  if (!will.isDetached) {
    assert(will.session.will === will, "a will is settled once");
    will.session.will = null;
  }
  broker.records.willSettled(will, fate, by);
  if (by !== null) publishFate(broker, will, fate);
  return fate;
}

/** The end of a session moves a later due time forward to now. */
function dueAtSessionEnd(broker: Broker, will: Will): Millis {
  const due = dueOf(will);
  return due < broker.now ? due : broker.now;
}

export function dueOf(will: Will): Millis {
  return will.originalDue ?? will.deadline.due;
}
