import { accessSync, constants, readFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import type { BrokerFacts } from "./broker-facts.ts";

/** The machine behind a figure, without which the figure means nothing. */
export interface Machine {
  readonly date: string;
  /** Of the bench itself. */
  readonly version: string;
  readonly cores: number;
  readonly cpu: string;
  readonly memoryGib: number;
  readonly kernel: string;
  /** Mean of the last minute, before the bench started anything. */
  readonly loadAverage: number;
  /** The cores of broker and load; null: they are not pinned. */
  readonly pinned: Pinned | null;
  readonly brokers: readonly BrokerFacts[];
}

export interface Pinned {
  readonly broker: number;
  readonly load: number;
}

export function machineFacts(version: string, brokers: readonly BrokerFacts[]): Machine {
  return {
    date: new Date().toISOString(),
    version,
    cores: os.availableParallelism(),
    cpu: os.cpus()[0]?.model.trim() ?? "unknown",
    memoryGib: Math.round(os.totalmem() / 2 ** 30),
    kernel: `${os.type()} ${os.release()} ${os.arch()}`,
    loadAverage: Math.round((os.loadavg()[0] ?? 0) * 100) / 100,
    pinned: pinning(),
    brokers,
  };
}

export function machineLines(facts: Machine): string[] {
  const { pinned, cores, loadAverage } = facts;
  return [
    `${facts.date} · mqttd ${facts.version}`,
    `${cores} cores · ${facts.cpu} · ${facts.memoryGib} GiB · ${facts.kernel}`,
    pinned === null
      ? "not pinned (no taskset, or one core only): broker and load disturb each other"
      : `pinned: brokers that the bench starts on core ${pinned.broker}, load on core ${pinned.load}`,
    ...facts.brokers.map((broker) => brokerText(broker)),
    `load average ${loadAverage} before the start${
      loadAverage > cores / 4 ? ": other programs used this machine" : ""
    }`,
  ];
}

/** `mosquitto: mosquitto -p {port} (mosquitto version 2.0.11)`. */
export function brokerText({ name, source, version }: BrokerFacts): string {
  return `${name}: ${source}${version === null ? "" : ` (${version})`}`;
}

/** The first two cores that this process may use. */
function pinning(): Pinned | null {
  if (process.platform !== "linux" || !isOnPath("taskset")) return null;
  const [broker, load] = allowedCores();
  return broker === undefined || load === undefined ? null : { broker, load };
}

function isOnPath(name: string): boolean {
  return (process.env["PATH"] ?? "").split(path.delimiter).some((folder) => {
    try {
      accessSync(path.join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function allowedCores(): number[] {
  const status = readFileSync("/proc/self/status", "utf8");
  const list = status.match(/^Cpus_allowed_list:\s+(\S+)/m)?.[1] ?? "";
  return list.split(",").flatMap((range) => {
    const [first = 0, last = first] = range.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, at) => first + at);
  });
}
