/** Measures delivered messages per second, broker on one core and load on another: see --help. */
import { type Bench, runBench } from "./bench.ts";
import { type Broker, BrokerFailed, startBroker } from "./broker.ts";
import { type Cell, rotated } from "./cell.ts";
import { type LoadPlan, LoadReport } from "./load.ts";
import { type Machine, machine, machineLines, pinTo } from "./machine.ts";
import {
  type CommonOptions,
  commonHelp,
  commonOptions,
  parseOptions,
  UsageError,
  wholeNumber,
} from "./options.ts";
import { judge, rowText, verdictLines } from "./verdict.ts";
import { payloadBytes, type Workload, workloads } from "./workload.ts";

const help = `npm run bench -- [options]

Measures delivered messages per second, 64 B payload, of mqttd and of mosquitto with its defaults.
The window is the most messages of a publisher that its slowest subscriber does not have yet.

  --seconds N         seconds to count, after a warm-up of 1 s (4)
  --only NAME         one workload; repeatable
  --assert            exit with 1 if a target is missed
  --ceiling           also measure a forwarder without MQTT logic: the upper limit of the load
${commonHelp}

Workloads:
${workloads.map(({ name, title, window }) => `  ${name.padEnd(18)}  ${title}, window ${window}`).join("\n")}

Exit codes: 0 done, 1 a run was invalid or (--assert) a target missed, 2 wrong usage.

  npm run bench -- --runs 1 --seconds 2 --only pairs-qos1-w20
  npm run --silent bench -- --broker 'flashmq=flashmq -p {port}' --json`;

interface Options extends CommonOptions {
  readonly seconds: number;
  readonly only: readonly Workload[];
  readonly assert: boolean;
}

const warmUpMs = 1000;
const stallMs = 3000;
/** The loader's time in addition to counting: to connect, to drain, to stop. */
const loaderExtraMs = 40_000;

const args = process.argv.slice(2);
await runBench(help, args, (bench) => throughput(readOptions(args), bench));

async function throughput(options: Options, bench: Bench): Promise<number> {
  const facts = machine(options.brokers);
  const say = options.json ? console.error : console.log;
  const emit = (line: object) => {
    if (options.json) console.log(JSON.stringify(line));
  };
  say(machineLines(facts).join("\n"));
  emit({ type: "machine", ...facts });

  const measured = await measure(options, facts, bench, emit);
  const rows = options.only.flatMap((workload) =>
    judge(workload, measured.get(workload.name) ?? []),
  );
  for (const { cell, ...row } of rows) emit({ type: "cell", ...row, errors: cell.errors });
  say(`\n${rowText(rows, options)}`);
  const missed = rows.some(({ verdict }) => verdict === "missed");
  say(verdictLines(rows).join("\n"));
  if (rows.some(({ cell }) => cell.errors.length > 0)) return 1;
  return options.assert && missed ? 1 : 0;
}

/** Cells by workload. Brokers alternate within a run, and each run starts with another broker. */
async function measure(
  options: Options,
  facts: Machine,
  bench: Bench,
  emit: (line: object) => void,
): Promise<Map<string, Cell<LoadReport>[]>> {
  const cells = new Map(
    options.only.map(({ name }) => [
      name,
      options.brokers.map((broker) => ({
        broker: broker.name,
        runs: new Array<LoadReport>(),
        errors: new Array<string>(),
      })),
    ]),
  );
  for (let run = 0; run < options.runs; run++) {
    for (const [number, workload] of options.only.entries()) {
      for (const broker of rotated(options.brokers, run + number)) {
        const report = await oneRun(options, facts, bench, workload, broker);
        const cell = cells.get(workload.name)?.find(({ broker: name }) => name === broker.name);
        if (typeof report !== "string" && report.errors.length === 0) cell?.runs.push(report);
        const errors = typeof report === "string" ? [report] : report.errors;
        cell?.errors.push(...errors.map((error) => `run ${run + 1}: ${error}`));
        const outcome = typeof report === "string" ? { errors } : report;
        emit({
          type: "run",
          run: run + 1,
          workload: workload.name,
          broker: broker.name,
          ...outcome,
        });
        progress(run, workload, broker, report);
      }
    }
  }
  return cells;
}

/** Returns the report, or as a string why there is none. */
async function oneRun(
  options: Options,
  facts: Machine,
  bench: Bench,
  workload: Workload,
  broker: Broker,
): Promise<LoadReport | string> {
  try {
    const pin = pinTo(facts.pinned?.broker);
    const running = await startBroker(broker, bench.children, bench.folder, pin);
    const plan: LoadPlan = {
      host: "127.0.0.1",
      port: running.port,
      brokerPid: running.pid,
      version: options.version,
      publishers: workload.publishers,
      subscribersEach: workload.subscribersEach,
      qos: workload.qos,
      window: workload.window,
      payloadBytes,
      warmUpMs,
      countMs: options.seconds * 1000,
      stallMs,
    };
    try {
      return await bench.children.report({
        script: "loader",
        plan,
        shape: LoadReport,
        before: pinTo(facts.pinned?.load),
        limitMs: plan.warmUpMs + plan.countMs + loaderExtraMs,
      });
    } finally {
      await running.stop();
    }
  } catch (error) {
    if (error instanceof BrokerFailed) return error.message;
    throw error;
  }
}

/** Prints progress on stderr, since it is not part of the result. */
function progress(
  run: number,
  workload: Workload,
  broker: Broker,
  report: LoadReport | string,
): void {
  const what = `run ${run + 1} ${workload.name} ${broker.name}`;
  const failure = typeof report === "string" ? report : report.errors[0];
  if (typeof report === "string" || failure !== undefined)
    console.error(`${what}: INVALID ${failure}`);
  else console.error(`${what}: ${Math.round(report.perSecond)} /s`);
}

function readOptions(given: readonly string[]): Options {
  const parsed = parseOptions(given, {
    flags: ["assert", "ceiling"],
    values: ["seconds"],
    lists: ["only"],
  });
  const options = {
    ...commonOptions(parsed),
    seconds: wholeNumber(parsed, "seconds", 4),
    only: chosen(parsed.list("only")),
    assert: parsed.has("assert"),
  };
  const names = options.brokers.map(({ name }) => name);
  for (const needed of ["mosquitto", "mqttd"])
    if (options.assert && !names.includes(needed))
      throw new UsageError(`--assert compares mqttd with mosquitto, and there is no ${needed}`);
  return options;
}

function chosen(names: readonly string[]): readonly Workload[] {
  for (const name of names) {
    if (!workloads.some((workload) => workload.name === name)) {
      const known = workloads.map((workload) => workload.name).join(", ");
      throw new UsageError(`--only: no workload ${name}; the workloads are ${known}`);
    }
  }
  return names.length === 0 ? workloads : workloads.filter(({ name }) => names.includes(name));
}
