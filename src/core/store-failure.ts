import type { Broker } from "./broker.ts";
import type { Connection } from "./connection.ts";
import { endConnection } from "./connection-end.ts";
import { connackReasonOf, failureFor, reasonOf } from "./failed-store.ts";
import type { Input } from "./io.ts";
import type { UnsubscribePacket } from "./packet.ts";
import { Reason } from "./reason.ts";
import type { Session } from "./session.ts";
import { unsubscribeReceived } from "./subscribe.ts";

/**
 * What the store did not keep is not promised: clients that wait for an answer lose their
 * connections. From now on what would have to be kept is refused, until the store recovers.
 */
export function persistFailed(broker: Broker, input: Input & { type: "persistFailed" }): void {
  const { failure, connections } = input;
  const since = broker.failedStore?.since ?? broker.now;
  if (broker.failedStore?.failure.detail !== failure.detail) {
    broker.note({ event: "storeFailed", detail: failure.detail, clients: connections.length });
  }
  broker.failedStore = { failure, since };
  const { detail } = failure;
  const reason = reasonOf(failure);
  // Their wills come after all of them have ended, so that none goes to one that lost its answers.
  broker.willsUntil = 0;
  for (const { id, isAnswered } of connections) {
    const connection = broker.connections.get(id);
    if (connection === undefined) continue;
    if (!isAnswered) {
      const properties = connection.version === 5 ? { reasonString: detail } : null;
      broker.send(connection, {
        type: "connack",
        sessionPresent: false,
        reason: connackReasonOf(failure),
        properties,
      });
    }
    endConnection(broker, connection, "storeFailed", { detail, reason, isRefused: !isAnswered });
  }
  broker.willsUntil = Infinity;
}

export function persistRecovered(broker: Broker): void {
  const { failedStore, now } = broker;
  if (failedStore === null) return;
  broker.failedStore = null;
  broker.note({ event: "storeRecovered", afterMs: now - failedStore.since });
}

/**
 * Handles an UNSUBSCRIBE, or refuses it if it can't be kept: before v5 by the end of the connection,
 * since UNSUBACK has no code for that.
 */
export function unsubscribe(
  broker: Broker,
  connection: Connection,
  session: Session,
  packet: UnsubscribePacket,
): void {
  const failure = failureFor(broker, session);
  if (failure === null) return unsubscribeReceived(broker, connection, session, packet);
  const { detail } = failure;
  if (connection.version !== 5) {
    return endConnection(broker, connection, "storeFailed", { detail });
  }
  const reasons = packet.filters.map(() => Reason.implementationSpecificError);
  broker.send(connection, { type: "unsuback", packetId: packet.packetId, reasons });
}
