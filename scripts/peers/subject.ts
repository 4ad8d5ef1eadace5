import { UsageError } from "../usage.ts";
import type { Protocol } from "./broker.ts";
import { peerBrokers } from "./brokers.ts";
import { dataFile, fileStem, type Measurement, readMeasurement } from "./measurement.ts";
import { type RunningBroker, startPeer } from "./running.ts";

/** The executables, folders and flags of a measurement. */
export interface Options {
  readonly home: string;
  readonly mqttd: string;
  readonly version: string;
  readonly wait: string;
  readonly protocols: readonly Protocol[];
  /** Brokers and their clients come before all other programs. */
  readonly isFirst: boolean;
}

/** A broker to measure. */
export interface Subject {
  readonly name: string;
  readonly version: string;
  readonly get: string | null;
  readonly settings: string;
  readonly protocols: readonly Protocol[];
  start(protocol: Protocol): Promise<RunningBroker>;
}

/** Whether `only` is empty or has its name, its file's stem, or that of this version. */
export function isNamed(name: string, version: string | null, only: readonly string[]): boolean {
  const stem = fileStem(name);
  return only.length === 0 || only.some((one) => [name, stem, `${stem}-${version}`].includes(one));
}

export function installed({ home, mqttd, isFirst }: Options, only: readonly string[]): Subject[] {
  return peerBrokers(mqttd).flatMap((broker) => {
    const version = broker.version(home);
    if (!isNamed(broker.name, version, only)) return [];
    if (version === null) {
      console.error(`${broker.name} is not installed: ${broker.get}`);
      return [];
    }
    const start = (protocol: Protocol): Promise<RunningBroker> =>
      startPeer(broker, protocol, { home, isFirst });
    const { name, get, settings, protocols } = broker;
    return { name, version, get, settings, protocols, start };
  });
}

/** `NAME VERSION=URL`: a broker that is already running, and keeps running. */
export function atAddress(text: string): Subject {
  const [, name, version, url] = /^(.+) (\S+?)=(mqtts?:.+|wss?:.+)$/.exec(text) ?? [];
  if (name === undefined || version === undefined || url === undefined) {
    throw new UsageError(`--url is "NAME VERSION=URL", not ${text}`);
  }
  const port = Number(new URL(url).port) || 1883;
  const running = { url, port, ended: () => null, stop: () => Promise.resolve() };
  return {
    name,
    version,
    get: null,
    settings: "it ran already",
    protocols: ["3.1.1", "5"],
    start: () => Promise.resolve(running),
  };
}

/** The kept data, with the current command and settings of the broker's entry. */
export function measurementOf(subject: Subject): Measurement {
  const kept = readMeasurement(dataFile(subject.name, subject.version));
  return { ...newMeasurement(subject), runs: kept?.runs ?? [], traces: kept?.traces ?? [] };
}

function newMeasurement({ name, version, get, settings }: Subject): Measurement {
  return { name, version, ...(get === null ? {} : { get }), settings, runs: [], traces: [] };
}
