import {
  type Cell,
  cellsOf,
  latenessText,
  loadOf,
  rateText,
  protocolsOf,
  runsOf,
  type Tally,
  talliesOf,
} from "./cells.ts";
import { exitText, loadText } from "./documents.ts";
import type { Measurement, Trace } from "./measurement.ts";
import { tableLines } from "./table.ts";
import { transcriptLines } from "./transcript.ts";

/** The page of findings of one broker: all measured versions, the newest first. */
export function brokerPage(measurements: readonly Measurement[]): string {
  const [newest] = measurements.toReversed();
  if (newest === undefined) return "";
  const lines = [
    `# ${newest.name}`,
    "",
    "Made of the data beside it by `scripts/peers.ts`; the words are explained in [brokers.md](../brokers.md).",
    ...measurements.toReversed().flatMap((measurement) => versionLines(measurement)),
  ];
  return `${lines.join("\n")}\n`;
}

function versionLines(measurement: Measurement): string[] {
  const cells = protocolsOf(measurement).flatMap((protocol) => cellsOf(measurement, protocol));
  const wrong = cells.filter((cell) => talliesOf(cell).some(isWrong));
  const ids = [...new Set(wrong.map(({ id }) => id))];
  return [
    "",
    `## ${measurement.version}`,
    "",
    measurement.get === undefined
      ? `At an address: ${sentence(measurement.settings)}`
      : `By \`${measurement.get}\`; ${sentence(measurement.settings)}`,
    "",
    ...runLines(measurement),
    "",
    ...(ids.length === 0
      ? ["Nothing was found."]
      : ids.flatMap((id, index) => [
          ...(index === 0 ? [] : [""]),
          ...findingLines(
            measurement,
            wrong.filter((cell) => cell.id === id),
          ),
        ])),
    ...undecidedLines(cells),
  ];
}

/** A row for each protocol and load. */
function runLines(measurement: Measurement): string[] {
  const groups = protocolsOf(measurement).flatMap((protocol) =>
    (["calm", "busy"] as const).map((load) =>
      runsOf(measurement, protocol).filter((run) => run.load === load),
    ),
  );
  const rows = groups
    .filter(({ length }) => length > 0)
    .map((runs) => [
      unique(runs.map(({ protocol }) => protocol)).join(""),
      loadText(runs),
      exitText(runs),
      percentText(runs.map(({ machineBusy }) => machineBusy)),
      percentText(runs.flatMap((run) => run.heldUp ?? [])),
      unique(runs.map(({ mqttd }) => mqttd)).join(", "),
      unique(runs.flatMap(({ brokerEnded }) => brokerEnded ?? [])).join(", ") || "ran on",
      unique(runs.flatMap(({ cutShort }) => cutShort ?? [])).join("; ") || "none",
    ]);
  const head = [
    "MQTT",
    "runs",
    "exit code",
    "machine busy",
    "held up",
    "played by",
    "the broker",
    "cut short",
  ];
  return tableLines(head, rows);
}

/** `12 to 40 %`. */
function percentText(shares: readonly number[]): string {
  if (shares.length === 0) return "not measured";
  const [least, most] = [Math.min(...shares), Math.max(...shares)].map((share) =>
    Math.round(share * 100),
  );
  return least === most ? `${least} %` : `${least} to ${most} %`;
}

function isWrong({ results: [result] }: Tally): boolean {
  return ["fail", "finding", "late"].includes(result?.verdict ?? "");
}

function findingLines(measurement: Measurement, cells: readonly Cell[]): string[] {
  const [cell] = cells;
  const results = cells.flatMap((one) => one.results);
  const wrong = results.filter(({ failure }) => failure !== undefined);
  const rules = unique(wrong.flatMap(({ rule }) => rule ?? []));
  const traces = measurement.traces.filter(({ id }) => id === cell?.id);
  return [
    `### \`${cell?.id}\``,
    "",
    ...seenLines(cells),
    `- Statement: ${rules.join("; ")}; grade \`${unique(wrong.map(({ grade }) => grade)).join("`, `")}\`.`,
    ...unique(wrong.flatMap(({ means }) => means ?? [])).map((means) => `- For you: ${means}`),
    ...traces.flatMap((trace) => traceLines(trace)),
  ];
}

/** One line for each observation, with its places. */
function seenLines(cells: readonly Cell[]): string[] {
  const seen = cells.flatMap((cell) =>
    talliesOf(cell).map((tally) => ({
      place: placeText(tally, cell),
      text: `${tally.verdict}${seenText(tally)}`,
    })),
  );
  return [...Map.groupBy(seen, ({ text }) => text)].map(
    ([text, own]) => `- ${own.map(({ place }) => place).join("; ")}: ${text}`,
  );
}

/** `MQTT 5`, `MQTT 5, 1 of 6 runs`, `MQTT 5, 2 of 6 runs (busy)`. */
function placeText(tally: Tally, cell: Cell): string {
  const rate = rateText(tally, cell);
  const load = loadOf(tally, cell);
  const place = `MQTT ${cell.protocol}${rate === "" ? "" : `,${rate} runs`}`;
  return load === null ? place : `${place} (${load})`;
}

/** The observation; if the runs differ only in numbers, that of the first run. */
function seenText({ verdict, results }: Tally): string {
  if (verdict === "pass" || verdict === "skipped") return ".";
  const arm = unique(results.flatMap((result) => result.arm ?? []));
  const arms = arm.length === 0 ? "" : ` (${arm.join("; ")})`;
  if (verdict === "late") return `${arms}, by ${latenessText(results)}.`;
  const [first] = unique(results.flatMap((result) => result.detail ?? []));
  return first === undefined ? `${arms}.` : `${arms}: ${sentence(first)}`;
}

function sentence(text: string): string {
  return text.endsWith(".") ? text : `${text}.`;
}

function undecidedLines(cells: readonly Cell[]): string[] {
  const undecided = cells.flatMap((cell) =>
    talliesOf(cell)
      .filter(({ verdict }) => verdict === "inconclusive")
      .map((tally) => {
        const why = tally.results.find(({ detail }) => detail !== undefined)?.detail ?? "";
        return `- \`${cell.id}\`, ${placeText(tally, cell)}: ${sentence(why)}`;
      }),
  );
  return undecided.length === 0 ? [] : ["", "### Undecided", "", ...undecided];
}

function traceLines(trace: Trace): string[] {
  return [
    "",
    `Bytes of one run, MQTT ${trace.protocol} (${trace.verdict}).${trace.shows === undefined ? "" : ` ${trace.shows}`}`,
    "",
    "```",
    ...transcriptLines(trace),
    "```",
  ];
}

function unique(texts: readonly string[]): string[] {
  return [...new Set(texts)];
}
