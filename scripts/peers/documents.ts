import type { Protocol } from "./broker.ts";
import { type Cell, cellsOf, cellText, runsOf } from "./cells.ts";
import { fileStem, type Measurement, type Run } from "./measurement.ts";
import { tableLines } from "./table.ts";

const begin = "<!-- made by scripts/peers.ts -->";
const end = "<!-- end of what it made -->";

/** Returns the document with a new matrix between its markers. */
export function withMatrix(document: string, measurements: readonly Measurement[]): string {
  const before = document.split(begin)[0] ?? "";
  const after = document.split(end)[1] ?? "\n";
  return `${before}${begin}\n\n${matrix(measurements).join("\n")}\n\n${end}${after}`;
}

function matrix(measurements: readonly Measurement[]): string[] {
  return [
    ...legend(measurements),
    ...yardstick(measurements),
    "",
    "## MQTT 3.1.1",
    "",
    ...protocolTable(measurements, "3.1.1"),
    "",
    "## MQTT 5",
    "",
    ...protocolTable(measurements, "5"),
  ];
}

function legend(measurements: readonly Measurement[]): string[] {
  const rows = measurements.map((measurement) => {
    const { name, version, runs } = measurement;
    const perProtocol = (["3.1.1", "5"] as const).map((protocol) => {
      const own = runsOf(measurement, protocol);
      return own.length === 0 ? "" : `${loadText(own)}: exit code ${exitText(own)}`;
    });
    const dates = [...new Set(runs.map(({ date }) => date.slice(0, 10)))].join(", ");
    return [link(name), version, dates, ...perProtocol];
  });
  return tableLines(["broker", "version", "measured", "MQTT 3.1.1", "MQTT 5"], rows);
}

/** How late mqttd was in the same place: what its deadlines add is milliseconds, the rest is the machine. */
function yardstick(measurements: readonly Measurement[]): string[] {
  const own = measurements.filter(({ name }) => name === "mqttd").flatMap(({ runs }) => runs);
  const latest = (["calm", "busy"] as const).flatMap((load) => {
    const results = own.filter((run) => run.load === load).flatMap((run) => run.results);
    const late = results.flatMap(({ latenessMs }) => latenessMs ?? []);
    return late.length === 0
      ? []
      : `${(Math.max(...late) / 1000).toFixed(2)} s late in ${load} runs`;
  });
  if (latest.length === 0) return [];
  return [
    "",
    `mqttd itself was at most ${latest.join(" and ")}: so much of any lateness may be the machine's.`,
  ];
}

function link(name: string): string {
  return `[${name}](brokers/${fileStem(name)}.md)`;
}

/** `3 calm, 3 busy`. */
export function loadText(runs: readonly Run[]): string {
  const loads = (["calm", "busy"] as const).flatMap((load) => {
    const count = runs.filter((run) => run.load === load).length;
    return count === 0 ? [] : `${count} ${load}`;
  });
  return loads.join(", ");
}

/** `1`, or `0 in 2, 1 in 1`. */
export function exitText(runs: readonly Run[]): string {
  const groups = Map.groupBy(runs, ({ exitCode }) => exitCode);
  if (groups.size === 1) return `${runs[0]?.exitCode}`;
  return [...groups].map(([code, own]) => `${code} in ${own.length}`).join(", ");
}

function protocolTable(measurements: readonly Measurement[], protocol: Protocol): string[] {
  const columns = measurements.flatMap((measurement) =>
    runsOf(measurement, protocol).length === 0
      ? []
      : {
          title: `${measurement.name} ${measurement.version}`,
          cells: new Map(cellsOf(measurement, protocol).map((cell) => [cell.id, cell])),
        },
  );
  const isPlayed = (id: string): boolean =>
    columns.some(({ cells }) =>
      cells.get(id)?.results.some(({ verdict }) => verdict !== "skipped"),
    );
  const ids = [...new Set(columns.flatMap(({ cells }) => [...cells.keys()]))];
  const rows = ids
    .filter((id) => isPlayed(id))
    .map((id) => [
      `\`${id}\``,
      gradeOf(columns.flatMap(({ cells }) => cells.get(id) ?? [])),
      ...columns.map(({ cells }) => cellText(cells.get(id))),
    ]);
  const skipped = ids.filter((id) => !isPlayed(id)).map((id) => `\`${id}\``);
  const head = ["scenario", "grade", ...columns.map(({ title }) => title)];
  const lines = tableLines(head, rows);
  return skipped.length === 0
    ? lines
    : [...lines, "", `Skipped by every one: ${skipped.join(", ")}.`];
}

function gradeOf(cells: readonly Cell[]): string {
  return cells[0]?.results[0]?.grade ?? "";
}
