import { readFileSync } from "node:fs";

/** Resource usage of a process, from the kernel. Null without /proc, or without such a process. */

/** USER_HZ: the unit of /proc/PID/stat on every Linux that Bun runs on. */
const ticksPerSecond = 100;

/** Of all threads of a process, in seconds. */
export interface CpuTimes {
  readonly user: number;
  readonly system: number;
}

export function cpuTimes(pid: number): CpuTimes | null {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === null) return null;
  // The command name is in parentheses and may hold any character, so count fields from its end.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return {
    user: Number(fields[11]) / ticksPerSecond,
    system: Number(fields[12]) / ticksPerSecond,
  };
}

/** User and system time of all threads of a process, in seconds. */
export function cpuSeconds(pid: number): number | null {
  const times = cpuTimes(pid);
  return times === null ? null : times.user + times.system;
}

/** Busy time of all cores of this machine since it started, seconds. */
export function machineBusySeconds(): number | null {
  const fields = read("/proc/stat")?.split("\n")[0]?.trim().split(/\s+/).slice(1, 9).map(Number);
  if (fields === undefined) return null;
  const [user = 0, nice = 0, system = 0, , , interrupts = 0, softInterrupts = 0, stolen = 0] =
    fields;
  return (user + nice + system + interrupts + softInterrupts + stolen) / ticksPerSecond;
}

/** Current resident bytes. */
export function rssBytes(pid: number): number | null {
  return statusBytes(pid, "VmRSS");
}

/** Peak resident bytes. */
export function peakRssBytes(pid: number): number | null {
  return statusBytes(pid, "VmHWM");
}

/** Null if one of them is unknown. */
export function difference(before: number | null, after: number | null): number | null {
  return before === null || after === null ? null : after - before;
}

function statusBytes(pid: number, name: string): number | null {
  const kib = read(`/proc/${pid}/status`)?.match(new RegExp(`^${name}:\\s+(\\d+) kB`, "m"))?.[1];
  return kib === undefined ? null : Number(kib) * 1024;
}

function read(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}
