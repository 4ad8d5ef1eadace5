import type { Will } from "./will.ts";

/**
 * Wills without delay that were not published with the end of their connections, because others were
 * due before them. They are published in due order, and no message on the same topic overtakes them.
 */
export class PostponedWills {
  readonly #byTopic = new Map<string, Set<Will>>();
  /** Those of sessions that end with them. */
  readonly #last = new Set<Will>();

  add(will: Will): void {
    const others = this.#byTopic.get(will.topic);
    if (others === undefined) this.#byTopic.set(will.topic, new Set([will]));
    else others.add(will);
  }

  /** Its session is over, and ends once the will is published. */
  addLast(will: Will): void {
    this.#last.add(will);
  }

  delete(will: Will): void {
    this.#last.delete(will);
    const others = this.#byTopic.get(will.topic);
    others?.delete(will);
    if (others?.size === 0) this.#byTopic.delete(will.topic);
  }

  /** The first of a session that is over; null: there is none. */
  get firstLast(): Will | null {
    const [first] = this.#last;
    return first ?? null;
  }

  /** Those on a topic, in due order. */
  on(topic: string): readonly Will[] {
    const found = this.#byTopic.size === 0 ? undefined : this.#byTopic.get(topic);
    return found === undefined ? none : [...found];
  }
}

const none: readonly Will[] = [];
