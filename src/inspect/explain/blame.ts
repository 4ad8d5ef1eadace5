import type { WillAccount } from "../../core/records/will-account.ts";
import { setting } from "../../log/duration.ts";
import { type Advice, isUnforeseen, isV5, type Scene, sentence } from "./parts.ts";

/** What to change about a client whose connection ended as it did, before any habit of its own. */
export function adviceOnEnd({ connection, will }: Scene): (Advice | null)[] {
  const { end, connectedAt } = connection;
  if (end === null || connectedAt === null) return [];
  const { statement } = end;
  switch (end.cause) {
    case "protocolError":
    case "malformedPacket": {
      const limit = limitIn(end.detail);
      const text = limit === null ? brokenRule : withinLimit(limit);
      return [{ topic: "brokenRule", ...sentence(text, statement) }];
    }
    case "packetTooLarge": {
      if (isUnforeseen(statement)) {
        const text = "Only PUBLISH may be so large. " + withinLimit("limits.controlPacketSize");
        return [{ topic: "packetTooLarge", ...sentence(text, statement) }];
      }
      const told = isV5(connection) ? ", as CONNACK tells it (Maximum Packet Size)" : "";
      const text = `Let it send smaller packets${told}, or give this broker a higher limits.packetSize.`;
      return [{ topic: "packetTooLarge", ...sentence(text, statement) }];
    }
    case "webSocketFailed":
      return [{ topic: "brokenRule", ...sentence(brokenFrames) }];
    case "quotaExceeded": {
      const limit = limitIn(end.detail);
      if (limit === "limits.filters") {
        const text = `Let it unsubscribe in several packets, or give this broker a higher ${limit}.`;
        return [{ topic: "quotaExceeded", ...sentence(text, statement) }];
      }
      if (isUnforeseen(statement)) {
        const key = limitIn(end.detail) ?? "limits.unfinishedBytes";
        const text = `Nothing at the client: too many large packets came at once. Give this broker a higher ${key}.`;
        return [{ topic: "quotaExceeded", ...sentence(text, statement) }];
      }
      const text =
        "Let it finish earlier QoS 2 messages first: CONNACK tells it how many may be unfinished " +
        "(Receive Maximum). Or give this broker a higher limits.receiveMaximum.";
      return [{ topic: "quotaExceeded", ...sentence(text, statement) }];
    }
    case "memory":
      return [{ topic: "memory", ...sentence(memory) }];
    case "stalled":
      return [{ topic: "stalled", ...sentence(stalled) }];
    case "kicked":
      return [{ topic: "kicked", ...sentence(kicked) }];
    case "disconnectedWithWill":
    case "disconnectedWithError":
      return [will === null ? null : cutByDisconnect(will, end.sessionExpirySeconds)];
    default:
      return [];
  }
}

const brokenRule =
  "That is a fault of its program or of its MQTT library, and each such packet costs it its " +
  "connection. `mqttd serve --verbose` logs every packet before it; `mqttd inspect packet HEX` says " +
  "what is wrong with its bytes.";

const brokenFrames =
  "That is a fault of its WebSocket library, or of a proxy between it and the broker: no MQTT packet is to " +
  "blame.";

/** Our own details name the key of a limit in parentheses. */
export function limitIn(detail: string | null): string | null {
  return /\((limits\.\w+)\)/.exec(detail ?? "")?.[1] ?? null;
}

function withinLimit(key: string): string {
  return `Let it keep to what this broker allows, or change the broker's ${key}.`;
}

const memory =
  "Nothing at the client: all clients together make the broker hold too much. `mqttd inspect clients " +
  "--sort memory` shows who holds how much. Or give this broker a higher limits.memory.";

const kicked =
  "Nothing at the client. Only a DISCONNECT from the client itself discards the will: an operator " +
  "can't send it in its place.";

const stalled =
  "Look at its program: it does not read what comes to it, or its link is too slow for what it " +
  "subscribes to. Let it subscribe to less, or give this broker a longer limits.stallTimeout.";

/** DISCONNECT may end the session sooner than CONNECT had asked for. */
function cutByDisconnect(will: WillAccount, expiryAtEnd: number | null): Advice | null {
  const { delaySeconds: delay, sessionExpirySeconds: expiry } = will;
  if ((expiry ?? Infinity) < delay || (expiryAtEnd ?? Infinity) >= delay) return null;
  const set = expiryAtEnd === 0 ? "0" : setting((expiryAtEnd ?? 0) * 1000);
  const text =
    `If the will is to wait for its delay of ${setting(delay * 1000)}, leave the Session Expiry ` +
    `Interval out of DISCONNECT: it set it to ${set}, and a will never outlives its session.`;
  return { topic: "sessionCutByDisconnect", ...sentence(text, "v5-3.1.3-9") };
}
