import { dlopen } from "bun:ffi";
import { readdirSync, readFileSync } from "node:fs";

/**
 * The processes that this process started, those that they started, and so on. Linux only:
 * elsewhere the list is empty, and only the terminal's signals end them.
 */

export interface Descendant {
  readonly pid: number;
  /** Its command line, in one line. */
  readonly command: string;
}

interface Process {
  readonly pid: number;
  readonly parent: number;
  /** Ended, but no process has waited for it yet. */
  readonly isDead: boolean;
}

const isLinux = process.platform === "linux";
const burialMs = 1000;

/** From now on, descendants that lose their parent become children of this process, not of init. */
export function adoptOrphans(): void {
  if (!isLinux) return;
  const libc = dlopen("libc.so.6", {
    prctl: { args: ["i32", "u64", "u64", "u64", "u64"], returns: "i32" },
    waitpid: { args: ["i32", "ptr", "i32"], returns: "i32" },
  }).symbols;
  const setChildSubreaper = 36;
  libc.prctl(setChildSubreaper, 1, 0, 0, 0);
  // No code waits for adopted processes. Bun waits for its own children before the next round.
  let dead = new Set<number>();
  const bury = (): void => {
    const mine = processes().filter(({ parent, isDead }) => isDead && parent === process.pid);
    const noHang = 1;
    for (const { pid } of mine) if (dead.has(pid)) libc.waitpid(pid, null, noHang);
    dead = new Set(mine.map(({ pid }) => pid));
  };
  setInterval(bury, burialMs).unref();
}

/** All living descendants. */
export function descendants(): Descendant[] {
  // Includes dead ones: their children may have been read before they got another parent.
  const children = Map.groupBy(processes(), ({ parent }) => parent);
  const below = (parent: number): Process[] =>
    (children.get(parent) ?? []).flatMap((child) => [child, ...below(child.pid)]);
  return below(process.pid)
    .filter(({ isDead }) => !isDead)
    .map(({ pid }) => ({ pid, command: commandOf(pid) }));
}

/** Kills all descendants until none is left. */
export async function killDescendants(): Promise<void> {
  // Processes end while the list is read, so one look may miss some.
  for (let looksInVain = 0; looksInVain < 3;) {
    const left = descendants();
    for (const { pid } of left) kill(pid);
    looksInVain = left.length === 0 ? looksInVain + 1 : 0;
    await Bun.sleep(5);
  }
}

/** A process, or all of a group by its negative number. */
export function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // Already ended.
  }
}

function processes(): Process[] {
  if (!isLinux) return [];
  return readdirSync("/proc")
    .map(Number)
    .filter(Number.isInteger)
    .flatMap((pid) => {
      // proc(5): the name stands in parentheses and may hold any character.
      const found = /^.*\) (\S) (\d+) /s.exec(contents(`/proc/${pid}/stat`));
      if (found === null) return [];
      const [, state = "", parent] = found;
      return [{ pid, parent: Number(parent), isDead: state === "Z" || state === "X" }];
    });
}

function commandOf(pid: number): string {
  const words = contents(`/proc/${pid}/cmdline`).split("\0").join(" ").trim();
  return words.replace(/\s+/g, " ").slice(0, 200);
}

/** Empty: the process has ended. */
function contents(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
