import { isOnThisMachine, type Target, targetText } from "../client/target.ts";
import { machineHas } from "../drop/lab/machine.ts";
import { keyOf, type Progress, progressTo } from "../drop/report/progress.ts";
import { estimate } from "../drop/report/estimate.ts";
import { jsonResult, jsonRun, jsonSummary } from "../drop/report/json.ts";
import { textReport } from "../drop/report/text.ts";
import { clause } from "../log/foreign.ts";
import { runScenarios, type RunWatch } from "../drop/run.ts";
import type { Held } from "../drop/play.ts";
import type { Result } from "../drop/scenario.ts";
import { type Cut, type Report, summarize } from "../drop/report/summary.ts";
import { listensOn, portHolder } from "../transport/port-holder.ts";
import { usageError } from "../config/cli-error.ts";
import type { EmbeddedBroker } from "../server/embedded.ts";
import { usesColor } from "./color.ts";
import type { Surroundings } from "./command.ts";
import { connectError } from "../client/connect-error.ts";
import type { DropRequest } from "./drop-request.ts";
import { runRecord } from "./drop-record.ts";
import { ReportFiles } from "./drop-files.ts";
import { textColumns } from "./help.ts";
import { Interrupt } from "./interrupt.ts";

/**
 * Runs the requested scenarios, reports them, and cleans up. Resolves to the exit code. Throws
 * CliError if the broker can't be reached (3, 4, 5) or a file can't be written (2).
 */
export async function simulateDrop(
  request: DropRequest,
  surroundings: Surroundings,
): Promise<number> {
  checkBrokerPid(request);
  const files = new ReportFiles(request);
  const interrupt = new Interrupt();
  let embedded: EmbeddedBroker | null = null;
  let session: DropRun | null = null;
  try {
    embedded = request.embedded ? await startBroker() : null;
    const own = embedded && { port: embedded.port };
    const target = { ...request.target, ...own };
    // Its version is known.
    const asked = { ...request, target, ...(own && { versionWaitMs: 0 }) };
    session = new DropRun(asked, surroundings, interrupt, files);
    const over = session.play();
    // If another one settles the race, an error of the run no longer matters.
    over.catch(() => {});
    return await Promise.race([over, interrupt.again, ...(embedded ? [embedded.fault] : [])]);
  } finally {
    session?.stop();
    files.abandon();
    if (!interrupt.isUrgent) await embedded?.close();
    interrupt.close();
  }
}

/** A process is stopped only if it is the broker. Throws CliError. */
function checkBrokerPid({ brokerPid, target }: DropRequest): void {
  if (brokerPid === null) return;
  const at = targetText(target);
  if (!isOnThisMachine(target)) {
    throw usageError(
      "--broker-pid is for a broker on this machine",
      `${at} is no loopback address`,
    );
  }
  const isUnix = target.transport === "unix";
  const listens = listensOn(brokerPid, isUnix ? { path: target.path } : { port: target.port });
  if (listens === true) return;
  const place = isUnix ? target.path : `port ${target.port}`;
  if (listens === null) {
    throw usageError(
      `--broker-pid: whether process ${brokerPid} listens on ${place} can't be seen`,
      "on Linux, run mqttd as the broker's user; other systems do not tell",
    );
  }
  const holder = isUnix ? null : portHolder("0.0.0.0", target.port);
  throw usageError(
    `--broker-pid: process ${brokerPid} does not listen on ${place}`,
    holder === null ? null : `process ${holder.pid} (${holder.name}) does`,
  );
}

async function startBroker(): Promise<EmbeddedBroker> {
  const { embeddedBroker } = await import("../server/embedded.ts");
  return embeddedBroker();
}

/** One run: its progress, and its report at the end. */
class DropRun {
  readonly #request: DropRequest;
  readonly #surroundings: Surroundings;
  readonly #interrupt: Interrupt;
  readonly #files: ReportFiles;
  readonly #progress: Progress;
  readonly #planned: number;
  readonly #lost = new AbortController();
  readonly #began = performance.now();
  readonly #startedAt = new Map<string, number>();
  readonly #tookMs = new Map<Result, number>();
  readonly #cleared: Held[] = [];
  /** When it began, by the wall clock. */
  readonly #at = new Date();
  /** What the broker at each address says of its version. */
  readonly #brokers = new Map<Target, string | null>();
  #hasBegun = false;
  /** The lines of `--json`, printed or not. */
  readonly #said: string[] = [];
  #loss: { readonly target: Target; readonly error: unknown } | null = null;

  constructor(
    request: DropRequest,
    surroundings: Surroundings,
    interrupt: Interrupt,
    files: ReportFiles,
  ) {
    this.#request = request;
    this.#surroundings = surroundings;
    this.#interrupt = interrupt;
    this.#files = files;
    const { scenarios, versions, via } = request;
    this.#planned = scenarios.length * versions.length * (via === null ? 1 : 2);
    this.#progress = progressTo({
      write: surroundings.printError,
      screen: () => surroundings.screen("stderr"),
      color: this.#color("stderr"),
      planned: this.#planned,
      naming: via !== null,
    });
    interrupt.onFirst = () => {
      this.#progress.say("mqttd: called off, cleaning up (a second signal does not wait)\n");
    };
  }

  async play(): Promise<number> {
    const request = this.#request;
    const long = estimate(request);
    if (long !== null) this.#progress.say(`mqttd: ${long}\n`);
    const results = await runScenarios({
      ...request,
      has: await machineHas(request.scenarios),
      signal: AbortSignal.any([this.#interrupt.signal, this.#lost.signal]),
      watch: this.#watch(),
    }).catch((error: unknown) => {
      throw this.#noWay(error, this.#loss?.target ?? request.target);
    });
    this.stop();
    return this.#reported(results);
  }

  /** Draws nothing more. */
  stop(): void {
    this.#progress.stop();
  }

  #watch(): RunWatch {
    return {
      identified: (target, version) => void this.#brokers.set(target, version),
      started: (run) => {
        this.#begin();
        this.#startedAt.set(keyOf(run), performance.now());
        this.#progress.started(run);
      },
      waits: (run, what, until, due) => this.#progress.waits(run, what, until, due),
      ended: (run, result) => {
        const began = this.#startedAt.get(keyOf(run));
        this.#tookMs.set(result, performance.now() - (began ?? performance.now()));
        this.#progress.ended(run, result);
        this.#emit(jsonResult(result));
      },
      doubted: (run, why) => this.#progress.doubted(run, why),
      said: (text) => this.#progress.say(`mqttd: ${text}\n`),
      lost: (target, error) => {
        this.#loss ??= { target, error };
        this.#lost.abort();
      },
      cleared: (_, held) => this.#cleared.push(held),
    };
  }

  /** A line of NDJSON; the first comes only once there is a way to the broker. */
  #emit(line: string): void {
    this.#begin();
    this.#said.push(line);
    if (this.#request.json) this.#surroundings.print(line);
  }

  #begin(): void {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    const { version } = this.#surroundings;
    const { embedded, target } = this.#request;
    if (embedded) this.#brokers.set(target, `mqttd version ${version.version}`);
    this.#emit(jsonRun(runRecord(this.#request, version, this.#at, this.#brokers)));
  }

  #reported(results: readonly Result[]): number {
    const { json } = this.#request;
    const { print, printError, screen } = this.#surroundings;
    const report = this.#report(results);
    const stream = json ? "stderr" : "stdout";
    const columns = textColumns(screen(stream));
    const text = textReport(report, { columns, color: this.#color(stream) });
    (json ? printError : print)(text);
    this.#emit(jsonSummary(report));
    if (this.#interrupt.exitCode !== null) printError(this.#clearedText());
    else this.#files.write(report, this.#said.join(""));
    return summarize(report).exitCode;
  }

  #report(results: readonly Result[]): Report {
    const { scenarios, keepAliveSeconds, waitMs, strict } = this.#request;
    return {
      scenarios,
      results,
      planned: this.#planned,
      tookMs: this.#tookMs,
      elapsedMs: performance.now() - this.#began,
      keepAliveSeconds,
      waitMs,
      strict,
      cut: this.#cut(),
    };
  }

  #cut(): Cut | null {
    const { exitCode } = this.#interrupt;
    if (exitCode !== null) return { why: "called off", exitCode };
    if (this.#loss === null) return null;
    const { target, error } = this.#loss;
    const said = connectError(error, target);
    if (said === null) throw error;
    return { why: `the broker is lost: ${said.message}`, exitCode: said.exitCode };
  }

  #noWay(error: unknown, target: Target): unknown {
    return (
      connectError(
        error,
        target,
        "start one there, or try mqttd's own: mqttd simulate-drop --embedded",
      ) ?? error
    );
  }

  /** What an interrupted run has removed. */
  #clearedText(): string {
    const sum = (of: (held: Held) => number): number =>
      this.#cleared.reduce((total, held) => total + of(held), 0);
    const connections = sum(({ connections }) => connections);
    const leftovers = sum(({ leftovers }) => leftovers);
    const problems = this.#cleared.flatMap(({ problems }) => problems);
    const what = `${connections} connections and ${leftovers} sessions, messages or processes`;
    const failed = problems.length === 0 ? "" : `; not removed: ${problems.map(clause).join(", ")}`;
    return `mqttd: cleaned up ${what}${failed}\n`;
  }

  #color(stream: "stdout" | "stderr"): boolean {
    const { env, screen } = this.#surroundings;
    return usesColor(this.#request.color, env, screen(stream) !== null);
  }
}
