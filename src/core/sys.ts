import type { Broker } from "./broker.ts";
import type { Millis } from "./io.ts";
import type { Reach, WillFate } from "./events.ts";
import { hasSubscribers, publish } from "./publish.ts";
import type { Will } from "./will.ts";

/** Counters since the start, one addition each. `$SYS` and inspect read them. */
export interface Statistics {
  packetsReceived: number;
  packetsSent: number;
  publishReceived: number;
  publishSent: number;
  publishDropped: number;
  bytesReceived: number;
  bytesSent: number;
  socketsOpened: number;
  connected: number;
  connectedMax: number;
  sessionsExpired: number;
  /** The last value published by topic, so that `$SYS` publishes only changes. */
  readonly lastPublished: Map<string, string>;
  readonly loads: readonly Load[];
  /** When the loads were last measured. */
  loadsAt: Millis | null;
}

type Counter =
  "packetsReceived" | "packetsSent" | "publishReceived" | "publishSent" | "socketsOpened";

/** A rate per minute, as moving averages over 1, 5 and 15 minutes. */
interface Load {
  readonly topic: string;
  readonly counter: Counter;
  last: number;
  readonly averages: [number, number, number];
}

export function newStatistics(): Statistics {
  const load = (topic: string, counter: Counter): Load => ({
    topic,
    counter,
    last: 0,
    averages: [0, 0, 0],
  });
  return {
    packetsReceived: 0,
    packetsSent: 0,
    publishReceived: 0,
    publishSent: 0,
    publishDropped: 0,
    bytesReceived: 0,
    bytesSent: 0,
    socketsOpened: 0,
    connected: 0,
    connectedMax: 0,
    sessionsExpired: 0,
    lastPublished: new Map(),
    loads: [
      load("messages/received", "packetsReceived"),
      load("messages/sent", "packetsSent"),
      load("publish/received", "publishReceived"),
      load("publish/sent", "publishSent"),
      load("sockets", "socketsOpened"),
    ],
    loadsAt: null,
  };
}

/** Publishes the changed values of `$SYS/broker/...`, retained, under mosquitto's names. */
export function publishSys(broker: Broker): void {
  for (const [topic, value] of valuesOf(broker)) {
    if (broker.statistics.lastPublished.get(topic) === value) continue;
    broker.statistics.lastPublished.set(topic, value);
    publish(broker, null, {
      topic: `$SYS/broker/${topic}`,
      qos: 0,
      retain: true,
      payload: ascii(value),
      properties: null,
      expiresAt: null,
      frame: null,
      owned: true,
      keepers: 0,
    });
  }
}

function valuesOf(broker: Broker): [string, string][] {
  const { statistics: s, sessions, retained, subscriptions } = broker;
  const wills = broker.records.willCounts;
  const counts: [string, number][] = [
    ["clients/connected", s.connected],
    ["clients/disconnected", sessions.size - s.connected],
    ["clients/total", sessions.size],
    ["clients/maximum", s.connectedMax],
    ["clients/expired", s.sessionsExpired],
    ["messages/received", s.packetsReceived],
    ["messages/sent", s.packetsSent],
    ["publish/messages/received", s.publishReceived],
    ["publish/messages/sent", s.publishSent],
    ["publish/messages/dropped", s.publishDropped],
    ["bytes/received", s.bytesReceived],
    ["bytes/sent", s.bytesSent],
    ["subscriptions/count", subscriptions.size],
    ["retained messages/count", retained.count],
    ["memory/clients", broker.memory.total],
    ["wills/armed", wills.armed],
    ["wills/delayed", wills.delayed],
    ["wills/published", wills.published],
    ["wills/discarded", wills.discarded],
    ["wills/cancelled", wills.cancelled],
  ];
  return [
    ["version", `mqttd version ${broker.version}`],
    ["uptime", `${Math.floor((broker.now - broker.startedAt) / 1000)} seconds`],
    ...counts.map(([topic, value]): [string, string] => [topic, String(value)]),
    ...loadsOf(broker),
  ];
}

function loadsOf(broker: Broker): [string, string][] {
  const { statistics, now } = broker;
  const minutes = (now - (statistics.loadsAt ?? broker.startedAt)) / 60_000;
  statistics.loadsAt = now;
  const values: [string, string][] = [];
  for (const load of statistics.loads) {
    const rate = minutes > 0 ? (statistics[load.counter] - load.last) / minutes : 0;
    load.last = statistics[load.counter];
    for (const [place, window] of [1, 5, 15].entries()) {
      const before = load.averages[place] ?? 0;
      const average = rate + Math.exp(-minutes / window) * (before - rate);
      load.averages[place] = average;
      values.push([`load/${load.topic}/${window}min`, average.toFixed(2)]);
    }
  }
  return values;
}

/** Without client ids, which are not for every reader of `$SYS`. */
function countsOf({ delivered, queued, dropped, away, retained }: Reach): Reach {
  return { delivered, queued, dropped, away, retained };
}

/** Publishes the fate of a will on `$SYS/broker/wills/fates`, as JSON. */
export function publishFate(broker: Broker, will: Will, fate: WillFate): void {
  const topic = "$SYS/broker/wills/fates";
  if (broker.sysIntervalMs === null || !hasSubscribers(broker, topic)) return;
  const { clientId } = will.session;
  const cause = will.ended?.cause ?? null;
  const what =
    fate.fate === "published"
      ? { fate: fate.fate, lateMs: fate.at - fate.due, ...countsOf(fate.reach) }
      : { fate: fate.fate, why: fate.why };
  publish(broker, null, {
    topic,
    qos: 0,
    retain: false,
    payload: ascii(
      asciiOnly(JSON.stringify({ client: clientId, topic: fate.topic, cause, ...what })),
    ),
    properties: null,
    expiresAt: null,
    frame: null,
    owned: true,
    keepers: 0,
  });
}

/** Replaces characters that are not ASCII by JSON escapes. */
function asciiOnly(json: string): string {
  return json.replace(
    /[^\u0020-\u007e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
