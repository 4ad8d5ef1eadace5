import type { Broker } from "../broker.ts";
import type { Connection, ConnectionState } from "../connection.ts";
import { protocolName } from "../packet.ts";
import type { ConnectionAccount, SessionAccount } from "../records/client-account.ts";
import type { WillAccount } from "../records/will-account.ts";
import type { Session } from "../session.ts";
import type { Will } from "../will.ts";
import { sessionAccount } from "./clients.ts";
import { connectionNow, type ConnectionNow, heldFor } from "./connections.ts";

/**
 * The live state of the rules as plain JSON, named as in the accounts, plus what only checkers
 * need. Reads nothing from `records/`, so that a test can compare the two. Times are milliseconds
 * since the epoch; null: never.
 */
export interface BrokerView {
  readonly now: number;
  readonly connections: readonly ConnectionView[];
  readonly sessions: readonly SessionView[];
  readonly retained: { readonly messages: number; readonly bytes: number };
  readonly subscriptions: number;
  /** Number of deadlines set. */
  readonly deadlines: number;
}

type LiveFact = "protocol" | "openedAt" | "heldFor" | "blocked" | "dropped";

export interface ConnectionView extends ConnectionNow, Pick<ConnectionAccount, LiveFact> {
  readonly connection: number;
  readonly clientId: string | null;
  readonly state: ConnectionState;
  /** Since when the peer has taken none of its waiting output; null: none waits. */
  readonly waitingSince: number | null;
  /** When the driver paused reading, which stops the keepalive; null: it reads. */
  readonly pausedAt: number | null;
}

export interface SessionView extends SessionAccount {
  readonly will: WillView | null;
}

type WillView = Pick<
  WillAccount,
  "topic" | "qos" | "retain" | "payloadBytes" | "delaySeconds" | "state" | "dueAt"
>;

export function viewOf(broker: Broker): BrokerView {
  return {
    now: broker.now,
    connections: [...broker.connections.values()].map((one) => connectionView(broker, one)),
    sessions: [...broker.sessions.values()].map(sessionView),
    retained: { messages: broker.retained.count, bytes: broker.retained.bytes },
    subscriptions: broker.subscriptions.size,
    deadlines: broker.deadlines.size,
  };
}

function connectionView(broker: Broker, connection: Connection): ConnectionView {
  const { state, pausedAt } = connection;
  return {
    connection: connection.id,
    clientId: connection.clientId,
    state,
    protocol: state === "opened" ? null : protocolName[connection.version],
    ...connectionNow(broker, connection),
    openedAt: connection.openedAt,
    pausedAt,
    heldFor: heldFor(connection),
    waitingSince: connection.waitingSince,
    blocked: connection.blocked,
    dropped: connection.dropped,
  };
}

function sessionView(session: Session): SessionView {
  return { ...sessionAccount(session), will: session.will && willView(session.will) };
}

function willView({ facts, state, deadline }: Will): WillView {
  const { delayInterval, messageExpiry: _, ...others } = facts;
  const dueAt = deadline.isSet ? deadline.due : null;
  return { ...others, delaySeconds: delayInterval, state, dueAt };
}
