import type { RunningBroker } from "../api/api.ts";
import type { Settings } from "../config/settings.ts";
import { defaultPorts } from "../config/listener-schema.ts";
import { clause, name } from "../log/foreign.ts";
import type { PortHolder } from "../transport/port-holder.ts";
import { bad, type Finding, ok, unknown } from "./doctor-finding.ts";

/** A port, and whether the configuration opens it. */
export interface WantedPort {
  readonly port: number;
  /** `tcp`, `administration`. */
  readonly what: string;
  readonly isConfigured: boolean;
}

/** What is known of a port. */
export interface PortState {
  /** Null: the system does not say. */
  readonly isOpen: boolean | null;
  readonly holder: PortHolder | null;
  /** What answers MQTT there: `mosquitto version 2.0.11`; null: nothing, or it was not asked. */
  readonly broker: string | null;
}

/** Those of the configuration, and the usual ones beside them. */
export function wantedPorts({ listeners, admin }: Pick<Settings, "listeners" | "admin">) {
  const wanted = new Map<number, WantedPort>();
  const add = (port: number | null, what: string, isConfigured: boolean): void => {
    if (port === null || port === 0 || wanted.has(port)) return;
    wanted.set(port, { port, what, isConfigured });
  };
  for (const { port, transport } of listeners) add(port, transport, true);
  add(admin.port, "administration", true);
  for (const transport of ["tcp", "tls", "ws"] as const) {
    add(defaultPorts[transport], transport, false);
  }
  add(adminPort, "administration", false);
  return [...wanted.values()].sort((a, b) => a.port - b.port);
}

export const adminPort = 1888;

/** `free`: another port for the listener. */
export function portFinding(
  { port, what, isConfigured }: WantedPort,
  { isOpen, holder, broker }: PortState,
  running: readonly RunningBroker[],
  free: number,
): Finding {
  const named = `port ${port} (${what})`;
  if (isOpen === null) return unknown(`${named}: this system does not say whether it is free`);
  if (!isOpen) return ok(`${named} is free`);
  const own = running.find(({ pid }) => pid === holder?.pid);
  if (own !== undefined) return ok(`${named} is open: mqttd ${name(own.version)} (pid ${own.pid})`);
  const who =
    holder === null
      ? "by a process that this user cannot see"
      : `by ${name(holder.name)} (pid ${holder.pid})`;
  const answers = broker === null ? "" : `, which speaks MQTT: ${clause(broker)}`;
  const held = `${named} is in use ${who}${answers}`;
  if (!isConfigured) return ok(`${held}; this configuration does not need it`);
  // The broker moves on to a free port by itself.
  if (port === adminPort) return ok(`${held}; mqttd takes a free one instead`);
  const stop = holder === null ? "stop it" : `stop it (kill ${holder.pid})`;
  return bad(held, `${stop}, or use another port: mqttd serve --port ${free}`);
}
