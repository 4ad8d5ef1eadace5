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
 * Where running brokers of this user leave word of themselves: `MQTTD_RUN_DIR`, else a folder of
 * ours in XDG_RUNTIME_DIR, else one in the folder for temporary files that has the user's number.
 */
export function runFolder(env: Env): string {
  const named = env["MQTTD_RUN_DIR"];
  if (named !== undefined && named !== "") return named;
  const runtime = env["XDG_RUNTIME_DIR"];
  if (runtime !== undefined && path.isAbsolute(runtime)) return path.join(runtime, "mqttd");
  return path.join(tmpdir(), `mqttd-${userNumber()}`);
}

/** Makes the folder, for this user only. Throws an Error whose message says what is wrong with it. */
export function ownRunFolder(env: Env): string {
  const folder = runFolder(env);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const problem = problemOf(folder);
  if (problem !== null) throw new Error(problem);
  return folder;
}

/** Why nothing in the run folder is believed; null: it is this user's own, or there is none. */
export function runFolderProblem(env: Env): string | null {
  const folder = runFolder(env);
  return lstatSync(folder, { throwIfNoEntry: false }) === undefined ? null : problemOf(folder);
}

/** Whoever can write there could name a broker of his own, and get a token of ours sent to it. */
function problemOf(folder: string): string | null {
  const found = lstatSync(folder);
  if (!found.isDirectory()) return `${folder} is no folder`;
  if (!isOwn(found)) return `${folder} belongs to somebody else`;
  const isOpen = process.platform !== "win32" && (found.mode & 0o022) !== 0;
  return isOpen ? `others can write to ${folder}` : null;
}

/** Leaves word of this broker; the file appears whole. Returns what takes it away again. */
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
 * The brokers of this user that run, the longest running first. A file tells of a process by its number
 * and its start: where that number lives again as another process, the broker is dead, and whoever has
 * its port by now gets no token of ours. Files of dead ones are removed.
 */
export function runningBrokers(env: Env): RunningBroker[] {
  const folder = runFolder(env);
  return namesIn(env)
    .filter((name) => /^\d+\.json$/.test(name))
    .flatMap((name) => {
      const file = path.join(folder, name);
      const pid = Number(name.slice(0, -5));
      if (!isAlive(pid)) return removeStale(file);
      const [running] = readOne(file);
      if (running === undefined || running.pid !== pid) return [];
      return running.processStart === processStart(pid) ? [running] : removeStale(file);
    })
    .sort((a, b) => a.startedAt - b.startedAt);
}

function removeStale(file: string): [] {
  try {
    rmSync(file, { force: true });
  } catch {
    // It is not believed either way; whoever may remove it is to.
  }
  return [];
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
});

/** Some hundred bytes, and 64 listeners at most. */
const runFileRules: OwnFileRules = { maxBytes: 64 * 1024, isSecret: false, isNamedByUs: true };

function readOne(file: string): RunningBroker[] {
  try {
    const read = runningSchema.safeParse(JSON.parse(readOwnFile(file, runFileRules)));
    return read.success ? [read.data] : [];
  } catch {
    // It went away meanwhile, or is none of ours.
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
    // There is none, or (EPERM) it is somebody else's.
    return false;
  }
}

function userNumber(): string {
  const { uid, username } = userInfo();
  return uid >= 0 ? String(uid) : username;
}
