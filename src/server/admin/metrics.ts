import type { Overview } from "../../api/api.ts";
import type { HistogramAccount } from "../../core/records/broker-account.ts";
import type { EventHub } from "../event-hub.ts";
import type { Vitals } from "../vitals.ts";

type Kind = "counter" | "gauge";
type Labelled = readonly [labels: string, value: number];

/**
 * The broker's metrics in the Prometheus text format (version 0.0.4): base units in the names,
 * `_total` for counters, `process_` for standard process metrics. Label values are our own words,
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
    family("mqttd_build_info", "gauge", "Version of the running broker.", [
      [`{version="${escaped(overview.version)}"}`, 1],
    ]),
    family("process_start_time_seconds", "gauge", "Start time of the broker since the epoch.", [
      ["", overview.startedAt / 1000],
    ]),
    family("process_cpu_seconds_total", "counter", "User and system CPU time of the process.", [
      ["", vitals.cpuSeconds],
    ]),
    family("process_resident_memory_bytes", "gauge", "Resident memory of the process.", [
      ["", own.rssBytes],
    ]),
    family("process_heap_bytes", "gauge", "Heap memory in use.", [["", own.heapBytes]]),
    histogram(
      "mqttd_event_loop_lag_seconds",
      "Lateness of the event loop's heartbeat: the worst of each second.",
      vitals.lag.account,
    ),
    family("mqttd_connections", "gauge", "Open connections, with or without CONNECT.", [
      ["", overview.connections],
    ]),
    family("mqttd_clients_connected", "gauge", "Connected clients.", [["", overview.connected]]),
    family("mqttd_sessions", "gauge", "Sessions, connected or disconnected.", [
      ["", overview.sessions],
    ]),
    family("mqttd_subscriptions", "gauge", "Subscriptions of all sessions.", [
      ["", overview.subscriptions],
    ]),
    family("mqttd_connections_opened_total", "counter", "Connections accepted.", [
      ["", overview.socketsOpened],
    ]),
    family(
      "mqttd_connections_ended_total",
      "counter",
      "Connections ended, by cause.",
      of("cause", overview.ends),
    ),
    family("mqttd_sessions_expired_total", "counter", "Sessions that expired.", [
      ["", overview.sessionsExpired],
    ]),
    family("mqttd_wills", "gauge", "Undecided wills, by state.", [
      [`{state="armed"}`, wills.armed],
      [`{state="delayed"}`, wills.delayed],
    ]),
    family("mqttd_wills_total", "counter", "Decided wills, by fate.", [
      [`{fate="published"}`, wills.published],
      [`{fate="discarded"}`, wills.discarded],
      [`{fate="cancelled"}`, wills.cancelled],
    ]),
    histogram(
      "mqttd_keepalive_lateness_seconds",
      "Time from a keepalive deadline to the end of the connection.",
      overview.keepAliveLateness,
    ),
    histogram(
      "mqttd_will_lateness_seconds",
      "Time from a will's due time to its publication.",
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
    family("mqttd_publish_dropped_total", "counter", "Messages dropped for a subscriber.", [
      ["", publishes.dropped],
    ]),
    family("mqttd_bytes_total", "counter", "Bytes on all MQTT connections.", [
      [`{direction="received"}`, bytes.received],
      [`{direction="sent"}`, bytes.sent],
    ]),
    family("mqttd_queued_messages", "gauge", "Messages queued in sessions.", [
      ["", queued.messages],
    ]),
    family("mqttd_queued_bytes", "gauge", "Bytes queued in sessions.", [["", queued.bytes]]),
    family(
      "mqttd_memory_bytes",
      "gauge",
      "Memory that clients take, by kind.",
      of("kind", overview.memory?.kinds ?? {}),
    ),
    family("mqttd_retained_messages", "gauge", "Retained messages.", [["", retained.messages]]),
    family("mqttd_retained_bytes", "gauge", "Bytes of retained messages.", [["", retained.bytes]]),
    family("mqttd_event_streams", "gauge", "Open event streams and requests waiting for a will.", [
      ["", events.listening],
    ]),
    family(
      "mqttd_events_missed_total",
      "counter",
      "Events dropped because a stream's reader was too slow.",
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
