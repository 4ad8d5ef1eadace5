import type { Broker } from "./broker.ts";
import { Deadline } from "./deadlines.ts";
import { deliver, newOutcome } from "./forward.ts";
import { after } from "./io.ts";
import { costs } from "./memory.ts";
import type { Message } from "./packet.ts";
import { offerToGroup, routeOf } from "./publish.ts";
import type { Session } from "./session.ts";
import type { Subscription } from "./subscriptions.ts";
import type { Timed } from "./timed.ts";

/** Messages that one turn hands over at most; the rest waits for the next turn. */
const messagesAtOnce = 200;
/** Work of looking at a member of a group. */
const unitsOfMember = 0.01;

/** A message that a session got through a shared subscription. */
interface HandoverItem {
  readonly message: Message;
  readonly shared: Subscription;
}

/** Messages that an ended session leaves to the other members of its shared subscriptions. */
export interface Handover {
  readonly items: readonly HandoverItem[];
  /** Index of the next item to hand over. */
  place: number;
}

/**
 * Hands an ending session's unfinished messages to other members (v5-4.8.2): QoS 1 messages that it
 * did not acknowledge, and all messages not yet sent to it. A started QoS 2 delivery goes to no
 * other member [v5-4.8.2-4] [v5-4.8.2-5]. Runs after the other deadlines of this turn, so that
 * members ending in the same turn get nothing that would have to move again.
 */
export function startHandover(broker: Broker, session: Session): void {
  // During a shutdown no member is left to get anything.
  if (broker.stopping || !session.hasUsedSharedFilters) return;
  const items: HandoverItem[] = [];
  for (const { message, copy } of session.outgoing.inOrder()) {
    const { shared } = copy;
    if (message !== null && shared !== null && copy.qos === 1) items.push({ message, shared });
  }
  for (const { message, copy } of session.queue.items()) {
    if (copy.shared !== null) items.push({ message, shared: copy.shared });
  }
  if (items.length === 0) return;
  for (const { message } of items) broker.memory.hold(message);
  broker.memory.queues.take(items.length * costs.queued);
  const deadline = new Deadline<Timed>({ kind: "handover", handover: { items, place: 0 } });
  broker.deadlines.set(deadline, broker.now);
}

/** Hands over messages within the budget, and at least one. */
export function continueHandover(
  broker: Broker,
  deadline: Deadline<Timed>,
  handover: Handover,
): void {
  for (let messages = 0; messages < messagesAtOnce; messages++) {
    const next = handover.items[handover.place++];
    if (next === undefined) return;
    handOverOne(broker, next);
    broker.memory.release(next.message);
    broker.memory.queues.give(costs.queued);
    if (broker.budget.isUsedUp) break;
  }
  broker.deadlines.set(deadline, after(broker.now, 1));
}

function handOverOne(broker: Broker, { message, shared }: HandoverItem): void {
  broker.budget.spent += 1;
  // [v5-3.3.2-5]
  if (message.expiresAt !== null && message.expiresAt <= broker.now) return;
  const group = broker.subscriptions.groupOf(shared);
  if (group === null) return;
  broker.budget.spent += group.members.length * unitsOfMember;
  const outcome = newOutcome(false);
  const { denied } = routeOf(broker, message.topic);
  offerToGroup(broker, group, message, outcome, denied);
  if (outcome.copies.length > 0) deliver(broker, message, outcome.copies, outcome.packetIds);
}
