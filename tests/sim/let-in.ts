import type { ConnackProperties } from "../../src/core/packet.ts";
import { Reason } from "../../src/core/reason.ts";
import { demand, type Books } from "./books.ts";
import type { Ask, Connection } from "./connection.ts";
import { isDenied, isTooDeep } from "./incoming.ts";
import { expiryOf } from "./session.ts";
import { isBrokers } from "./topics.ts";

/** The broker accepts no client with this user name. */
export const intruder = "intruder";

const allTaken = "all sessions are taken";

/** Bytes: more than a new session takes, less its will's payload. */
const roomOfOne = 20_000;

/** The broker refuses a CONNECT only for a reason, and CONNACK announces the limits in force. */
export function checkLetIn(
  books: Books,
  connection: Connection,
  reason: number,
  properties: ConnackProperties | null,
): void {
  const { ask } = connection;
  // For an unreadable CONNECT, the end shows whether it had to be refused.
  if (connection.state !== "asked" || ask === null) {
    return demand(reason >= 0x80, "what is no CONNECT is not let in", connection.number);
  }
  const isTooSmall = ask.maximumPacketSize !== null && reason === Reason.packetTooLarge;
  const why =
    whyRefused(books, connection, ask) ?? (isTooSmall ? "it takes no CONNACK so large" : null);
  // How much memory a new session takes is not the referee's to know.
  const isQuota = reason === Reason.quotaExceeded || reason === Reason.serverUnavailable;
  const bytes = roomOfOne + (ask.will?.payload.length ?? 0);
  if (why === null && isQuota && books.shortage.isFrom(0.8, bytes)) return;
  if (why === null && isQuota && isOverfull(books)) return;
  // Its place is free for others if it went before its client returned.
  if (books.left === ask.clientId && (why === allTaken || (why === null && isQuota))) return;
  const isKnown = books.sessions.has(ask.clientId) || books.over.has(ask.clientId);
  const isLasting = ask.will !== null || ask.expiry !== null || !ask.clean || isKnown;
  if (why === null && isQuota && isLasting && books.store?.isFailing === true) return;
  demand(reason >= 0x80 === (why !== null), "a CONNECT is refused for a reason, and only then", {
    connection: connection.number,
    reason,
    why,
    ask,
  });
  if (why !== null || ask.version !== 5) return;
  const { limits } = connection;
  const expiry = expiryOf(ask, books.limits.sessionExpiryMaxSeconds);
  const told = properties?.sessionExpiryInterval ?? ask.expiry ?? 0;
  const isRight =
    (told === 0xffff_ffff ? Infinity : told) === expiry &&
    (properties?.receiveMaximum ?? 65_535) === Math.min(limits.receiveMaximum, 65_535) &&
    (properties?.maximumQos ?? 2) === limits.qos &&
    (properties?.retainAvailable ?? true) === limits.retain &&
    (properties?.topicAliasMaximum ?? 0) === limits.topicAliases;
  demand(isRight, "CONNACK tells the limits [v5-3.2.2-21]", { properties, limits });
}

/** Sessions that are over keep their places, since their wills wait for a return after a restart. */
function isOverfull({ clock, limits, over, sessions }: Books): boolean {
  const now = clock();
  const wait = [...over.values()].some(({ will }) => now < (will?.restored?.settledAt ?? 0));
  return wait && sessions.size + over.size >= limits.sessions;
}

function whyRefused(books: Books, connection: Connection, ask: Ask): string | null {
  const { limits, over, replaced, sessions, takeover } = books;
  const { clientId, will, version } = ask;
  if (books.stopping) return "the broker stops";
  if (ask.username === intruder) return "not authorized";
  if (version === 4 && clientId === "" && !ask.clean) return "no client id";
  if (version === 3 && clientId === "") return "client id of 3.1";
  if (will !== null) {
    const topic = connection.mountPoint + will.topic;
    const { qos, retain } = connection.heldTo(limits);
    if (will.qos > qos) return "Will QoS";
    if (will.retain && !retain) return "Will Retain";
    if (will.payload.length > limits.payloadSize) return "the will's payload";
    if (isTooDeep(topic, limits.topicLevels)) return "the will's topic is too deep";
    if (isDenied(topic) || isBrokers(connection.mountPoint, will.topic))
      return "the will's topic is denied";
  }
  const isKnown =
    sessions.has(clientId) ||
    over.has(clientId) ||
    takeover?.clientId === clientId ||
    replaced === clientId;
  return isKnown || sessions.size < limits.sessions ? null : allTaken;
}
