import { mayWrite } from "./access-lists.ts";
import { sendAcks } from "./acknowledge.ts";
import type { Broker } from "./broker.ts";
import type { Connection } from "./connection.ts";
import { copyFor, type Recipient } from "./copy.ts";
import { takesOutput } from "./decision.ts";
import { plainDelivery } from "./forward.ts";
import type { Delivery } from "./io.ts";
import { costs } from "./memory.ts";
import type { PublishRun } from "./packet.ts";
import { routeOf } from "./publish.ts";
import type { Session } from "./session.ts";
import { tooDeep } from "./topic.ts";

/**
 * PUBLISHes that are alike, handled as one: their checks, route and recipients are the same. Only
 * what is ordinary is taken so, and ends as it would one by one; the rest goes the way of a single
 * PUBLISH.
 */

/** Work of one packet of a run, of each of its copies, and of a recipient. */
const unitsOfPacket = 0.2;
const unitsOfCopy = 0.1;
const unitsOfRecipient = 0.3;

/** How many packets of a run can be handled as one now; 0: fewer than two. */
export function takenAtOnce(broker: Broker, connection: Connection, run: PublishRun): number {
  const { session } = connection;
  if (session === null || !isOrdinary(broker, connection, session, run)) return 0;
  const { match, copies, denied } = routeOf(broker, run.topic);
  if (denied !== null || match.groups.length > 0 || match.withoutLocal.has(session)) return 0;
  const { recipients } = match;
  if (run.qos === 0) {
    return copies?.every((copy) => isAsReceived(copy, run)) === true
      ? fitting(broker, run, copies.length, 0)
      : 0;
  }
  // Then the acknowledgement says so, at least in v5.
  if (recipients.length === 0) return 0;
  let most = fitting(broker, run, recipients.length, recipients.length);
  for (const recipient of recipients) {
    if (most < 2) return 0;
    most = Math.min(most, takenBy(broker, recipient, run));
  }
  return most < 2 ? 0 : most;
}

/** As many packets as the turn's budget has left. */
function fitting(broker: Broker, run: PublishRun, recipients: number, copies: number): number {
  const { limit, spent } = broker.budget;
  const left = limit - spent - recipients * unitsOfRecipient;
  const most = Math.floor(left / (unitsOfPacket + copies * unitsOfCopy));
  const count = Math.min(run.bounds.length - 1, most);
  return count < 2 ? 0 : count;
}

/** Nothing about the publisher, its topic or the broker asks for a look at each packet. */
function isOrdinary(
  broker: Broker,
  connection: Connection,
  session: Session,
  run: PublishRun,
): boolean {
  const { limits, memory, rules, failedStore } = broker;
  const { topic, qos, bounds } = run;
  if (connection.listener.mountPoint !== "" || connection.maximumPacketSize !== Infinity)
    return false;
  if (failedStore !== null || rules.publishLagMs > 0) return false;
  if (qos > connection.announced.qos || run.payloadBytes > limits.payloadSize) return false;
  // Topics of the broker's own, and others of that kind.
  if (topic.charCodeAt(0) === 0x24 || tooDeep(topic, limits.topicLevels)) return false;
  if (broker.postponed.on(topic).length > 0) return false;
  const count = bounds.length - 1;
  const bytes = bounds[count]! - bounds[0]! + count * (costs.outgoing + costs.incoming);
  if (!memory.hasRoomBefore("expire", bytes)) return false;
  if (qos === 2 && !isNew(broker, connection, session, run)) return false;
  return mayWrite(broker, session, topic);
}

/** None is a resend, and nothing counts or keeps their packet ids but the session. */
function isNew(
  { journal }: Broker,
  { version }: Connection,
  { incoming }: Session,
  { packetIds }: PublishRun,
): boolean {
  if (version === 5 || journal !== null) return false;
  return incoming.size === 0 || !packetIds.some((packetId) => incoming.has(packetId));
}

/** A copy is as the packet came, but for the packet id. */
function isAsReceived({ plain, qos, retain, version }: Delivery, run: PublishRun): boolean {
  return plain && !retain && qos === run.qos && (version === 5) === (run.version === 5);
}

/** How many copies a recipient takes at once, sent as they came. */
function takenBy(broker: Broker, recipient: Recipient, run: PublishRun): number {
  const { session } = recipient;
  const { connection, outgoing } = session;
  if (connection === null || recipient.qos < run.qos || !takesOutput(broker, connection)) return 0;
  // A session that can be resumed keeps each message.
  if (connection.isResumable || session.isBehind) return 0;
  if (connection.maximumPacketSize !== Infinity || connection.aliasesOutMax > 0) return 0;
  // As `isAsReceived` of its copy, which is not made before the run is taken.
  if (connection.strip > 0 || recipient.identifiers !== null) return 0;
  if ((connection.version === 5) !== (run.version === 5)) return 0;
  return connection.receiveMaximum - outgoing.count;
}

/** Publishes and acknowledges the first packets of a run, as many as `takenAtOnce` has just said. */
export function runReceived(
  broker: Broker,
  connection: Connection,
  session: Session,
  run: PublishRun,
  count: number,
): void {
  const { statistics, budget } = broker;
  const { topic, qos, packetIds } = run;
  statistics.publishReceived += count;
  budget.spent += count * unitsOfPacket;
  broker.records.passedRun(session, run, count);
  if (qos === 2) for (let at = 0; at < count; at++) session.addIncoming(packetIds[at]!);
  const { match, copies } = routeOf(broker, topic);
  if (qos === 0) sendRun(broker, run, count, copies ?? [], null);
  else sendWindowed(broker, run, count, match.recipients);
  if (qos === 0) return;
  const ids = count === packetIds.length ? packetIds : packetIds.slice(0, count);
  sendAcks(broker, connection, qos === 1 ? "puback" : "pubrec", ids);
}

/** Sends the packets to recipients who have to acknowledge them. */
function sendWindowed(
  broker: Broker,
  run: PublishRun,
  count: number,
  recipients: readonly Recipient[],
): void {
  const { qos } = run;
  broker.budget.spent += recipients.length * count * unitsOfCopy;
  const to: Delivery[] = [];
  const packetIds: number[][] = [];
  for (const recipient of recipients) {
    const { session } = recipient;
    const { connection } = session;
    if (connection === null) continue;
    const copy = copyFor(recipient, { qos, retain: false });
    const ids: number[] = [];
    for (let at = 0; at < count; at++) ids.push(session.addOutgoing(null, copy, 0).packetId);
    to.push(plainDelivery(connection, copy));
    packetIds.push(ids);
  }
  sendRun(broker, run, count, to, packetIds);
}

function sendRun(
  broker: Broker,
  run: PublishRun,
  count: number,
  to: readonly Delivery[],
  packetIds: readonly (readonly number[])[] | null,
): void {
  const { statistics, budget } = broker;
  statistics.publishSent += to.length * count;
  statistics.packetsSent += to.length * count;
  budget.spent += to.length * unitsOfRecipient;
  if (to.length > 0) broker.effects.push({ type: "forward", run, count, to, packetIds });
}
