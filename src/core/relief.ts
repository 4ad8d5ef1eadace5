import type { Broker } from "./broker.ts";
import { drop, pump } from "./forward.ts";
import { releaseAll, releaseIfRoomy } from "./hold.ts";
import { forgetRoutes } from "./publish.ts";
import type { Session } from "./session.ts";
import { isSettled } from "./settling.ts";
import { endOverSession, endSession } from "./session-end.ts";
import type { Steps } from "./steps.ts";

/** The budget of one input: sessions that end, and steps of the search for what can go. */
const sessionsAtOnce = 20;
const stepsAtOnce = 200;
/** The next search begins this long after the last one, or later. */
const searchEveryMs = 1000;
/** Share of the limit for remembered routes while memory is short. */
const routesShare = 1 / 32;

/** Carries out the measures that the total of memory asks for. Called after each input. */
export function relieve(broker: Broker): void {
  const { memory, pressure } = broker;
  memory.update();
  const dropsQos0 = memory.takes("dropQos0");
  if (dropsQos0 !== pressure.dropsQos0) {
    pressure.dropsQos0 = dropsQos0;
    // Remembered routes have fixed copies for QoS 0.
    broker.generation += 1;
    pressure.searchedAt = -Infinity;
  }
  if (memory.takes("expire")) {
    broker.records.ranShort();
    if (memory.routes.bytes > memory.limit * routesShare) forgetRoutes(broker);
    goOnSearching(broker);
  }
  if (!memory.takes("refuseNew")) pressure.since = null;
  else pressure.since ??= broker.now;
  if (memory.hasRoom(0)) pressure.isOverfull = false;
  if (memory.takes("endSessions")) endOldest(broker, "endSessions", 0);
  memory.update();
  const refusesMessages = memory.takes("refuseMessages");
  if (refusesMessages && !pressure.refusesMessages) releaseEveryPublisher(broker);
  pressure.refusesMessages = refusesMessages;
}

/**
 * Ends idle sessions, the one that is offline for longest first, until the total is below the begin
 * of a measure, none is left, or the budget is used up. `bytes`: more that will be taken.
 */
function endOldest(broker: Broker, measure: "endSessions" | "refuseNew", bytes: number): void {
  for (let ended = 0; ended < sessionsAtOnce; ended++) {
    if (broker.memory.hasRoomBefore(measure, bytes)) return;
    if (!endOldestSession(broker, "memory")) return;
  }
}

/**
 * Ends the idle session that is offline for longest. False: there is none, or clients still have time
 * to return after a restart.
 */
function endOldestSession(broker: Broker, why: "memory" | "session limit"): boolean {
  if (!isSettled(broker)) return false;
  const [oldest] = broker.pressure.idle;
  if (oldest === undefined) return false;
  endSession(broker, oldest, why);
  return true;
}

/**
 * Ends sessions that are over but for their wills, then idle ones, until `limits.sessions` allows
 * one more. There are several too many only after the limit was lowered.
 */
export function makeRoomAmongSessions(broker: Broker): boolean {
  const { sessions, limits } = broker;
  for (let ended = 0; sessions.size >= limits.sessions; ended++) {
    if (ended === sessionsAtOnce) return false;
    if (!endOverSession(broker) && !endOldestSession(broker, "session limit")) return false;
  }
  return true;
}

/**
 * Makes room for so many bytes of a new session: when new ones have been refused for as long as a
 * publisher may be held, the oldest idle ones go. So a crowd of sessions that nobody uses can't shut
 * out clients for ever.
 */
export function makeRoomInMemory(broker: Broker, bytes: number): boolean {
  const { memory, pressure, now, limits } = broker;
  if (memory.hasRoomBefore("refuseNew", bytes)) return true;
  if (pressure.since === null || now - pressure.since < limits.holdTimeoutMs) return false;
  endOldest(broker, "refuseNew", bytes);
  return memory.hasRoomBefore("refuseNew", bytes);
}

/** From now on nothing is gained by waiting: every client's acknowledgements are read at once. */
function releaseEveryPublisher(broker: Broker): void {
  for (const session of broker.sessions.values()) {
    if (session.heldPublishers !== null) releaseAll(broker, session);
  }
}

function goOnSearching(broker: Broker): void {
  const { pressure } = broker;
  if (pressure.search === null) {
    if (broker.now - pressure.searchedAt < searchEveryMs) return;
    pressure.searchedAt = broker.now;
    pressure.search = searchAll(broker);
  }
  for (let step = 0; step < stepsAtOnce; step++) {
    if (pressure.search.next().done !== true) continue;
    pressure.search = null;
    return;
  }
}

/** Deletes expired messages from all queues, and QoS 0 if it is dropped. Retained ones go by time. */
function* searchAll(broker: Broker): Steps<never> {
  let left = broker.sessions.size;
  for (const session of broker.sessions.values()) {
    if (left-- === 0) return;
    yield null;
    yield* searchQueue(broker, session);
  }
}

function* searchQueue(broker: Broker, session: Session): Steps<never> {
  const { queue } = session;
  if (queue.count === 0) return;
  for (let at = queue.front; at < queue.end; at++) {
    const item = queue.at(at);
    if (item !== undefined) {
      const { expiresAt, topic } = item.message;
      const isExpired = expiresAt !== null && expiresAt <= broker.now;
      const isDropped = item.copy.qos === 0 && broker.memory.takes("dropQos0");
      if (isExpired || isDropped) queue.removeAt(at);
      if (isDropped && !isExpired) drop(broker, session, "memory full", topic, 1);
    }
    if (at % 32 === 0) yield null;
  }
  if (queue.count > 0) return;
  broker.invalidateRoutes(session);
  if (session.heldPublishers !== null) releaseIfRoomy(broker, session);
  if (session.connection !== null) pump(broker, session);
  else if (broker.sessions.get(session.clientId) === session) broker.pressure.noteOffline(session);
}
