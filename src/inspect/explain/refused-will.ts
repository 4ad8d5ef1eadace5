import type { ConnectionAccount } from "../../core/records/client-account.ts";
import { clause, name } from "../../log/foreign.ts";

/** What to change about a CONNECT that was refused for its will: at the client, or at the broker. */

/** For a limit, by the key that its detail names; null: one that is not about a will alone. */
export function refusedByWillLimit(detail: string, limit: string): string | null {
  const higher = `or give this broker a higher ${limit}`;
  switch (limit) {
    case "limits.retain":
      return "Connect without Will Retain, or let this broker retain messages (limits.retain)";
    case "limits.qos":
      return `Give the will a QoS of ${/maximum of (\d)/.exec(detail)?.[1] ?? "0"} at most, ${higher}`;
    case "limits.payloadSize":
      return `Give the will a payload of ${/limit of (\d+ B)/.exec(detail)?.[1] ?? "less"} at most, ${higher}`;
    case "limits.topicLevels":
      return `Give the will a topic of fewer levels, ${higher}`;
    case "limits.connectSize":
    case "limits.controlPacketSize":
    case "limits.packetSize":
      return (
        `Let it send a smaller CONNECT, ${higher}. A will's payload and User Properties are the usual ` +
        "cause of a large one"
      );
    default:
      return null;
  }
}

/** For an access list that denies the will's topic; `detail` ends with the line that decides. */
export function refusedByAccess(detail: string, connection: ConnectionAccount): string {
  const { refusedWill, username } = connection;
  const topic = refusedWill === null ? "TOPIC" : name(refusedWill.topic);
  const line = /will topic: (.*)$/.exec(detail)?.[1] ?? null;
  const file = /^no line of (.*)$/.exec(line ?? "")?.[1] ?? null;
  const whose = username === null ? "" : ` below \`user ${name(username)}\``;
  const right =
    file !== null
      ? `Add a line such as \`topic write ${clause(refusedWill?.topic ?? "TOPIC")}\`${whose} to ${clause(file)}, and \`mqttd inspect reload\``
      : line === null
        ? `Let it publish on ${topic}`
        : `Change the line ${clause(line)}, which denies ${topic}, and \`mqttd inspect reload\``;
  return (
    `${right}. Or give its will a topic on which it may publish. It is refused at CONNECT because a ` +
    "broker that lets it in could never publish its will"
  );
}
