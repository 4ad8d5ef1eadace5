import type { Millis } from "../../src/core/io.ts";
import { Memory } from "../../src/core/memory.ts";
import type { Message } from "../../src/core/packet.ts";
import { Session, SessionsShare } from "../../src/core/session.ts";
import type { Subscription } from "../../src/core/subscriptions.ts";

/** Samples for the units of the core. */

export function millis(value: number): Millis {
  // Only the clock may make this brand; here the test is the clock.
  return value as Millis;
}

export function message(topic: string, more: Partial<Message> = {}): Message {
  return {
    topic,
    qos: 0,
    retain: false,
    payload: new TextEncoder().encode(topic),
    properties: null,
    expiresAt: null,
    frame: null,
    owned: true,
    keepers: 0,
    ...more,
  };
}

export function session(clientId: string): Session {
  const limits = { queuedMessages: 10, queuedBytes: 1000 };
  const shared = new SessionsShare(limits, { messages: 0, bytes: 0 }, new Memory());
  return new Session(clientId, shared, millis(0));
}

export function subscription(
  owner: Session,
  pattern: string,
  more: Partial<Subscription> = {},
): Subscription {
  return {
    session: owner,
    filter: pattern,
    pattern,
    mountLength: 0,
    group: null,
    qos: 0,
    noLocal: false,
    retainAsPublished: false,
    identifier: 0,
    ...more,
  };
}

/** Levels with which many topics and filters match. */
export const levels = ["a", "b", "", "$x"] as const;
