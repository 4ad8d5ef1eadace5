import { readFileSync } from "node:fs";
import { totalmem } from "node:os";
import path from "node:path";

/** A quarter of the memory that this process may use: of the machine's, or of its cgroup's. */
export function quarterOfMemory(): number {
  return Math.floor(Math.min(totalmem(), cgroupLimit(readText)) / 4);
}

const root = "/sys/fs/cgroup";

/**
 * The lowest memory limit of the process's cgroup and those above it, version 2 or 1; Infinity:
 * none, or no Linux. `read`: a file's text; null: there is no such file.
 */
export function cgroupLimit(read: (file: string) => string | null): number {
  // Lines `0::/path` for version 2 and `4:memory:/path` for version 1.
  const lines = read("/proc/self/cgroup")?.trim().split("\n") ?? [];
  const limits = lines.flatMap((line) => {
    const [, controllers = "", ...rest] = line.split(":");
    const own = rest.join(":");
    if (controllers === "") return limitsAbove(read, root, own, "memory.max");
    if (!controllers.split(",").includes("memory")) return [];
    return limitsAbove(read, `${root}/memory`, own, "memory.limit_in_bytes");
  });
  return Math.min(Infinity, ...limits);
}

/** Inside a container the path may be the host's: then only the mount's own folder exists. */
function limitsAbove(
  read: (file: string) => string | null,
  mount: string,
  own: string,
  name: string,
): number[] {
  const limits: number[] = [];
  for (let folder = path.posix.join("/", own); ; folder = path.posix.dirname(folder)) {
    const text = read(path.posix.join(mount, folder, name))?.trim() ?? "max";
    // Version 1 writes "none" as a number above all memory.
    if (/^\d+$/.test(text)) limits.push(Number(text));
    if (folder === "/") return limits;
  }
}

function readText(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch {
    // No such file: another system, or no such cgroup.
    return null;
  }
}
