import type { ClientAnswer } from "../../api/api.ts";
import {
  isWillUnknown,
  latestConnection,
  type ClientSummary,
  type ConnectionAccount,
  type HoldAccount,
  type HoldsAccount,
  type SessionAccount,
  type SubscriptionAccount,
  type PingRhythm,
} from "../../core/records/client-account.ts";
import { habitText } from "../../log/client-habit.ts";
import { duration, readLate, setting, stoodStill } from "../../log/duration.ts";
import { clause, name } from "../../log/foreign.ts";
import { partOfPacket } from "../../log/packet.ts";
import { size } from "../../log/size.ts";
import { armedWill } from "../../log/will.ts";
import { allowedSilence } from "../answers/allowed-silence.ts";
import { ago, ahead, timeAt } from "./moment.ts";
import { cellName, drawn, formOf, labelled, nothing, table, type ViewStyle } from "./table.ts";
import { willText } from "./wills.ts";

/** A client that holds less is not worth a word in the list. */
const notableBytes = 16 * 1024;

/** Connected clients and stored sessions. */
export function clientsLines(
  now: number,
  clients: readonly ClientSummary[],
  style: ViewStyle,
): string[] {
  if (clients.length === 0) return ["no clients"];
  const rows = clients.map((client) => summaryCells(now, client));
  const more = [usersColumn(clients), listenersColumn(clients)].filter((column) => column !== null);
  const tableWith = (count: number): Parameters<typeof table> => {
    const shown = more.slice(0, count);
    const heads = ["CLIENT", "FROM", ...shown.map(({ head }) => head), ...summaryHeads];
    const whole = rows.map(([client = "", from = "", ...rest], index) => [
      ...[client, from],
      ...shown.map(({ cells }) => cells[index] ?? nothing),
      ...rest,
    ]);
    return [heads, whole, style];
  };
  // Those that fit beside the others, on one line; lists have room for all.
  let count = more.length;
  if (formOf(...tableWith(0)) !== "lists") {
    while (count > 0 && formOf(...tableWith(count)) !== "lines") count--;
  }
  return table(...tableWith(count));
}

const summaryHeads = ["DEADLINE", "LAST PACKET", "WILL", "MQTT"];

function summaryCells(now: number, client: ClientSummary): string[] {
  const { lastPacket, deadlineAt, queued, memoryBytes = 0 } = client;
  const flags: string[] = [client.protocol];
  if (client.connected) flags.push(`k${client.keepAliveSeconds}`);
  if (queued > 0) flags.push(`${queued} queued`);
  if (memoryBytes >= notableBytes) flags.push(size(memoryBytes));
  return [
    cellName(client.clientId),
    client.connected ? name(client.remote ?? "") : "offline",
    deadlineAt === null ? nothing : ahead(now, deadlineAt),
    lastPacket === null ? nothing : `${lastPacket.type} ${ago(now, lastPacket.at)}`,
    client.will ?? nothing,
    flags.join(", "),
  ];
}

/** A column that not every table has. */
interface FurtherColumn {
  readonly head: string;
  readonly cells: readonly string[];
}

/** Null: no client has a user name. */
function usersColumn(clients: readonly ClientSummary[]): FurtherColumn | null {
  if (clients.every(({ username }) => username === null)) return null;
  const cells = clients.map(({ username }) => (username === null ? nothing : cellName(username)));
  return { head: "USER", cells };
}

/** Null: all are on one. By its transport alone (`wss`) if those differ. */
function listenersColumn(clients: readonly ClientSummary[]): FurtherColumn | null {
  const listeners = new Set(clients.flatMap(({ listener }) => listener ?? []));
  if (listeners.size < 2) return null;
  const transportOf = (listener: string): string => listener.split(" ")[0] ?? listener;
  const transports = new Set(Array.from(listeners, transportOf));
  const shown = (listener: string): string =>
    clause(transports.size === listeners.size ? transportOf(listener) : listener);
  const cells = clients.map(({ listener }) => (listener === null ? nothing : shown(listener)));
  return { head: "LISTENER", cells };
}

/** Everything that the broker knows about one client. */
export function clientLines(client: ClientAnswer, style: ViewStyle): string[] {
  const { now, session, wills, faults, events } = client;
  const connection = latestConnection(client);
  const [will] = wills;
  const times = events.map(({ at }) => timeAt(now, at, style.zone));
  const timeWidth = Math.max(0, ...times.map((time) => time.length)) + 2;
  return [
    ...drawn(name(client.clientId), style.columns, 2).map((line) => style.colors.bold(line)),
    ...labelled(
      [
        ...(connection === null ? [] : connectionFacts(connection, now, style)),
        ...(session === null ? [] : sessionFacts(session, now)),
        ["Will", will === undefined ? withoutWill(connection) : willText(will, now)],
        ...faults.map((habit, index): [string, string] => {
          const { what, so, change } = habitText(habit);
          return [index === 0 ? "Habits" : "", `${what}: ${so}; ${change}`];
        }),
      ],
      style,
    ),
    // A store keeps none.
    ...(events.length === 0 ? [] : [style.colors.bold("Events")]),
    ...events.flatMap(({ text }, index) =>
      drawn(text, style.columns - timeWidth - 2).map((line, row) => {
        const time = (row === 0 ? (times[index] ?? "") : "").padEnd(timeWidth);
        return `  ${style.colors.dim(time)}${line}`;
      }),
    ),
  ];
}

function withoutWill(connection: ConnectionAccount | null): string {
  if (connection !== null && isWillUnknown(connection)) {
    return "none now; one that was decided before the broker ended is not kept";
  }
  const refused = connection?.refusedWill ?? null;
  return refused === null ? "none" : `none: the CONNECT was refused, with a ${armedWill(refused)}`;
}

function connectionFacts(
  connection: ConnectionAccount,
  now: number,
  { zone }: ViewStyle,
): [string, string][] {
  const { end, connectedAt, openedAt, username, lastPacket, pings, dropped } = connection;
  const own = connection.stoodStillMs;
  const { lastPacketWaitedMs: waited } = end ?? connection;
  const still =
    (waited === undefined ? "" : ` (${readLate(waited)})`) +
    (own === undefined ? "" : ` (of that time ${stoodStill(own)})`);
  const since = timeAt(now, connectedAt ?? openedAt, zone);
  const state = end === null ? "connected" : `ended ${ago(now, end.at)} by: ${causeOf(end)}`;
  const facts = [
    `${state}, from ${name(connection.remote)}`,
    `since ${since}`,
    `MQTT ${connection.protocol ?? "?"}`,
    `on ${clause(connection.listener)}`,
  ];
  if (username !== null) facts.push(`user ${name(username)}`);
  if (dropped !== null)
    facts.push(`dropped by the operator (${dropped.how}) ${ago(now, dropped.at)}`);
  if (connection.paused) facts.push("reading is paused, and the keepalive with it");
  if (connection.heldFor !== null) facts.push(heldText(connection.heldFor, now));
  if (connection.blocked) facts.push("reads no data at the moment");
  if (connection.deadlineAt !== null && connection.deadlineCause === "stalled") {
    const due = ahead(now, connection.deadlineAt);
    facts.push(`ends ${due} unless it reads the pending output`);
  }
  const first: [string, string][] = [
    ["Connection", facts.join(", ")],
    ["Keepalive", keepAliveText(connection, now)],
  ];
  // What it sent is not kept.
  if (connection.restored === true) return first;
  return [
    ...first,
    ["Last packet", `${lastPacket.type}, ${ago(now, lastPacket.at)}${still}`],
    ...incompleteFacts(connection, now),
    ["Pings", pings === null ? "fewer than two PINGREQs" : pingText(pings)],
  ];
}

/** The packet that it began and has not completed. */
function incompleteFacts({ incomplete }: ConnectionAccount, now: number): [string, string][] {
  if (incomplete === undefined) return [];
  const { since, at } = incomplete;
  const last = at === since ? "" : `, the last of them ${ago(now, at)}`;
  return [["Incomplete", `${partOfPacket(incomplete)} ${ago(now, since)}${last}`]];
}

/** The subscriber for which a publisher waits. */
function heldText({ clientId, since, until }: HoldAccount, now: number): string {
  return (
    `held for ${duration(Math.max(0, now - since))} because ${name(clientId)} takes its messages more slowly ` +
    `than they arrive; the broker reads from it again ${ahead(now, until)} at the latest`
  );
}

/** The publishers that wait for a subscriber. */
function holdsText({ count, clientIds }: HoldsAccount): string {
  const more = count - clientIds.length;
  const others = more > 0 ? ` and ${more} more` : "";
  return `${clientIds.map((clientId) => name(clientId)).join(", ")}${others}: not read until its queue is shorter`;
}

function pingText({ count, medianMs, worstMs }: PingRhythm): string {
  return medianMs === null || worstMs === null
    ? `${count}, interval unknown: the broker itself stood still meanwhile`
    : `${count}, one every ${duration(medianMs)} (median), worst ${duration(worstMs)}`;
}

function causeOf({ causeText, detail }: NonNullable<ConnectionAccount["end"]>): string {
  return detail === null ? causeText : `${causeText} (${clause(detail)})`;
}

function keepAliveText(connection: ConnectionAccount, now: number): string {
  const { keepAliveSeconds, keepAliveAskedSeconds, closestCallMs } = connection;
  const { deadlineAt, deadlineCause } = connection;
  const allowed = allowedSilence(connection);
  if (keepAliveSeconds === 0 && allowed === null) return "none: silence does not end it";
  const facts = [keepAliveSeconds === 0 ? "none" : `${keepAliveSeconds} s`];
  if (keepAliveAskedSeconds !== keepAliveSeconds) {
    facts[0] += ` (asked for ${keepAliveAskedSeconds} s)`;
  }
  facts.push(
    allowed === null ? "silence does not end it" : `silence of ${setting(allowed)} ends it`,
  );
  if (deadlineAt !== null && deadlineCause === "keepAliveExpired")
    facts.push(`deadline ${ahead(now, deadlineAt)}`);
  if (closestCallMs !== null) facts.push(`closest call ${duration(closestCallMs)}`);
  const { stoodStillInAllMs } = connection;
  if (stoodStillInAllMs !== undefined) {
    facts.push(
      `not counting ${duration(stoodStillInAllMs)} in which the broker itself stood still`,
    );
  }
  return facts.join(", ");
}

function sessionFacts(session: SessionAccount, now: number): [string, string][] {
  const { queue, subscriptions, receiveMaximum } = session;
  const window = receiveMaximum === null ? "" : ` of ${receiveMaximum}`;
  const dropping = session.dropping ? ", messages are being dropped" : "";
  return [
    ["Session", sessionText(session, now)],
    ["In flight", `${session.inflight}${window} to it, ${session.incoming} from it`],
    ["Queue", `${queue.messages} messages, ${size(queue.bytes)}${dropping}`],
    ...(session.holds.count === 0
      ? []
      : [["Holds up", holdsText(session.holds)] satisfies [string, string]]),
    ...subscriptions.map((subscription, index): [string, string] => [
      index === 0 ? "Subscribed" : "",
      `${name(subscription.filter)} (${optionsOf(subscription)})`,
    ]),
  ];
}

/** The state of a session, and when it ends. */
export function sessionText(
  { connected, endsAt, expirySeconds }: SessionAccount,
  now: number,
): string {
  // Nobody ends it while the broker does not run.
  if (endsAt !== null && endsAt < now) return `offline, expired ${ago(now, endsAt)}`;
  if (endsAt !== null) return `offline, ends ${ahead(now, endsAt)}`;
  const state = connected ? "connected" : "offline";
  if (expirySeconds === null) return `${state}, kept for ever`;
  if (expirySeconds === 0) return `${state}, ends with the connection`;
  return `${state}, kept ${setting(expirySeconds * 1000)} after the connection`;
}

/** `q1, no local, id 7`. */
export function optionsOf(subscription: SubscriptionAccount): string {
  const { qos, noLocal, retainAsPublished, identifier, group } = subscription;
  const options = [`q${qos}`];
  if (group !== null) options.push(`shared by ${name(group)}`);
  if (noLocal) options.push("no local");
  if (retainAsPublished) options.push("retain as published");
  if (identifier !== 0) options.push(`id ${identifier}`);
  return options.join(", ");
}
