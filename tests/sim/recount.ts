import type { Broker } from "../../src/core/broker.ts";
import {
  costs,
  memoryKinds,
  messageBytes,
  textBytes,
  type MemoryKind,
} from "../../src/core/memory.ts";
import type { Message } from "../../src/core/packet.ts";
import { demand } from "./books.ts";

/** Kinds that the driver also holds for connections that the core does not know, or no longer. */
const driversKinds: readonly MemoryKind[] = ["unfinished", "output"];

/**
 * What the broker has counted as held, kind by kind, equals a count from scratch. `hasOthers`: links
 * that the core does not know hold something as well.
 */
export function expectRecounted(broker: Broker, hasOthers: boolean): void {
  // The search through retained messages deletes expired ones.
  const found = recount(broker);
  const counted = broker.memory.byKind;
  for (const kind of memoryKinds) {
    demand(counted[kind] >= 0, "no memory is given back twice", { kind, counted: counted[kind] });
    const again = found[kind];
    if (again === undefined) continue;
    const isMore = hasOthers && driversKinds.includes(kind) && counted[kind] > again;
    const detail = { kind, counted: counted[kind], found: again };
    demand(isMore || counted[kind] === again, "memory is counted as it is held", detail);
  }
  const total = Object.values(counted).reduce((sum, bytes) => sum + bytes, 0);
  demand(total === broker.memory.total, "the total of memory is that of its kinds", {
    total,
    counted,
  });
}

/** Bytes by kind, from what the broker's objects hold now. */
function recount(broker: Broker): Partial<Record<MemoryKind, number>> {
  const messages = new Map<Message, number>();
  const keep = (message: Message): void => {
    messages.set(message, (messages.get(message) ?? 0) + 1);
  };
  const found = {
    ...{ connections: 0, sessions: 0, messages: 0, queues: 0, inflight: 0 },
    ...{ wills: 0, aliases: 0, unfinished: 0, output: 0 },
  };
  for (const connection of broker.connections.values()) {
    found.connections += costs.connection + (connection.driverHolds?.linkBytes ?? 0);
    const { connect } = connection;
    if (connect !== null) {
      const { username, password, will } = connect;
      found.connections += costs.message + textBytes(username ?? "") + (password?.length ?? 0);
      if (will !== null) {
        const bytes = will.payload.length + (will.properties?.length ?? 0);
        found.connections += costs.will + textBytes(will.topic) + bytes;
      }
    }
    const topics = [...(connection.aliasesIn ?? []), ...(connection.aliasesOut?.keys() ?? [])];
    for (const topic of topics) {
      if (topic !== undefined) found.aliases += costs.alias + textBytes(topic);
    }
    found.unfinished += connection.driverHolds?.unfinishedBytes ?? 0;
    found.unfinished += connection.cut?.bytes ?? 0;
    found.output += connection.driverHolds?.outputBytes ?? 0;
  }
  for (const {
    clientId,
    username,
    rights,
    queue,
    outgoing,
    incoming,
  } of broker.sessions.values()) {
    found.sessions += costs.session + textBytes(clientId) + textBytes(username ?? "");
    if (rights?.rights.isOpen === false) found.sessions += costs.rights;
    for (const { message } of queue.items()) {
      found.queues += costs.queued;
      keep(message);
    }
    found.inflight += outgoing.places * costs.outgoing + incoming.size * costs.incoming;
    for (const { message } of outgoing.inOrder()) if (message !== null) keep(message);
  }
  // A wildcard at the first level matches no topic with `$`.
  for (const filter of ["#", "$SYS/#", "$x/#"]) {
    for (const message of broker.retained.match(filter, () => broker.now)) {
      if (message !== null) keep(message);
    }
  }
  const wills = new Set([...broker.sessions.values()].map(({ will }) => will));
  for (const timed of broker.deadlines.owners()) {
    // A planted quirk keeps a will without its session.
    if (timed.kind === "will") wills.add(timed.will);
    if (timed.kind !== "handover") continue;
    const { items, place } = timed.handover;
    for (const { message } of items.slice(place)) {
      found.queues += costs.queued;
      keep(message);
    }
  }
  for (const will of wills) {
    if (will === null) continue;
    const { payload, properties } = will.packet;
    found.wills += costs.will + textBytes(will.topic);
    found.wills += payload.byteLength + (properties?.byteLength ?? 0);
  }
  for (const [message, keepers] of messages) {
    demand(message.keepers === keepers, "a message counts its keepers", { message, keepers });
    found.messages += messageBytes(message);
  }
  return found;
}
