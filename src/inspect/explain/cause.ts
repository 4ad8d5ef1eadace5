import type { ConnectionAccount } from "../../core/records/client-account.ts";
import type { EndCause } from "../../core/end-causes.ts";
import { duration, setting, stoodStill } from "../../log/duration.ts";
import { clause, name } from "../../log/foreign.ts";
import { died } from "../../log/predecessor.ts";
import { limitIn } from "./blame.ts";
import { isUnforeseen, ruleFor } from "./parts.ts";

type End = NonNullable<ConnectionAccount["end"]>;

/** Who a clause is about: the client by its name, or `it` where that was said before. */
export interface Subject {
  readonly it: string;
  readonly its: string;
}

export const pronoun: Subject = { it: "it", its: "its" };

export function named(who: string): Subject {
  return { it: who, its: `${who}'s` };
}

/** Who broke the link on purpose. */
export function dropper({ dropped }: Pick<ConnectionAccount, "dropped">): string {
  return dropped?.by === "test" ? "the test" : "the operator";
}

/** By what order, as the one who gave it knows it. */
export function dropOrder({ dropped }: Pick<ConnectionAccount, "dropped">): string {
  return dropped?.by === "test" ? "`drop()`" : "`mqttd inspect drop`";
}

/** Why a connection ended, as a clause about the client: `because` can stand before it. */
export function causeClause(
  connection: ConnectionAccount,
  end: End,
  next: ConnectionAccount | null,
  { it, its }: Subject = pronoun,
): string {
  const detail = end.detail === null ? "" : `: ${clause(end.detail)}`;
  const meanwhile = end.detail === null ? "" : `, ${clause(end.detail)}`;
  switch (end.cause) {
    case "disconnected":
      return `${it} sent a clean DISCONNECT`;
    case "disconnectedWithWill": {
      const words = end.detail === null ? "" : ` (it says: ${clause(end.detail)})`;
      return `${it} sent DISCONNECT with reason code 0x04, which asks for the will${words}`;
    }
    case "disconnectedWithError":
      return `${it} sent DISCONNECT with an error${detail}`;
    case "closedByPeer":
      return `${it}, or something between, closed the connection without a DISCONNECT (FIN)${meanwhile}`;
    case "resetByPeer":
      return connection.dropped?.how === "rst"
        ? `${dropper(connection)} broke ${its} connection (${dropOrder(connection)}) as a network does, with a reset (RST)`
        : `${its} connection was reset without a DISCONNECT (RST)${meanwhile}`;
    case "tlsCut":
      return `${it}, or something between, cut its TLS connection (FIN without close_notify)${meanwhile}`;
    case "tlsFailed":
      return `TLS with ${it} failed${detail}`;
    case "proxyFailed":
      return `the proxy in front of the broker did not name ${its} address${detail}`;
    case "webSocketClosed":
      return `${it} closed its WebSocket without a DISCONNECT before${detail}`;
    case "webSocketFailed":
      return `${it} spoke no sound WebSocket${detail}`;
    case "keepAliveExpired":
      return keepAliveClause(connection, end, it);
    case "tcpTimeout":
      return `TCP found that ${its} machine does not answer any more`;
    case "stalled":
      return `${it} took no data of what the broker had for it${detail}`;
    case "connectTimeout":
      return `${it} sent no CONNECT in time`;
    case "crowdedOut":
      return `${it} had sent no CONNECT yet, and another connection needed ${its} place`;
    case "protocolError":
      return `${it} broke a rule of MQTT${detail}`;
    case "malformedPacket":
      return `${it} sent a malformed packet${detail}`;
    case "packetTooLarge":
      return `${it} sent ${end.detail === null ? "a packet that is too large" : clause(end.detail)}`;
    case "quotaExceeded":
      if (limitIn(end.detail) === "limits.filters") return `${it} sent ${clause(end.detail ?? "")}`;
      return isUnforeseen(end.statement)
        ? `the broker had ${clause(end.detail ?? "")}`
        : `${it} sent more than it may${detail}`;
    case "memory":
      return `the broker had no memory left for what ${it} sent${detail}`;
    case "refused":
      return `${its} CONNECT was refused${detail}`;
    case "takenOver":
      return next === null
        ? "another connection came with the same client id"
        : `another connection came with the same client id, from ${name(next.remote)}`;
    case "kicked":
      return "the operator closed the connection, and the client had sent no DISCONNECT";
    case "shuttingDown":
      return "the broker was stopped, and the client had sent no DISCONNECT";
    case "storeFailed":
      return "the broker could not store what it had to";
    case "brokerRestarted":
      return `the broker ${died({ how: "killed" })}`;
  }
}

function keepAliveClause(
  { keepAliveSeconds, incomplete }: ConnectionAccount,
  end: End,
  it: string,
): string {
  const allowed = end.allowedMs === null ? "less" : duration(end.allowedMs);
  const own = end.stoodStillMs === undefined ? "" : ` (of which ${stoodStill(end.stoodStillMs)})`;
  return (
    `${incomplete === undefined ? "nothing" : "no complete packet"} came from ${it} for ${duration(end.silentMs)}${own}, and its keepalive of ` +
    `${setting(keepAliveSeconds * 1000)} allows ${allowed} of silence`
  );
}

/** The statement by which the connection had to end, or that was broken; null: nothing asked for it. */
export function causeRule(connection: ConnectionAccount, end: End): string | null {
  if (end.statement !== null) return end.statement;
  const rules: Partial<Record<EndCause, readonly [v4: string, v5: string]>> = {
    keepAliveExpired: ["3.1.2-24", "3.1.2-22"],
    takenOver: ["3.1.4-2", "3.1.4-3"],
  };
  const rule = rules[end.cause];
  return rule === undefined ? null : ruleFor(connection, ...rule);
}
