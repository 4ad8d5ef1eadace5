import type { ReloadAnswer } from "../api/api.ts";
import { type Loaded, valuesWithOrigins } from "../config/load.ts";
import type { Broker } from "../core/broker.ts";
import type { Level, LogEvent } from "../log/events.ts";
import type { LogSink } from "../log/sink.ts";
import type { Certificates } from "./certificates.ts";
import { openConnections } from "./descriptors.ts";
import type { Driver } from "./driver/driver.ts";
import type { EventHub } from "./event-hub.ts";
import type { ServeSettings } from "./serve.ts";

/** Orders of an operator, by signal or administration interface; each writes one log line. */
export class Operator {
  readonly #settings: ServeSettings;
  readonly #broker: Broker;
  readonly #driver: Driver;
  readonly #log: LogSink;
  readonly #hub: EventHub;
  readonly #certificates: Certificates;
  readonly #note: (event: LogEvent) => void;
  #loaded: Loaded;
  #level: Level;

  constructor(
    settings: ServeSettings,
    broker: Broker,
    driver: Driver,
    log: LogSink,
    hub: EventHub,
    certificates: Certificates,
    note: (event: LogEvent) => void,
  ) {
    this.#settings = settings;
    this.#broker = broker;
    this.#driver = driver;
    this.#log = log;
    this.#hub = hub;
    this.#certificates = certificates;
    this.#note = note;
    this.#loaded = settings.loaded;
    this.#level = settings.config.log.level;
  }

  /** Closes a client's connection. False: it has none. */
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

  get level(): Level {
    return this.#level;
  }

  setLevel(level: Level): void {
    this.#note({ event: "operatorOrdered", order: `log ${level}`, clientId: null });
    this.#useLevel(level);
  }

  #useLevel(level: Level): void {
    this.#level = level;
    this.#log.setLevel(level);
    // The hub, not only the log, decides: an event stream may trace packets.
    this.#driver.setTrace(this.#hub.logs("debug"));
  }

  config(): { file: string | null; values: ReturnType<typeof valuesWithOrigins> } {
    return { file: this.#loaded.file, values: valuesWithOrigins(this.#loaded) };
  }

  /**
   * Reads the configuration again. An invalid one changes nothing; the answer lists the problems.
   */
  reload(order: string | null): ReloadAnswer {
    if (order !== null) this.#note({ event: "operatorOrdered", order, clientId: null });
    const result = this.#settings.reload();
    const { file } = result;
    const files = result.ok ? this.#settings.readCertificates(result) : null;
    const problems = result.ok ? (files?.problems ?? []) : result.problems;
    if (!result.ok || problems.length > 0) {
      this.#note({ event: "configurationReloadFailed", file, problems });
      return { ok: false, file, changed: [], later: [], problems };
    }
    if (files !== null) this.#certificates.use(files);
    for (const text of files?.warnings ?? []) this.#note({ event: "warning", text });
    const { limits, outputBytes, log } = result.settings;
    this.#loaded = result;
    // An order may have set another level than the configuration's.
    const isLevelBack = this.#level !== log.level && !result.changed.includes("log.level");
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

/** Settings that can change without a restart. */
function isReloaded(path: string): boolean {
  return path.startsWith("limits.") || path === "log.level" || /^listeners\.\d+\.tls\./.test(path);
}
