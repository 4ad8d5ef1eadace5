import { spawn } from "node:child_process";
import { availableParallelism, cpus } from "node:os";
import { Meter } from "../meter.ts";
import type { Protocol } from "./broker.ts";
import { type Measurement, type Run, writeMeasurement } from "./measurement.ts";
import { playDrops } from "./play.ts";
import { measurementOf, type Options, type Subject } from "./subject.ts";

export interface Plan {
  readonly runs: number;
  readonly jobs: number;
  readonly load: Run["load"];
  readonly isAgain: boolean;
}

/**
 * Plays every broker once, then every one again, so that an interrupted call has runs of each.
 * Returns how many runs could not be played.
 */
export async function measure(
  subjects: readonly Subject[],
  options: Options,
  plan: Plan,
): Promise<number> {
  const { load } = plan;
  let failed = 0;
  const kept = new Map(subjects.map((subject) => [subject, keptOf(subject, options, plan)]));
  const due = subjects.flatMap((subject) => {
    const runs = kept.get(subject)?.runs ?? [];
    return subject.protocols
      .filter((protocol) => options.protocols.includes(protocol))
      .flatMap((protocol) => {
        const there = runs.filter((run) => run.protocol === protocol && run.load === load).length;
        const missing = Math.max(0, plan.runs - there);
        return Array.from({ length: missing }, (_, index) => ({
          subject,
          protocol,
          turn: there + index + 1,
        }));
      });
  });
  due.sort((one, other) => one.turn - other.turn);
  using _burners = load === "busy" ? new Burners() : null;
  const work = async (): Promise<void> => {
    for (let unit = due.shift(); unit !== undefined; unit = due.shift()) {
      const { subject, protocol, turn } = unit;
      const title = `${subject.name} ${subject.version}, MQTT ${protocol}, ${load} run ${turn}`;
      try {
        const run = await runOf(subject, protocol, load, options);
        const before = kept.get(subject) ?? measurementOf(subject);
        const after = { ...before, runs: [...before.runs, run] };
        kept.set(subject, after);
        writeMeasurement(after);
        console.error(`${title}: exit code ${run.exitCode}, ${run.seconds} s; ${due.length} to go`);
      } catch (fault) {
        failed++;
        console.error(`${title}: ${fault instanceof Error ? fault.message : String(fault)}`);
      }
    }
  };
  await Promise.all(Array.from({ length: plan.jobs }, work));
  return failed;
}

/** The kept data, without runs of another executable: they do not mix with new ones. */
function keptOf(subject: Subject, { version }: Options, { isAgain, load }: Plan): Measurement {
  const kept = measurementOf(subject);
  const isDropped = (run: Run): boolean => isAgain && run.load === load;
  const runs = kept.runs.filter((run) => run.mqttd === version && !isDropped(run));
  return { ...kept, runs };
}

async function runOf(
  subject: Subject,
  protocol: Protocol,
  load: Run["load"],
  { mqttd, version, wait, isFirst }: Options,
): Promise<Run> {
  const running = await subject.start(protocol);
  try {
    await using meter = new Meter();
    const from = Date.now();
    const before = processorMs();
    const args = ["--all", "--wait", wait];
    const played = await playDrops(mqttd, running, protocol, args);
    const { exitCode, results, cutShort, said } = played;
    const until = Date.now();
    if (results.length === 0) throw new Error(said);
    const ended = running.ended();
    return {
      protocol,
      load,
      ...(isFirst && { first: true as const }),
      date: new Date(from).toISOString().replace(/\.\d+Z$/, "Z"),
      mqttd: version,
      flags: args.join(" "),
      seconds: Math.round((until - from) / 1000),
      machineBusy: machineBusy(before, processorMs()),
      ...(await heldUp(meter, from, until)),
      exitCode,
      ...(cutShort === null ? {} : { cutShort }),
      ...(ended === null ? {} : { brokerEnded: ended }),
      results,
    };
  } finally {
    await running.stop();
  }
}

interface ProcessorMs {
  readonly used: number;
  readonly all: number;
}

/** Of all cores, since the start of the machine. */
function processorMs(): ProcessorMs {
  const sums = cpus().map(({ times: { user, nice, sys, irq, idle } }) => {
    const used = user + nice + sys + irq;
    return { used, all: used + idle };
  });
  const sum = (of: (one: ProcessorMs) => number): number =>
    sums.reduce((total, one) => total + of(one), 0);
  return { used: sum(({ used }) => used), all: sum(({ all }) => all) };
}

function machineBusy(from: ProcessorMs, to: ProcessorMs): number {
  return share(to.used - from.used, to.all - from.all);
}

/** Empty if the meter was lost: the run is still worth keeping. */
async function heldUp(meter: Meter, from: number, until: number) {
  try {
    return { heldUp: share(await meter.busyMs(from, until), until - from) };
  } catch {
    return {};
  }
}

/** In hundredths. */
function share(part: number, whole: number): number {
  return Math.round((part / whole) * 100) / 100;
}

/**
 * Keeps every core busy until it is disposed, or this process ends. In sessions of their own, as the
 * brokers are: Linux divides the processor between sessions.
 */
class Burners implements Disposable {
  readonly #children = Array.from({ length: availableParallelism() }, () =>
    spawn(process.execPath, ["-e", "for (;;);"], { detached: true, stdio: "ignore" }),
  );
  readonly #end = (): void => {
    for (const child of this.#children) child.kill("SIGKILL");
  };

  constructor() {
    process.once("exit", this.#end);
  }

  [Symbol.dispose](): void {
    process.off("exit", this.#end);
    this.#end();
  }
}
