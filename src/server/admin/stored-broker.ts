import path from "node:path";
import { usageError } from "../../config/cli-error.ts";
import { bare } from "../../config/problem.ts";
import { Broker } from "../../core/broker.ts";
import type { Millis } from "../../core/io.ts";
import { remedy, StoreError } from "../../store/faults.ts";
import { StoreFile } from "../../store/file.ts";
import { PartReader } from "../../store/parts.ts";
import type { PastRun } from "../../store/store.ts";
import { restartsOf } from "../restarts.ts";
import { adminApp } from "./routes.ts";
import { Clock } from "../driver/clock.ts";
import { EventHub } from "../event-hub.ts";
import { Vitals } from "../vitals.ts";

/**
 * The administration interface of a broker that does not run, in this process: it has what the store
 * in a folder has kept, as it was when that broker ended. Nothing happens in it. Throws CliError.
 */
export function storedBroker(folder: string): (request: Request) => Promise<Response> {
  const { broker, pastRuns, facts } = read(folder);
  const log = new EventHub({ note: () => {}, logs: () => false });
  const app = adminApp({
    ...{ broker, clock: new Clock(), hub: log, vitals: new Vitals(), guard: { token: null } },
    ...{ streams: 0, streamBytes: 0, listeners: [], policies: [], like: null, predecessor: null },
    accessWarnings: () => [],
    restarts: restartsOf(pastRuns, null),
    storeFile: facts.path,
    store: async () => ({
      ...facts,
      durability: null,
      commits: { count: 0, failed: 0, lastAt: null, medianMs: null, longestMs: 0 },
      failure: null,
    }),
    logLevel: () => "info",
    setLogLevel: () => {},
    reload: async () => ({
      ...{ ok: true, file: null, changed: [], later: [], problems: [] },
      ...{ warnings: [], accounts: [], access: [] },
    }),
    config: () => ({ file: null, values: [] }),
    publish: () => ({ refused: "the broker does not run" }),
    kick: () => false,
    drop: () => false,
  });
  return async (request) => app.fetch(request);
}

function read(folder: string) {
  try {
    const file = StoreFile.openToRead(path.resolve(folder));
    try {
      const pastRuns = file.pastRuns();
      const last = pastRuns.at(-1);
      if (last === undefined) throw new StoreError("foreign", "no broker has used it");
      const broker = new Broker(
        { durable: true, sysIntervalMs: null, version: last.version },
        endOf(last),
      );
      const reader = new PartReader();
      const take = (part: ReturnType<PartReader["read"]>): void =>
        void broker.handle(
          { type: "loaded", part, heartbeatAt: endOf(last), isBehind: last.keptUntil !== null },
          endOf(last),
        );
      for (const rows of file.read()) take(reader.read(rows));
      take(reader.end());
      return { broker, pastRuns, facts: file.facts() };
    } finally {
      file.close();
    }
  } catch (cause) {
    if (!(cause instanceof StoreError)) throw cause;
    const hint =
      cause.fault === "locked"
        ? "without --data, inspect asks the broker that runs"
        : remedy(cause.fault);
    throw usageError(`--data ${bare(folder)}: ${cause.message}`, hint);
  }
}

/** Its stop; or when it was dead at the latest, as if one were started now. */
function endOf(last: PastRun): Millis {
  return (restartsOf([last], null)[0]?.at ?? last.heartbeat) as Millis;
}
