import type { Broker } from "./broker.ts";
import { expirySecondsOf } from "./connack.ts";
import type { Connection } from "./connection.ts";
import { endConnection } from "./connection-end.ts";
import type { DisconnectPacket } from "./packet.ts";
import { isTakenForError } from "./will-rules.ts";
import { Reason, reasonText } from "./reason.ts";
import type { Session } from "./session.ts";

export function disconnectReceived(
  broker: Broker,
  connection: Connection,
  session: Session,
  packet: DisconnectPacket,
): void {
  const asked = packet.sessionExpiryInterval;
  if (asked !== null) {
    // The value in CONNECT counts here, not the one that CONNACK replaced it with.
    if (
      connection.sessionExpiryAskedSeconds === 0 &&
      asked !== 0 &&
      !broker.rules.expiryMayBeRaised
    ) {
      return endConnection(broker, connection, "protocolError", {
        statement: "v5-3.14.2.2.2",
        detail: "DISCONNECT raises a Session Expiry Interval of 0",
      });
    }
    if (broker.rules.disconnectSetsExpiry)
      session.expiryIntervalSeconds = Math.min(
        expirySecondsOf(asked),
        broker.limits.sessionExpiryMaxSeconds,
      );
  }
  if (packet.reason === Reason.normalDisconnection && !isTakenForError(broker.rules, packet)) {
    return endConnection(broker, connection, "disconnected");
  }
  const { reason, reasonString: words } = packet;
  if (reason === Reason.disconnectWithWill) {
    const details = words === null ? {} : { detail: words };
    return endConnection(broker, connection, "disconnectedWithWill", details);
  }
  const error = reasonText(reason);
  endConnection(broker, connection, "disconnectedWithError", {
    detail: words === null ? error : `${error}: ${words}`,
  });
}
