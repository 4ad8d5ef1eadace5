import type { Overview } from "../../api/api.ts";
import type { HistogramAccount } from "../../core/records/shapes.ts";
import type { EventHub } from "../event-hub.ts";
import type { Vitals } from "../vitals.ts";

type Kind = "counter" | "gauge";
type Labelled = readonly [labels: string, value: number];

/**
 * The broker's numbers in the text format of Prometheus (version 0.0.4): base units in the names,
 * `_total` for what only grows, `process_` for what every process has. Label values are our own words,
 * never a client's.
 */
export function metricsText(
  overview: Overview,
  vitals: Vitals,
  events: Pick<EventHub, "listening" | "missed">,
): string {
  const { process: own, wills, publishes, packets, bytes, queued, retained } = overview;
  const of = (label: string, values: Readonly<Record<string, number>>): Labelled[] =>
    Object.entries(values).map(([name, value]) => [`{${label}="${name}"}`, value]);
  return [
    family("mqttd_build_info", "gauge", "The version that runs.", [
      [`{version="${escaped(overview.version)}"}`, 1],
    ]),
    family("process_start_time_seconds", "gauge", "When the broker started, since the epoch.", [
      ["", overview.startedAt / 1000],
    ]),
    family("process_cpu_seconds_total", "counter", "User and system time of the process.", [
      ["", vitals.cpuSeconds],
    ]),
    family("process_resident_memory_bytes", "gauge", "Memory of the process.", [
      ["", own.rssBytes],
    ]),
    family("process_heap_bytes", "gauge", "Memory of its heap that is in use.", [
      ["", own.heapBytes],
    ]),
    histogram(
      "mqttd_event_loop_lag_seconds",
      "How late a heartbeat of one a second was.",
      vitals.lag.account,
    ),
    family("mqttd_connections", "gauge", "Open sockets, with or without CONNECT.", [
      ["", overview.connections],
    ]),
    family("mqttd_clients_connected", "gauge", "Clients that are connected.", [
      ["", overview.connected],
    ]),
    family("mqttd_sessions", "gauge", "Sessions, connected or not.", [["", overview.sessions]]),
    family("mqttd_subscriptions", "gauge", "Subscriptions of all sessions.", [
      ["", overview.subscriptions],
    ]),
    family("mqttd_connections_opened_total", "counter", "Sockets accepted.", [
      ["", overview.socketsOpened],
    ]),
    family(
      "mqttd_connections_ended_total",
      "counter",
      "Connections that ended, by cause.",
      of("cause", overview.ends),
    ),
    family("mqttd_sessions_expired_total", "counter", "Sessions that expired.", [
      ["", overview.sessionsExpired],
    ]),
    family("mqttd_wills", "gauge", "Wills that live, by state.", [
      [`{state="armed"}`, wills.armed],
      [`{state="delayed"}`, wills.delayed],
    ]),
    family("mqttd_wills_total", "counter", "Wills that have met their fate.", [
      [`{fate="published"}`, wills.published],
      [`{fate="discarded"}`, wills.discarded],
      [`{fate="cancelled"}`, wills.cancelled],
    ]),
    histogram(
      "mqttd_keepalive_lateness_seconds",
      "From a keepalive's deadline to the end of the connection.",
      overview.keepAliveLateness,
    ),
    histogram(
      "mqttd_will_lateness_seconds",
      "From a will's due time to its publication.",
      overview.willLateness,
    ),
    family("mqttd_packets_total", "counter", "Control packets.", [
      [`{direction="received"}`, packets.received],
      [`{direction="sent"}`, packets.sent],
    ]),
    family("mqttd_publish_total", "counter", "PUBLISH packets.", [
      [`{direction="received"}`, publishes.received],
      [`{direction="sent"}`, publishes.sent],
    ]),
    family("mqttd_publish_dropped_total", "counter", "Messages that were lost for a subscriber.", [
      ["", publishes.dropped],
    ]),
    family("mqttd_bytes_total", "counter", "Bytes on all connections.", [
      [`{direction="received"}`, bytes.received],
      [`{direction="sent"}`, bytes.sent],
    ]),
    family("mqttd_queued_messages", "gauge", "Messages that wait in sessions.", [
      ["", queued.messages],
    ]),
    family("mqttd_queued_bytes", "gauge", "Bytes that wait in sessions.", [["", queued.bytes]]),
    family("mqttd_retained_messages", "gauge", "Retained messages.", [["", retained.messages]]),
    family("mqttd_retained_bytes", "gauge", "Bytes of retained messages.", [["", retained.bytes]]),
    family("mqttd_event_streams", "gauge", "Event streams, and requests that wait for a will.", [
      ["", events.listening],
    ]),
    family(
      "mqttd_events_missed_total",
      "counter",
      "Events that readers of the stream did not keep up with.",
      [["", events.missed]],
    ),
  ].join("");
}

function family(name: string, kind: Kind, help: string, values: readonly Labelled[]): string {
  return (
    head(name, kind, help) + values.map(([labels, value]) => line(name, labels, value)).join("")
  );
}

function histogram(
  name: string,
  help: string,
  { buckets, sumMs, count }: HistogramAccount,
): string {
  const bounds = buckets.map(({ leMs, count: below }) => {
    const le = leMs === null ? "+Inf" : String(leMs / 1000);
    return line(`${name}_bucket`, `{le="${le}"}`, below);
  });
  return [
    head(name, "histogram", help),
    ...bounds,
    line(`${name}_sum`, "", sumMs / 1000),
    line(`${name}_count`, "", count),
  ].join("");
}

function head(name: string, kind: Kind | "histogram", help: string): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n`;
}

function line(name: string, labels: string, value: number): string {
  return `${name}${labels} ${value}\n`;
}

function escaped(value: string): string {
  return value.replace(/[\\"\n]/g, (character) => (character === "\n" ? "\\n" : `\\${character}`));
}
