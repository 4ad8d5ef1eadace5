import { readdirSync, readFileSync } from "node:fs";
import { spawnSync } from "./child.ts";

/** The children of `parent` that `simulate-drop` started as clients to be killed. */
export function childClients(parent: number): number[] {
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && parentOf(pid) === parent)
    .filter((pid) => contents(`/proc/${pid}/cmdline`).split("\0").includes("drop-client"));
}

/** Whether the process exists and is no zombie. */
export function isAlive(pid: number): boolean {
  return /^[RSDTtI]/.test(stateOf(pid));
}

/** Whether a signal has stopped it. */
export function isStopped(pid: number): boolean {
  return stateOf(pid).startsWith("T");
}

/** Network links that `simulate-drop` made for a process. */
export function linksOf(pid: number): string[] {
  const { stdout } = spawnSync(["ip", "-oneline", "link", "show"]);
  const mine = `alias mqttd simulate-drop, process ${pid}`;
  return stdout
    .toString()
    .split("\n")
    .filter((line) => line.endsWith(mine));
}

function parentOf(pid: number): number {
  return Number(/^PPid:\s*(\d+)$/m.exec(contents(`/proc/${pid}/status`))?.[1]);
}

function stateOf(pid: number): string {
  return /^State:\s*(\S.*)$/m.exec(contents(`/proc/${pid}/status`))?.[1] ?? "";
}

/** Empty: the process has ended meanwhile. */
function contents(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
