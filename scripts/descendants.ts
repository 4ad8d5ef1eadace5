import { dlopen } from "bun:ffi";
import { readdirSync, readFileSync } from "node:fs";

/**
 * The processes that this one has started, those that they have started, and so on. On Linux alone:
 * elsewhere none are to be seen, and the signals of the terminal have to do.
 */

export interface Descendant {
  readonly pid: number;
  /** Its command line, in one line. */
  readonly command: string;
}

interface Process {
  readonly pid: number;
  readonly parent: number;
  /** It has ended, and waits to be waited for. */
  readonly isDead: boolean;
}

const isLinux = process.platform === "linux";
const burialMs = 1000;

/** Descendants that lose their parent become children of this process from now on, not of init. */
export function adoptOrphans(): void {
  if (!isLinux) return;
  const libc = dlopen("libc.so.6", {
    prctl: { args: ["i32", "u64", "u64", "u64", "u64"], returns: "i32" },
    waitpid: { args: ["i32", "ptr", "i32"], returns: "i32" },
  }).symbols;
  const setChildSubreaper = 36;
  libc.prctl(setChildSubreaper, 1, 0, 0, 0);
  // Nobody waits for those that were adopted. Bun waits for its own before it comes here again.
  let dead = new Set<number>();
  const bury = (): void => {
    const mine = processes().filter(({ parent, isDead }) => isDead && parent === process.pid);
    const noHang = 1;
    for (const { pid } of mine) if (dead.has(pid)) libc.waitpid(pid, null, noHang);
    dead = new Set(mine.map(({ pid }) => pid));
  };
  setInterval(bury, burialMs).unref();
}

/** All that are alive. */
export function descendants(): Descendant[] {
  // The dead, too: their children may have been looked at before they had another parent.
  const children = Map.groupBy(processes(), ({ parent }) => parent);
  const below = (parent: number): Process[] =>
    (children.get(parent) ?? []).flatMap((child) => [child, ...below(child.pid)]);
  return below(process.pid)
    .filter(({ isDead }) => !isDead)
    .map(({ pid }) => ({ pid, command: commandOf(pid) }));
}

/** Kills all of them, until there are none. */
export async function killDescendants(): Promise<void> {
  // The list is read process by process while they end, so that one look may miss somebody.
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
    // It has ended meanwhile.
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

/** Empty: it has ended meanwhile. */
function contents(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
