import type { Recipient } from "./copy.ts";
import type { Qos } from "./packet.ts";
import type { Session } from "./session.ts";
import type { Group, Subscription } from "./subscriptions.ts";

/** All recipients of a topic. Many topics share one object, so it must not be changed. */
export interface Match {
  /** Each matching session once. */
  readonly recipients: readonly Recipient[];
  /** By publisher, what it gets itself under No Local; null: nothing. Often empty. */
  readonly withoutLocal: ReadonlyMap<Session, Recipient | null>;
  readonly groups: readonly Group[];
}

/** Each session once, and what it gets of its own messages under No Local [v5-3.8.3-3]. */
export function matchOf(found: readonly Subscription[], groups: readonly Group[]): Match {
  const recipients: Recipient[] = [];
  let withoutLocal: Map<Session, Recipient | null> | null = null;
  for (const own of bySession(found)) {
    const { session } = own[0]!;
    recipients.push(merge(session, own));
    if (own.some((subscription) => subscription.noLocal)) {
      const rest = own.filter((subscription) => !subscription.noLocal);
      withoutLocal ??= new Map();
      withoutLocal.set(session, rest.length === 0 ? null : merge(session, rest));
    }
  }
  return { recipients, withoutLocal: withoutLocal ?? nobody, groups };
}

const nobody: Match["withoutLocal"] = new Map();

/** The subscriptions of each session, in the order in which the sessions were found. */
function bySession(found: readonly Subscription[]): Iterable<readonly Subscription[]> {
  if (found.length === 1) return [found];
  const lists = new Map<Session, Subscription[]>();
  for (const subscription of found) {
    const own = lists.get(subscription.session);
    if (own === undefined) lists.set(subscription.session, [subscription]);
    else own.push(subscription);
  }
  return lists.values();
}

/**
 * One copy for overlapping subscriptions: the highest QoS, all identifiers [v4-3.3.5-1]
 * [v5-3.3.4-2] to -4.
 */
export function merge(session: Session, own: readonly Subscription[]): Recipient {
  let qos: Qos = 0;
  let retainAsPublished = false;
  const identifiers: number[] = [];
  for (const subscription of own) {
    if (subscription.qos > qos) qos = subscription.qos;
    if (subscription.retainAsPublished) retainAsPublished = true;
    if (subscription.identifier !== 0) identifiers.push(subscription.identifier);
  }
  return {
    session,
    qos,
    retainAsPublished,
    identifiers: identifiers.length === 0 ? null : identifiers,
    shared: null,
    lastCopy: null,
  };
}
