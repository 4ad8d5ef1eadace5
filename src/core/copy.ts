import type { Message, Qos } from "./packet.ts";
import { lesserQos, type Session } from "./session.ts";
import type { Subscription } from "./subscriptions.ts";

/**
 * How a session's copy of a message is sent. It depends only on the subscription and on the
 * message's QoS and RETAIN, so many messages share one object.
 */
export interface Copy {
  readonly qos: Qos;
  readonly retain: boolean;
  /** Subscription Identifiers; null: none. */
  readonly identifiers: readonly number[] | null;
  /** The shared subscription that matched; null: ordinary ones did. */
  readonly shared: Subscription | null;
}

/**
 * One session that matches a topic, its overlapping subscriptions merged (v4-3.3.5-1, v5-3.3.4-2).
 */
export interface Recipient {
  readonly session: Session;
  /** The highest QoS that its matching subscriptions grant. */
  readonly qos: Qos;
  readonly retainAsPublished: boolean;
  readonly identifiers: readonly number[] | null;
  readonly shared: Subscription | null;
  /** The last copy made: the next message usually has the same QoS and RETAIN. */
  lastCopy: Copy | null;
}

/**
 * A recipient's copy of a message [v4-3.3.1-9] [v4-3.8.4-6] [v5-3.3.1-12] [v5-3.3.1-13]
 * [v5-4.8.2-3].
 */
export function copyFor(recipient: Recipient, message: Pick<Message, "qos" | "retain">): Copy {
  const qos = lesserQos(message.qos, recipient.qos);
  const retain = message.retain && recipient.retainAsPublished;
  const last = recipient.lastCopy;
  if (last !== null && last.qos === qos && last.retain === retain) return last;
  const { identifiers, shared } = recipient;
  return (recipient.lastCopy = { qos, retain, identifiers, shared });
}
