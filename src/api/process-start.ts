import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** How long `ps` may take. */
const timeoutMs = 2000;

/**
 * When a process was started, in words that no other process of that number has; null: it has ended, or
 * it can't be known. Linux: the boot and the clock ticks since it. macOS and the BSDs: what `ps` says, which is a
 * whole second. Windows has no cheap way to ask.
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
    // It has ended, or this process may not look.
    return null;
  }
}

function linuxStart(pid: number): string | null {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The second field is the program's name in parentheses, which may hold any character.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  // proc_pid_stat(5): field 22, and the third stands first here, its state: one that has ended may wait
  // for its parent (Z).
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
    // The same words, whoever asks.
    env: { PATH: process.env["PATH"] ?? "/bin:/usr/bin", LC_ALL: "C", TZ: "UTC" },
  }).trim();
  return said === "" ? null : said;
}
