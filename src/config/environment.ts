import {
  dotted,
  isIndex,
  type Key,
  keyAt,
  type Path,
  shortestFirst,
  valuePaths,
  variableOf,
} from "./keys.ts";
import type { Assignment } from "./load.ts";
import { nearest } from "./nearest.ts";
import { bare, type Problem } from "./problem.ts";

/** The environment variables of a process; undefined: not set. */
export type Env = Readonly<Record<string, string | undefined>>;

/**
 * The assignments of the environment: `MQTTD_LIMITS__PACKET_SIZE` is `limits.packetSize`. Sorted by
 * list index, so that a list grows one item at a time. An unknown variable is a problem: it would
 * have no effect.
 */
export function assignedByEnvironment(
  env: Env,
  keys: Key,
): { assignments: readonly Assignment[]; problems: readonly Problem[] } {
  const assignments: Assignment[] = [];
  const problems: Problem[] = [];
  for (const name of Object.keys(env).sort(byPlace)) {
    const value = env[name];
    if (value === undefined || !isOurs(name, value)) continue;
    const path = pathOfVariable(name, keys);
    if (path === null) problems.push({ at: bare(name), text: unknownText(name, keys) });
    else assignments.push({ path: dotted(path), value, name });
  }
  return { assignments, problems };
}

/** Our variables that set no key: the path of the configuration, the folder of run files, a client's password. */
const notKeys: readonly string[] = ["MQTTD_CONFIG", "MQTTD_RUN_DIR", "MQTTD_PASSWORD"];

function isOurs(name: string, value: string): boolean {
  if (!name.startsWith("MQTTD_") || notKeys.includes(name)) return false;
  // Kubernetes sets these in every container next to a service named mqttd.
  if (/^MQTTD_SERVICE_(HOST|PORT)(_|$)/.test(name)) return false;
  return !/^MQTTD_PORT(_\d+_(TCP|UDP)(_|$)|$)/.test(name) || !isServiceAddress(name, value);
}

function isServiceAddress(name: string, value: string): boolean {
  return name !== "MQTTD_PORT" || /^(tcp|udp):\/\//.test(value);
}

function pathOfVariable(name: string, keys: Key): Path | null {
  const index = indexIn(name);
  const path = valuePaths(keys, index).find((other) => variableOf(other) === name);
  return path === undefined || keyAt(keys, path) === null ? null : path;
}

/** The list index in a variable; 0 without one. */
function indexIn(name: string): number {
  const part = name.split("__").find((word, at) => at > 0 && isIndex(word));
  return Number(part ?? 0);
}

function unknownText(name: string, keys: Key): string {
  const names = valuePaths(keys, indexIn(name)).map(variableOf);
  const meant = nearest(name, [...names, ...notKeys]) ?? withLastWords(name, keys);
  return meant === null ? "unknown variable" : `unknown variable, did you mean ${meant}?`;
}

/** `MQTTD_PORT` and `MQTTD_PACKET_SIZE` lack the levels above. */
function withLastWords(name: string, keys: Key): string | null {
  const last = `__${name.slice("MQTTD_".length)}`;
  return (
    shortestFirst(keys)
      .map(variableOf)
      .find((other) => other.endsWith(last)) ?? null
  );
}

function byPlace(a: string, b: string): number {
  const place = indexIn(a) - indexIn(b);
  return place !== 0 ? place : Number(a > b) - Number(a < b);
}
