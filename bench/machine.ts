import { readFileSync } from "node:fs";
import os from "node:os";
import type { Broker } from "./broker.ts";

/** The machine and versions behind a figure, without which it means nothing. */
export interface Machine {
  readonly date: string;
  readonly commit: string | null;
  readonly cores: number;
  readonly cpu: string;
  readonly memoryGib: number;
  readonly kernel: string;
  /** Mean of the last minute, before the benchmark started anything. */
  readonly loadAverage: number;
  readonly bun: string;
  readonly brokers: Readonly<Record<string, string | null>>;
  /** The cores of the broker and of the load; null if they are not pinned. */
  readonly pinned: Pinned | null;
}

export interface Pinned {
  readonly broker: number;
  readonly load: number;
}

export function machine(brokers: readonly Broker[]): Machine {
  return {
    date: new Date().toISOString(),
    commit: commit(),
    cores: os.availableParallelism(),
    cpu: os.cpus()[0]?.model.trim() ?? "unknown",
    memoryGib: Math.round(os.totalmem() / 2 ** 30),
    kernel: `${os.type()} ${os.release()} ${os.arch()}`,
    loadAverage: Math.round((os.loadavg()[0] ?? 0) * 100) / 100,
    bun: Bun.version,
    brokers: Object.fromEntries(brokers.map(({ name, version }) => [name, version])),
    pinned: pinning(),
  };
}

/** A command prefix that pins the command to one core. */
export function pinTo(core: number | undefined): string[] {
  return core === undefined ? [] : ["taskset", "-c", String(core)];
}

export function machineLines(facts: Machine): string[] {
  const { pinned } = facts;
  const versions = Object.entries(facts.brokers).map(([name, version]) =>
    version === null ? name : version.includes(name) ? version : `${name} ${version}`,
  );
  const lines = [
    `${facts.date} · commit ${facts.commit ?? "unknown"} · bun ${facts.bun}`,
    `${facts.cores} cores · ${facts.cpu} · ${facts.memoryGib} GiB · ${facts.kernel} · load average ${facts.loadAverage}`,
    versions.join(" · "),
    pinned === null
      ? "not pinned (no taskset, or one core only): broker and load disturb each other"
      : `pinned: broker on core ${pinned.broker}, load on core ${pinned.load}`,
  ];
  if (facts.loadAverage > facts.cores / 4)
    lines.push(
      `note: load average ${facts.loadAverage} before the start: other processes used this machine`,
    );
  return lines;
}

/** The first two cores that this process may use. */
function pinning(): Pinned | null {
  if (Bun.which("taskset") === null) return null;
  const [broker, load] = allowedCores();
  return broker === undefined || load === undefined ? null : { broker, load };
}

function allowedCores(): number[] {
  const status = readFileSync("/proc/self/status", "utf8");
  const list = status.match(/^Cpus_allowed_list:\s+(\S+)/m)?.[1] ?? "";
  return list.split(",").flatMap((range) => {
    const [first = 0, last = first] = range.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, at) => first + at);
  });
}

function commit(): string | null {
  const git = (...words: string[]) => {
    const { stdout, exitCode } = Bun.spawnSync(["git", ...words], {
      cwd: import.meta.dir,
      stderr: "ignore",
    });
    return exitCode === 0 ? stdout.toString().trim() : null;
  };
  const head = git("rev-parse", "--short", "HEAD");
  if (head === null) return null;
  return git("status", "--porcelain") === "" ? head : `${head} with changes`;
}
