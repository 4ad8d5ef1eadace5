import { socketPathBytesMax } from "../transport/unix-url.ts";
import type { Origin } from "./load.ts";
import { bare, placeOf, type Problem, shown } from "./problem.ts";
import { bytesOf } from "./quantity.ts";
import type { Config } from "./schema.ts";
import { settingsOf } from "./settings.ts";

/** Keys that are valid alone and not together. */
export function clashes(config: Config, origins: ReadonlyMap<string, Origin>): Problem[] {
  return [
    ...addressClashes(config),
    ...listenerProblems(config, origins),
    ...adminProblems(config, origins),
    ...sizeClashes(config, origins),
  ];
}

/** Whether each listener has all that its transport needs, so that its files can be looked at. */
export function namesWholeFiles(config: Config): boolean {
  const origins = new Map<string, Origin>();
  return (
    listenerProblems(config, origins).length === 0 && adminProblems(config, origins).length === 0
  );
}

/** Two listeners with one address; detected here, the error names both. */
function addressClashes(config: Config): Problem[] {
  const problems: Problem[] = [];
  const seen = new Map<string, number>();
  settingsOf(config).listeners.forEach(({ host, port, path }, index) => {
    if (port === 0 && path === null) return;
    const hosts = host === null ? ["localhost", "127.0.0.1", "::1"] : [host];
    const addresses = path === null ? hosts.map((one) => `${one}:${port}`) : [path];
    const taken = addresses.find((address) => seen.has(address));
    if (taken !== undefined) {
      const what = path === null ? "host and port are those" : "path is that";
      const text = `${what} of listeners.${seen.get(taken)} (${bare(taken)})`;
      problems.push({ at: `listeners.${index}`, text });
    }
    for (const address of addresses) if (!seen.has(address)) seen.set(address, index);
  });
  return problems;
}

/** No query: which one a client sends is its own affair. */
const urlPath = /^\/[\x21\x22\x24-\x3e\x40-\x7e]*$/;
const urlPathForm = 'a path that begins with "/", without ? and #';

/** Keys that a transport needs and that are missing, or that it has no use for. */
function listenerProblems(config: Config, origins: ReadonlyMap<string, Origin>): Problem[] {
  const problems: Problem[] = [];
  const at = (path: string): string => placeOf(path, origins);
  config.listeners.forEach(({ transport, path, origins, tls, proxyProtocol }, index) => {
    const listener = `listeners.${index}`;
    const need = (key: string, value: unknown, text: string): void => {
      if (value === null || value === undefined)
        problems.push({ at: at(`${listener}.transport`), text: `${text}: ${listener}.${key}` });
    };
    const isWebSocket = transport === "ws" || transport === "wss";
    if (transport === "unix") {
      need("path", path, '"unix" needs the socket\'s file');
      if (Buffer.byteLength(path ?? "") > socketPathBytesMax) {
        const text = `found ${shown(path)}, allowed: the path of a socket, up to ${socketPathBytesMax} bytes`;
        problems.push({ at: at(`${listener}.path`), text });
      }
    } else if (path !== null && !isWebSocket)
      problems.push({ at: at(`${listener}.path`), text: `"${transport}" has no path` });
    else if (path !== null && !urlPath.test(path))
      problems.push({
        at: at(`${listener}.path`),
        text: `found ${shown(path)}, allowed: ${urlPathForm}`,
      });
    if (origins !== undefined && !isWebSocket)
      problems.push({ at: `${listener}.origins`, text: `"${transport}" has no origins` });
    if (transport === "tls" || transport === "wss") {
      need("tls.cert", tls?.cert, `"${transport}" needs a certificate`);
      need("tls.key", tls?.key, `"${transport}" needs the certificate's key`);
    } else if (tls !== undefined) {
      problems.push({ at: `${listener}.tls`, text: `"${transport}" has no TLS` });
    }
    tls?.certificates.forEach(({ cert, key }, number) => {
      const place = `${listener}.tls.certificates.${number}`;
      if (cert === null) problems.push({ at: place, text: "its cert is missing" });
      if (key === null) problems.push({ at: place, text: "its key is missing" });
    });
    // Who may write to the file of a unix socket is trusted.
    if (proxyProtocol?.from.length === 0 && transport !== "unix")
      problems.push({
        at: `${listener}.proxyProtocol`,
        text: "its from is empty: name the proxies",
      });
    problems.push(...unasked(tls, `${listener}.tls`, at));
  });
  return problems;
}

/** Rules for clients' certificates without a demand for one: every client would get in. */
function unasked(
  tls: Config["admin"]["tls"],
  group: string,
  at: (path: string) => string,
): Problem[] {
  if (tls === undefined || tls.requestCert) return [];
  const { ca, crl, identityAsUsername } = tls;
  const rules = { ca: ca !== null, crl: crl !== null, identityAsUsername };
  return Object.entries(rules).flatMap(([key, isGiven]) =>
    isGiven ? [{ at: at(`${group}.${key}`), text: `needs ${group}.requestCert, true` }] : [],
  );
}

function adminProblems(
  { admin: { tls } }: Config,
  origins: ReadonlyMap<string, Origin>,
): Problem[] {
  const problems: Problem[] = [];
  const at = "admin.tls";
  if (tls === undefined) return problems;
  if (tls.cert === null) problems.push({ at, text: "its cert is missing" });
  if (tls.key === null) problems.push({ at, text: "its key is missing" });
  if (tls.certificates.length > 0) problems.push({ at, text: "has one certificate only" });
  if (tls.identityAsUsername) problems.push({ at, text: "the administration has no user names" });
  else problems.push(...unasked(tls, at, (path) => placeOf(path, origins)));
  return problems;
}

/**
 * Configured sizes that contradict each other. A default `controlPacketSize` or `connectSize` does
 * not: a smaller size above it lowers it.
 */
function sizeClashes(config: Config, origins: ReadonlyMap<string, Origin>): Problem[] {
  const { limits } = config;
  const problems: Problem[] = [];
  const bytes = (key: SizeKey): number => bytesOf(limits[key]) ?? 0;
  const check = (key: SizeKey, allowed: "at least" | "at most", other: SizeKey): void => {
    const isRight = allowed === "at most" ? bytes(key) <= bytes(other) : bytes(key) >= bytes(other);
    if (isRight) return;
    const path = `limits.${key}`;
    const name = origins.get(path)?.name ?? origins.get(`limits.${other}`)?.name ?? path;
    const at = name.endsWith(path) || name.startsWith("MQTTD_") ? name : `${name} ${path}`;
    const bound = `${allowed} limits.${other} (${shown(limits[other])})`;
    problems.push({ at, text: `found ${shown(limits[key])}, allowed: ${bound}` });
  };
  if (origins.has("limits.controlPacketSize")) check("controlPacketSize", "at most", "packetSize");
  if (origins.has("limits.connectSize")) check("connectSize", "at most", "controlPacketSize");
  // A packet above it would be refused after most of it has arrived.
  check("unfinishedBytes", "at least", "packetSize");
  return problems;
}

type SizeKey = "packetSize" | "controlPacketSize" | "connectSize" | "unfinishedBytes";
