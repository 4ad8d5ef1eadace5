import { assert } from "../core/assert.ts";
import type { Limits } from "../core/limits.ts";
import { isLocalhost } from "../transport/loopback.ts";
import { bytesOf, millisecondsOf } from "./quantity.ts";
import type { Config } from "./schema.ts";

/** The configuration in plain numbers: milliseconds, bytes, Infinity for "no limit". */
export interface Settings {
  readonly listeners: readonly ListenerSettings[];
  /** The core's; seconds where its keys say so. */
  readonly limits: Limits;
  /** Bytes that wait to be written to one connection before deliveries to it stop. */
  readonly outputBytes: number;
  /** TCP's own detectors; 0 switches one off. */
  readonly tcp: { readonly keepAliveMs: number; readonly userTimeoutMs: number };
  readonly log: Config["log"];
  readonly admin: AdminSettings;
  /** 0: the topics below $SYS are not published. */
  readonly sys: { readonly intervalMs: number };
}

export interface ListenerSettings {
  readonly transport: "tcp";
  /** 0: a free one. */
  readonly port: number;
  /** Null: both loopback addresses. IPv6 without brackets. */
  readonly host: string | null;
  readonly allowAnonymous: boolean;
  readonly mountPoint: string;
  /** Infinity: only `limits.connections` counts. */
  readonly connections: number;
}

export interface AdminSettings {
  /** 0: a free one; null: there is no administration interface. */
  readonly port: number | null;
  /** Null: both loopback addresses. IPv6 without brackets. */
  readonly host: string | null;
  readonly tokenFile: string | null;
  /** Event streams and waiting requests at once. */
  readonly streams: number;
  /** Bytes that wait for one reader of the event stream. */
  readonly streamBytes: number;
  /** Open connections of one address. */
  readonly connections: number;
  readonly requestTimeoutMs: number;
  readonly stallTimeoutMs: number;
}

export function settingsOf(config: Config): Settings {
  return {
    listeners: config.listeners.map((listener) => listenerSettings(listener, config)),
    limits: coreLimits(config.limits),
    outputBytes: bytes(config.limits.outputBytes),
    tcp: {
      keepAliveMs: milliseconds(config.tcp.keepAlive),
      userTimeoutMs: milliseconds(config.tcp.userTimeout),
    },
    log: config.log,
    admin: adminSettings(config.admin),
    sys: { intervalMs: milliseconds(config.sys.interval) },
  };
}

function listenerSettings(listener: Config["listeners"][number], config: Config): ListenerSettings {
  return {
    transport: listener.transport,
    port: listener.port,
    host: addressOf(listener.host),
    allowAnonymous: listener.allowAnonymous ?? config.auth.allowAnonymous,
    mountPoint: listener.mountPoint,
    connections: listener.connections ?? Infinity,
  };
}

function adminSettings(admin: Config["admin"]): AdminSettings {
  const { requestTimeout, stallTimeout, ...same } = admin;
  return {
    ...same,
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
  const { connectTimeout, holdTimeout, stallTimeout, keepAliveMax, sessionExpiryMax, ...others } =
    limits;
  const { outputBytes: _driver, ...same } = others;
  return {
    ...same,
    packetSize: bytes(limits.packetSize),
    controlPacketSize: Math.min(bytes(limits.controlPacketSize), bytes(limits.packetSize)),
    unfinishedBytes: bytes(limits.unfinishedBytes),
    payloadSize: bytes(limits.payloadSize),
    keepAliveMaxSeconds: milliseconds(keepAliveMax) / 1000,
    queuedBytes: bytes(limits.queuedBytes),
    retainedBytes: bytes(limits.retainedBytes),
    sessionExpiryMaxSeconds: milliseconds(sessionExpiryMax) / 1000,
    connectTimeoutMs: milliseconds(connectTimeout),
    holdTimeoutMs: milliseconds(holdTimeout),
    stallTimeoutMs: milliseconds(stallTimeout),
  };
}

function bytes(written: number | string): number {
  const value = bytesOf(written);
  assert(value !== null, "the schema lets nothing through that is not a size");
  return value;
}

function milliseconds(written: string): number {
  const value = millisecondsOf(written);
  assert(value !== null, "the schema lets nothing through that is not a duration");
  return value;
}
