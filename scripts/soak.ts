/** Runs real clients against the executable for a long time: see `help`. */
import { mebibytes, type SoakReport } from "../tests/soak/report.ts";
import { leakBytes } from "../tests/soak/samples.ts";
import { soak } from "../tests/soak/soak.ts";
import { Dice } from "../tests/support/dice.ts";
import { flagsOf, runScript, UsageError } from "./usage.ts";

const help = `npm run soak -- [options]

Runs dist/mqttd (or MQTTD_EXECUTABLE) with real clients: they connect, publish, subscribe, are taken
over and die in every way, with wills and without. Nothing may be lost, arrive twice or be left behind.

  --minutes N    run for N minutes (1); fractions are allowed
  --clients N    client ids that live and die with wills (20)
  --seed N       seed of all choices (default: random, printed); times are real, so runs still differ
  --json         print the report as JSON

Exit codes: 0 no faults, 1 faults found, 2 wrong usage.

  npm run soak -- --minutes 20 --clients 30`;

const options = {
  minutes: { type: "string", default: "1" },
  clients: { type: "string", default: "20" },
  seed: { type: "string" },
  json: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

async function main(): Promise<number> {
  const values = flagsOf(options);
  if (values.help) {
    console.log(help);
    return 0;
  }
  const minutes = Number(values.minutes);
  const clients = Number(values.clients);
  const seed = values.seed === undefined ? Dice.seed() : Number(values.seed);
  if (!(minutes > 0) || !(clients > 0) || !Number.isInteger(clients) || !Number.isInteger(seed)) {
    throw new UsageError("--minutes takes a number, --clients and --seed take whole numbers");
  }
  console.error(`seed ${seed}`);
  const report = await soak({ seconds: minutes * 60, clients, seed, say: console.error });
  console.log(values.json ? JSON.stringify(report) : textOf(report));
  return report.faults.length === 0 ? 0 : 1;
}

function textOf(report: SoakReport): string {
  const { messages, wills, memory, descriptors, keepAlive, silentWills, cpu } = report;
  const { growth } = memory;
  const list = Object.entries(report.ends).map(([cause, count]) => `${cause} ${count}`);
  const worst =
    keepAlive.worstMs === null ? "more than the largest bucket" : `${keepAlive.worstMs} ms at most`;
  return [
    `${report.seconds.toFixed(0)} s, ${report.connections} connections: ${list.join(", ")}`,
    `messages: ${messages.sent} sent, ${messages.delivered} delivered, QoS 0 missed ${messages.qos0Missed}, QoS 1 again ${messages.qos1Again}`,
    `wills: ${report.lives} armed, ${wills.published} published, ${wills.discarded} discarded, ${wills.cancelled} cancelled; ${report.willsUndecided} too close to call`,
    `keepalive: ${keepAlive.count} expired, late by ${worst}, ${keepAlive.late} by more than 50 ms; the wills of ${silentWills.count} arrived up to ${silentWills.worstMs.toFixed(0)} ms after their due time`,
    `the loop stood still: ${report.blockedMs.map((ms) => `${ms.toFixed(0)} ms`).join(", ") || "never"}`,
    `memory: ${mebibytes(memory.startBytes)} before, ${mebibytes(memory.endBytes)} after`,
    growth === null
      ? "growth: too short to say"
      : `growth after the warm-up: ${growth.bytesPerConnection.toFixed(0)} B a connection, give or take ${growth.uncertainty.toFixed(0)} (${growth.windows} minutes, ${mebibytes(growth.fromBytes)} to ${mebibytes(growth.toBytes)}; a leak is ${leakBytes})`,
    `descriptors: ${descriptors.start} before, ${descriptors.most} at most, ${descriptors.end} after`,
    `CPU: ${cpu === null ? "unknown" : `${(cpu * 100).toFixed(1)} % of a core`}`,
    ...report.faults.map((fault) => `FAULT ${fault}`),
    `${report.faults.length} faults`,
  ].join("\n");
}

await runScript(main);
