import type { Broker } from "../broker.ts";
import type { RecentMessage } from "../records/recent-messages.ts";
import type { Steps } from "../steps.ts";
import { matches } from "../topic.ts";

export type { RecentMessage };

/** The last messages. */
export interface RecentAnswer {
  /** Newest first: of those behind `after` on matching topics, the last `limit`. */
  readonly messages: Steps<RecentMessage>;
  /** The id of the last message that was kept, matching or not. */
  readonly lastId: number;
  /** Messages that were not kept, since the start. */
  readonly missed: number;
}

/** Messages published lately on topics that match a filter. */
export function recentMessagesOf(
  { records: { messages } }: Broker,
  filter: string,
  after: number,
  limit: number,
): RecentAnswer {
  const { lastId, missed } = messages;
  return { messages: matching(messages.newestFirst(after), filter, limit, lastId), lastId, missed };
}

function* matching(
  newestFirst: Iterable<RecentMessage>,
  filter: string,
  limit: number,
  lastId: number,
): Steps<RecentMessage> {
  let left = limit;
  for (const message of newestFirst) {
    // Others may come before the first step.
    const isFound = message.id <= lastId && matches(filter, message.topic);
    yield isFound ? message : null;
    if (isFound && --left === 0) return;
  }
}

/**
 * Calls back for each message that is published on a matching topic and kept. Returns a function
 * that stops that.
 */
export function onRecentMessage(
  { records: { messages } }: Broker,
  filter: string,
  found: () => void,
): () => void {
  return messages.listen(({ topic }) => {
    if (matches(filter, topic)) found();
  });
}
