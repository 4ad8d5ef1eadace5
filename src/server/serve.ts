import type { Env } from "../config/environment.ts";
import type { ReloadAnswer } from "../api/api.ts";
import { type Loaded, type LoadResult, valuesWithOrigins } from "../config/load.ts";
import { unusableSettings } from "../config/unusable.ts";
import type { AdminSettings, ListenerSettings, Settings } from "../config/settings.ts";
import { Broker } from "../core/broker.ts";
import type { ListenerPolicy } from "../core/io.ts";
import type { Like } from "../core/quirks/likes.ts";
import type { Limits } from "../core/limits.ts";
import { LogSink, writeTo } from "../log/sink.ts";
import type { Level, LogEvent } from "../log/events.ts";
import type { ListeningSocket } from "../transport/transport.ts";
import { anonymousOnly } from "./auth.ts";
import { Clock } from "./driver/clock.ts";
import { type OpenConnections, withinDescriptors } from "./descriptors.ts";
import { SystemTimer } from "./driver/deadline-timer.ts";
import type { Administration } from "./admin/open.ts";
import { Driver } from "./driver/driver.ts";
import { EventHub } from "./event-hub.ts";
import { openToTheNetwork } from "./exposure.ts";
import { listenAll } from "./listeners.ts";
import { socketPoll } from "./platform.ts";
import { ReadyFile } from "./ready-file.ts";
import { StopSignals } from "./stop-signals.ts";
import { Vitals } from "./vitals.ts";
import { allClosed } from "./driver/closing.ts";

export interface ServeSettings {
  readonly config: Settings;
  /** Where the configuration came from; null: no file. */
  readonly file: string | null;
  readonly readyFile: string | null;
  readonly color: boolean;
  readonly logFormat: "human" | "json";
  readonly version: string;
  /** By which rules it misbehaves on purpose; null: it does not. */
  readonly like: Like | null;
  /** Reads the configuration again, from the same places. */
  readonly reload: () => LoadResult;
  /** What was read at the start, with origins. */
  readonly loaded: Loaded;
  readonly env: Env;
}

/** So that a stop of the process is known to within that time. */
const heartbeatMs = 100;
const heartbeatsASecond = 10;

/**
 * Serves until a signal stops it; resolves to the exit code. Throws CliError for what the operator
 * has to mend (nothing is left open then), and whatever fault of our own ended it.
 */
export async function serve(settings: ServeSettings): Promise<number> {
  const { config, like } = settings;
  const clock = new Clock();
  const log = new LogSink({
    level: config.log.level,
    format: settings.logFormat,
    color: settings.color,
    like: like?.name ?? null,
    write: writeTo(process.stderr),
  });
  const hub = new EventHub(log);
  const note = (event: LogEvent): void => hub.note(event, clock.now());
  const open = openConnections(config.limits, config.admin);
  const broker = new Broker(
    {
      limits: { ...config.limits, connections: open.clients },
      sysIntervalMs: config.sys.intervalMs === 0 ? null : config.sys.intervalMs,
      version: settings.version,
      rules: like?.rules ?? {},
    },
    clock.now(),
  );
  const fault = Promise.withResolvers<never>();
  const onFault = (cause: unknown): void => fault.reject(new FaultWithState(cause, broker));
  const driver = new Driver({
    broker,
    clock,
    log: hub,
    authenticate: anonymousOnly,
    outputBytes: config.outputBytes,
    timer: (onDue) => new SystemTimer(clock, onDue),
    poll: await socketPoll(),
    heartbeatMs,
    onFault,
  });
  // Before anything that a signal must not leave behind.
  const signals = new StopSignals();
  let ready: ReadyFile | null = null;
  let sockets: ListeningSocket[] = [];
  let administration: Administration = { close: async () => {} };
  const vitals = new Vitals();
  const operator = new Operator(settings, broker, driver, log, hub, note);
  hub.onTrace = () => driver.setTrace(hub.logs("debug"));
  try {
    if (settings.readyFile !== null) ready = new ReadyFile(settings.readyFile);
    const tcp = broker.rules.tcpDetectors ? config.tcp : { keepAliveMs: 0, userTimeoutMs: 0 };
    sockets = await listenAll(
      config.listeners,
      tcp,
      (listener) => driver.eventsFor(policyOf(listener)),
      settings.env,
    );
    driver.addListeners(sockets.flatMap(({ descriptors }) => descriptors));
    const addresses = sockets.flatMap((socket) => socket.addresses);
    const urls = addresses.map((address) => `mqtt://${address}`);
    if (like !== null) for (const text of misbehaves(like)) note({ event: "warning", text });
    // Loaded here, since nothing before it needs it.
    const { openAdministration } = await import("./admin/open.ts");
    const portIsNamed = settings.loaded.origins.get("admin.port")?.source !== "default";
    administration = await openAdministration(
      { ...config.admin, connections: open.administration, portIsNamed },
      {
        broker,
        clock,
        hub,
        vitals,
        // Whoever asks something short has a place beside them.
        streams: Math.min(config.admin.streams, Math.ceil(open.administration / 2)),
        streamBytes: config.admin.streamBytes,
        listeners: urls,
        like: like?.name ?? null,
        logLevel: () => operator.level,
        setLogLevel: (level) => operator.setLevel(level),
        reload: () => operator.reload("reload"),
        config: () => operator.config(),
        kick: (clientId) => operator.kick(clientId),
        drop: (clientId, how) => operator.drop(clientId, how),
      },
      note,
      settings.env,
      onFault,
    );
    ready?.publish(urls);
    note({ event: "configurationLoaded", file: settings.file });
    for (const text of unusableSettings(config)) note({ event: "warning", text });
    for (const text of openToTheNetwork(config.listeners, sockets))
      note({ event: "warning", text });
    note({ event: "listening", addresses: urls });
  } catch (cause) {
    for (const socket of sockets) socket.close();
    await administration.close();
    ready?.abandon();
    driver.stopTimer();
    signals.close();
    throw cause;
  }
  const heart = startHeart(driver, (lagMs) =>
    vitals.beat(lagMs, performance.now(), broker.statistics),
  );
  signals.onReload = () => void operator.reload(null);
  signals.onReport = () => note({ event: "state", view: broker.view() });
  try {
    const signal = await Promise.race([signals.stop, fault.promise]);
    note({ event: "stopping", signal });
    for (const socket of sockets) socket.close();
    driver.order({ type: "stopping" });
    const code = await Promise.race([
      allClosed(driver).then(() => 0),
      signals.again,
      fault.promise,
    ]);
    note({ event: "stopped" });
    await administration.close();
    return code;
  } finally {
    clearInterval(heart);
    // After a fault of our own nobody is waited for.
    void administration.close();
    driver.stopTimer();
    signals.close();
    ready?.remove();
    await log.drained();
  }
}

/** What may be open at once; `admin` is what the broker was started with. */
function openConnections(limits: Limits, admin: AdminSettings): OpenConnections {
  const administration = admin.port === null ? 0 : admin.connections;
  return withinDescriptors({ clients: limits.connections, administration });
}

/** The first lines of a broker that nobody must take for one that does right. */
function misbehaves({ name, summary }: Like): string[] {
  const banner = `this broker misbehaves on purpose (like ${name}); leave out --like for one that does not`;
  return summary === null ? [banner] : [banner, `${name}: ${summary}`];
}

function policyOf(listener: ListenerSettings): ListenerPolicy {
  return {
    name: `${listener.transport} ${listener.host ?? "localhost"}:${listener.port}`,
    mountPoint: listener.mountPoint,
    connections: listener.connections,
    allowAnonymous: listener.allowAnonymous,
  };
}

/** What can change while connections live. */
function isReloaded(path: string): boolean {
  return path.startsWith("limits.") || path === "log.level";
}

/** A fault of our own, with what the broker knew when it happened. */
export class FaultWithState extends Error {
  override name = "FaultWithState";
  readonly state: string;

  constructor(cause: unknown, broker: Broker) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    if (cause instanceof Error && cause.stack !== undefined) this.stack = cause.stack;
    this.state = JSON.stringify(broker.view());
  }
}

/** Looks whether the machine had slept or the loop was held up; once a second, `beat` gets the worst. */
function startHeart(driver: Driver, beat: (lagMs: number) => void): ReturnType<typeof setInterval> {
  driver.heartbeat();
  let before = performance.now();
  let worstMs = 0;
  let beats = 0;
  return setInterval(() => {
    const now = performance.now();
    worstMs = Math.max(worstMs, now - before - heartbeatMs);
    before = now;
    driver.heartbeat();
    beats += 1;
    if (beats < heartbeatsASecond) return;
    beat(worstMs);
    worstMs = 0;
    beats = 0;
  }, heartbeatMs);
}

/** What an operator orders, by a signal or by the administration interface; each is one log line. */
class Operator {
  readonly #settings: ServeSettings;
  readonly #broker: Broker;
  readonly #driver: Driver;
  readonly #log: LogSink;
  readonly #hub: EventHub;
  readonly #note: (event: LogEvent) => void;
  #loaded: Loaded;
  level: Level;

  constructor(
    settings: ServeSettings,
    broker: Broker,
    driver: Driver,
    log: LogSink,
    hub: EventHub,
    note: (event: LogEvent) => void,
  ) {
    this.#settings = settings;
    this.#broker = broker;
    this.#driver = driver;
    this.#log = log;
    this.#hub = hub;
    this.#note = note;
    this.#loaded = settings.loaded;
    this.level = settings.config.log.level;
  }

  /** False: it has no connection. */
  kick(clientId: string): boolean {
    this.#note({ event: "operatorOrdered", order: "kick", clientId });
    const wasConnected = this.#connectionOf(clientId) !== null;
    this.#driver.order({ type: "kicked", clientId });
    return wasConnected;
  }

  drop(clientId: string, how: "rst" | "silent"): boolean {
    this.#note({ event: "operatorOrdered", order: `drop ${how}`, clientId });
    const connection = this.#connectionOf(clientId);
    if (connection === null) return false;
    this.#driver.drop(connection, how);
    return true;
  }

  #connectionOf(clientId: string): number | null {
    return this.#broker.sessions.get(clientId)?.connection?.id ?? null;
  }

  setLevel(level: Level): void {
    this.#note({ event: "operatorOrdered", order: `log ${level}`, clientId: null });
    this.#useLevel(level);
  }

  #useLevel(level: Level): void {
    this.level = level;
    this.#log.setLevel(level);
    // Not by the log alone: somebody may follow the packets in a stream.
    this.#driver.setTrace(this.#hub.logs("debug"));
  }

  config(): { file: string | null; values: ReturnType<typeof valuesWithOrigins> } {
    return { file: this.#loaded.file, values: valuesWithOrigins(this.#loaded) };
  }

  /** What does not validate changes nothing, and says so. */
  reload(order: string | null): ReloadAnswer {
    if (order !== null) this.#note({ event: "operatorOrdered", order, clientId: null });
    const result = this.#settings.reload();
    const { file } = result;
    if (!result.ok) {
      const { problems } = result;
      this.#note({ event: "configurationReloadFailed", file, problems });
      return { ok: false, file, changed: [], later: [], problems };
    }
    const { limits, outputBytes, log } = result.settings;
    this.#loaded = result;
    // An order since the start may have set another one than the configuration says.
    const isLevelBack = this.level !== log.level && !result.changed.includes("log.level");
    const changed = isLevelBack ? [...result.changed, "log.level"] : result.changed;
    const { clients: connections } = openConnections(limits, this.#settings.config.admin);
    this.#driver.reconfigure({ ...limits, connections }, outputBytes);
    this.#useLevel(log.level);
    this.#note({ event: "configurationReloaded", file, changed });
    const later = changed.filter((path) => !isReloaded(path));
    if (later.length > 0) {
      const text = `${later.join(", ")}: takes effect when the broker is restarted`;
      this.#note({ event: "warning", text });
    }
    return { ok: true, file, changed, later, problems: [] };
  }
}
