import type { Broker } from "./broker.ts";
import { sessionExpirySecondsInForce } from "./connack.ts";
import type { Connection } from "./connection.ts";
import type { ConnectPacket } from "./packet.ts";
import type { Session } from "./session.ts";
import { isSameWill, type Standing } from "./standing.ts";

/** Work of looking at one message that waits. */
const unitsOfLook = 0.01;

/**
 * What a CONNECT would change that the store has to keep before it is answered, while it keeps
 * nothing: `a new will`. Null: nothing. Then the client resumes its session as the store has it, and
 * if the broker is killed, the next one restores what was promised:
 *
 * - the same session, until the same time after the death of this broker;
 * - the same will, armed until that death. A will that the store has as delayed is not armed: its
 *   cancellation would have to be kept, or it comes although its client was there;
 * - no message of QoS 2 under way, since exactly once needs each step of it to be kept.
 */
export function changeToKeep(
  broker: Broker,
  { listener }: Connection,
  packet: ConnectPacket,
  clientId: string,
): string | null {
  const session = broker.sessions.get(clientId);
  const expirySeconds = sessionExpirySecondsInForce(broker, packet);
  if (session === undefined || isEnding(broker, session)) {
    return packet.will === null || expirySeconds > 0 ? "a new session" : "its will";
  }
  if (packet.cleanStart) return "the end of its session";
  for (const stored of session.journal?.standings ?? [null]) {
    if (stored === null || stored.expirySeconds === 0) return "a new session";
    if (stored.expirySeconds !== expirySeconds) return "another Session Expiry Interval";
    const isSameUser =
      stored.username === packet.username && stored.accessList === (listener.accessList ?? null);
    if (!isSameUser) return "another user of its session";
    const will = willToKeep(broker, session, stored, packet, listener.mountPoint);
    if (will !== null) return will;
  }
  return exchangeToKeep(broker, session);
}

/** It is over, or will be once this CONNECT is looked at. */
function isEnding({ now }: Broker, { isOver, deadline }: Session): boolean {
  return isOver || (deadline?.isSet === true && deadline.due <= now);
}

function willToKeep(
  { formerWills }: Broker,
  session: Session,
  { will }: Standing,
  packet: ConnectPacket,
  mountPoint: string,
): string | null {
  const asked = packet.will ?? formerWills.get(session) ?? null;
  if (will === null) return asked === null ? null : "its will";
  if (!will.isArmed) return "that its delayed will is cancelled";
  if (asked === null) return "that it has no will any more";
  const isSame = will.topic === mountPoint + asked.topic && isSameWill(will.packet, asked);
  return isSame ? null : "another will";
}

function exchangeToKeep(broker: Broker, session: Session): string | null {
  const { incoming, outgoing, queue, replays, will } = session;
  broker.budget.spent += (outgoing.count + queue.count) * unitsOfLook;
  // To resume the session may publish its will.
  let isExact = incoming.size > 0 || will?.packet.qos === 2;
  for (const { subscription } of replays.values()) isExact ||= subscription.qos === 2;
  for (const { copy } of outgoing.inOrder()) isExact ||= copy.qos === 2;
  for (const { copy } of queue.items()) isExact ||= copy.qos === 2;
  return isExact ? "a QoS 2 message under way" : null;
}
