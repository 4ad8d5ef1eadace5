import type { Broker } from "../broker.ts";
import type { ConnectionState } from "../connection.ts";
import type { WillFacts } from "../events.ts";
import { firstDue } from "../keepalive.ts";

/** All state in plain JSON. Times are milliseconds since the epoch, null: never. */
export interface BrokerView {
  readonly now: number;
  readonly connections: readonly ConnectionView[];
  readonly sessions: readonly SessionView[];
  readonly retained: { readonly messages: number; readonly bytes: number };
  readonly subscriptions: number;
  /** Deadlines that are set. */
  readonly deadlines: number;
}

export interface ConnectionView {
  readonly connection: number;
  readonly clientId: string | null;
  readonly remote: string;
  readonly listener: string;
  readonly state: ConnectionState;
  readonly version: number;
  /** Seconds in force. */
  readonly keepAlive: number;
  readonly lastPacketAt: number;
  /** When it will be ended if nothing comes. */
  readonly dueAt: number | null;
  readonly waitingSince: number | null;
  readonly blocked: boolean;
  readonly pausedAt: number | null;
}

export interface SessionView {
  readonly clientId: string;
  readonly connected: boolean;
  /** Seconds in force, null: never. */
  readonly expiryInterval: number | null;
  readonly endsAt: number | null;
  readonly subscriptions: readonly string[];
  readonly queued: number;
  readonly inflight: number;
  readonly incoming: number;
  readonly will: (WillFacts & { readonly state: string; readonly dueAt: number | null }) | null;
}

export function viewOf(broker: Broker): BrokerView {
  return {
    now: broker.now,
    connections: [...broker.connections.values()].map((connection) => ({
      connection: connection.id,
      clientId: connection.clientId,
      remote: connection.remote,
      listener: connection.listener.name,
      state: connection.state,
      version: connection.version,
      keepAlive: connection.keepAlive,
      lastPacketAt: connection.lastPacketAt,
      dueAt: finite(firstDue(broker, connection).due),
      waitingSince: connection.waitingSince,
      blocked: connection.blocked,
      pausedAt: connection.pausedAt,
    })),
    sessions: [...broker.sessions.values()].map((session) => ({
      clientId: session.clientId,
      connected: session.connection !== null,
      expiryInterval: finite(session.expiryInterval),
      endsAt: session.deadline.isSet ? session.deadline.due : null,
      subscriptions: [...session.subscriptions.keys()],
      queued: session.queue.count,
      inflight: session.outgoing.count,
      incoming: session.incoming.size,
      will: session.will && {
        ...session.will.facts,
        state: session.will.state,
        dueAt: session.will.deadline.isSet ? session.will.deadline.due : null,
      },
    })),
    retained: { messages: broker.retained.count, bytes: broker.retained.bytes },
    subscriptions: broker.subscriptions.size,
    deadlines: broker.deadlines.size,
  };
}

function finite(value: number): number | null {
  return value === Infinity ? null : value;
}
