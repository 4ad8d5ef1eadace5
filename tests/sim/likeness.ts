import type { Broker } from "../../src/core/broker.ts";
import { demand, type Books } from "./books.ts";

/** The broker's state equals the books, and nothing exceeds its limit. */
export function expectLikeness(broker: Broker, books: Books): void {
  demand(broker.connections.size === books.open.size, "the same connections are open", {
    broker: broker.connections.size,
    books: books.open.size,
  });
  const living = [...broker.sessions.values()].filter(({ isOver }) => !isOver);
  demand(living.length === books.sessions.size, "the same sessions live", {
    broker: [...broker.sessions.keys()],
    books: [...books.sessions.keys()],
  });
  let subscriptions = 0;
  for (const [clientId, session] of books.sessions) {
    const held = broker.sessions.get(clientId);
    demand(held !== undefined, "the same sessions live", clientId);
    const { connection, will, incoming, inflight } = session;
    const state = {
      clientId,
      connected: held.connection !== null,
      will: held.will?.state ?? null,
      incoming: held.incoming.size,
      subscriptions: held.subscriptions.size,
    };
    const isLike =
      state.connected === (connection !== null) &&
      state.will === (will?.state ?? null) &&
      state.incoming === incoming.size &&
      state.subscriptions === session.subscriptions.size;
    demand(isLike, "a session is as it was told", { state, will });
    demand(held.outgoing.count <= inflight.size, "what is in flight was sent", {
      clientId,
      broker: held.outgoing.count,
      books: inflight.size,
    });
    const { queue } = held;
    const isBounded =
      queue.count <= books.most.queuedMessages && queue.bytes <= books.most.queuedBytes;
    demand(isBounded, "a queue keeps to its limits", {
      clientId,
      queued: queue.count,
      bytes: queue.bytes,
    });
    subscriptions += held.subscriptions.size;
  }
  // What the budget has left of ended sessions.
  for (const session of broker.departures.sessions) subscriptions += session.subscriptions.size;
  demand(broker.subscriptions.size === subscriptions, "subscriptions are those of the sessions", {
    tree: broker.subscriptions.size,
    sessions: subscriptions,
  });
  const { own } = broker.retained;
  const count = broker.retained.count - own.messages;
  const bytes = broker.retained.bytes - own.bytes;
  const isBounded = count <= books.most.retainedMessages && bytes <= books.most.retainedBytes;
  demand(isBounded, "retained messages keep to their limits", { count, bytes });
}
