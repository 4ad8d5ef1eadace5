import { availableParallelism } from "node:os";
import { namedBy } from "../config/named-files.ts";
import { placeOf } from "../config/problem.ts";
import { Broker } from "../core/broker.ts";
import type { LogEvent } from "../log/events.ts";
import { LogSink, writeTo } from "../log/sink.ts";
import { AccessFiles, readAccessOrThrow } from "./access/access-files.ts";
import { Accounts } from "./accounts/accounts.ts";
import { Certificates } from "./certificates.ts";
import { type OpenConnections, openConnections } from "./descriptors.ts";
import { Clock } from "./driver/clock.ts";
import { SystemTimer } from "./driver/deadline-timer.ts";
import { Driver } from "./driver/driver.ts";
import { EventHub } from "./event-hub.ts";
import { Garbage } from "./garbage.ts";
import { heartbeatMs } from "./heartbeat.ts";
import { KeyLog } from "./key-log.ts";
import { Operator } from "./operator.ts";
import { Persistence } from "./persistence.ts";
import { garbageCollector, platformLoop, socketPoll } from "./platform.ts";
import { policyOf, type RunningPolicy } from "./policies.ts";
import type { ServeSettings } from "./serve.ts";
import { Vitals } from "./vitals.ts";

/** The parts of a broker that run before the first address is open. */
export interface Instance {
  readonly clock: Clock;
  readonly log: LogSink;
  readonly hub: EventHub;
  readonly broker: Broker;
  readonly driver: Driver;
  /** Null: this runtime collects its garbage when it likes. */
  readonly garbage: Garbage | null;
  /** Null: nothing outlives the process. */
  readonly persistence: Persistence | null;
  readonly vitals: Vitals;
  readonly operator: Operator;
  readonly certificates: Certificates;
  readonly accessFiles: AccessFiles;
  /** Of the listeners, in order. */
  readonly policies: readonly RunningPolicy[];
  /** Warnings about the files of accounts and the access lists. */
  readonly risks: readonly string[];
  /** Limits within the descriptors of the process. */
  readonly connections: OpenConnections;
  readonly note: (event: LogEvent) => void;
  /** Rejects with a FaultWithState; never resolves. */
  readonly fault: Promise<never>;
  readonly onFault: (cause: unknown) => void;
}

/** Creates and connects the parts. Starts only the deadline timer. */
export async function createInstance(settings: ServeSettings): Promise<Instance> {
  const { config, like } = settings;
  const clock = new Clock();
  const log = new LogSink({
    level: config.log.level,
    format: settings.logFormat,
    color: settings.color,
    like: like?.name ?? null,
    write: writeTo(process.stderr),
    startColumns: () => (process.stderr.isTTY ? process.stderr.columns || null : null),
  });
  const hub = new EventHub(log);
  const note = (event: LogEvent): void => hub.note(event, clock.now());
  const connections = openConnections(config.limits, config.admin);
  const loop = platformLoop();
  const warn = (text: string): void => note({ event: "warning", text });
  const accounts = new Accounts({
    loop,
    now: () => clock.now(),
    processors: availableParallelism(),
    ...config.auth,
    onFailure: warn,
  });
  const named = namedBy(settings.loaded);
  const passwords = accounts.start(config.listeners, named);
  const accessFiles = new AccessFiles();
  const access = await readAccessOrThrow(
    accessFiles,
    config.listeners,
    passwords.accountsOf,
    named,
  );
  access.apply();
  const risks = [...passwords.warnings, ...access.warnings];
  const { promise: fault, reject } = Promise.withResolvers<never>();
  let onFault = reject;
  const persistence = await Persistence.open(config.store, storeName(settings), {
    clock,
    loop,
    version: settings.version,
    note,
    onFault: (cause) => onFault(cause),
  });
  const broker = new Broker(
    {
      accessByListener: access.byListener,
      limits: { ...config.limits, connections: connections.clients },
      sysIntervalMs: config.sys.intervalMs === 0 ? null : config.sys.intervalMs,
      version: settings.version,
      recentMessages: { messages: config.admin.port === null ? 0 : config.admin.messages },
      rules: like?.rules ?? {},
      durable: persistence !== null,
      restartSettleMs: config.store.restartSettleMs,
      restartGraceMs: config.store.restartGraceMs,
    },
    clock.now(),
  );
  onFault = (cause: unknown): void => reject(new FaultWithState(cause, broker));
  const collector = await garbageCollector();
  const garbage =
    collector === null
      ? null
      : new Garbage(broker.memory, {
          ...{ now: () => performance.now(), size: () => process.memoryUsage.rss() },
          ...collector,
        });
  const driver = new Driver({
    broker,
    clock,
    log: hub,
    authenticate: accounts.authenticate,
    commit: persistence?.commit ?? null,
    outputBytes: config.outputBytes,
    links: connections.links,
    timer: (onDue) => new SystemTimer(clock, onDue),
    loop,
    poll: await socketPoll(),
    heartbeatMs,
    onRead: (bytes) => garbage?.read(bytes),
    onFault,
  });
  const keyLog = settings.keyLog === null ? null : new KeyLog(settings.keyLog, warn);
  const certificates = await Certificates.from(settings.certificates, keyLog);
  const policies = config.listeners.map(policyOf);
  const operator = new Operator(settings, {
    ...{ broker, driver, log, hub, note, accounts, policies, certificates },
    ...{ accessFiles, loop },
  });
  hub.onTrace = () => driver.setTrace(hub.logs("debug"));
  const vitals = new Vitals();
  return {
    ...{
      clock,
      log,
      hub,
      broker,
      driver,
      garbage,
      persistence,
      vitals,
      operator,
      certificates,
      policies,
      risks,
    },
    ...{ accessFiles, connections, note, fault, onFault },
  };
}

/** What names the folder of the store: `--data`, `mqttd.json:7:15 store.path`. */
function storeName({ loaded }: ServeSettings): string {
  const { name = "" } = loaded.origins.get("store.path") ?? {};
  return name.startsWith("--") ? name : placeOf("store.path", loaded.origins);
}

/** A fault of our own, with the broker's state at that moment. */
class FaultWithState extends Error {
  override name = "FaultWithState";
  readonly state: string;

  constructor(cause: unknown, broker: Broker) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    if (cause instanceof Error && cause.stack !== undefined) this.stack = cause.stack;
    this.state = JSON.stringify(broker.view());
  }
}
