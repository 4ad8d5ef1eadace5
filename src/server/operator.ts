import type { AccountsReloaded, ListedNames, ReloadAnswer } from "../api/api.ts";
import { withDecided } from "../config/in-force.ts";
import { type Loaded, type ValueWithOrigin, valuesWithOrigins } from "../config/load.ts";
import { namedBy } from "../config/named-files.ts";
import { problemLines } from "../config/problem.ts";
import type { ListenerSettings } from "../config/settings.ts";
import { reloadOf } from "../config/reloads.ts";
import { openAccess } from "../core/access.ts";
import type { Broker } from "../core/broker.ts";
import type { Reach } from "../core/events.ts";
import type { PublishPacket } from "../core/packet.ts";
import { listedText } from "../log/accounts.ts";
import type { Level, LogEvent } from "../log/events.ts";
import type { LogSink } from "../log/sink.ts";
import type { CertificateFiles } from "../config/tls-files.ts";
import type { Certificates } from "./certificates.ts";
import { openConnections } from "./descriptors.ts";
import { accessListName, type AccessFiles, type AccessFilesRead } from "./access/access-files.ts";
import type { AccountChanges, Accounts } from "./accounts/accounts.ts";
import type { Driver } from "./driver/driver.ts";
import type { Loop } from "./driver/loop.ts";
import type { EventHub } from "./event-hub.ts";
import { applyRules, isSameListener, type RunningPolicy, withReloadedRules } from "./policies.ts";
import type { ServeSettings } from "./serve.ts";
import type { TransportLimits } from "../transport/transport-limits.ts";

/** What an operator can change in a running broker. */
export interface OperatedParts {
  readonly broker: Broker;
  readonly driver: Driver;
  readonly log: LogSink;
  readonly hub: EventHub;
  readonly note: (event: LogEvent) => void;
  readonly accounts: Accounts;
  readonly certificates: Certificates;
  readonly accessFiles: AccessFiles;
  readonly loop: Pick<Loop, "soon">;
  /** Of the listeners, in order. */
  readonly policies: readonly RunningPolicy[];
}

/** Orders of an operator, by signal or administration interface; each writes one log line. */
export class Operator {
  readonly #settings: ServeSettings;
  readonly #broker: Broker;
  readonly #driver: Driver;
  readonly #log: LogSink;
  readonly #hub: EventHub;
  readonly #certificates: Certificates;
  readonly #note: (event: LogEvent) => void;
  readonly #accounts: Accounts;
  readonly #accessFiles: AccessFiles;
  readonly #loop: Pick<Loop, "soon">;
  readonly #policies: readonly RunningPolicy[];
  /** Those that run, with the rules in force. */
  #listeners: readonly ListenerSettings[];
  #loaded: Loaded;
  /** The configuration in force: what needs a restart keeps its value until then. */
  #inForce: readonly ValueWithOrigin[];
  #transportLimits: TransportLimits;
  #level: Level;
  /** The reload that runs, if any: the next one waits for it. */
  #reloading: Promise<unknown> = Promise.resolve();

  constructor(settings: ServeSettings, parts: OperatedParts) {
    this.#settings = settings;
    this.#broker = parts.broker;
    this.#driver = parts.driver;
    this.#log = parts.log;
    this.#hub = parts.hub;
    this.#note = parts.note;
    this.#certificates = parts.certificates;
    this.#accounts = parts.accounts;
    this.#accessFiles = parts.accessFiles;
    this.#loop = parts.loop;
    this.#policies = parts.policies;
    this.#listeners = settings.config.listeners;
    this.#loaded = settings.loaded;
    this.#inForce = valuesWithOrigins(settings.loaded);
    this.#transportLimits = settings.config.transports;
    this.#level = settings.config.log.level;
  }

  /** Closes a client's connection. False: it has none. */
  kick(clientId: string): boolean {
    this.#note({ event: "operatorOrdered", order: "kick", clientId });
    const wasConnected = this.#connectionOf(clientId) !== null;
    this.#driver.order({ type: "kicked", clientId });
    return wasConnected;
  }

  /** Publishes a message. Returns whom it reached, or why it was refused. */
  publish(packet: PublishPacket): Reach | { readonly refused: string } {
    let outcome: Reach | { readonly refused: string } | null = null;
    const stop = this.#hub.listen(({ event }) => {
      if (event.event !== "operatorPublished") return;
      outcome = event.reach ?? { refused: event.refused ?? "" };
    });
    this.#driver.order({ type: "ordered", packet });
    stop();
    return outcome ?? { refused: "the broker has stopped" };
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

  /** Those in force. */
  get transportLimits(): TransportLimits {
    return this.#transportLimits;
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

  /** With the absent keys of listeners, which no reload compares: other keys decide them. */
  config(): { file: string | null; values: readonly ValueWithOrigin[] } {
    return { file: this.#loaded.file, values: withDecided(this.#inForce, this.#listeners) };
  }

  /**
   * Reads the configuration and the files that it names again. If one is invalid, nothing changes
   * and the answer lists the problems. Connected clients stay, even if their account is gone.
   */
  async reload(order: string | null): Promise<ReloadAnswer> {
    const before = this.#reloading;
    const reloaded = before.then(async () => this.#reload(order));
    // A fault is reported to whoever asked for that reload.
    this.#reloading = reloaded.catch(() => {});
    return reloaded;
  }

  async #reload(order: string | null): Promise<ReloadAnswer> {
    if (order !== null) this.#note({ event: "operatorOrdered", order, clientId: null });
    const result = this.#settings.reload(this.#loaded.config);
    const { file } = result;
    if (!result.ok) return this.#notReloaded(file, result.problems);
    const listeners = withReloadedRules(this.#listeners, result.settings.listeners);
    const nextTurn = async (): Promise<void> => new Promise((resolve) => this.#loop.soon(resolve));
    const named = namedBy(result);
    const accounts = this.#accounts.read(listeners, named);
    const accountsOf = "problems" in accounts ? () => undefined : accounts.accountsOf;
    const access = await this.#accessFiles.read(listeners, accountsOf, nextTurn, named);
    const certificates = this.#settings.readCertificates(result);
    const problems = [
      ...certificates.problems,
      ...("problems" in accounts ? problemLines(accounts.problems) : []),
      ...("problems" in access ? problemLines(access.problems) : []),
    ];
    if ("problems" in accounts || "problems" in access || problems.length > 0) {
      return this.#notReloaded(file, problems);
    }
    const replacedFiles = this.#certificates.use(certificates);
    const { limits, outputBytes, transports, log, auth } = result.settings;
    const next = result.settings.listeners;
    const read = valuesWithOrigins(result);
    const inForce = replaced(this.#inForce, read, ({ path }) =>
      isReloaded(path, this.#listeners, next),
    );
    const paths = [...new Set([...differing(this.#inForce, inForce), ...replacedFiles])];
    const later = differing(inForce, read);
    this.#loaded = result;
    this.#inForce = inForce;
    this.#listeners = listeners;
    // An order may have set another level than the configuration's.
    const isLevelBack = this.#level !== log.level && !paths.includes("log.level");
    const changed = isLevelBack ? [...paths, "log.level"] : paths;
    const { clients: connections } = openConnections(limits, this.#settings.config.admin);
    this.#driver.reconfigure({ ...limits, connections }, outputBytes);
    this.#transportLimits = transports;
    this.#useLevel(log.level);
    this.#accounts.reconfigure(auth);
    applyRules(this.#policies, listeners);
    const accountChanges = accounts.apply();
    const filesChanged = accountChanges.length + access.changed.length > 0;
    this.#note({
      ...{ event: "configurationReloaded", file, changed },
      ...(filesChanged && { filesChanged: true as const }),
    });
    const changes = accountChanges.map((change) => this.#accountsReloaded(change));
    this.#useAccess(access);
    const revoked = await this.#revokedClients(certificates, replacedFiles, nextTurn);
    const warnings = [
      ...certificates.warnings,
      ...revoked,
      ...accounts.warnings,
      ...access.warnings,
    ];
    for (const text of warnings) this.#note({ event: "warning", text });
    if (later.length > 0) {
      const text = `${later.join(", ")}: takes effect when the broker is restarted`;
      this.#note({ event: "warning", text });
    }
    const files = { accounts: changes, access: access.changed };
    return { ok: true, file, changed, later, problems: [], warnings, ...files };
  }

  /** A warning for each replaced list of revoked certificates that has those of connected clients. */
  async #revokedClients(
    { materials }: CertificateFiles,
    replacedFiles: readonly string[],
    nextTurn: () => Promise<void>,
  ): Promise<string[]> {
    const warnings: string[] = [];
    for (const [place, { crl }] of materials) {
      const policy = this.#policies[place];
      const key = `listeners.${place}.tls.crl`;
      if (crl === null || policy === undefined || !replacedFiles.includes(key)) continue;
      // Loaded late: most brokers have no TLS.
      const { revocationsIn } = await import("../config/pem.ts");
      const isRevoked = revocationsIn(crl);
      const connected: string[] = [];
      for (const [count, { clientId, link }] of this.#driver.clientsOf(policy).entries()) {
        // A look at a certificate takes some 50 microseconds.
        if (count % looksAtOnce === looksAtOnce - 1) await nextTurn();
        const certificate = link.certificate?.() ?? null;
        if (certificate !== null && isRevoked(certificate)) connected.push(clientId);
      }
      if (connected.length > 0) warnings.push(revokedText(key, listed(connected.toSorted())));
    }
    return warnings;
  }

  /** The core names the clients whose rights other lists change. */
  #useAccess({ byListener, changed, apply }: AccessFilesRead): void {
    apply();
    for (const change of changed) this.#note({ event: "accessReloaded", ...change });
    const { access } = this.#broker;
    const isSame = this.#listeners.every((_, place) => {
      const name = accessListName(place);
      return access.of(name) === (byListener.get(name) ?? openAccess);
    });
    if (!isSame) this.#driver.order({ type: "accessChanged", access: openAccess, byListener });
  }

  #notReloaded(file: string | null, problems: readonly string[]): ReloadAnswer {
    this.#note({ event: "configurationReloadFailed", file, problems });
    const nothing = { changed: [], later: [], warnings: [], accounts: [], access: [] };
    return { ok: false, file, problems, ...nothing };
  }

  /** Says what changed, and which connected clients logged in with an account that is no more. */
  #accountsReloaded({ file, added, changed, removed }: AccountChanges): AccountsReloaded {
    const gone = new Set([...changed, ...removed]);
    const connected: string[] = [];
    if (gone.size > 0) {
      for (const { clientId, username, connection } of this.#broker.sessions.values()) {
        const isTheirs = connection?.listener.passwordFile === file;
        if (isTheirs && username !== null && gone.has(username)) connected.push(clientId);
      }
    }
    const change = {
      file,
      added: listed(added),
      changed: listed(changed),
      removed: listed(removed),
      connected: listed(connected),
    };
    this.#note({ event: "accountsReloaded", ...change });
    return change;
  }
}

/** Certificates looked at in one turn of the loop. */
const looksAtOnce = 40;

function revokedText(key: string, clients: ListedNames): string {
  return (
    `${key} has the certificates of connected clients, which stay until they disconnect: ` +
    `${listedText(clients)} (mqttd inspect kick ID closes one)`
  );
}

/** Names that a line shows; the rest is a number. */
const namesMax = 10;

function listed(names: readonly string[]): ListedNames {
  return { names: names.slice(0, namesMax), more: Math.max(0, names.length - namesMax) };
}

/** `before` with those of `after` that `isReloaded`, in the order of `after`. */
function replaced(
  before: readonly ValueWithOrigin[],
  after: readonly ValueWithOrigin[],
  isReloaded: (value: ValueWithOrigin) => boolean,
): ValueWithOrigin[] {
  const old = new Map(before.map((value) => [value.path, value]));
  const values = after.flatMap((value) => {
    const kept = old.get(value.path);
    old.delete(value.path);
    if (isReloaded(value)) return [value];
    return kept === undefined ? [] : [kept];
  });
  return [...values, ...[...old.values()].filter((value) => !isReloaded(value))];
}

/** Paths whose values differ, or that one of them lacks. */
function differing(
  before: readonly ValueWithOrigin[],
  after: readonly ValueWithOrigin[],
): string[] {
  const old = new Map(before.map(({ path, value }) => [path, value]));
  const changed = after.flatMap(({ path, value }) => {
    const isSame = old.has(path) && old.get(path) === value;
    old.delete(path);
    return isSame ? [] : [path];
  });
  return [...changed, ...old.keys()];
}

/** Settings that can change without a restart, of listeners if the same one runs in that place. */
function isReloaded(
  path: string,
  running: readonly ListenerSettings[],
  next: readonly ListenerSettings[],
): boolean {
  const reload = reloadOf(path);
  if (reload === "always" || reload === "never") return reload === "always";
  const place = Number(path.split(".")[1]);
  const [one, other] = [running[place], next[place]];
  if (one === undefined || other === undefined) return false;
  if (reload === "both with TLS") return one.tls !== null && other.tls !== null;
  return isSameListener(one, other);
}
