import { readFileSync } from "node:fs";
import type { AdminSettings } from "../config/settings.ts";
import type { Limits } from "../core/limits.ts";

/** Descriptors that the process needs besides connections: log, listeners, epoll, libraries. */
const ownDescriptors = 100;
/**
 * Maximum share of the remaining descriptors for the administration interface: clients come first.
 */
const administrationPart = 1 / 4;
/** It may listen on both loopback addresses, each with its own connection limit. */
const administrationAddresses = 2;

/** Maximum numbers of open connections. */
export interface OpenConnections {
  readonly clients: number;
  /** Of clients, with those that linger after their end; Infinity: the system sets no limit. */
  readonly links: number;
  /** For each address of the administration interface; 0: interface off. */
  readonly administration: number;
}

/** The limits for connections; `admin`: the settings at the start of the broker. */
export function openConnections(limits: Limits, admin: AdminSettings): OpenConnections {
  const administration = admin.port === null ? 0 : admin.connections;
  return withinDescriptors({ clients: limits.connections, administration });
}

/**
 * The requested limits, lowered to fit the operating system's limit on descriptors. Beyond that
 * limit accepting fails and the loop spins, so the broker's own limits must be lower.
 */
export function withinDescriptors(
  requested: Omit<OpenConnections, "links">,
  readLimits: () => string = ofThisProcess,
): OpenConnections {
  const left = descriptors(readLimits) - ownDescriptors;
  const part = Math.floor((left * administrationPart) / administrationAddresses);
  const administration = Math.min(requested.administration, Math.max(1, part));
  const forClients = Math.max(1, left - administrationAddresses * administration);
  const clients = Math.min(requested.clients, forClients);
  return { clients, links: forClients, administration };
}

/** The system's limit; Infinity: unknown. */
function descriptors(readLimits: () => string): number {
  try {
    const found = /^Max open files\s+(\d+)/m.exec(readLimits());
    return found === null ? Infinity : Number(found[1]);
  } catch {
    // The file exists on Linux only.
    return Infinity;
  }
}

function ofThisProcess(): string {
  return readFileSync("/proc/self/limits", "utf8");
}
