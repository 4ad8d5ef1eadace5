import type { Broker } from "../../src/core/broker.ts";
import type { Copy } from "../../src/core/copy.ts";
import type { DurableMessage, DurableQueued, StoredPart } from "../../src/core/durable.ts";
import type { Message } from "../../src/core/packet.ts";
import type { Session } from "../../src/core/session.ts";
import { isServerOwned } from "../../src/core/topic.ts";

/**
 * What has to outlive a broker, without the numbers that only a store knows: by client id and by
 * topic, with each message where it is kept. Two brokers with the same state have equal texts.
 */
export interface DurableState {
  readonly sessions: Readonly<Record<string, unknown>>;
  readonly retained: Readonly<Record<string, unknown>>;
}

/** As a store has it. Throws if a record refers to a message that is not there, or none does. */
export function stateOfStore({ messages, sessions, retained }: StoredPart): DurableState {
  const byNumber = new Map(messages.map((message) => [message.message, message]));
  const used = new Set<number>();
  const contentOf = (number: number): unknown => {
    const message = byNumber.get(number);
    if (message === undefined) throw new Error(`message ${number} is missing`);
    used.add(number);
    return messageState(message);
  };
  const copyOf = (copy: DurableQueued | StoredPart["sessions"][number]["outgoing"][number]) => {
    const { session: _, message, ...rest } = copy;
    return { ...rest, message: contentOf(message) };
  };
  const byClient = sessions.map(({ session, subscriptions, queued, outgoing, incoming, will }) => {
    const { session: number, clientId, ...own } = session;
    const state = {
      ...own,
      subscriptions: sorted(subscriptions.map(withoutNumber), ({ filter }) => filter),
      queued: sorted(queued, ({ place }) => place).map((copy) => {
        const { place: _, ...rest } = copyOf(copy) as { place: number };
        return rest;
      }),
      outgoing: sorted(outgoing, ({ order }) => order).map((copy) => {
        const { order: _, ...rest } = copyOf(copy) as { order: number };
        return rest;
      }),
      incoming: incoming.map(({ packetId }) => packetId).toSorted((a, b) => a - b),
      will: will === null ? null : withoutNumber(will),
    };
    return [clientId, state, number] as const;
  });
  if (new Set(byClient.map(([clientId]) => clientId)).size < byClient.length) {
    throw new Error("a client id has two sessions");
  }
  const byTopic = retained.map(({ topic, message }) => [topic, contentOf(message)] as const);
  const unused = messages.filter(({ message }) => !used.has(message));
  if (unused.length > 0) throw new Error(`nothing refers to ${unused[0]?.message}`);
  return {
    sessions: Object.fromEntries(sorted(byClient, ([clientId]) => clientId)),
    retained: Object.fromEntries(sorted(byTopic, ([topic]) => topic)),
  };
}

/** As a broker has it now. */
export function stateOfBroker(broker: Broker): DurableState {
  const sessions: [string, unknown][] = [];
  for (const session of broker.sessions.values()) {
    const isWhole = session.expiryIntervalSeconds > 0;
    if (isWhole || session.will !== null) {
      sessions.push([session.clientId, sessionState(session, isWhole)]);
    }
  }
  const retained: [string, unknown][] = [];
  // Without a time, so that expired ones are left where they are.
  for (const filter of ["#", "$x/#", "$share/#"]) {
    for (const message of broker.retained.match(filter, () => -Infinity as never)) {
      if (message === null || isServerOwned(message.topic)) continue;
      retained.push([message.topic, messageState(message)]);
    }
  }
  return {
    sessions: Object.fromEntries(sorted(sessions, ([clientId]) => clientId)),
    retained: Object.fromEntries(sorted(retained, ([topic]) => topic)),
  };
}

function sessionState(session: Session, isWhole: boolean): unknown {
  const { version, username, accessList, origin, createdAt, connection, ended, will } = session;
  const { expiryIntervalSeconds: expiry, hasUsedSharedFilters } = session;
  const subscriptions = [...session.subscriptions.values()].map((subscription) => {
    const { session: _, pattern, mountLength, group: __, ...rest } = subscription;
    const owesRetained = session.replays.has(subscription.filter);
    return { ...rest, mountPoint: pattern.slice(0, mountLength), owesRetained };
  });
  const queued = [...session.queue.items()].filter(({ copy }) => copy.qos > 0);
  const outgoing = session.outgoing.inOrder().filter(({ message }) => message !== null);
  return {
    ...{ version, username, accessList, ...origin, createdAt, hasUsedSharedFilters },
    ended: connection === null ? ended : null,
    expirySeconds: expiry === Infinity ? null : expiry,
    subscriptions: isWhole ? sorted(subscriptions, ({ filter }) => filter) : [],
    queued: isWhole ? queued.map(({ copy, message }) => copyState(copy, message)) : [],
    outgoing: isWhole
      ? outgoing.map(({ packetId, awaited, strip, copy, message }) => {
          if (message === null) throw new Error("filtered above");
          return { packetId, awaited, strip, ...copyState(copy, message) };
        })
      : [],
    incoming: isWhole ? [...session.incoming].toSorted((a, b) => a - b) : [],
    will: will === null ? null : willState(will),
  };
}

function willState(will: NonNullable<Session["will"]>): unknown {
  const { packet, topic, armedAt, ended, deadline, originalDue } = will;
  return {
    ...packet,
    mountPoint: topic.slice(0, topic.length - packet.topic.length),
    armedAt,
    ended,
    dueAt: originalDue ?? (deadline.isSet ? deadline.due : null),
  };
}

function copyState(copy: Copy, message: Message): object {
  const { qos, retain, identifiers, shared } = copy;
  const content = messageState(message);
  return { qos, retain, identifiers, shared: shared?.filter ?? null, message: content };
}

function messageState(message: Message | DurableMessage): unknown {
  const { topic, payload, qos, retain, properties, expiresAt } = message;
  return { topic, payload: hex(payload), qos, retain, properties: hex(properties), expiresAt };
}

function hex(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes).toString("hex");
}

function withoutNumber<Value extends { readonly session: number }>(
  value: Value,
): Omit<Value, "session"> {
  const { session: _, ...rest } = value;
  return rest;
}

function sorted<Value>(
  values: readonly Value[],
  keyOf: (value: Value) => string | number,
): Value[] {
  return values.toSorted((a, b) => {
    const [first, second] = [keyOf(a), keyOf(b)];
    if (first === second) return 0;
    return first < second ? -1 : 1;
  });
}
