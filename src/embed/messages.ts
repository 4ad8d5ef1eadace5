import type { OnMessage } from "../core/broker.ts";
import { textBytes } from "../core/memory.ts";
import { payloadBytesOf } from "../core/packet.ts";
import { matches } from "../core/topic.ts";
import type { PublishedMessage } from "./api.ts";

/** The last messages that a broker has published, for a test to look at. */
export class Messages {
  readonly #mostMessages: number;
  readonly #mostBytes: number;
  readonly #now: () => number;
  readonly #kept: Kept[] = [];
  #bytes = 0;
  readonly #listeners = new Set<() => void>();

  constructor(most: { readonly messages: number; readonly bytes: number }, now: () => number) {
    this.#mostMessages = most.messages;
    this.#mostBytes = most.bytes;
    this.#now = now;
  }

  readonly add: OnMessage = (published, publisher, isWill) => {
    const { topic, qos, retain } = published;
    const bytes = textBytes(topic) + payloadBytesOf(published);
    if (bytes > this.#mostBytes || this.#mostMessages === 0) return;
    const payload = new Uint8Array(published.payload);
    const clientId = publisher?.clientId ?? null;
    const message = { topic, payload, qos, retain, isWill, clientId, at: this.#now() };
    this.#kept.push({ message, bytes });
    this.#bytes += bytes;
    while (this.#kept.length > this.#mostMessages || this.#bytes > this.#mostBytes) {
      this.#bytes -= this.#kept.shift()?.bytes ?? 0;
    }
    for (const listener of this.#listeners) listener();
  };

  matching(filter: string): PublishedMessage[] {
    return this.#kept
      .filter(({ message: { topic } }) => matches(filter, topic))
      .map(({ message }) => ({ ...message, text: decoder.decode(message.payload) }));
  }

  count(filter: string): number {
    return this.#kept.filter(({ message: { topic } }) => matches(filter, topic)).length;
  }

  /** Returns a function that stops listening. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}

interface Kept {
  readonly message: Omit<PublishedMessage, "text">;
  readonly bytes: number;
}

const decoder = new TextDecoder();
