import {
  closeSync,
  constants,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import path from "node:path";
import { signOfLifeMs } from "../core/durable.ts";
import type { Millis } from "../core/io.ts";
import { systemErrorText } from "../log/system-error.ts";

/** What a broker noted last; a file that is left tells that it did not stop in order. */
export interface LastSign {
  /** Of which run. */
  readonly run: number;
  readonly at: Millis;
  /**
   * The last sign that the store itself had, with all that had changed until then, on the disk; 0: none
   * that must be there.
   */
  readonly kept: Millis;
}

/** The name of its file in the folder. */
export const signName = "mqttd.alive";
/** Each text takes the place of the one before, which needs no room on a full disk. */
const bytes = 64;

/**
 * A broker's signs of life, in a file beside the store's: those that the store could not take, and
 * how far what is kept has to reach.
 */
export class SignOfLife {
  readonly #folder: string;
  readonly #run: number;
  readonly #file: number;
  #at = 0;
  #kept = 0;

  constructor(folder: string, run: number) {
    this.#folder = folder;
    this.#run = run;
    // Not cut: on a full disk there may be no room for it again.
    const flags = constants.O_WRONLY | constants.O_CREAT;
    this.#file = openSync(path.join(folder, signName), flags, 0o600);
    if (fstatSync(this.#file).size > bytes) ftruncateSync(this.#file, bytes);
  }

  /** `isKept`: the store has it too, and on the disk. */
  write(at: number, isKept: boolean): void {
    this.#at = at;
    if (isKept) this.#kept = at;
    const text = `${this.#run} ${at} ${this.#kept}`.padEnd(bytes - 1);
    writeSync(this.#file, `${text}\n`, 0);
  }

  /** The broker lives, and the store is behind: on the disk now. False: it can't be written. */
  writeBehind(): boolean {
    try {
      this.write(Math.max(this.#at, this.#kept + 1, Date.now()), false);
      fdatasyncSync(this.#file);
      return true;
    } catch {
      return false;
    }
  }

  close(): void {
    closeSync(this.#file);
  }

  remove(): void {
    this.close();
    rmSync(path.join(this.#folder, signName), { force: true });
  }
}

/** Milliseconds after which a sign of life is old. */
const oldMs = signOfLifeMs * 2.5;
/** Milliseconds in which a broker that lives gives the next one. */
const nextMs = signOfLifeMs * 1.5;

/**
 * Whether a broker that is not known by its process gives signs of life in a folder: one in another
 * container. Waits for the next if the last is new.
 */
export function signsNow(folder: string): boolean {
  const first = lastSign(folder);
  if (first === null || first instanceof UnreadableSign || Date.now() - first.at > oldMs)
    return false;
  const until = performance.now() + nextMs;
  while (performance.now() < until) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
    const now = lastSign(folder);
    if (now === null || now.at !== first.at) return true;
  }
  return false;
}

/** A broker has left its signs, and they can't be read. */
export class UnreadableSign {
  /** Why, as a clause. */
  readonly why: string;
  /** When the file was written last. */
  readonly at: Millis;

  constructor(why: string, at: Millis) {
    this.why = why;
    this.at = at;
  }
}

/** Null: the broker before stopped in order, or the power failed before anything was written. */
export function lastSign(folder: string): LastSign | UnreadableSign | null {
  const name = path.join(folder, signName);
  const found = statSync(name, { throwIfNoEntry: false });
  if (found?.isFile() !== true || found.size === 0) return null;
  const at = Math.floor(found.mtimeMs) as Millis;
  try {
    return parsed(readFileSync(name, "latin1")) ?? new UnreadableSign("it has something else", at);
  } catch (cause) {
    return new UnreadableSign(systemErrorText(cause), at);
  }
}

/** Null: it is no sign of life. */
function parsed(text: string): LastSign | null {
  const found = /^(\d+) (\d+) (\d+) *\n$/.exec(text);
  if (found === null) return null;
  const [, run, at, kept] = found;
  return { run: Number(run), at: Number(at) as Millis, kept: Number(kept) as Millis };
}
