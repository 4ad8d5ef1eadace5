import { nearest } from "../config/nearest.ts";
import { isLoopback } from "../transport/loopback.ts";
import { unixUrl } from "../transport/unix-url.ts";

/** A broker's address, and the credentials to use. Plain data: a child process gets it as JSON. */
export interface Target {
  readonly transport: "tcp" | "tls" | "ws" | "wss" | "unix";
  /** A name or an address, IPv6 without brackets; empty for a unix socket. */
  readonly host: string;
  /** 0 for a unix socket. */
  readonly port: number;
  /** WebSocket: path and query of the URL. unix: the socket's file. Else empty. */
  readonly path: string;
  readonly username: string | null;
  readonly password: string | null;
  /** Null where the transport has no TLS. */
  readonly tls: TargetTls | null;
}

/** What the client shows and checks in a TLS handshake. Certificates and keys are PEM. */
export interface TargetTls {
  /** Issuers to trust; null: those of this system. */
  readonly ca: string | null;
  readonly cert: string | null;
  /** Not encrypted. */
  readonly key: string | null;
  /** Accept any name in the certificate and, without `ca`, any issuer. */
  readonly insecure: boolean;
  /** The name to ask for (SNI), which the certificate must have; null: the host. */
  readonly serverName: string | null;
}

export const plainTls: TargetTls = {
  ca: null,
  cert: null,
  key: null,
  insecure: false,
  serverName: null,
};

type Transport = Target["transport"];

const transports: Readonly<Record<string, Transport>> = {
  "mqtt:": "tcp",
  "mqtts:": "tls",
  "ws:": "ws",
  "wss:": "wss",
  "mqtt+unix:": "unix",
};
const ports: Readonly<Record<Transport, number>> = {
  tcp: 1883,
  tls: 8883,
  ws: 9001,
  wss: 9001,
  unix: 0,
};

/** Schemes that other programs use for the same. */
const strangers: Readonly<Record<string, string>> = {
  tcp: "mqtt",
  ssl: "mqtts",
  tls: "mqtts",
  http: "ws",
  https: "wss",
  unix: "mqtt+unix",
};

/**
 * Parses `mqtt[s]://user:password@host:port`, `ws[s]://host:port/path` or
 * `mqtt+unix:///path/of/socket`. For any other text, returns what is allowed, in words. Throws
 * URIError for a stray % in a user name or password.
 */
export function targetOf(url: string): Target | string {
  const whole = url.includes("://") ? url : `mqtt://${url}`;
  const scheme = whole.slice(0, whole.indexOf("://")).toLowerCase();
  const transport = transports[`${scheme}:`];
  if (transport === undefined) return otherScheme(scheme);
  let parsed: URL;
  try {
    // Of the schemes that the standard for URLs knows it drops a port that is their default.
    parsed = new URL(whole.replace(/^[^:]+/, "mqtt"));
  } catch {
    return exampleOf(transport);
  }
  const isUnix = transport === "unix";
  if (isUnix ? !/^\/[^/]/.test(parsed.pathname) || parsed.host !== "" : parsed.hostname === "") {
    return exampleOf(transport);
  }
  return {
    transport,
    host: parsed.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: parsed.port === "" ? ports[transport] : Number(parsed.port),
    path: pathOf(transport, parsed),
    username: parsed.username === "" ? null : decodeURIComponent(parsed.username),
    password: parsed.password === "" ? null : decodeURIComponent(parsed.password),
    tls: hasTls(transport) ? plainTls : null,
  };
}

function pathOf(transport: Transport, { pathname, search }: URL): string {
  if (transport === "unix") return decodeURIComponent(pathname);
  if (!isWebSocket(transport)) return "";
  return (pathname === "" || pathname === "/" ? "/mqtt" : pathname) + search;
}

function exampleOf(transport: Transport): string {
  switch (transport) {
    case "unix":
      return "mqtt+unix:///path/of/the/socket";
    case "ws":
    case "wss":
      return `an address such as ${transport}://localhost:9001/mqtt`;
    case "tcp":
    case "tls":
      return `an address such as ${schemeOf(transport)}://localhost:${ports[transport]}`;
  }
}

function otherScheme(scheme: string): string {
  const known = Object.keys(transports).map((name) => name.slice(0, -1));
  const meant = strangers[scheme] ?? nearest(scheme, known);
  const all = "mqtt://, mqtts://, ws://, wss:// or mqtt+unix:///path";
  return meant === null ? all : `${all}; did you mean ${meant}://?`;
}

/** Whether the address is always this machine's. */
export function isOnThisMachine({ transport, host }: Target): boolean {
  return transport === "unix" || isLoopback(host);
}

/** Whether it runs over a WebSocket. */
export function isWebSocket(transport: Transport): boolean {
  return transport === "ws" || transport === "wss";
}

/** Whether it runs over TLS. */
export function hasTls(transport: Transport): boolean {
  return transport === "tls" || transport === "wss";
}

function schemeOf(transport: Transport): string {
  const found = Object.entries(transports).find(([, name]) => name === transport);
  return found?.[0].slice(0, -1) ?? transport;
}

/** The URL without user name and password. */
export function targetText(target: Target): string {
  const { transport, path } = target;
  return transport === "unix"
    ? unixUrl(path)
    : `${schemeOf(transport)}://${authorityOf(target)}${path}`;
}

/** `localhost:1883`, `[::1]:1883`. */
export function authorityOf({ host, port }: Pick<Target, "host" | "port">): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** The same broker by another address; TLS still expects the name of this one. */
export function byAddress(target: Target, host: string): Target {
  const { tls } = target;
  return {
    ...target,
    host,
    tls: tls === null ? null : { ...tls, serverName: serverNameOf(target) },
  };
}

/** The name that TLS asks for and expects: the host, unless another one is given. */
export function serverNameOf({ host, tls }: Target): string {
  return tls?.serverName ?? host;
}
