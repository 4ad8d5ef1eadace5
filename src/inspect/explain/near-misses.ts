import type { ClientAnswer } from "../../api/api.ts";
import { hadNoSubscribers } from "../../core/events.ts";
import type { SubscriptionAccount } from "../../core/records/client-account.ts";
import type { WillAccount } from "../../core/records/will-account.ts";
import { matches, sharedFilter } from "../../core/topic.ts";
import { name } from "../../log/foreign.ts";
import { type Advice, connectionOf, sentence } from "./parts.ts";

/** Subscriptions that miss the topic of a will by a little. */

/** Filters named in an advice. */
const named = 3;

/** The newest will that was published and reached no subscriber; null: none. */
export function unheardWill({ wills }: ClientAnswer): WillAccount | null {
  const will = wills.find(({ fate }) => fate !== null) ?? null;
  return will?.fate?.fate === "published" && hadNoSubscribers(will.fate.reach) ? will : null;
}

/** The subscriptions of now that nearly match the topic of a will that reached nobody. Null: none. */
export function nearMisses(
  answer: ClientAnswer,
  subscriptions: readonly SubscriptionAccount[],
): Advice | null {
  const will = unheardWill(answer);
  if (will === null) return null;
  const mountPoint = connectionOf(answer, will)?.mountPoint ?? "";
  const found = new Map<string, string>();
  for (const { filter, clientId } of subscriptions) {
    if (found.size === named) break;
    const plain = sharedFilter(filter)?.filter ?? filter;
    const why = missedBy(plain, will.topic, mountPoint);
    if (why === null || found.has(filter)) continue;
    found.set(filter, `${name(clientId)} subscribes to ${name(filter)}, which differs ${why}`);
  }
  if (found.size === 0) return null;
  const text = `The will's topic is ${name(will.topic)}. Now ${[...found.values()].join("; ")}.`;
  return { topic: "nearMiss", ...sentence(text) };
}

/** By what a filter misses a topic; null: it matches, or is another topic altogether. */
function missedBy(filter: string, topic: string, mountPoint: string): string | null {
  if (matches(filter, topic)) return null;
  if (mountPoint !== "" && topic.startsWith(mountPoint)) {
    const sent = topic.slice(mountPoint.length);
    if (matches(filter, sent)) return `by the mount point ${name(mountPoint)} of the listener`;
  }
  if (matches(filter.toLowerCase(), topic.toLowerCase())) return "by upper and lower case";
  if (matches(filter, `/${topic}`) || matches(`/${filter}`, topic))
    return "by a slash at its beginning";
  return null;
}
