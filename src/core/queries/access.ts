import type { Action } from "../access.ts";
import type { Broker } from "../broker.ts";
import type { AccessAccount } from "../records/broker-account.ts";
import { isForServerOnly, sharedFilter } from "../topic.ts";

/** A client that need not exist, and what it would do. */
export interface AccessQuery {
  /** The name of its listener's access list; null: the broker's. */
  readonly list: string | null;
  readonly clientId: string;
  readonly username: string | null;
  /** With the mount point of its listener; of `subscribe` a filter. */
  readonly topic: string;
  readonly action: Action;
}

/** Whether a client may do something with a topic, and the line that decides. */
export function accessOf(broker: Broker, query: AccessQuery): AccessAccount {
  const { action, list, clientId, username } = query;
  // Access lists know no groups.
  const topic =
    action === "subscribe" ? (sharedFilter(query.topic)?.filter ?? query.topic) : query.topic;
  if (action === "write" && isForServerOnly("", topic)) {
    return { action, allowed: false, by: "only the broker may publish below $SYS", rule: null };
  }
  const rights = broker.access.of(list).rightsOf({ clientId, username });
  return { action, ...rights.verdict(action, topic) };
}
