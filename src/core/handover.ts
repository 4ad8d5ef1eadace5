import type { Broker } from "./broker.ts";
import { Deadline } from "./deadlines.ts";
import { deliver, newOutcome } from "./forward.ts";
import { after } from "./io.ts";
import type { Message } from "./packet.ts";
import { offerToGroup } from "./publish.ts";
import type { Session } from "./session.ts";
import type { Subscription } from "./subscriptions.ts";
import type { Timed } from "./timed.ts";

/** What one turn hands over, at the most; the rest waits for the next. */
const messagesAtOnce = 200;
/** Members of a group that may have to be looked at cost as much as a message. */
const membersAtOnce = 100;

/** A message that came to a session by its part in a shared subscription. */
interface HandoverItem {
  readonly message: Message;
  readonly shared: Subscription;
}

/** What a session that has ended leaves to the other members of its shared subscriptions. */
export interface Handover {
  readonly items: readonly HandoverItem[];
  /** Of the first that is still to be handed over. */
  place: number;
}

/**
 * Leaves to other members what a session that ends has not finished (v5-4.8.2): messages with QoS 1
 * that it did not acknowledge, and all that it was not sent yet. A QoS 2 delivery that has begun goes
 * to nobody else [v5-4.8.2-5]. It is done when all else that is due now has been, so that nothing is
 * handed to members that end in the same turn, and on again.
 */
export function startHandover(broker: Broker, session: Session): void {
  // Nobody is left who could get anything.
  if (broker.stopping || !session.hasUsedSharedFilters) return;
  const items: HandoverItem[] = [];
  for (const { message, copy } of session.outgoing.inOrder()) {
    if (copy.shared !== null && copy.qos === 1) items.push({ message, shared: copy.shared });
  }
  for (const { message, copy } of session.queue.items()) {
    if (copy.shared !== null) items.push({ message, shared: copy.shared });
  }
  if (items.length === 0) return;
  const deadline = new Deadline<Timed>({ kind: "handover", handover: { items, place: 0 } });
  broker.deadlines.set(deadline, broker.now);
}

/** A part of it. Returns how many messages were looked at, or as many as the work is worth. */
export function continueHandover(
  broker: Broker,
  deadline: Deadline<Timed>,
  handover: Handover,
): number {
  let work = 0;
  while (work < messagesAtOnce) {
    const next = handover.items[handover.place++];
    if (next === undefined) return work;
    work += 1 + handOverOne(broker, next);
  }
  broker.deadlines.set(deadline, after(broker.now, 1));
  return work;
}

function handOverOne(broker: Broker, { message, shared }: HandoverItem): number {
  // [v5-3.3.2-5]
  if (message.expiresAt !== null && message.expiresAt <= broker.now) return 0;
  const group = broker.subscriptions.groupOf(shared);
  if (group === null) return 0;
  const outcome = newOutcome(false);
  offerToGroup(broker, group, message, outcome);
  if (outcome.copies.length > 0) deliver(broker, message, outcome.copies);
  return Math.floor(group.members.length / membersAtOnce);
}
