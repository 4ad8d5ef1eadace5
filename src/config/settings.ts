import { assert } from "../core/assert.ts";
import type { Limits } from "../core/limits.ts";
import { isLocalhost } from "../transport/loopback.ts";
import type { TransportLimits } from "../transport/transport-limits.ts";
import { quarterOfMemory } from "./machine-memory.ts";
import { bare } from "./problem.ts";
import { bytesOf, millisecondsOf } from "./quantity.ts";
import type { Config } from "./schema.ts";

/** The configuration as plain numbers: milliseconds, bytes, Infinity for "no limit". */
export interface Settings {
  readonly listeners: readonly ListenerSettings[];
  /** The core's limits, in the units that its keys name. */
  readonly limits: Limits;
  readonly transports: TransportLimits;
  readonly auth: {
    /** CONNECTs that may wait for the check of their password. */
    readonly authentications: number;
    /** The longest delay of a refusal; 0: none. */
    readonly refusalDelayMs: number;
  };
  /** Bytes of pending output to one connection at which deliveries to it stop. */
  readonly outputBytes: number;
  /** TCP's own detectors of a dead peer; 0: off. */
  readonly tcp: { readonly keepAliveMs: number; readonly userTimeoutMs: number };
  readonly log: Config["log"];
  readonly admin: AdminSettings;
  readonly store: StoreSettings;
  /** 0: no topics below $SYS. */
  readonly sys: { readonly intervalMs: number };
}

export interface StoreSettings {
  /** Null: nothing outlives the process. */
  readonly path: string | null;
  readonly durability: Config["store"]["durability"];
  readonly restartSettleMs: number;
  /** 0: off. */
  readonly restartGraceMs: number;
}

export interface ListenerSettings {
  readonly transport: Config["listeners"][number]["transport"];
  /** Of a unix socket; null: another transport. */
  readonly path: string | null;
  /** Which upgrades to accept; null: another transport. */
  readonly webSocket: WebSocketSettings | null;
  /** Files and rules of TLS; null: another transport. */
  readonly tls: TlsSettings | null;
  /** Addresses and networks of proxies that name each client; null: clients connect themselves. */
  readonly proxies: readonly string[] | null;
  /** 0: a free port. */
  readonly port: number;
  /** Null: both loopback addresses. IPv6 without brackets. */
  readonly host: string | null;
  readonly allowAnonymous: boolean;
  /** Null: user names are not checked. */
  readonly passwordFile: string | null;
  /** Null: its clients may do everything. */
  readonly aclFile: string | null;
  readonly mountPoint: string;
  /** Infinity: only `limits.connections` applies. */
  readonly connections: number;
}

/** `listeners.1 (port 1884)`; without the port if the system chooses it. */
export function listenerPlace(
  place: number,
  { port, path }: Pick<ListenerSettings, "port" | "path">,
): string {
  if (path !== null) return `listeners.${place} (${bare(path)})`;
  return port === 0 ? `listeners.${place}` : `listeners.${place} (port ${port})`;
}

export interface WebSocketSettings {
  /** Of the URL, from its first slash on; null: any. */
  readonly path: string | null;
  /** Of pages that may connect; null: those that this machine serves. */
  readonly origins: readonly string[] | null;
}

export type TlsSettings = NonNullable<Config["listeners"][number]["tls"]>;

export interface AdminSettings {
  /** 0: a free port; null: no administration interface. */
  readonly port: number | null;
  /** Null: both loopback addresses. IPv6 without brackets. */
  readonly host: string | null;
  /** Null: HTTP. */
  readonly tls: TlsSettings | null;
  readonly tokenFile: string | null;
  /** Concurrent event streams and waiting requests. */
  readonly streams: number;
  /** Messages to remember. */
  readonly messages: number;
  /** Bytes of pending events for one reader. */
  readonly streamBytes: number;
  /** Open connections per address. */
  readonly connections: number;
  readonly requestTimeoutMs: number;
  readonly stallTimeoutMs: number;
}

export function settingsOf(config: Config): Settings {
  return {
    listeners: config.listeners.map((listener) => listenerSettings(listener, config)),
    limits: coreLimits(config.limits),
    transports: {
      packetSize: bytes(config.limits.packetSize),
      webSocketBytes: bytes(config.limits.webSocketBytes),
      webSocketEmptyFrames: config.limits.webSocketEmptyFrames,
      drainedBytes: bytes(config.limits.drainedBytes),
    },
    auth: {
      authentications: config.limits.authentications,
      refusalDelayMs: milliseconds(config.auth.refusalDelay),
    },
    outputBytes: bytes(config.limits.outputBytes),
    tcp: {
      keepAliveMs: milliseconds(config.tcp.keepAlive),
      userTimeoutMs: milliseconds(config.tcp.userTimeout),
    },
    log: config.log,
    admin: adminSettings(config.admin),
    store: {
      path: config.store.path,
      durability: config.store.durability,
      restartSettleMs: milliseconds(config.store.restartSettle),
      restartGraceMs: milliseconds(config.store.restartGrace),
    },
    sys: { intervalMs: milliseconds(config.sys.interval) },
  };
}

function listenerSettings(listener: Config["listeners"][number], config: Config): ListenerSettings {
  const { auth } = config;
  const passwordFile =
    listener.passwordFile === undefined ? auth.passwordFile : listener.passwordFile;
  const { transport, path, origins = null, tls } = listener;
  const isWebSocket = transport === "ws" || transport === "wss";
  return {
    transport,
    path: transport === "unix" ? path : null,
    webSocket: isWebSocket ? { path, origins } : null,
    tls: transport === "tls" || transport === "wss" ? (tls ?? null) : null,
    proxies: listener.proxyProtocol?.from ?? null,
    port: transport === "unix" ? 0 : listener.port,
    host: addressOf(listener.host),
    allowAnonymous: listener.allowAnonymous ?? auth.allowAnonymous ?? passwordFile === null,
    passwordFile,
    aclFile: listener.aclFile === undefined ? auth.aclFile : listener.aclFile,
    mountPoint: listener.mountPoint,
    connections: listener.connections ?? Infinity,
  };
}

function adminSettings(admin: Config["admin"]): AdminSettings {
  const { requestTimeout, stallTimeout, tls = null, ...same } = admin;
  return {
    ...same,
    tls,
    port: admin.port === "off" ? null : admin.port,
    host: addressOf(admin.host),
    streamBytes: bytes(admin.streamBytes),
    requestTimeoutMs: milliseconds(requestTimeout),
    stallTimeoutMs: milliseconds(stallTimeout),
  };
}

/** `localhost` is 127.0.0.1 for some clients and ::1 for others, so it means both. */
export function addressOf(host: string | null): string | null {
  if (host === null || isLocalhost(host)) return null;
  return host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host;
}

function coreLimits(limits: Config["limits"]): Limits {
  const {
    connectTimeout,
    authenticationTimeout,
    holdTimeout,
    stallTimeout,
    keepAliveMax,
    sessionExpiryMax,
    outputBytes: _driver,
    authentications: _accounts,
    webSocketBytes: _waiting,
    webSocketEmptyFrames: _frames,
    drainedBytes: _drained,
    ...same
  } = limits;
  const packetSize = bytes(limits.packetSize);
  const controlPacketSize = Math.min(bytes(limits.controlPacketSize), packetSize);
  return {
    ...same,
    packetSize,
    controlPacketSize,
    connectSize: Math.min(bytes(limits.connectSize), controlPacketSize),
    unfinishedBytes: bytes(limits.unfinishedBytes),
    payloadSize: bytes(limits.payloadSize),
    keepAliveMaxSeconds: milliseconds(keepAliveMax) / 1000,
    memory: limits.memory === "auto" ? quarterOfMemory() : bytes(limits.memory),
    queuedBytes: bytes(limits.queuedBytes),
    retainedBytes: bytes(limits.retainedBytes),
    sessionExpiryMaxSeconds: milliseconds(sessionExpiryMax) / 1000,
    connectTimeoutMs: milliseconds(connectTimeout),
    authenticationTimeoutMs: milliseconds(authenticationTimeout),
    holdTimeoutMs: milliseconds(holdTimeout),
    stallTimeoutMs: milliseconds(stallTimeout),
  };
}

function bytes(written: number | string): number {
  const value = bytesOf(written);
  assert(value !== null, "the schema accepts only sizes");
  return value;
}

function milliseconds(written: string): number {
  const value = millisecondsOf(written);
  assert(value !== null, "the schema accepts only durations");
  return value;
}
