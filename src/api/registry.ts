import {
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { tmpdir, userInfo } from "node:os";
import path from "node:path";
import * as z from "zod";
import type { Env } from "../config/environment.ts";
import type { RunningBroker } from "./api.ts";
import { isOwn, type OwnFileRules, readOwnFile } from "./own-file.ts";
import { processStart } from "./process-start.ts";

/**
 * Folder where this user's brokers register: `MQTTD_RUN_DIR`, else `mqttd` in XDG_RUNTIME_DIR, else
 * `mqttd-UID` in the folder for temporary files.
 */
export function runFolder(env: Env): string {
  const named = env["MQTTD_RUN_DIR"];
  if (named !== undefined && named !== "") return named;
  const runtime = env["XDG_RUNTIME_DIR"];
  if (runtime !== undefined && path.isAbsolute(runtime)) return path.join(runtime, "mqttd");
  return path.join(tmpdir(), `mqttd-${userNumber()}`);
}

/** Creates the run folder, for this user only. Throws an Error that says what is wrong with it. */
export function ownRunFolder(env: Env): string {
  const folder = runFolder(env);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const problem = problemOf(folder);
  if (problem !== null) throw new Error(problem);
  return folder;
}

/** Why the run folder can't be trusted; null: this user owns it, or it does not exist. */
export function runFolderProblem(env: Env): string | null {
  const folder = runFolder(env);
  return lstatSync(folder, { throwIfNoEntry: false }) === undefined ? null : problemOf(folder);
}

/** A user who can write there could register a fake broker, and `inspect` would send it a token. */
function problemOf(folder: string): string | null {
  const found = lstatSync(folder);
  if (!found.isDirectory()) return `${folder} is not a folder`;
  if (!isOwn(found)) return `${folder} belongs to another user`;
  const isOpen = process.platform !== "win32" && (found.mode & 0o022) !== 0;
  return isOpen ? `other users can write to ${folder}` : null;
}

/** Registers this broker; the file appears whole. Returns a function that removes it. */
export function announce(broker: RunningBroker, env: Env): () => void {
  const file = path.join(ownRunFolder(env), `${broker.pid}.json`);
  const draft = `${file}.tmp`;
  rmSync(draft, { force: true });
  const descriptor = openSync(draft, "wx", 0o600);
  writeSync(descriptor, `${JSON.stringify(broker)}\n`);
  closeSync(descriptor);
  renameSync(draft, file);
  return () => rmSync(file, { force: true });
}

/**
 * This user's running brokers, longest running first. A file identifies a process by pid and start:
 * if another process has the pid now, the broker is dead, and no token goes to its port.
 */
export function runningBrokers(env: Env): RunningBroker[] {
  return registered(env)
    .filter(({ isRunning }) => isRunning)
    .map(({ broker }) => broker)
    .sort((a, b) => a.startedAt - b.startedAt);
}

/** Files kept of brokers that did not stop in order, in case one starts on their address again. */
const deadKept = 20;

/**
 * The broker that ran last on one of these addresses (`mqtt://127.0.0.1:1883`) and did not stop in
 * order, which would have removed its file; null: none is known. Removes the files of all of them.
 */
export function takePredecessor(listeners: readonly string[], env: Env): RunningBroker | null {
  const dead = registered(env)
    .filter(({ isRunning }) => !isRunning)
    .sort((a, b) => b.broker.startedAt - a.broker.startedAt);
  const isHere = ({ broker }: Registered): boolean =>
    broker.listeners.some((url) => listeners.some((own) => overlap(url, own)));
  const here = dead.filter(isHere);
  const elsewhere = dead.filter((one) => !isHere(one));
  for (const { file } of [...here, ...elsewhere.slice(deadKept)]) {
    try {
      rmSync(file, { force: true });
    } catch {
      // This user may lack permission to remove it.
    }
  }
  return here[0]?.broker ?? null;
}

/** Whether two listeners can't be open at the same time. */
function overlap(a: string, b: string): boolean {
  if (!URL.canParse(a) || !URL.canParse(b)) return false;
  const [one, two] = [new URL(a), new URL(b)];
  if (one.port === "" || two.port === "") return a === b; // Unix sockets.
  const hosts = [one.hostname, two.hostname];
  const isAnywhere = hosts.includes("0.0.0.0") || hosts.includes("[::]");
  return one.port === two.port && (isAnywhere || one.hostname === two.hostname);
}

interface Registered {
  readonly file: string;
  readonly broker: RunningBroker;
  readonly isRunning: boolean;
}

function registered(env: Env): Registered[] {
  const folder = runFolder(env);
  return namesIn(env)
    .filter((name) => /^\d+\.json$/.test(name))
    .flatMap((name) => {
      const file = path.join(folder, name);
      const pid = Number(name.slice(0, -5));
      const [broker] = readOne(file);
      if (broker === undefined || broker.pid !== pid) return [];
      const isRunning = isAlive(pid) && broker.processStart === processStart(pid);
      return [{ file, broker, isRunning }];
    });
}

const runningSchema = z.object({
  pid: z.int(),
  processStart: z.string().nullable(),
  startedAt: z.number(),
  version: z.string(),
  api: z.int(),
  url: z.url(),
  listeners: z.array(z.string()),
  tokenFile: z.string().nullable(),
  // Absent in files of older brokers.
  certificate: z.string().nullable().default(null),
  store: z.string().nullable().default(null),
});

/** A few hundred bytes and at most 64 listeners. */
const runFileRules: OwnFileRules = { maxBytes: 64 * 1024, isSecret: false, isNamedByUs: true };

function readOne(file: string): RunningBroker[] {
  try {
    const read = runningSchema.safeParse(JSON.parse(readOwnFile(file, runFileRules)));
    return read.success ? [read.data] : [];
  } catch {
    // Removed meanwhile, or not a file of ours.
    return [];
  }
}

function namesIn(env: Env): string[] {
  try {
    return runFolderProblem(env) === null ? readdirSync(runFolder(env)) : [];
  } catch {
    return [];
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    // No such process, or (EPERM) another user's.
    return false;
  }
}

/**
 * Not by `userInfo`, which throws for a user without a name, as containers have them. Windows has no
 * numbers.
 */
function userNumber(): string {
  return process.getuid === undefined ? userInfo().username : String(process.getuid());
}
