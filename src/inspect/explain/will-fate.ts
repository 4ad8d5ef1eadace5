import type { ClientAnswer } from "../../api/api.ts";
import { ends } from "../../core/end-causes.ts";
import type { ConnectionAccount } from "../../core/records/client-account.ts";
import type { WillAccount } from "../../core/records/will-account.ts";
import { duration, readLate, setting, stoodStill } from "../../log/duration.ts";
import { clause, name } from "../../log/foreign.ts";
import { signsOfLife } from "./on-purpose.ts";
import { causeClause, dropper, named } from "./cause.ts";
import { connectionOf, nextOf } from "./parts.ts";
import type { Published } from "./reach.ts";
import { otherProgramText } from "./successor.ts";

/** The keys that set how long a will waits after a restart. */
export const keysOfWaits = { settle: "store.restartSettle", grace: "store.restartGrace" } as const;

/** What became of a will, and why. */
export type Fate = NonNullable<WillAccount["fate"]>;

/** `15.0 s after its last packet, because ...`. */
export function whenAndWhy(answer: ClientAnswer, will: WillAccount, fate: Published): string {
  const connection = connectionOf(answer, will);
  const end = connection?.end ?? null;
  if (connection === null || end === null) {
    return will.end === null ? "" : `because of: ${will.end.causeText}`;
  }
  const who = named(name(answer.clientId));
  const because = causeClause(connection, end, nextOf(answer, connection), who);
  const late = isLate(fate, will) ? ` (${lateness(fate, will)})` : "";
  if (fate.by !== null) {
    const waited = duration(fate.at - end.at);
    const over = waitText(answer, connection, will, fate);
    return `${waited} after its connection ended${late}: ${because}, and ${over}`;
  }
  const silent = `${duration(fate.at - connection.lastPacket.at)} after its last packet${late}`;
  if (end.cause === "keepAliveExpired" && end.allowedMs !== null) {
    return `${silent}, because ${allowanceClause(answer, connection, duration(end.allowedMs))}`;
  }
  if (end.cause === "tcpTimeout") return `${silent}, because ${because}`;
  return `at once${late}, ${ends[end.cause].will === "discard" ? "though" : "because"} ${because}`;
}

/** What allows a client no more silence than this: its keepalive, or a broker that misbehaves. */
function allowanceClause(
  answer: ClientAnswer,
  connection: ConnectionAccount,
  allowed: string,
): string {
  const { keepAliveSeconds, dropped } = connection;
  const signs = signsOfLife(answer);
  if (signs !== null) {
    return `this broker takes ${signs} for a sign of life, and allows ${allowed} without one`;
  }
  if (keepAliveSeconds === 0) {
    return `this broker ends a client without a keepalive after ${allowed} of silence`;
  }
  const operator = dropped === null ? "" : `, and ${dropper(connection)} had made its link silent`;
  return `its keepalive of ${setting(keepAliveSeconds * 1000)} allows ${allowed} of silence${operator}`;
}

/** Why a will that asked for a delay came without it: a sentence without its full stop, or nothing. */
export function unwaitedText(answer: ClientAnswer, will: WillAccount): string[] {
  const { fate, end } = will;
  if (will.delaySeconds === 0 || fate?.fate !== "published" || fate.by !== null) return [];
  const connection = connectionOf(answer, will);
  if (end === null || connection === null) return [];
  const delay = `Its delay of ${setting(will.delaySeconds * 1000)} was not waited for`;
  if (end.cause === "shuttingDown") return [`${delay}: the broker was stopped`];
  if (end.cause === "takenOver" && nextOf(answer, connection)?.cleanStart === true) {
    return [`${delay}: the new connection's Clean Start 1 ended the session`];
  }
  if (end.sessionExpirySeconds !== 0) return [];
  return will.sessionExpirySeconds === 0
    ? [`${delay}: its session ended with the connection`]
    : [`${delay}: that DISCONNECT set its Session Expiry Interval to 0, which ended the session`];
}

/** What ended the waiting of a delayed will. */
function waitText(
  answer: ClientAnswer,
  connection: ConnectionAccount,
  will: WillAccount,
  fate: Published,
): string {
  const delay = setting(will.delaySeconds * 1000);
  switch (fate.by) {
    case "session ended":
      return endedByReturn(answer, connection, fate)
        ? `its return with Clean Start 1 ended the session before the delay of ${delay} was over`
        : `its session ended before the delay of ${delay} was over`;
    case "memory":
      return `the broker ended its session before the delay of ${delay} was over, to make room (limits.memory)`;
    case "session limit":
      return `the broker ended its session before the delay of ${delay} was over, to make room (limits.sessions)`;
    case "broker stopped":
      return `the broker was stopped before the delay of ${delay} was over`;
    case "due":
      return will.waitsAfterRestart === undefined
        ? `the delay of ${delay} was over`
        : afterRestart(answer, connection, fate, keysOfWaits[will.waitsAfterRestart]);
    case "resumed":
    case "restart grace":
    case null:
      return `the delay of ${delay} was over`;
  }
}

/** Of a will that its return only brings forward. */
function afterRestart(
  answer: ClientAnswer,
  connection: ConnectionAccount,
  { at }: Published,
  key: string,
): string {
  const head = "the will was due while the broker was down or just after";
  if (nextOf(answer, connection)?.connectedAt === at) {
    const who = name(answer.clientId);
    return `${head}, so it waited for subscribers (${key}), but ${who} returned first, and its will comes before it`;
  }
  return `${head}, so it waited until subscribers had had time to return (${key})`;
}

/** The next connection's CONNECT ended the session, and with it the waiting. */
export function endedByReturn(
  answer: ClientAnswer,
  connection: ConnectionAccount,
  fate: Fate,
): boolean {
  const next = nextOf(answer, connection);
  return fate.by === "session ended" && next?.cleanStart === true && next.connectedAt === fate.at;
}

export function discardText(
  answer: ClientAnswer,
  will: WillAccount,
  { why, deniedBy }: Discarded,
): string {
  const who = name(answer.clientId);
  switch (why) {
    case "disconnect":
      return `${who} sent a clean DISCONNECT, which discards the will${farewell(will)}`;
    case "denied":
      return (
        `when it was due, ${who} was not allowed to publish on ${name(will.topic)}, ` +
        `though it had been when it connected${deniedText(deniedBy)}`
      );
    case "on purpose": {
      const connection = connectionOf(answer, will);
      const end = connection?.end ?? null;
      const because =
        connection === null || end === null
          ? ""
          : `${causeClause(connection, end, nextOf(answer, connection), named(who))}, and `;
      return `${because}this broker loses it then on purpose, since it was started to misbehave`;
    }
  }
}

type Discarded = Extract<Fate, { fate: "discarded" }>;

/** What in the access list decides. */
function deniedText(deniedBy: string | undefined): string {
  return deniedBy === undefined ? "" : `: ${clause(deniedBy)}`;
}

/** Its own last words on the topic, which take the place of the will. */
function farewell({ own, topic }: WillAccount): string {
  if (own?.farewell !== true) return "";
  return `; its subscribers know its own last message on ${name(topic)}`;
}

export function cancelText(answer: ClientAnswer, will: WillAccount, fate: Fate): string {
  const who = name(answer.clientId);
  const other = otherProgramText(answer, will);
  const away = will.end === null ? 0 : fate.at - will.end.at;
  if (fate.by === "restart grace") {
    const back = `${who} came back after ${duration(away)}, within the time that store.restartGrace`;
    return [`${back} gives clients after a restart of the broker`, ...other].join(". ");
  }
  const delay = setting(will.delaySeconds * 1000);
  const isTakeover = will.end?.cause === "takenOver";
  if (other.length > 0) {
    const came = isTakeover ? "took over" : `came after ${duration(away)}`;
    const resumed = `a connection with the client id ${who} ${came} and resumed the session`;
    return [`${resumed} before the delay of ${delay} was over`, ...other].join(". ");
  }
  const back = isTakeover ? "took over its own connection" : `came back after ${duration(away)}`;
  return `${who} ${back} and resumed its session before the delay of ${delay} was over`;
}

export function isLate({ lateMs }: Published, { end }: WillAccount): boolean {
  return Math.round(lateMs) >= 1 || end?.lastPacketWaitedMs !== undefined;
}

/** `2.00 s late: the broker itself stood still for 4.0 s`. */
export function lateness({ lateMs, stoodStillMs }: Published, { end }: WillAccount): string {
  const waited = end?.lastPacketWaitedMs;
  if (waited !== undefined) {
    return `up to ${duration(lateMs + waited)} late: ${readLate(waited)}`;
  }
  const late = `${duration(lateMs)} late`;
  return stoodStillMs === undefined ? late : `${late}: ${stoodStill(stoodStillMs)}`;
}
