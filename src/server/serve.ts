import type { LoadResult } from "../config/load.ts";
import type { ListenerSettings, Settings } from "../config/settings.ts";
import { Broker } from "../core/broker.ts";
import type { ListenerPolicy } from "../core/io.ts";
import type { Like } from "../core/likes.ts";
import type { Limits } from "../core/limits.ts";
import { LogSink, writeTo } from "../log/sink.ts";
import type { LogEvent } from "../log/events.ts";
import type { ListeningSocket } from "../transport/transport.ts";
import { anonymousOnly } from "./auth.ts";
import { Clock } from "./clock.ts";
import { connectionsByDescriptors } from "./descriptors.ts";
import { SystemTimer } from "./deadline-timer.ts";
import { Driver } from "./driver.ts";
import { openToTheNetwork } from "./exposure.ts";
import { listenAll } from "./listeners.ts";
import { ReadyFile } from "./ready-file.ts";
import { StopSignals } from "./stop-signals.ts";

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
}

const heartbeatMs = 1000;
/** A heartbeat that is later than this was held up by something worth a line. */
const loopBlockedMs = 100;
/** How long an orderly stop waits for clients to take their last bytes. */
const farewellMs = 2000;

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
  const note = (event: LogEvent): void => log.note(event, clock.now());
  const broker = new Broker(
    {
      limits: withinDescriptors(config.limits),
      sysIntervalMs: config.sys.intervalMs === 0 ? null : config.sys.intervalMs,
      version: settings.version,
      rules: like?.rules ?? {},
    },
    clock.now(),
  );
  const fault = Promise.withResolvers<never>();
  const driver = new Driver({
    broker,
    clock,
    log,
    authenticate: anonymousOnly,
    packetSize: config.limits.packetSize,
    outputBytes: config.outputBytes,
    timer: (onDue) => new SystemTimer(clock, onDue),
    onFault: (cause) => fault.reject(new FaultWithState(cause, broker)),
  });
  // Before anything that a signal must not leave behind.
  const signals = new StopSignals();
  let ready: ReadyFile | null = null;
  let sockets: ListeningSocket[] = [];
  try {
    if (settings.readyFile !== null) ready = new ReadyFile(settings.readyFile);
    const tcp = broker.rules.tcpDetectors ? config.tcp : { keepAliveMs: 0, userTimeoutMs: 0 };
    sockets = await listenAll(config.listeners, tcp, (listener) =>
      driver.eventsFor(policyOf(listener)),
    );
    const addresses = sockets.flatMap((socket) => socket.addresses);
    ready?.publish(addresses.map((address) => `mqtt://${address}`));
    if (like !== null) for (const text of misbehaves(like)) note({ event: "warning", text });
    note({ event: "configurationLoaded", file: settings.file });
    for (const text of openToTheNetwork(config.listeners, sockets))
      note({ event: "warning", text });
    note({ event: "listening", addresses: addresses.map((address) => `mqtt://${address}`) });
  } catch (cause) {
    for (const socket of sockets) socket.close();
    ready?.abandon();
    driver.stopTimer();
    signals.close();
    throw cause;
  }
  const heart = startHeart(driver, note);
  signals.onReload = () => reload(settings, driver, log, note);
  signals.onReport = () => note({ event: "state", view: broker.view() });
  try {
    const signal = await Promise.race([signals.stop, fault.promise]);
    note({ event: "stopping", signal });
    for (const socket of sockets) socket.close();
    driver.order({ type: "stopping" });
    const code = await Promise.race([farewell(driver), signals.again, fault.promise]);
    note({ event: "stopped" });
    return code;
  } finally {
    clearInterval(heart);
    driver.stopTimer();
    signals.close();
    ready?.remove();
    await log.drained();
  }
}

/** More connections than descriptors would end in a loop that spins, not in a refusal. */
function withinDescriptors(limits: Limits): Limits {
  return { ...limits, connections: Math.min(limits.connections, connectionsByDescriptors()) };
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

/** Looks once a second whether the machine had slept, and whether the loop was held up. */
function startHeart(
  driver: Driver,
  note: (event: LogEvent) => void,
): ReturnType<typeof setInterval> {
  let before = performance.now();
  return setInterval(() => {
    const blockedMs = performance.now() - before - heartbeatMs;
    before = performance.now();
    driver.heartbeat();
    if (blockedMs > loopBlockedMs) note({ event: "loopBlocked", blockedMs });
  }, heartbeatMs);
}

/** Waits until clients have taken their last bytes, within bounds. */
async function farewell(driver: Driver): Promise<number> {
  const until = performance.now() + farewellMs;
  while (driver.parting > 0 && performance.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return 0;
}

/** SIGHUP: what does not validate changes nothing, and says so. */
function reload(
  settings: ServeSettings,
  driver: Driver,
  log: LogSink,
  note: (event: LogEvent) => void,
): void {
  const result = settings.reload();
  if (!result.ok) {
    const { file, problems } = result;
    return note({ event: "configurationReloadFailed", file, problems });
  }
  const { limits, outputBytes } = result.settings;
  driver.reconfigure(withinDescriptors(limits), outputBytes);
  log.setLevel(result.settings.log.level);
  driver.setTrace(log.wants("debug"));
  note({ event: "configurationReloaded", file: result.file, changed: result.changed });
  const later = result.changed.filter((path) => !isReloaded(path));
  if (later.length === 0) return;
  note({
    event: "warning",
    text: `${later.join(", ")}: takes effect when the broker is restarted`,
  });
}
