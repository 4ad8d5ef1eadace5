import { folded, padded, width } from "../../log/columns.ts";
import { size } from "../../log/size.ts";
import { milliseconds, quantity, rangeText, ratioText, thousands } from "./quantity.ts";
import { type Line, percent, type RowSummary } from "./summary.ts";

/** The report for people: a block for each row, and what the bystander saw. */
export function textReport(rows: readonly RowSummary[], columns: number): string {
  const blocks = [
    figureTable(rows),
    bystanderTable(rows),
    ...notes(rows).map((note) => folded(note, columns, { indent: 2 })),
  ];
  return `${blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n")}\n`;
}

function figureTable(rows: readonly RowSummary[]): string[] {
  const header = ["", "", "median", "min..max", "ratio", "min..max"];
  const costs = ["a CPU s", "broker", "load", "peak RSS"];
  const lines: Cells[] = [[...header, ...costs]];
  for (const { title, lines: own } of rows) {
    lines.push(title);
    for (const line of own) lines.push(...figureLines(line));
  }
  return table(lines, 2);
}

function figureLines(line: Line): string[][] {
  const [first, ...more] = line.figures;
  const beside = [
    line.ratio === null ? "" : `${ratioText(line.ratio.median)} x`,
    line.ratio === null || line.runs < 2
      ? ""
      : `${ratioText(line.ratio.min)}..${ratioText(line.ratio.max)}`,
    line.perCpuSecond === null ? "" : thousands(line.perCpuSecond),
    percent(line.brokerBusy),
    percent(line.loadBusy) + (line.isLoadBound ? "!" : ""),
    line.peakRss === null ? "-" : size(line.peakRss),
  ];
  if (first === undefined) {
    const isInvalid = line.errors.length > 0;
    return [[line.broker, isInvalid ? "invalid" : "", "", "", ...(isInvalid ? [] : beside)]];
  }
  const cells = ({ name, unit, median, min, max }: typeof first) => [
    name,
    quantity(median, unit),
    line.runs < 2 ? "" : rangeText(min, max, unit),
  ];
  return [
    [line.broker, ...cells(first), ...beside],
    ...more.map((figure) => ["", ...cells(figure)]),
  ];
}

function bystanderTable(rows: readonly RowSummary[]): string[] {
  const lines: Cells[] = [
    ["bystander", ...["ping p99", "worst", "echo p99", "worst", "judged", "late", "ended"]],
  ];
  for (const { title, lines: own } of rows) {
    const seen = own.flatMap(({ broker, sighting }) =>
      sighting === null ? [] : [{ broker, sighting }],
    );
    if (seen.length === 0) continue;
    lines.push(title);
    for (const { broker, sighting } of seen) {
      const missing = sighting.silentMissing > 0 ? "+" : "";
      lines.push([
        broker,
        milliseconds(sighting.pingP99),
        milliseconds(sighting.pingWorst),
        milliseconds(sighting.echoP99),
        milliseconds(sighting.echoWorst),
        milliseconds(sighting.judgedWorst),
        milliseconds(sighting.silentWorst) + missing,
        `${sighting.ended}/${sighting.pinging}`,
      ]);
    }
  }
  return lines.length === 1 ? [] : table(lines, 1);
}

function notes(rows: readonly RowSummary[]): string[] {
  const all = rows.flatMap((row) => row.lines.map((line) => ({ row, line })));
  const bound = all.some(({ line }) => line.isLoadBound);
  const others = Math.max(0, ...all.map(({ line }) => line.othersBusy));
  const missing = all.some(({ line }) => (line.sighting?.silentMissing ?? 0) > 0);
  const seen = all.some(({ line }) => line.sighting !== null);
  return [
    ...all.flatMap(({ row, line }) => [
      ...line.notes.map((note) => `note: ${row.name}, ${line.broker}: ${note}`),
      ...line.errors.map((error) => `INVALID: ${row.name}, ${line.broker}: ${error}`),
    ]),
    ...(bound
      ? ["! the load used more than 0.9 of its core: the load was the limit, or near it"]
      : []),
    ...(others > disturbedAbove
      ? [
          `other programs, the bystander included, used up to ${percent(others)} of a core during a run: ` +
            "repeat the runs on a quiet machine before you believe small differences",
        ]
      : []),
    ...(missing ? ["+ some wills that were due had not come when the run was over"] : []),
    ...(all.some(({ line }) => line.perCpuSecond !== null)
      ? [
          "a CPU s: the rate for each second of CPU that the broker used; broker, load: CPU in percent of " +
            "a core; ratio: above 1 is better than the first broker",
        ]
      : []),
    ...(seen
      ? [
          "ping: an idle client's PINGREQ; echo: the same moments against an idle server, which is how " +
            "late this machine is by itself; judged: how late the broker ended silent clients, keepalive " +
            "1 s, at worst; late: how late their wills came, at worst; ended: clients with keepalive 2 s " +
            "that pinged in time",
        ]
      : []),
  ];
}

/** Above this share of a core used by other programs, the report says so. */
const disturbedAbove = 0.2;

/** A row of cells, or a title over rows. */
type Cells = readonly string[] | string;

/**
 * Columns padded to their widest cell; the first `left` are aligned left, numbers right. The first line is
 * the header; a column without any cell below it is left out.
 */
function table(all: readonly Cells[], left: number): string[] {
  const body = all.slice(1).filter((line) => typeof line !== "string");
  const isUsed = (column: number) => body.some((row) => (row[column] ?? "") !== "");
  const lines = all.map((line) =>
    typeof line === "string" ? line : line.filter((_, column) => isUsed(column)),
  );
  const rows = lines.filter((line) => typeof line !== "string");
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => width(row[column] ?? "") + (column === 0 ? 2 : 0))),
  );
  return lines.map((line, index) => {
    if (typeof line === "string") return line;
    const cells = widths.map((columns, column) => {
      const cell = line[column] ?? "";
      if (column === 0) return padded(index === 0 ? cell : `  ${cell}`, columns);
      return column < left ? padded(cell, columns) : " ".repeat(columns - width(cell)) + cell;
    });
    return cells.join("  ").trimEnd();
  });
}
