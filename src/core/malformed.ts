import type { Broker } from "./broker.ts";
import type { Connection } from "./connection.ts";
import { endConnection } from "./connection-end.ts";
import { causeOf } from "./end-causes.ts";
import type { Input } from "./io.ts";
import { Reason } from "./reason.ts";
import { refuse } from "./refusal.ts";

/**
 * Ends a connection that sent bytes that are not a valid packet. In CONNECT, v4 closes without
 * CONNACK [v4-3.1.4-1] except for an unknown protocol level; v5 sends a CONNACK with the reason
 * [v5-3.1.4-1].
 */
export function endMalformed(
  broker: Broker,
  connection: Connection,
  { error, version, clientId }: Input & { type: "malformed" },
): void {
  connection.incomplete = null;
  if (connection.state === "opened") {
    connection.version = version ?? connection.version;
    connection.clientId = clientId;
    const isLevel = error.reason === Reason.unsupportedProtocolVersion;
    if (version === 5 || (version !== null && isLevel)) return refuse(broker, connection, error);
    broker.records.refused(connection, null);
  }
  endConnection(broker, connection, causeOf(error), { ...error });
}
