import { ackReceived, acksReceived } from "./acknowledge.ts";
import { assert, unreachable } from "./assert.ts";
import type { Broker } from "./broker.ts";
import { connectReceived } from "./connect.ts";
import type { Connection } from "./connection.ts";
import { endConnection } from "./connection-end.ts";
import { disconnectReceived } from "./disconnect.ts";
import type { Input } from "./io.ts";
import type { ClientPacket } from "./packet.ts";
import { endIfLate } from "./patience.ts";
import { publishReceived } from "./publish-packet.ts";
import { runReceived } from "./publish-run.ts";
import { Reason } from "./reason.ts";
import { unsubscribe } from "./store-failure.ts";
import { subscribeReceived } from "./subscribe.ts";

/** The packets of clients: notes each, and passes it to the module that handles it. */

/** One packet of a client. */
export function packetReceived(broker: Broker, connection: Connection, packet: ClientPacket): void {
  if (broker.rules.countsUnreadAsSilence && endIfLate(broker, connection)) return;
  noteReceived(broker, connection, packet.type, 1);
  if (packet.type === "connect") return connectReceived(broker, connection, packet);
  const session = connection.session;
  if (session === null) return endUnconnected(broker, connection);
  switch (packet.type) {
    case "publish":
      return publishReceived(broker, connection, session, packet);
    case "puback":
    case "pubrec":
    case "pubrel":
    case "pubcomp":
      return ackReceived(broker, connection, session, packet.type, packet.packetId, packet.reason);
    case "subscribe":
      return subscribeReceived(broker, connection, session, packet);
    case "unsubscribe":
      return unsubscribe(broker, connection, session, packet);
    case "pingreq":
      // [v4-3.12.4-1] [v5-3.12.4-1]
      broker.records.pinged(connection);
      return broker.send(connection, pingresp);
    case "disconnect":
      return disconnectReceived(broker, connection, session, packet);
    case "auth":
      // No method is configured, so CONNECT agreed on none.
      return endConnection(broker, connection, "protocolError", {
        reason: Reason.protocolError,
        statement: "v5-4.12.0-7",
        detail: "AUTH without an authentication method",
      });
    default:
      return unreachable(packet);
  }
}

/** Several acknowledgements of one type. */
export function acknowledged(
  broker: Broker,
  connection: Connection,
  { by, packetIds }: Input & { readonly type: "acknowledged" },
): void {
  if (broker.rules.countsUnreadAsSilence && endIfLate(broker, connection)) return;
  const { session } = connection;
  noteReceived(broker, connection, by, packetIds.length);
  if (session === null) return endUnconnected(broker, connection);
  acksReceived(broker, connection, session, by, packetIds);
}

/** The first PUBLISHes of a run. */
export function published(
  broker: Broker,
  connection: Connection,
  { run, count }: Input & { readonly type: "published" },
): void {
  if (broker.rules.countsUnreadAsSilence && endIfLate(broker, connection)) return;
  const { session } = connection;
  assert(session !== null, "a run is published by a client that is connected");
  noteReceived(broker, connection, "publish", count);
  runReceived(broker, connection, session, run, count);
}

function noteReceived(
  broker: Broker,
  connection: Connection,
  type: ClientPacket["type"],
  packets: number,
): void {
  broker.records.received(connection);
  connection.lastPacketAt = broker.now;
  connection.lastPacketType = type;
  connection.incomplete = null;
  broker.statistics.packetsReceived += packets;
}

/** [v4-3.1.0-1] [v5-3.1.0-1] */
function endUnconnected(broker: Broker, connection: Connection): void {
  endConnection(broker, connection, "protocolError", {
    statement: "v5-3.1.0-1",
    detail: "the first packet is not CONNECT",
  });
}

const pingresp = { type: "pingresp" } as const;
