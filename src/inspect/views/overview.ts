import type { Overview } from "../../api/api.ts";
import type { HistogramAccount, MemoryAccount } from "../../core/records/broker-account.ts";
import { counted } from "../../log/counted.ts";
import { duration } from "../../log/duration.ts";
import { clause, name } from "../../log/foreign.ts";
import { awayOf, died, predecessorDied } from "../../log/predecessor.ts";
import { size } from "../../log/size.ts";
import { ago, around, timeAt } from "./moment.ts";
import { cellName, drawn, labelled, table, type ViewStyle } from "./table.ts";

/** Pending wills shown, so that the view fits a screen of 24 rows. */
const pendingShown = 3;

/** One screen about the broker. */
export function overviewLines(overview: Overview, style: ViewStyle): string[] {
  const { now, startedAt, version, process: own, like } = overview;
  const runs = `up ${duration(now - startedAt)}, pid ${own.pid}`;
  const title = `mqttd ${name(version)}, ${isStored(overview) ? "not running" : runs}`;
  const odd = like === null ? [] : [`It misbehaves on purpose: like ${name(like)}.`];
  return [
    ...drawn(title, style.columns, 2).map((line) => style.colors.bold(line)),
    ...odd.flatMap((text) => drawn(text, style.columns, 2)),
    ...labelled(factsOf(overview), style),
    ...pending(overview, style),
    ...recent(overview, style),
  ];
}

/** It does not run: its store is read, by this process. */
function isStored({ restart }: Overview): boolean {
  return awayOf(restart) !== null;
}

/** The same, before what its store has kept. */
export function storedLines({ now, restart }: Overview, { columns, zone }: ViewStyle): string[] {
  const away = awayOf(restart);
  if (away === null) return [];
  const { at } = away;
  const text = `The broker does not run: it ${died(away)}, ${ago(now, at)} (${timeAt(now, at, zone)})`;
  return drawn(text, columns, 2);
}

/** Rows that only a broker that runs has. */
const ofRunning = ["Listeners", "Messages", "Process", "Lateness"];

function factsOf(overview: Overview): [string, string][] {
  const facts = allFacts(overview);
  return isStored(overview) ? facts.filter(([label]) => !ofRunning.includes(label)) : facts;
}

function allFacts(overview: Overview): [string, string][] {
  const { rates, process: own, publishes, queued, retained, keepAliveLateness } = overview;
  const { memory, sessions, subscriptions } = overview;
  const waits = `${overview.connected} connected (most ${overview.connectedMax})`;
  return [
    ["Listeners", overview.listeners.map(name).join(", ")],
    [
      "Clients",
      `${waits}, ${counted(sessions, "session")}, ${counted(subscriptions, "subscription")}`,
    ],
    [
      "Messages",
      `${rate(rates.publishesReceived)} in, ${rate(rates.publishesSent)} out; ` +
        `in all ${publishes.received} in, ${publishes.sent} out, ${publishes.dropped} dropped`,
    ],
    ["Kept", `${queued.messages} queued (${size(queued.bytes)}), ${keptText(retained)}`],
    [
      "Process",
      `${size(own.rssBytes)}${forClients(memory)}, loop lag ${duration(own.loopLagMs.median)} (worst ${duration(own.loopLagMs.worst)}), log level ${overview.logLevel}`,
    ],
    ["Wills", willsText(overview)],
    ...beforeIt(overview),
    ...restartOf(overview),
    ["Lateness", `keepalives ${within(keepAliveLateness)}, wills ${within(overview.willLateness)}`],
  ];
}

/** Fates are counted since the start. */
function willsText(overview: Overview): string {
  const { armed, delayed, published, discarded, cancelled } = overview.wills;
  if (isStored(overview)) return `${delayed} delayed`;
  const fates = `${published} published, ${discarded} discarded, ${cancelled} cancelled`;
  return `${armed} armed, ${delayed} delayed; ${fates}`;
}

/** What clients take of `limits.memory`; empty: the broker is older than that. */
function forClients(memory: MemoryAccount | undefined): string {
  if (memory === undefined) return "";
  const of = memory.limit === null ? "" : ` of ${size(memory.limit)}`;
  return ` (${size(memory.total)}${of} for clients)`;
}

function beforeIt({ predecessor }: Overview): [string, string][] {
  if (predecessor === undefined || predecessor === null) return [];
  return [["Before it", `${predecessorDied(predecessor)}: its armed wills were not published`]];
}

/** Nothing is lost: worth a line after a kill alone. */
function restartOf({ now, restart, store }: Overview): [string, string][] {
  const kept: [string, string][] = typeof store === "string" ? [["Store", name(store)]] : [];
  if (restart === undefined || restart === null) return kept;
  const { pid, at, backAt, how } = restart;
  if (backAt === null) {
    return [...kept, ["Broker", `does not run: it (pid ${pid}) ${died(restart)}, ${ago(now, at)}`]];
  }
  if (how === "stopped") return kept;
  const text =
    `the broker before this one (pid ${pid}) ${died(restart)}, ${duration(backAt - at)} before this one ` +
    "started; nothing that it had kept is lost";
  return [...kept, ["Before it", text]];
}

/** As `inspect retained` lists them, whose filter `#` does not match `$SYS`. */
function keptText({ messages, bytes, own }: Overview["retained"]): string {
  const others = own === undefined ? messages : messages - own.messages;
  const text = `${others} retained (${size(bytes - (own?.bytes ?? 0))})`;
  return (own?.messages ?? 0) === 0 ? text : `${text}, ${own?.messages} below $SYS`;
}

function pending({ now, wills, pendingWills }: Overview, style: ViewStyle): string[] {
  if (pendingWills.length === 0) return [];
  const shown = pendingWills.slice(0, pendingShown);
  const rows = shown.map(({ dueAt, clientId, topic }) => [
    name(clientId),
    around(now, dueAt ?? now),
    name(topic),
  ]);
  const more = wills.delayed - shown.length;
  return [
    "",
    ...table(["CLIENT", "WILL DUE", "TOPIC"], rows, style),
    ...(more > 0 ? [`and ${more} more: mqttd inspect wills --pending`] : []),
  ];
}

function recent({ now, recentEnds }: Overview, style: ViewStyle): string[] {
  if (recentEnds.length === 0) return [];
  const rows = recentEnds.map(({ at, clientId, remote, causeText, detail, will }) => [
    cellName(clientId ?? remote),
    ago(now, at),
    will,
    detail === null ? causeText : `${causeText}, ${clause(detail)}`,
  ]);
  return ["", ...table(["CLIENT", "ENDED", "WILL", "CAUSE"], rows, style)];
}

function rate(perSecond: number): string {
  return `${perSecond.toFixed(perSecond > 0 && perSecond < 10 ? 1 : 0)}/s`;
}

/** The smallest bound that contains all of them. */
function within({ buckets, count }: HistogramAccount): string {
  if (count === 0) return "none yet";
  const bound = buckets.find((bucket) => bucket.count === count)?.leMs ?? null;
  return bound === null ? `${count}, the worst above 5 s` : `${count} within ${duration(bound)}`;
}
