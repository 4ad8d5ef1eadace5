import type { Reach } from "../../core/events.ts";
import type { ConnectionAccount } from "../../core/records/client-account.ts";
import { clause, name } from "../../log/foreign.ts";
import { type Advice, capital, sentence } from "./parts.ts";

/** What to change where a will is refused, or kept from a subscriber: at the client, or at the broker. */

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
  const topic = refusedWill?.topic ?? "TOPIC";
  const by = /will topic: (.*)$/.exec(detail)?.[1] ?? null;
  const whose = username === null ? "" : ` below \`user ${name(username)}\``;
  const right =
    by === null ? `Let it publish on ${name(topic)}` : capital(rightTo("write", topic, by, whose));
  return (
    `${right}. Or give its will a topic on which it may publish. It is refused at CONNECT because a ` +
    "broker that lets it in could never publish its will"
  );
}

/** For subscribers that got no will, since an access list denies them its topic; null: not said who. */
export function deniedReaders({ denials = [] }: Reach, topic: string): Advice | null {
  const [first] = denials;
  if (first === undefined) return null;
  const whose = ", below the line `user` of its user name if it has one,";
  const more = denials.length === 1 ? "" : " It is the first of several.";
  const text = `For ${name(first.clientId)} to receive it: ${rightTo("read", topic, first.by, whose)}.${more}`;
  return { topic: "deniedReaders", ...sentence(text) };
}

/** What to do in the access list; `by`: what in it decides, as `no line of FILE` or as `FILE:7 'LINE'`. */
function rightTo(action: "read" | "write", topic: string, by: string, whose: string): string {
  const file = /^no line of (.*)$/.exec(by)?.[1] ?? null;
  return file === null
    ? `change the line ${clause(by)}, which denies ${name(topic)}, and \`mqttd inspect reload\``
    : `add a line such as \`topic ${action} ${clause(topic)}\`${whose} to ${clause(file)}, and ` +
        "`mqttd inspect reload`";
}
