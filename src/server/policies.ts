import type { ListenerSettings } from "../config/settings.ts";
import type { ListenerPolicy } from "../core/io.ts";
import { accessListName } from "./access/access-files.ts";

/** The policy of a running listener, which a reload may change; the core reads it at each CONNECT. */
export type RunningPolicy = { -readonly [Key in keyof ListenerPolicy]: ListenerPolicy[Key] };

/** With a name that the port of the system replaces, before the first connection. */
export function policyOf(listener: ListenerSettings, place: number): RunningPolicy {
  return {
    accessList: accessListName(place),
    name: policyName(listener, listener.port),
    mountPoint: listener.mountPoint,
    connections: listener.connections,
    ...rulesOf(listener),
  };
}

export function policyName({ transport, host, path }: ListenerSettings, port: number): string {
  return path === null ? `${transport} ${host ?? "localhost"}:${port}` : `${transport} ${path}`;
}

/** What a reload can change: who is let in. The core is told of other access lists by themselves. */
function rulesOf({ allowAnonymous, passwordFile }: ListenerSettings) {
  return { allowAnonymous, passwordFile };
}

/**
 * The listeners that run, with the rules of those reloaded. One whose place in the list has another
 * address now keeps its rules: the new ones are meant for another listener.
 */
export function withReloadedRules(
  running: readonly ListenerSettings[],
  reloaded: readonly ListenerSettings[],
): readonly ListenerSettings[] {
  return running.map((listener, place) => {
    const next = reloaded[place];
    const isSame = next !== undefined && isSameListener(listener, next);
    return isSame ? { ...listener, ...rulesOf(next), aclFile: next.aclFile } : listener;
  });
}

export function isSameListener(a: ListenerSettings, b: ListenerSettings): boolean {
  const keys = ["transport", "host", "port", "path"] as const;
  return keys.every((key) => a[key] === b[key]);
}

/** Puts the rules of these listeners in force, in the same order. */
export function applyRules(
  policies: readonly RunningPolicy[],
  listeners: readonly ListenerSettings[],
): void {
  for (const [place, listener] of listeners.entries()) {
    const policy = policies[place];
    if (policy !== undefined) Object.assign(policy, rulesOf(listener));
  }
}
