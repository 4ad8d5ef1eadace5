import type { ClientAnswer } from "../../api/api.ts";
import { hadNoSubscribers } from "../../core/events.ts";
import type { SubscriptionAccount } from "../../core/records/client-account.ts";
import type { WillAccount } from "../../core/records/will-account.ts";
import { matches, sharedFilter } from "../../core/topic.ts";
import { name } from "../../log/foreign.ts";
import { type Advice, connectionOf, sentence } from "./parts.ts";

/** What the subscriptions of now tell of a will: near misses, ones that came too late, shared ones. */

/** Filters named in an advice. */
const named = 3;

/** The newest will that was published: the subscriptions of now tell more about it; null: none. */
export function publishedWill({ wills }: ClientAnswer): WillAccount | null {
  const will = wills.find(({ fate }) => fate !== null) ?? null;
  return will?.fate?.fate === "published" ? will : null;
}

/** What the subscriptions of now tell of the client's newest published will. */
export function adviceOnSubscriptions(
  answer: ClientAnswer,
  subscriptions: readonly SubscriptionAccount[],
): (Advice | null)[] {
  const will = publishedWill(answer);
  if (will?.fate?.fate !== "published") return [];
  if (!hadNoSubscribers(will.fate.reach)) return [shared(will, subscriptions)];
  const { noLocal, denied = 0, retained } = will.fate.reach;
  const mountPoint = connectionOf(answer, will)?.mountPoint ?? "";
  // These had subscribed, and so may one behind a mount point, which has sent a part of the topic. A
  // retained will comes later too.
  const hadSubscribed =
    noLocal === true || denied > 0 || mountPoint !== "" || retained === "stored";
  const near = nearMisses(will, subscriptions, mountPoint);
  return [near ?? (hadSubscribed ? null : tooLate(will, subscriptions))];
}

/** The subscriptions that nearly match the topic of a will that reached nobody. Null: none. */
function nearMisses(
  will: WillAccount,
  subscriptions: readonly SubscriptionAccount[],
  mountPoint: string,
): Advice | null {
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

/** Whose subscription matches, and was not there when the will was published. */
function tooLate(
  { topic }: WillAccount,
  subscriptions: readonly SubscriptionAccount[],
): Advice | null {
  const late = subscriptions.find(({ filter }) =>
    matches(sharedFilter(filter)?.filter ?? filter, topic),
  );
  if (late === undefined) return null;
  const text =
    `Now ${name(late.clientId)} subscribes to ${name(late.filter)}, which matches ${name(topic)}: it did ` +
    `not yet when the will was published. Subscribe before, or retain the will.`;
  return { topic: "nearMiss", ...sentence(text) };
}

/** A shared subscription that the will matches: one of its members gets it, the others nothing. */
function shared(
  { topic }: WillAccount,
  subscriptions: readonly SubscriptionAccount[],
): Advice | null {
  const members = subscriptions.filter(({ filter }) => {
    const plain = sharedFilter(filter)?.filter;
    return plain !== undefined && matches(plain, topic);
  });
  const [first] = members;
  if (first === undefined) return null;
  const ids = members
    .filter(({ filter }) => filter === first.filter)
    .map(({ clientId }) => clientId);
  // It gets each message where it is the only one.
  if (ids.length < 2) return null;
  const more = ids.length > named ? ` and ${ids.length - named} more` : "";
  const text =
    `${ids.slice(0, named).map(name).join(", ")}${more} share the subscription ${name(first.filter)}: one ` +
    `of its members gets each message, and the others do not. A client that is to receive each will ` +
    `needs a subscription without $share.`;
  return { topic: "sharedSubscription", ...sentence(text, "v5-4.8.2-4") };
}

/** By what a filter misses a topic; null: it matches, or is another topic altogether. */
function missedBy(filter: string, topic: string, mountPoint: string): string | null {
  if (matches(filter, topic)) return null;
  // Advice of its own says what begins with $.
  const isDollar = topic.startsWith("$");
  if (mountPoint !== "" && topic.startsWith(mountPoint)) {
    const sent = topic.slice(mountPoint.length);
    if (matches(filter, sent)) return `by the mount point ${name(mountPoint)} of the listener`;
  }
  if (matches(filter.toLowerCase(), topic.toLowerCase())) return "by upper and lower case";
  if (!isDollar && (matches(filter, `/${topic}`) || matches(`/${filter}`, topic))) {
    return "by a slash at its beginning";
  }
  if (topic.endsWith("/") && matches(filter, topic.slice(0, -1))) {
    return "by the slash at the end of the topic";
  }
  return matches(filter, `${topic}/`) ? "by a slash at its end" : null;
}
