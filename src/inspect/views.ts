import type { ClientAnswer, Overview, WillsAnswer } from "../admin/api.ts";
import type { ClientSummary, WillAccount } from "../core/account.ts";
import { duration } from "../log/duration.ts";
import { name } from "../log/foreign.ts";
import { discarded } from "../log/will.ts";

const indent = "    ";

/** Text of a view: a line that is too long goes on, indented, on the next; a word is never parted. */
export function fitted(lines: readonly string[], columns: number): string {
  return lines.map((line) => `${folded(line, columns)}\n`).join("");
}

function folded(line: string, columns: number): string {
  const rows: string[] = [];
  let row = "";
  for (const word of line.split(/(?<=\S) /)) {
    const longer = row === "" ? word : `${row} ${word}`;
    if (row !== "" && Array.from(longer).length > columns) {
      rows.push(row);
      row = indent + word;
    } else row = longer;
  }
  return [...rows, row].join("\n");
}

export function overviewLines(overview: Overview): string[] {
  const { now, wills, rates, process: own } = overview;
  const per = (rate: number): string => rate.toFixed(rate < 10 ? 1 : 0);
  return [
    `mqttd ${name(overview.version)}, up ${duration(now - overview.startedAt)}, pid ${own.pid}`,
    `Listening   ${overview.listeners.map(name).join(", ")}`,
    `Clients     ${overview.connected} connected (most ${overview.connectedMax}), ${overview.sessions} sessions, ${overview.subscriptions} subscriptions`,
    `Messages    ${per(rates.publishesReceived)}/s in, ${per(rates.publishesSent)}/s out, ${overview.publishes.dropped} dropped, ${overview.queued.messages} queued, ${overview.retained.messages} retained`,
    `Process     ${(own.rssBytes / 2 ** 20).toFixed(0)} MiB, loop lag ${duration(own.loopLagMs.median)} (worst ${duration(own.loopLagMs.worst)})`,
    `Wills       ${wills.armed} armed, ${wills.delayed} delayed, ${wills.published} published, ${wills.discarded} discarded, ${wills.cancelled} cancelled`,
    ...overview.pendingWills.map(
      (will) =>
        `  due in ${duration((will.dueAt ?? now) - now)}: ${name(will.clientId)} on ${name(will.topic)}`,
    ),
    ...(overview.recentEnds.length === 0 ? [] : ["", "Latest ends of connections"]),
    ...overview.recentEnds.map(
      (end) =>
        `  ${duration(now - end.at)} ago: ${name(end.clientId ?? end.remote)}, ${end.causeText}, ${willWord(end.will)}`,
    ),
  ];
}

export function clientsLines(now: number, clients: readonly ClientSummary[]): string[] {
  if (clients.length === 0) return ["no clients"];
  return clients.map((client) => {
    const { lastPacket, deadlineAt } = client;
    const facts = [
      client.connected ? (client.remote ?? "") : "away",
      `MQTT ${client.protocol}`,
      ...(client.connected ? [`k${client.keepAliveSeconds}`] : []),
      ...(lastPacket === null ? [] : [`${lastPacket.type} ${duration(now - lastPacket.at)} ago`]),
      ...(deadlineAt === null ? [] : [`deadline in ${duration(deadlineAt - now)}`]),
      ...(client.will === null ? [] : [`will ${client.will}`]),
      ...(client.queued > 0 ? [`${client.queued} queued`] : []),
    ];
    return `${name(client.clientId)}  ${facts.join(", ")}`;
  });
}

export function clientLines(client: ClientAnswer): string[] {
  const { now, session, connections } = client;
  const [latest] = connections;
  const lines = [name(client.clientId)];
  if (latest !== undefined) {
    const { deadlineAt, pings, closestCallMs, end } = latest;
    lines.push(
      `Connection  ${end === null ? "open" : `ended ${duration(now - end.at)} ago: ${end.causeText}`}, from ${name(latest.remote)}, ${name(latest.listener)}, MQTT ${latest.protocol ?? "?"}`,
      `Keepalive   ${latest.keepAliveSeconds === 0 ? "none" : `${latest.keepAliveSeconds} s`}${deadlineAt === null ? "" : `, deadline in ${duration(deadlineAt - now)}`}`,
      `Last packet ${latest.lastPacket.type}, ${duration(now - latest.lastPacket.at)} ago`,
    );
    if (pings !== null) {
      lines.push(
        `Pings       every ${duration(pings.medianMs)} (median), worst ${duration(pings.worstMs)}${closestCallMs === null ? "" : `, closest call ${duration(closestCallMs)}`}`,
      );
    }
  }
  if (session !== null) {
    lines.push(
      `Session     ${session.connected ? "connected" : "away"}, ${session.queue.messages} queued, ${session.inflight} in flight`,
      ...session.subscriptions.map(
        ({ filter, qos }) => `  subscribed to ${name(filter)} (q${qos})`,
      ),
    );
  }
  lines.push(...client.wills.slice(0, 1).map((will) => `Will        ${willText(will, now)}`));
  if (client.faults.length > 0)
    lines.push("Faults of its own", ...client.faults.map(({ fault }) => `  ${fault}`));
  lines.push(
    "Events",
    ...client.events.map(({ at, text }) => `  ${duration(now - at)} ago  ${text}`),
  );
  return lines;
}

export function willsLines({ now, wills }: WillsAnswer): string[] {
  if (wills.length === 0) return ["no wills"];
  return wills.map((will) => `${name(will.clientId)}  ${willText(will, now)}`);
}

function willText(will: WillAccount, now: number): string {
  const on = `on ${name(will.topic)} (q${will.qos}${will.retain ? ", retained" : ""})`;
  const rule = `[${will.steps.at(-1)?.rule ?? ""}]`;
  const { fate, end, dueAt } = will;
  if (fate === null) {
    return end === null
      ? `armed ${duration(now - will.armedAt)} ago ${on} ${rule}`
      : `due in ${duration((dueAt ?? now) - now)} ${on}, ${end.causeText} ${rule}`;
  }
  const ago = `${duration(now - fate.at)} ago`;
  const cause = end === null ? "" : `, ${end.causeText}`;
  switch (fate.fate) {
    case "published":
      return `published ${ago} ${on} to ${fate.reach.delivered}, ${fate.reach.queued} queued, ${duration(fate.lateMs)} late${cause} ${rule}`;
    case "discarded":
      return `discarded ${ago} ${on}: ${discarded[fate.why]}${cause} ${rule}`;
    case "cancelled":
      return `cancelled ${ago} ${on}: session ${fate.why}${cause} ${rule}`;
  }
}

function willWord(will: Overview["recentEnds"][number]["will"]): string {
  return will === "no will" ? will : `will ${will}`;
}
