import { readFileSync } from "node:fs";
import type { AdminSettings } from "../config/settings.ts";
import type { Limits } from "../core/limits.ts";

/** Descriptors that the process needs beside its connections: log, listeners, epoll, libraries. */
const ownDescriptors = 100;
/** The administration has at most this part of what is left: clients come first. */
const administrationPart = 1 / 4;
/** It may listen on both loopback addresses, and each has a number of its own. */
const administrationAddresses = 2;

/** How many connections may be open. */
export interface OpenConnections {
  readonly clients: number;
  /** Of one address of the administration interface; 0: there is none. */
  readonly administration: number;
}

/** How many connections may be open; `admin` is what the broker was started with. */
export function openConnections(limits: Limits, admin: AdminSettings): OpenConnections {
  const administration = admin.port === null ? 0 : admin.connections;
  return withinDescriptors({ clients: limits.connections, administration });
}

/**
 * What is wanted, or less where the operating system's limit on descriptors is too low for it. Beyond
 * that limit accepting fails and the loop spins, so the broker's own have to be lower.
 */
export function withinDescriptors(
  requested: OpenConnections,
  readLimits: () => string = ofThisProcess,
): OpenConnections {
  const left = descriptors(readLimits) - ownDescriptors;
  const part = Math.floor((left * administrationPart) / administrationAddresses);
  const administration = Math.min(requested.administration, Math.max(1, part));
  const forClients = Math.max(1, left - administrationAddresses * administration);
  return { clients: Math.min(requested.clients, forClients), administration };
}

/** Infinity where the limit can't be known. */
function descriptors(readLimits: () => string): number {
  try {
    const found = /^Max open files\s+(\d+)/m.exec(readLimits());
    return found === null ? Infinity : Number(found[1]);
  } catch {
    // There is no such file outside Linux.
    return Infinity;
  }
}

function ofThisProcess(): string {
  return readFileSync("/proc/self/limits", "utf8");
}
