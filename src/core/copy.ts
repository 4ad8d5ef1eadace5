import type { Message, Qos } from "./packet.ts";
import { lesserQos, type Session } from "./session.ts";
import type { Subscription } from "./subscriptions.ts";

/**
 * What a session's copy of a message is sent with. It depends on the subscription and on the message's
 * QoS and RETAIN alone, so the copies of many messages are one object.
 */
export interface Copy {
  readonly qos: Qos;
  readonly retain: boolean;
  /** Subscription Identifiers; null: none. */
  readonly identifiers: readonly number[] | null;
  /** The shared subscription that it comes by; null: ordinary ones. */
  readonly shared: Subscription | null;
}

/** One session under a topic: its overlapping subscriptions as one (v4-3.3.5-1, v5-3.3.4-2). */
export interface Recipient {
  readonly session: Session;
  /** The highest that its subscriptions grant. */
  readonly qos: Qos;
  readonly retainAsPublished: boolean;
  readonly identifiers: readonly number[] | null;
  readonly shared: Subscription | null;
  /** The copy that was made last: the next message most often has the same QoS and RETAIN. */
  lastCopy: Copy | null;
}

/** A recipient's copy of a message [v5-3.3.1-12] [v5-3.3.1-13]. */
export function copyFor(recipient: Recipient, message: Pick<Message, "qos" | "retain">): Copy {
  const qos = lesserQos(message.qos, recipient.qos);
  const retain = message.retain && recipient.retainAsPublished;
  const last = recipient.lastCopy;
  if (last !== null && last.qos === qos && last.retain === retain) return last;
  const { identifiers, shared } = recipient;
  return (recipient.lastCopy = { qos, retain, identifiers, shared });
}
