import type { OverviewAccount, WillAccount } from "./account.ts";
import type { Broker } from "./broker.ts";

const pendingShown = 10;

/** One screen about the broker; the largest part of its cost is one addition for each session. */
export function overviewOf(broker: Broker): OverviewAccount {
  const { statistics: counted, ledger, retained, sessions } = broker;
  const queued = { messages: 0, bytes: 0 };
  for (const { queue } of sessions.values()) {
    queued.messages += queue.count;
    queued.bytes += queue.bytes;
  }
  return {
    now: broker.now,
    startedAt: broker.startedAt,
    version: broker.version,
    connections: broker.connections.size,
    connected: counted.connected,
    connectedMax: counted.connectedMax,
    sessions: sessions.size,
    subscriptions: broker.subscriptions.size,
    retained: { messages: retained.count, bytes: retained.bytes },
    queued,
    packets: { received: counted.packetsReceived, sent: counted.packetsSent },
    publishes: {
      received: counted.publishReceived,
      sent: counted.publishSent,
      dropped: counted.publishDropped,
    },
    bytes: { received: counted.bytesReceived, sent: counted.bytesSent },
    socketsOpened: counted.socketsOpened,
    sessionsExpired: counted.sessionsExpired,
    ends: { ...counted.ends },
    wills: { armed: ledger.armed, delayed: ledger.delayed, ...ledger.fates },
    keepAliveLateness: counted.keepAliveLateness.account,
    willLateness: ledger.lateness.account,
    pendingWills: nextDue(broker),
    recentEnds: [...broker.histories.recentEnds],
  };
}

function nextDue(broker: Broker): WillAccount[] {
  return [...broker.ledger.delayedRecords()]
    .toSorted((a, b) => (a.dueAt ?? 0) - (b.dueAt ?? 0) || a.id - b.id)
    .slice(0, pendingShown)
    .map((record) => record.account);
}
