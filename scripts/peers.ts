/** The table of scenarios by brokers: see `help`. */
import { spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { catalogue } from "../src/drop/scenarios/catalogue.ts";
import { type PeerBroker, peerBrokers, startPeer } from "./peer-brokers.ts";

const help = `npx bun scripts/peers.ts [options]

Runs every scenario of \`mqttd simulate-drop\` against each broker that this machine has, and writes
the table into docs/brokers.md between its markers.

  --mqttd PATH     the executable to measure with, and to measure (dist/mqttd)
  --rumqttd PATH   a rumqttd; repeatable (cargo install rumqttd --version 0.19.0 --root FOLDER)
  --only NAME      one broker; repeatable
  --wait DURATION  how long to wait for a will past its due time (40s)
  --print          print the table, do not write it`;

const { values } = parseArgs({
  options: {
    mqttd: { type: "string", default: "dist/mqttd" },
    rumqttd: { type: "string", multiple: true, default: [] },
    only: { type: "string", multiple: true, default: [] },
    wait: { type: "string", default: "40s" },
    print: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

interface Cell {
  readonly id: string;
  readonly protocol: string;
  readonly grade: string;
  readonly verdict: string;
  readonly failure: string | null;
  readonly arm: string;
  readonly latenessMs: number | null;
  readonly detail: string;
}

interface Column {
  readonly title: string;
  readonly cells: readonly Cell[];
}

async function main(): Promise<void> {
  const brokers = peerBrokers({ mqttd: values.mqttd, rumqttd: values.rumqttd }).filter(
    ({ name }) => values.only.length === 0 || values.only.includes(name),
  );
  const columns: Column[] = [];
  const legend: string[] = [];
  for (const broker of brokers) {
    if (broker.version === null) {
      legend.push(`- ${broker.name}: not measured, ${broker.missing}`);
      continue;
    }
    legend.push(`- ${broker.name} ${broker.version}: ${broker.from}`);
    columns.push(...(await measure(broker)));
  }
  const text = documentOf(columns, legend);
  if (values.print) return console.log(text);
  const file = join(import.meta.dirname, "../docs/brokers.md");
  writeFileSync(file, between(existsSync(file) ? readFileSync(file, "utf8") : "", text));
  console.error(`wrote ${file}`);
}

/** One column for each protocol that the broker speaks. */
async function measure(broker: PeerBroker): Promise<Column[]> {
  const columns: Column[] = [];
  const [number] = (broker.version ?? "").split(" ");
  for (const protocol of broker.protocols) {
    console.error(`${broker.name} ${broker.version}, MQTT ${protocol} ...`);
    const running = await startPeer(broker);
    try {
      const cells = await play(
        `mqtt://127.0.0.1:${broker.portFor(protocol, running.port)}`,
        protocol,
      );
      if (cells.length > 0) columns.push({ title: `${broker.name} ${number}, ${protocol}`, cells });
    } finally {
      await running.stop();
    }
  }
  return columns;
}

async function play(url: string, protocol: string): Promise<Cell[]> {
  const args = ["simulate-drop", "--all", "--json", "--url", url, "-V", protocol];
  const child = spawn(values.mqttd, [...args, "--wait", values.wait], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const cells: Cell[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    const parsed: Cell & { readonly type: string } = JSON.parse(line);
    if (parsed.type === "result") cells.push(parsed);
  }
  return cells;
}

function documentOf(columns: readonly Column[], legend: readonly string[]): string {
  const played = new Set(
    columns.flatMap(({ cells }) =>
      cells.flatMap(({ id, verdict }) => (verdict === "skipped" ? [] : id)),
    ),
  );
  const ids = catalogue.map(({ id }) => id).filter((id) => played.has(id));
  const notPlayed = catalogue.map(({ id }) => id).filter((id) => !played.has(id));
  const grades = new Map(columns.flatMap(({ cells }) => cells.map(({ id, grade }) => [id, grade])));
  const head = ["scenario", "grade", ...columns.map(({ title }) => title)];
  const rows = ids.map((id) => [
    `\`${id}\``,
    grades.get(id) ?? "",
    ...columns.map(({ cells }) => cellText(cells.find((cell) => cell.id === id))),
  ]);
  const table = [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`);
  const date = new Date().toISOString().slice(0, 10);
  return [
    `Measured on ${date}:`,
    "",
    ...legend,
    "",
    ...table,
    "",
    `Not played here: ${notPlayed.map((id) => `\`${id}\``).join(", ")}.`,
  ].join("\n");
}

function cellText(cell: Cell | undefined): string {
  if (cell === undefined) return "";
  const arm = cell.arm === "" ? "" : ` (${cell.arm})`;
  switch (cell.verdict) {
    case "pass":
      return "pass";
    case "late":
      return `late by ${((cell.latenessMs ?? 0) / 1000).toFixed(1)} s`;
    case "fail":
      return `**fail**: ${cell.failure}${arm}`;
    case "finding":
      return `finding: ${cell.failure}${arm}`;
    default:
      return cell.verdict;
  }
}

const begin = "<!-- table: scripts/peers.ts -->";
const end = "<!-- end of table -->";

function between(document: string, text: string): string {
  const before = document.split(begin)[0] ?? "";
  const after = document.split(end)[1] ?? "\n";
  return `${before}${begin}\n\n${text}\n\n${end}${after}`;
}

if (values.help) console.log(help);
else await main();
