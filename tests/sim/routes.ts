import type { Books } from "./books.ts";
import type { Session, Subscription } from "./session.ts";
import { isInSight, isReadable } from "./topics.ts";

/** The receivers of a topic: each session once, and each share. */
export interface Route {
  readonly plain: readonly { readonly session: Session; readonly own: readonly Subscription[] }[];
  readonly shares: readonly {
    readonly filter: string;
    readonly members: readonly { readonly session: Session; readonly subscription: Subscription }[];
  }[];
}

/**
 * Finds a topic's receivers by asking every session, and caches them until a subscription changes.
 */
export class Routes {
  readonly #books: Books;
  #known = new Map<string, Route>();
  #generation = -1;

  constructor(books: Books) {
    this.#books = books;
  }

  of(topic: string): Route {
    if (this.#generation !== this.#books.generation) {
      this.#generation = this.#books.generation;
      this.#known = new Map();
    }
    let route = this.#known.get(topic);
    if (route === undefined) {
      route = this.#find(topic);
      this.#known.set(topic, route);
    }
    return route;
  }

  #find(topic: string): Route {
    const plain: { session: Session; own: Subscription[] }[] = [];
    const shares = new Map<string, { session: Session; subscription: Subscription }[]>();
    for (const session of this.#books.sessions.values()) {
      const own: Subscription[] = [];
      for (const subscription of session.subscriptions.values()) {
        if (!covers(subscription, topic)) continue;
        if (subscription.group === null) {
          own.push(subscription);
          continue;
        }
        const name = `${subscription.group}/${subscription.pattern}`;
        const members = shares.get(name);
        if (members === undefined) shares.set(name, [{ session, subscription }]);
        else members.push({ session, subscription });
      }
      if (own.length > 0) plain.push({ session, own });
    }
    return { plain, shares: [...shares].map(([filter, members]) => ({ filter, members })) };
  }
}

/**
 * Section 4.7, by comparing both from the left. Ignores the prefix of a mount point. Nothing that
 * the client may not read.
 */
export function covers(
  { reader, pattern, mounted }: Pick<Subscription, "reader" | "pattern" | "mounted">,
  topic: string,
): boolean {
  if (!isReadable(reader, topic)) return false;
  const wanted = pattern.split("/");
  const levels = topic.split("/");
  const isMatch = wanted.every((level, place) => {
    if (level === "#") return place <= levels.length;
    return place < levels.length && (level === "+" || level === levels[place]);
  });
  if (!isMatch || (wanted.at(-1) !== "#" && wanted.length !== levels.length)) return false;
  if (!isInSight(pattern.slice(0, mounted), topic)) return false;
  const isWild = pattern.startsWith("#", mounted) || pattern.startsWith("+", mounted);
  return !(isWild && topic.startsWith("$", mounted));
}
