import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** Timeout of `ps`. */
const timeoutMs = 2000;

/**
 * When a process started, as a string that no other process with that pid has. Null: the process
 * has ended, or its start is unknown. Linux: boot id and clock ticks since the boot. macOS and the
 * BSDs: `ps`, to the second. Windows: no cheap way to ask.
 */
export function processStart(pid: number): string | null {
  try {
    switch (process.platform) {
      case "linux":
        return linuxStart(pid);
      case "win32":
        return null;
      default:
        return psStart(pid);
    }
  } catch {
    // The process has ended, or this one lacks permission.
    return null;
  }
}

function linuxStart(pid: number): string | null {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The second field is the program's name in parentheses, which may hold any character.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  // proc_pid_stat(5): the start is field 22; fields[0] is field 3, the state. A process that has
  // ended may still wait for its parent (Z).
  const ticks = fields[22 - 3];
  if (ticks === undefined || fields[0] === "Z" || fields[0] === "X") return null;
  const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  return `${boot} ${ticks}`;
}

function psStart(pid: number): string | null {
  const said = execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], {
    encoding: "utf8",
    timeout: timeoutMs,
    stdio: ["ignore", "pipe", "ignore"],
    // The same output in every environment.
    env: { PATH: process.env["PATH"] ?? "/bin:/usr/bin", LC_ALL: "C", TZ: "UTC" },
  }).trim();
  return said === "" ? null : said;
}
