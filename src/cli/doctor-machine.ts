import type { Settings } from "../config/settings.ts";
import { size } from "../log/size.ts";
import { withinDescriptors } from "../server/descriptors.ts";
import { type Finding, ok, unknown, warn } from "./doctor-finding.ts";

/** Whoever leaves `limits.connections` at its default needs no more. */
const clientsMin = 1000;

/**
 * `limitsText`: `/proc/self/limits`; null: another system. `isDefault`: nobody has set
 * `limits.connections`.
 */
export function descriptorFinding(
  limitsText: string | null,
  { limits, admin }: Pick<Settings, "limits" | "admin">,
  isDefault: boolean,
): Finding {
  const [, soft, hard] = /^Max open files\s+(\w+)\s+(\w+)/m.exec(limitsText ?? "") ?? [];
  if (limitsText === null || soft === undefined || hard === undefined) {
    return unknown("descriptors: only Linux shows the limit (ulimit -n)");
  }
  const wanted = limits.connections;
  const administration = admin.port === null ? 0 : admin.connections;
  const fits = withinDescriptors({ clients: wanted, administration }, () => limitsText);
  const stated = `descriptors: ${soft} for this process, at most ${hard} (ulimit -n)`;
  if (fits.clients >= wanted) {
    return ok(`${stated}: enough for limits.connections, ${wanted}`);
  }
  const room = `${stated}: room for ${fits.clients} clients`;
  if (isDefault && fits.clients >= clientsMin) return ok(room);
  return warn(
    `${room}, limits.connections allows ${wanted}`,
    hard === soft
      ? "raise the hard limit (/etc/security/limits.conf, LimitNOFILE= of the unit), or lower " +
          "limits.connections"
      : `ulimit -n ${hard}, or lower limits.connections`,
  );
}

export interface Memory {
  /** Bytes, of the machine. */
  readonly total: number;
  /** Bytes that programs can still get; null: unknown. */
  readonly available: number | null;
  /** Bytes; Infinity: no limit of a cgroup. */
  readonly cgroup: number;
}

/** `memory`: `limits.memory` in bytes. */
export function memoryFindings({ total, available, cgroup }: Memory, memory: number): Finding[] {
  const most = Math.min(total, cgroup);
  const limit = cgroup < total ? `, ${size(cgroup)} for this cgroup` : "";
  const left = available === null ? "" : `, ${size(available)} available`;
  const stated = `memory: ${size(total)}${limit}${left}; clients may take ${size(memory)} (limits.memory)`;
  if (memory > most) {
    return [warn(stated, "limits.memory is above what there is: set it to auto")];
  }
  if (available !== null && memory > available) {
    return [warn(stated, `close other programs, or set limits.memory below ${size(available)}`)];
  }
  return [ok(stated)];
}

/** `MemAvailable` of `/proc/meminfo`, bytes; null: another system. */
export function availableIn(meminfo: string | null): number | null {
  const [, kibibytes] = /^MemAvailable:\s+(\d+) kB$/m.exec(meminfo ?? "") ?? [];
  return kibibytes === undefined ? null : Number(kibibytes) * 1024;
}
