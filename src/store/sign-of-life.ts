import { closeSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import path from "node:path";
import { signOfLifeMs } from "../core/durable.ts";
import type { Millis } from "../core/io.ts";

/** What a broker noted last; a file that is left tells that it did not stop in order. */
export interface LastSign {
  /** Of which run. */
  readonly run: number;
  readonly at: Millis;
  /** The last sign that the store itself had, on the disk; 0: none that must be there. */
  readonly kept: number;
}

const fileName = "mqttd.alive";
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
  #kept = 0;

  constructor(folder: string, run: number) {
    this.#folder = folder;
    this.#run = run;
    this.#file = openSync(path.join(folder, fileName), "w", 0o600);
  }

  /** `isKept`: the store has it too, and on the disk. */
  write(at: number, isKept: boolean): void {
    if (isKept) this.#kept = at;
    const text = `${this.#run} ${at} ${this.#kept}`.padEnd(bytes - 1);
    writeSync(this.#file, `${text}\n`, 0);
  }

  close(): void {
    closeSync(this.#file);
  }

  remove(): void {
    this.close();
    rmSync(path.join(this.#folder, fileName), { force: true });
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
  if (first === null || Date.now() - first.at > oldMs) return false;
  const until = performance.now() + nextMs;
  while (performance.now() < until) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
    if (lastSign(folder)?.at !== first.at) return true;
  }
  return false;
}

/** Null: the broker before stopped in order, or the power failed before anything was written. */
export function lastSign(folder: string): LastSign | null {
  let text;
  try {
    text = readFileSync(path.join(folder, fileName), "latin1");
  } catch {
    return null;
  }
  const found = /^(\d+) (\d+) (\d+) *\n$/.exec(text);
  if (found === null) return null;
  const [, run, at, kept] = found;
  return { run: Number(run), at: Number(at) as Millis, kept: Number(kept) };
}
