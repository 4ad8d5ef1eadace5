import {
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { tmpdir, userInfo } from "node:os";
import path from "node:path";
import * as z from "zod";
import type { RunningBroker } from "./api.ts";

type Env = Readonly<Record<string, string | undefined>>;

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
  const found = lstatSync(folder);
  if (!found.isDirectory()) throw new Error(`${folder} is no folder`);
  const isOthers = process.platform !== "win32" && found.uid !== userInfo().uid;
  if (isOthers) throw new Error(`${folder} belongs to somebody else`);
  return folder;
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

/** The brokers of this user that run, the longest running first. Files of dead ones are removed. */
export function runningBrokers(env: Env): RunningBroker[] {
  const folder = runFolder(env);
  return namesIn(folder)
    .filter((name) => /^\d+\.json$/.test(name))
    .flatMap((name) => {
      const file = path.join(folder, name);
      if (isAlive(Number(name.slice(0, -5)))) return readOne(file);
      rmSync(file, { force: true });
      return [];
    })
    .sort((a, b) => a.startedAt - b.startedAt);
}

const runningSchema = z.object({
  pid: z.int(),
  startedAt: z.number(),
  version: z.string(),
  api: z.int(),
  url: z.url(),
  listeners: z.array(z.string()),
  tokenFile: z.string().nullable(),
});

function readOne(file: string): RunningBroker[] {
  try {
    const read = runningSchema.safeParse(JSON.parse(readFileSync(file, "utf8")));
    return read.success ? [read.data] : [];
  } catch {
    // It went away meanwhile, or is none of ours.
    return [];
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (fault) {
    // EPERM: it is there, and somebody else's.
    return fault instanceof Error && "code" in fault && fault.code === "EPERM";
  }
}

function userNumber(): string {
  const { uid, username } = userInfo();
  return uid >= 0 ? String(uid) : username;
}
