import type { Memory } from "../memory.ts";
import type { MemoryAccount, OverviewAccount } from "../records/broker-account.ts";
import type { WillAccount } from "../records/will-account.ts";
import type { Broker } from "../broker.ts";
import type { WillRecord } from "../records/wills.ts";

const pendingShown = 10;

/** One screen about the broker. The main cost is one look at each delayed will. */
export function overviewOf(broker: Broker): OverviewAccount {
  const { statistics: counted, records, retained, sessions } = broker;
  return {
    now: broker.now,
    startedAt: broker.startedAt,
    version: broker.version,
    connections: broker.connections.size,
    connected: counted.connected,
    connectedMax: counted.connectedMax,
    sessions: sessions.size,
    subscriptions: broker.subscriptions.size,
    retained: { messages: retained.count, bytes: retained.bytes, own: retained.own },
    queued: { ...broker.queued },
    memory: memoryOf(broker.memory),
    packets: { received: counted.packetsReceived, sent: counted.packetsSent },
    publishes: {
      received: counted.publishReceived,
      sent: counted.publishSent,
      dropped: counted.publishDropped,
    },
    bytes: { received: counted.bytesReceived, sent: counted.bytesSent },
    socketsOpened: counted.socketsOpened,
    sessionsExpired: counted.sessionsExpired,
    ends: { ...records.ends },
    wills: records.wills.counts,
    keepAliveLateness: records.keepAliveLateness.account,
    willLateness: records.wills.lateness.account,
    pendingWills: nextDue(broker),
    recentEnds: records.clients.recentEnds,
    turnedAway: records.clients.turnedAway.list,
  };
}

function memoryOf({ limit, total, byKind }: Memory): MemoryAccount {
  return { limit: limit === Infinity ? null : limit, total, kinds: byKind };
}

/** The wills due next, in one pass: a record that is not among the soonest costs one comparison. */
function nextDue(broker: Broker): WillAccount[] {
  const soonest: WillRecord[] = [];
  for (const record of broker.records.wills.delayedRecords()) {
    const last = soonest[pendingShown - 1];
    if (last !== undefined && !isSooner(record, last)) continue;
    const place = soonest.findIndex((other) => isSooner(record, other));
    soonest.splice(place < 0 ? soonest.length : place, 0, record);
    soonest.length = Math.min(soonest.length, pendingShown);
  }
  return soonest.map((record) => record.account);
}

function isSooner(a: WillRecord, b: WillRecord): boolean {
  const due = a.dueAt ?? 0;
  const otherDue = b.dueAt ?? 0;
  return due < otherDue || (due === otherDue && a.id < b.id);
}
