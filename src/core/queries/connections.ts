import type { ConnectionAccount, HoldAccount } from "../records/client-account.ts";
import type { Broker } from "../broker.ts";
import type { Connection } from "../connection.ts";
import { firstDue } from "../patience.ts";
import { factsOf, type ConnectionRecord } from "../records/connection-record.ts";

/** The account of one connection, open or ended. */
export function connectionOf(broker: Broker, record: ConnectionRecord): ConnectionAccount {
  const { facts, live } = record;
  const { allowedMs } = facts;
  return {
    remote: facts.remote,
    listener: facts.listener,
    ...(facts.mountPoint !== undefined && { mountPoint: facts.mountPoint }),
    protocol: facts.protocol,
    username: record.username,
    openedAt: facts.openedAt,
    connectedAt: record.connectedAt,
    cleanStart: record.cleanStart,
    sessionPresent: record.sessionPresent,
    keepAliveSeconds: facts.keepAliveSeconds,
    keepAliveAskedSeconds: record.keepAliveAskedSeconds,
    allowedMs,
    sessionExpirySeconds: finite(record.sessionExpirySeconds),
    ...(record.sessionExpiryAskedSeconds > record.sessionExpirySeconds && {
      sessionExpiryAskedSeconds: finite(record.sessionExpiryAskedSeconds),
    }),
    lastPacket: facts.lastPacket,
    ...(facts.incomplete !== undefined && { incomplete: facts.incomplete }),
    ...standstillOf(broker, record),
    pings: record.rhythm,
    closestCallMs:
      allowedMs === null || record.isRestored ? null : allowedMs - record.longestSilenceMs,
    ...(live === null ? awaitsNothing : awaitedOf(broker, live)),
    dropped: facts.dropped,
    end: record.end,
    refusedWill: record.refusedWill,
    willId: record.willId,
    ...(record.isRestored && { restored: true }),
    ...(record.isOfSession && { sessionOnly: true }),
  };
}

/** Null: never. */
function finite(seconds: number): number | null {
  return seconds === Infinity ? null : seconds;
}

type NowFact = "remote" | "listener" | "keepAliveSeconds" | "lastPacket" | "deadlineAt";

/** The facts that every account of an open connection contains. */
export interface ConnectionNow extends Pick<ConnectionAccount, NowFact | "deadlineCause"> {
  readonly allowedMs: number | null;
}

export function connectionNow(broker: Broker, connection: Connection): ConnectionNow {
  const { remote, listener, keepAliveSeconds, allowedMs, lastPacket } = factsOf(connection);
  const { due, cause } = firstDue(broker, connection);
  const isAwaited = due !== Infinity;
  const deadlineAt = isAwaited ? due : null;
  const deadlineCause = isAwaited ? cause : null;
  return { remote, listener, keepAliveSeconds, allowedMs, lastPacket, deadlineAt, deadlineCause };
}

type Standstill = "stoodStillMs" | "stoodStillInAllMs" | "lastPacketWaitedMs";

/** Standstills of the broker during the connection. Of an ended one, `end` has the others. */
function standstillOf(
  { standstills, now }: Broker,
  { live, connectedAt, stoodStillInAllMs: atEnd }: ConnectionRecord,
): Pick<ConnectionAccount, Standstill> {
  const silence = live === null ? null : standstills.duringSilenceOf(live, now);
  const stoodStillMs = silence?.stoodStillMs ?? 0;
  const lastPacketWaitedMs = silence?.lastPacketWaitedMs ?? 0;
  const stoodStillInAllMs =
    live === null ? atEnd : standstills.stoodStillMs(connectedAt ?? live.openedAt, now);
  return {
    ...(stoodStillMs > 0 ? { stoodStillMs } : {}),
    ...(stoodStillInAllMs > 0 ? { stoodStillInAllMs } : {}),
    ...(lastPacketWaitedMs > 0 ? { lastPacketWaitedMs } : {}),
  };
}

type Awaited = "deadlineAt" | "deadlineCause" | "paused" | "heldFor" | "blocked";

/** What an open connection waits for. */
function awaitedOf(broker: Broker, connection: Connection): Pick<ConnectionAccount, Awaited> {
  const { deadlineAt, deadlineCause } = connectionNow(broker, connection);
  return {
    deadlineAt,
    deadlineCause,
    paused: connection.pausedAt !== null,
    heldFor: heldFor(connection),
    blocked: connection.blocked,
  };
}

const awaitsNothing: Pick<ConnectionAccount, Awaited> = {
  deadlineAt: null,
  deadlineCause: null,
  paused: false,
  heldFor: null,
  blocked: false,
};

/** The subscriber for which a publisher is held; null: it is not held. */
export function heldFor({ holding }: Connection): HoldAccount | null {
  const current = holding?.current ?? null;
  if (current === null) return null;
  const { subscriber, since, until } = current;
  return { clientId: subscriber.clientId, since, until };
}
