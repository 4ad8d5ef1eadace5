import type { Broker } from "../broker.ts";
import type { RecentMessage } from "../records/recent-messages.ts";
import { matches } from "../topic.ts";

export type { RecentMessage };

/** The last messages. */
export interface RecentAnswer {
  /** Oldest first: of those behind `after` on matching topics, the last `limit`. */
  readonly messages: readonly RecentMessage[];
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
  const found = [...messages.after(after)].filter(({ topic }) => matches(filter, topic));
  return { messages: found.slice(-limit), lastId: messages.lastId, missed: messages.missed };
}
