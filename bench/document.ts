/** Measures everything, and writes the figures into bench/README.md: see --help. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { FiguresFile } from "../src/load/figures-file.ts";
import { rows } from "../src/load/loads/rows.ts";
import { chart } from "../src/load/report/chart.ts";
import { documentTables, machineText } from "../src/load/report/document.ts";
import { sizePanels } from "../src/load/report/sizes.ts";
import { summarize } from "../src/load/report/summary.ts";

const help = `npm run bench:document -- [--short | --render] [flags of mqttd bench]

Runs dist/mqttd bench with all rows, five runs each, against mosquitto (if it is installed) and mqttd, and writes
the tables of bench/README.md and bench/sizes.svg from bench/figures.ndjson. What that file has is not measured
again, so that a run that was called off goes on; remove the file to begin anew, also after each change of mqttd.
No run begins after four hours.

  --short     one run of the short set and of the hold-ups, within 20 minutes
  --render    measure nothing, write the document from the file
  --help

Any other argument goes to mqttd bench, for example --command 'flashmq=flashmq -c /path/to/flashmq.conf'.

Exit codes: those of mqttd bench.`;

const folder = import.meta.dir;
const data = join(folder, "figures.ndjson");
const executable = join(folder, "../dist/mqttd");
const given = process.argv.slice(2);
if (given.includes("--help")) {
  console.log(help);
  process.exit(0);
}
const own = ["--short", "--render"];
const isShort = given.includes("--short");
const rest = given.filter((word) => !own.includes(word));
const exitCode = given.includes("--render") ? 0 : await measured();
if (existsSync(data)) write();
process.exit(exitCode);

async function measured(): Promise<number> {
  if (!existsSync(executable)) {
    console.error("there is no dist/mqttd: npm run build");
    return 2;
  }
  const mosquitto = Bun.which("mosquitto") ?? "/usr/sbin/mosquitto";
  const script = relative(process.cwd(), join(folder, "mosquitto.sh"));
  const brokers = [
    ...(existsSync(mosquitto)
      ? ["--command", `mosquitto=sh ${script} {transport} {port} {folder}`]
      : []),
    "--embedded",
  ];
  const how = isShort
    ? ["--rows", "short,holdups", "--runs", "1", "--within", "20m"]
    : ["--rows", "all", "--runs", "5", "--seconds", "4", "--within", "4h"];
  const named = new Set(rest.filter((word) => word.startsWith("--")));
  const defaults = pairs(how).filter(([flag = ""]) => !named.has(flag));
  const command = [executable, "bench", ...defaults.flat(), ...brokers, ...rest, "--data", data];
  const child = Bun.spawn(command, { stdio: ["inherit", "inherit", "inherit"] });
  // Ctrl-C reaches the bench too: it ends in order, and then the document is written.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  return child.exited;
}

function pairs(words: readonly string[]): string[][] {
  return words.flatMap((word, at) => (at % 2 === 0 ? [[word, words[at + 1] ?? ""]] : []));
}

function write(): void {
  const file = new FiguresFile(data);
  const brokers = [...new Set(file.results.map(({ broker }) => broker))];
  const summary = summarize(rows, brokers, file.results);
  const of = (group: string) =>
    summary.filter(({ name }) => rows.find((row) => row.name === name)?.group === group);
  const panels = sizePanels(rows, summary);
  if (panels.length > 0) {
    const title = "What a message costs the broker, against size (lower is better)";
    writeFileSync(join(folder, "sizes.svg"), chart(title, "µs of CPU a message", panels));
  }
  const readme = join(folder, "README.md");
  const text = readFileSync(readme, "utf8");
  const made = [
    machineText(file.machines),
    ...(panels.length > 0 ? ["![What a message costs against size](sizes.svg)"] : []),
    documentTables([
      { title: "Speed", rows: of("speed") },
      { title: "TLS and WebSocket", rows: of("doors") },
      { title: "Sessions that are kept", rows: of("store") },
      { title: "Wills", rows: of("wills") },
      { title: "What holds up a broker", rows: of("holdups") },
      { title: "What makes a broker grow", rows: of("growth") },
      { title: "Cost against size", rows: of("sizes") },
    ]),
  ].join("\n\n");
  const [before = "", after = ""] = text.split(/<!-- figures -->[\s\S]*<!-- \/figures -->/);
  writeFileSync(readme, `${before}<!-- figures -->\n\n${made}\n<!-- /figures -->${after}`);
  // Tables are aligned as all documents are.
  Bun.spawnSync([process.execPath, "fmt", "--no-script", readme]);
}
