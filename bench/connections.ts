/** Measures the cost of idle connections: see --help. */
import { type Bench, runBench } from "./bench.ts";
import { type Broker, BrokerFailed, startBroker } from "./broker.ts";
import { type Cell, mebibytes, noisyAbove, rotated, spread, table } from "./cell.ts";
import { type CrowdPlan, CrowdReport } from "./crowd.ts";
import { type Machine, machine, machineLines, pinTo } from "./machine.ts";
import {
  type CommonOptions,
  commonHelp,
  commonOptions,
  parseOptions,
  UsageError,
  wholeNumber,
} from "./options.ts";

const help = `npx bun bench/connections.ts [options]

Connects many idle clients; measures the time that takes, and the broker's memory and CPU.

  --connections N     number of clients (10000)
${commonHelp}

Exit codes: 0 done, 1 a run was invalid, 2 wrong usage.

  npx bun bench/connections.ts --connections 2000 --runs 1`;

interface Options extends CommonOptions {
  readonly connections: number;
}

/** Descriptors that a process needs beside its connections. */
const spareFiles = 200;
/** Longer than the crowd's own limit. */
const crowdMs = 180_000;

const args = process.argv.slice(2);
await runBench(help, args, (bench) => connections(readOptions(args), bench));

async function connections(options: Options, bench: Bench): Promise<number> {
  const facts = machine(options.brokers);
  const say = options.json ? console.error : console.log;
  const emit = (line: object) => {
    if (options.json) console.log(JSON.stringify(line));
  };
  say(machineLines(facts).join("\n"));
  emit({ type: "machine", ...facts });

  const cells = options.brokers.map((broker) => ({
    broker: broker.name,
    runs: new Array<CrowdReport>(),
    errors: new Array<string>(),
  }));
  for (let run = 0; run < options.runs; run++) {
    for (const broker of rotated(options.brokers, run)) {
      const report = await oneRun(options, facts, bench, broker);
      const errors = typeof report === "string" ? [report] : report.errors;
      const cell = cells.find(({ broker: name }) => name === broker.name);
      if (typeof report !== "string" && errors.length === 0) cell?.runs.push(report);
      cell?.errors.push(...errors.map((error) => `run ${run + 1}: ${error}`));
      const outcome = typeof report === "string" ? { errors } : report;
      emit({ type: "run", run: run + 1, broker: broker.name, ...outcome });
      console.error(`run ${run + 1} ${broker.name}: ${errors[0] ?? "done"}`);
    }
  }
  say(`\n${cellText(cells, options)}`);
  return cells.some(({ errors }) => errors.length > 0) ? 1 : 0;
}

/** Returns the report, or as a string why there is none. */
async function oneRun(
  options: Options,
  facts: Machine,
  bench: Bench,
  broker: Broker,
): Promise<CrowdReport | string> {
  const files = withFiles(options.connections + spareFiles);
  try {
    const before = [...files, ...pinTo(facts.pinned?.broker)];
    const running = await startBroker(broker, bench.children, bench.folder, before);
    const { pid: brokerPid, port } = running;
    const { version, connections } = options;
    const plan: CrowdPlan = { host: "127.0.0.1", port, brokerPid, version, connections };
    try {
      return await bench.children.report({
        script: "crowd",
        plan,
        shape: CrowdReport,
        before: [...files, ...pinTo(facts.pinned?.load)],
        limitMs: crowdMs,
      });
    } finally {
      await running.stop();
    }
  } catch (error) {
    if (error instanceof BrokerFailed) return error.message;
    throw error;
  }
}

/** A command prefix that raises the limit of open files. */
function withFiles(count: number): string[] {
  return ["sh", "-c", `ulimit -n ${count} && exec "$@"`, "sh"];
}

function cellText(cells: readonly Cell<CrowdReport>[], options: Options): string {
  const header = [
    ["broker", "bytes/connection", "min..max", "RSS before", "RSS after"],
    ["connected in", "min..max", "connects/s", "CPU for it", "idle CPU"],
  ].flat();
  const mqtt = options.version === 5 ? "MQTT 5.0" : "MQTT 3.1.1";
  const headline = `${options.connections} idle connections, ${mqtt}: medians of ${options.runs}`;
  const notes = cells.flatMap((cell) => [
    ...noise(cell),
    ...cell.errors.map((error) => `INVALID: ${cell.broker}: ${error}`),
  ]);
  const rows = cells.map((cell) => row(cell, options.connections));
  return [headline, table([header, ...rows], 1), ...notes].join("\n");
}

function row(cell: Cell<CrowdReport>, count: number): string[] {
  const of = (read: (run: CrowdReport) => number | null) =>
    spread(cell.runs.map(read).filter((value) => value !== null));
  const bytes = of((run) => run.bytesPerConnection);
  const seconds = of((run) => run.connectSeconds);
  const cpu = of((run) => run.connectCpuSeconds);
  const idle = of((run) => run.idleBusy);
  return [
    cell.broker,
    bytes === null ? "-" : bytes.median.toFixed(0),
    bytes === null ? "-" : `${bytes.min.toFixed(0)}..${bytes.max.toFixed(0)}`,
    mebibytes(of((run) => run.rssBeforeBytes)?.median ?? null),
    mebibytes(of((run) => run.rssAfterBytes)?.median ?? null),
    seconds === null ? "invalid" : `${seconds.median.toFixed(2)} s`,
    seconds === null ? "-" : `${seconds.min.toFixed(2)}..${seconds.max.toFixed(2)} s`,
    seconds === null ? "-" : (count / seconds.median).toFixed(0),
    cpu === null ? "-" : `${cpu.median.toFixed(2)} s`,
    idle === null ? "-" : `${(idle.median * 100).toFixed(1)} %`,
  ];
}

function noise(cell: Cell<CrowdReport>): string[] {
  const measures = {
    "bytes per connection": cell.runs.map((run) => run.bytesPerConnection ?? 0),
    "time to connect": cell.runs.map((run) => run.connectSeconds),
  };
  return Object.entries(measures).flatMap(([name, numbers]) => {
    const { min, max } = spread(numbers) ?? { min: 0, max: 0 };
    if (min <= 0 || max / min <= noisyAbove) return [];
    return [
      `note: ${cell.broker}: noisy: ${name} differs by a factor of ${(max / min).toFixed(2)} between runs`,
    ];
  });
}

function readOptions(given: readonly string[]): Options {
  const parsed = parseOptions(given, { flags: ["ceiling"], values: ["connections"], lists: [] });
  const connections = wholeNumber(parsed, "connections", 10_000);
  const most = hardFileLimit() - spareFiles;
  if (connections > most)
    throw new UsageError(
      `--connections ${connections}: the hard limit of open files allows ${most} (ulimit -Hn)`,
    );
  return { ...commonOptions(parsed), connections };
}

function hardFileLimit(): number {
  const { stdout } = Bun.spawnSync(["sh", "-c", "ulimit -H -n"]);
  const limit = stdout.toString().trim();
  return limit === "unlimited" ? Infinity : Number(limit);
}
