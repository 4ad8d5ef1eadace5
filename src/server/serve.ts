import type { Env } from "../config/environment.ts";
import type { Loaded, LoadResult } from "../config/load.ts";
import type { Config } from "../config/schema.ts";
import type { Settings } from "../config/settings.ts";
import type { CertificateFiles } from "../config/tls-files.ts";
import { unusableSettings } from "../config/unusable.ts";
import type { Memory } from "../core/memory.ts";
import type { Like } from "../core/quirks/likes.ts";
import { size } from "../log/size.ts";
import { allClosed } from "./driver/closing.ts";
import { type Endpoints, openEndpoints } from "./endpoints.ts";
import { openToTheNetwork } from "./exposure.ts";
import { startHeartbeat } from "./heartbeat.ts";
import { createInstance, type Instance } from "./instance.ts";
import { serviceManager, type ServiceManager } from "./service-manager.ts";
import { StopSignals } from "./stop-signals.ts";

export interface ServeSettings {
  readonly config: Settings;
  /** The configuration file; null: none. */
  readonly file: string | null;
  readonly readyFile: string | null;
  readonly color: boolean;
  readonly logFormat: "human" | "json";
  readonly version: string;
  /** The broker to imitate, with its quirks; null: none. */
  readonly like: Like | null;
  /** Reads the configuration again from the same sources, and compares it with the one in force. */
  readonly reload: (inForce: Config) => LoadResult;
  /** The files of TLS, as read at the start. */
  readonly certificates: CertificateFiles;
  /** Reads them again, for a configuration that was read again. */
  readonly readCertificates: (loaded: Loaded) => CertificateFiles;
  /** File for the secrets of TLS connections; null: none. */
  readonly keyLog: string | null;
  /** The configuration read at the start, with origins. */
  readonly loaded: Loaded;
  readonly env: Env;
  /** Gets the URLs of the listeners when they are open. */
  readonly onListening?: (urls: readonly string[]) => void;
}

/**
 * Serves until a signal stops it; resolves to the exit code. Throws CliError for a problem that the
 * operator has to fix, and leaves nothing open. Throws any fault of our own.
 */
export async function serve(settings: ServeSettings): Promise<number> {
  const instance = await createInstance(settings);
  const { broker, driver, garbage, operator, persistence, vitals, note, onFault } = instance;
  // First, so that a signal leaves no file behind.
  const signals = new StopSignals();
  const stopWaiting = (): void => {
    driver.stopTimer();
    signals.close();
  };
  const endpoints = await opened(settings, instance).catch(async (cause: unknown) => {
    stopWaiting();
    await persistence?.abandon();
    throw cause;
  });
  noteStart(settings, endpoints, instance);
  const warn = (text: string): void => note({ event: "warning", text });
  const manager = await serviceManager(settings.env, process.pid, warn);
  manager?.ready(endpoints.urls);
  settings.onListening?.(endpoints.urls);
  const stopHeartbeat = startHeartbeat(driver, garbage, (lagMs) =>
    vitals.beat(lagMs, performance.now(), broker.statistics),
  );
  signals.onReload = () => void operator.reload(null).catch(onFault);
  signals.onReport = () => note({ event: "state", view: broker.view() });
  try {
    return await stopped(instance, endpoints, signals, manager);
  } finally {
    stopHeartbeat();
    persistence?.stop();
    manager?.close();
    // Not awaited: after a stop it is closed already, and after a fault there is no reason to wait.
    void endpoints.administration.abandon();
    stopWaiting();
    endpoints.readyFile?.remove();
    await instance.log.drained();
  }
}

/** Opens the listeners, once what the store has is back: a client finds its session at once. */
async function opened(settings: ServeSettings, instance: Instance): Promise<Endpoints> {
  const { broker, persistence, driver, fault, note } = instance;
  await Promise.race([persistence?.restore(driver), fault]);
  const { memory } = broker;
  if (persistence !== null && !memory.hasRoomBefore("refuseNew", 0)) {
    note({ event: "warning", text: keptTooMuch(memory) });
  }
  const endpoints = await openEndpoints(settings, instance);
  persistence?.start(driver);
  return endpoints;
}

/** What a store had kept leaves no room for more. */
function keptTooMuch({ total, limit }: Memory): string {
  return (
    `what the store had kept takes ${size(total)}, and limits.memory is ${size(limit)}: all of it stays, and ` +
    `its clients can connect, but new sessions and subscriptions, and messages to keep, are refused until there is room`
  );
}

function noteStart(
  { config, file, certificates }: ServeSettings,
  endpoints: Endpoints,
  { note, risks }: Instance,
): void {
  const { sockets, urls } = endpoints;
  note({ event: "configurationLoaded", file });
  const warnings = [...certificates.warnings, ...unusableSettings(config), ...risks];
  for (const text of warnings) note({ event: "warning", text });
  for (const text of openToTheNetwork(config.listeners, sockets)) note({ event: "warning", text });
  note({ event: "listening", addresses: urls });
}

/**
 * Waits for the first signal, then stops in this order: listeners, clients, administration.
 * Resolves to the exit code; a second signal ends the wait for clients. Rejects with a fault of our
 * own.
 */
async function stopped(
  { driver, persistence, note, fault }: Instance,
  { sockets, administration }: Endpoints,
  signals: StopSignals,
  manager: ServiceManager | null,
): Promise<number> {
  const signal = await Promise.race([signals.stop, fault]);
  manager?.stopping();
  note({ event: "stopping", signal });
  for (const socket of sockets) socket.close();
  driver.order({ type: "stopping" });
  const code = await Promise.race([allClosed(driver).then(() => 0), signals.again, fault]);
  // At once means without an orderly end of the store: what was acknowledged is in it.
  if (code === 0) await Promise.race([persistence?.close(driver), fault]);
  note({ event: "stopped" });
  await administration.close();
  return code;
}
