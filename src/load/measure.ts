import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import {
  BrokerFailed,
  type BrokerSource,
  isReachedOver,
  pinTo,
  type RunningBroker,
  type ServerCertificate,
  startBroker,
  withFiles,
} from "./brokers.ts";
import { hasTls } from "../client/target.ts";
import type { Sighting } from "./bystander.ts";
import type { LoadTarget } from "./client.ts";
import type { LoadReport } from "./load.ts";
import type { Row } from "./row.ts";
import type { Pinned } from "./machine.ts";
import type { Version } from "./packets.ts";
import { Part, PartFailed } from "./parts.ts";
import { rotated } from "./statistics.ts";

export interface MeasureOptions {
  readonly rows: readonly Row[];
  readonly brokers: readonly BrokerSource[];
  /** Runs of each row and broker. */
  readonly runs: number;
  /** How long a load without an end of its own runs. */
  readonly seconds: number;
  readonly version: Version;
  readonly hasBystander: boolean;
  readonly pinned: Pinned | null;
  /** For rows over TLS; null: none is. */
  readonly certificate: ServerCertificate | null;
  /** Stops the measurement, and ends every process that it started. */
  readonly signal: AbortSignal;
  /** Whether a run is to be left out: it was measured before, or the time is over. */
  readonly isLeftOut?: (run: RunName) => boolean;
  readonly onStart?: (run: RunName) => void;
}

export interface RunName {
  readonly row: string;
  readonly broker: string;
  /** From 1. */
  readonly run: number;
}

/** One run of one row against one broker. */
export interface RunResult extends RunName {
  readonly load: LoadReport | null;
  /** Null: without a bystander, or the load was not played. */
  readonly sighting: Sighting | null;
  /** A run with errors is not a measurement. */
  readonly errors: readonly string[];
}

/** Open files for loads, and for brokers that need no limit of their own. */
const openFiles = 20_000;
/** How long a load may take to connect, and to end beyond its seconds. */
const prepareMs = 120_000;
const extraMs = 180_000;
const bystanderMs = 30_000;

/** Plays all runs. Brokers alternate within a row, and each run starts with another broker. */
export async function* measure(options: MeasureOptions): AsyncGenerator<RunResult, void> {
  const { rows, brokers, runs, signal, isLeftOut = () => false } = options;
  const folder = mkdtempSync(path.join(tmpdir(), "mqttd-bench-"));
  // Where the brokers are: an idle process there is as late as the machine makes it.
  const echoCore = pinTo(options.pinned?.broker ?? null);
  const echo = options.hasBystander ? new Part({ part: "echo" }, echoCore) : null;
  try {
    const echoPort = echo === null ? 0 : Number((await echo.word(signal))["port"]);
    for (let run = 1; run <= runs; run++) {
      for (const [number, row] of rows.entries()) {
        for (const broker of rotated(brokers, run - 1 + number)) {
          const name = { row: row.name, broker: broker.name, run };
          if (!isReachedOver(broker, row.over) || isLeftOut(name)) continue;
          if (signal.aborted) return;
          options.onStart?.(name);
          const result = await oneRun(options, row, broker, name, { folder, echoPort });
          if (signal.aborted) return;
          yield result;
        }
      }
    }
  } finally {
    await echo?.end();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function oneRun(
  options: MeasureOptions,
  row: Row,
  source: BrokerSource,
  name: RunName,
  { folder, echoPort }: { readonly folder: string; readonly echoPort: number },
): Promise<RunResult> {
  const { pinned, signal } = options;
  let broker: RunningBroker | null = null;
  try {
    const files = row.openFiles ?? openFiles;
    const transport = row.over ?? "tcp";
    const certificate = hasTls(transport) ? options.certificate : null;
    const how = { transport, certificate, folder, pinned, signal };
    broker = await startBroker(source, { ...how, openFiles: files });
    const prefix = `b${randomBytes(3).toString("hex")}`;
    const version = row.isVersion5 === true ? 5 : options.version;
    const target = { ...broker.target, pid: broker.pid, version, prefix };
    return { ...name, ...(await oneLoad(options, row, target, echoPort)) };
  } catch (error) {
    if (!(error instanceof BrokerFailed || error instanceof PartFailed)) throw error;
    return { ...name, load: null, sighting: null, errors: [error.message] };
  } finally {
    await broker?.stop();
  }
}

/** The load is connected first, then the bystander; then both begin. */
async function oneLoad(
  { pinned, seconds, hasBystander, signal }: MeasureOptions,
  row: Row,
  target: LoadTarget,
  echoPort: number,
): Promise<Pick<RunResult, "load" | "sighting" | "errors">> {
  const plan = { target, seconds };
  const before = [...withFiles(openFiles), ...pinTo(pinned?.load ?? null)];
  const load = new Part({ part: "load", row: row.name, plan }, before);
  const bystander = hasBystander ? new Part({ part: "bystander", target, echoPort }) : null;
  try {
    const ready = await load.word(signal, prepareMs);
    // It could not connect: its first word is its report.
    if (ready["ready"] !== true) return withErrors(ready as unknown as LoadReport, null);
    await bystander?.word(signal, bystanderMs);
    bystander?.send("go");
    load.send("go");
    const report = (await load.word(signal, seconds * 1000 + extraMs)) as unknown as LoadReport;
    bystander?.send("end");
    const sighting = (await bystander?.word(signal, bystanderMs)) as unknown as
      Sighting | undefined;
    return withErrors(report, sighting ?? null);
  } finally {
    await Promise.all([load.end(), bystander?.end()]);
  }
}

function withErrors(
  load: LoadReport,
  sighting: Sighting | null,
): Pick<RunResult, "load" | "sighting" | "errors"> {
  const errors = [
    ...load.errors,
    ...(sighting?.errors ?? []).map((error) => `bystander: ${error}`),
  ];
  return { load, sighting, errors };
}
