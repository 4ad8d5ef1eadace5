import { readFileSync } from "node:fs";

/** Descriptors that the process needs beside its connections: log, listeners, epoll, libraries. */
const ownDescriptors = 100;

/**
 * How many connections the process may have open, by the operating system's limit on descriptors.
 * Beyond it accepting fails and the loop spins, so the broker's own limit has to be lower. Infinity
 * where the limit can't be known.
 */
export function connectionsByDescriptors(readLimits: () => string = ofThisProcess): number {
  try {
    const found = /^Max open files\s+(\d+)/m.exec(readLimits());
    return found === null ? Infinity : Math.max(1, Number(found[1]) - ownDescriptors);
  } catch {
    // There is no such file outside Linux.
    return Infinity;
  }
}

function ofThisProcess(): string {
  return readFileSync("/proc/self/limits", "utf8");
}
