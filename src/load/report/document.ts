import { folded } from "../../log/columns.ts";
import { size } from "../../log/size.ts";
import type { Machine } from "../machine.ts";
import { milliseconds, quantity, rangeText, ratioText, thousands } from "./quantity.ts";
import { type Line, percent, type RowSummary } from "./summary.ts";

/** The widest line of a document. */
const columns = 118;

/** The figures as tables of a Markdown document, a section for each group. */
export function documentTables(
  groups: readonly { readonly title: string; readonly rows: readonly RowSummary[] }[],
): string {
  return groups
    .filter(({ rows }) => rows.length > 0)
    .map(({ title, rows }) =>
      [
        `## ${title}`,
        legend(rows),
        figureTable(rows),
        costTable(rows),
        bystander(rows),
        remarks(rows),
      ]
        .filter((part) => part !== "")
        .join("\n\n"),
    )
    .join("\n\n");
}

/** The titles and the first figures, since a table has room for names only. */
function legend(rows: readonly RowSummary[]): string {
  return list(
    rows.map(({ name, title, lines }) => {
      const figure = lines.flatMap(({ figures }) => figures.slice(0, 1))[0];
      return `\`${name}\`: ${title}${figure === undefined ? "" : ` (${figure.name})`}`;
    }),
  );
}

/** When, on which machine, and how busy it was. */
export function machineText(machines: readonly Machine[]): string {
  // A row that was measured again stands where it was.
  const inTime = machines.toSorted((a, b) => a.date.localeCompare(b.date));
  const [first] = inTime;
  const last = inTime.at(-1);
  if (first === undefined || last === undefined) return "Nothing was measured yet.";
  const loads = machines.map(({ loadAverage }) => loadAverage);
  const dates = first.date === last.date ? day(first) : `${day(first)} to ${day(last)}`;
  const pinned =
    first.pinned === null
      ? "not pinned"
      : `broker on core ${first.pinned.broker}, load on core ${first.pinned.load}`;
  const busy = Math.max(...loads) > first.cores / 4;
  const brokers = new Map(machines.flatMap((facts) => facts.brokers.map((own) => [own.name, own])));
  const text = paragraph(
    `Measured on ${dates} with mqttd ${first.version}: ${first.cores} cores of ${first.cpu}, ` +
      `${first.memoryGib} GiB, ${first.kernel}, ${pinned}. Load average before the start: ` +
      `${spreadText(loads)}${busy ? ", so other programs used the machine as well" : ""}.`,
  );
  const started = list(
    Array.from(brokers.values(), ({ name, source, version }) => {
      const said = version === null ? "" : ` (${version})`;
      return `${name}${said}: \`${source}\``;
    }),
  );
  return started === "" ? text : `${text}\n\n${started}`;
}

function day({ date }: Machine): string {
  return `${date.slice(0, 16).replace("T", " ")} UTC`;
}

function spreadText(numbers: readonly number[]): string {
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)];
  return least === most ? String(least) : `${least} to ${most}`;
}

function figureTable(rows: readonly RowSummary[]): string {
  const cells = rows.flatMap(({ name, lines }) =>
    lines.flatMap((line, index) => figureCells(index === 0 ? name : "", line)),
  );
  return markdown(["load", "broker", "median", "min..max", "ratio", "min..max"], cells);
}

function figureCells(name: string, { broker, figures, runs, ratio, errors }: Line): string[][] {
  const compared =
    ratio === null
      ? ["", ""]
      : [
          ratioText(ratio.median),
          runs < 2 ? "" : `${ratioText(ratio.min)}..${ratioText(ratio.max)}`,
        ];
  if (figures.length === 0)
    return [[name, broker, errors.length > 0 ? "invalid" : "-", "", "", ""]];
  return figures.map((figure, index) => [
    index === 0 ? name : `- ${figure.name}`,
    index === 0 ? broker : "",
    quantity(figure.median, figure.unit),
    runs < 2 ? "1 run" : rangeText(figure.min, figure.max, figure.unit),
    ...(index === 0 ? compared : ["", ""]),
  ]);
}

function costTable(rows: readonly RowSummary[]): string {
  const cells = rows.flatMap(({ name, lines }) =>
    lines.map((line, index) => [
      index === 0 ? name : "",
      line.broker,
      line.perCpuSecond === null ? "-" : thousands(line.perCpuSecond),
      percent(line.brokerBusy),
      percent(line.loadBusy) + (line.isLoadBound ? "!" : ""),
      line.peakRss === null ? "-" : size(line.peakRss),
      line.grownRss === null ? "-" : size(line.grownRss),
    ]),
  );
  const header = [
    "cost",
    "broker",
    "a CPU s",
    "CPU of the broker",
    "of the load",
    "peak RSS",
    "grown by",
  ];
  return markdown(header, cells);
}

function bystander(rows: readonly RowSummary[]): string {
  const cells = rows.flatMap(({ name, lines }) =>
    lines.flatMap(({ broker, sighting }, index) => {
      if (sighting === null) return [];
      const missing = sighting.silentMissing > 0 ? " (+)" : "";
      return [
        [
          index === 0 ? name : "",
          broker,
          milliseconds(sighting.pingP99),
          milliseconds(sighting.pingWorst),
          milliseconds(sighting.echoP99),
          milliseconds(sighting.echoWorst),
          milliseconds(sighting.judgedP99),
          milliseconds(sighting.judgedWorst),
          milliseconds(sighting.silentP99) + missing,
          milliseconds(sighting.silentWorst) + missing,
          `${sighting.ended} of ${sighting.pinging}`,
        ],
      ];
    }),
  );
  if (cells.length === 0) return "";
  const header = ["bystander", "broker", "ping p99", "worst", "echo p99", "worst"];
  return markdown([...header, "judged p99", "worst", "late p99", "worst", "ended"], cells);
}

function remarks(rows: readonly RowSummary[]): string {
  return list(
    rows.flatMap(({ name, lines }) =>
      lines.flatMap(({ broker, notes, errors }) => [
        ...notes.map((note) => `${name}, ${broker}: ${note}`),
        ...errors.map((error) => `${name}, ${broker}: invalid: ${error}`),
      ]),
    ),
  );
}

function list(items: readonly string[]): string {
  return items
    .flatMap((item) => folded(`- ${item}`, columns, { indent: 2, breaks: / / }))
    .join("\n");
}

function paragraph(text: string): string {
  return folded(text, columns, { breaks: / / }).join("\n");
}

function markdown(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(header), line(header.map(() => "---")), ...rows.map(line)].join("\n");
}
