/** How long a broker takes to start with a large store, and what it takes then: see `help`. */
import { statSync } from "node:fs";
import path from "node:path";
import type { Change } from "../src/core/durable.ts";
import { after, type Millis } from "../src/core/io.ts";
import { type CpuTimes, cpuTimes, rssBytes } from "../src/load/usage.ts";
import { encodeBatch } from "../src/store/batch.ts";
import { StoreFile } from "../src/store/file.ts";
import { fileName } from "../src/store/folder.ts";
import { Folder, run, RunningBroker } from "../tests/support/executable.ts";
import { flagsOf, runScript, wholeNumber } from "./usage.ts";

const help = `npm run stores -- [options]

Makes a store of sessions, each with one subscription and messages in its queue, and of retained
messages; starts dist/mqttd (or MQTTD_EXECUTABLE) on it, and prints how long that takes, the time of
the processor, and what the process grows by against a broker with an empty store. Then everything
expires, and it waits until the file has shrunk to a quarter. On Linux.

  --sessions N    sessions (100000)
  --queued N      messages in the queue of each, QoS 1 (2)
  --retained N    retained messages (100000)
  --payload N     bytes of each payload (64)
  --runs N        starts; prints each and the median (3)
  --no-expiry     nothing expires, and the file is not looked at again

Exit codes: 0 done, 1 something of it was not restored or the file did not shrink, 2 wrong usage.`;

const options = {
  sessions: { type: "string", default: "100000" },
  queued: { type: "string", default: "2" },
  retained: { type: "string", default: "100000" },
  payload: { type: "string", default: "64" },
  runs: { type: "string", default: "3" },
  "no-expiry": { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

interface Size {
  readonly sessions: number;
  readonly queued: number;
  readonly retained: number;
  readonly payload: number;
}

/** Until everything expires, from when the last start is expected on. */
const expiryMs = 60_000;
/** How long the file may take to shrink after that. */
const shrinkMs = 120_000;
/** A start on a loaded machine. */
const readyMs = 120_000;

await runScript(async () => {
  const values = flagsOf(options);
  if (values.help) {
    console.log(help);
    return 0;
  }
  const size: Size = {
    sessions: wholeNumber("sessions", values.sessions),
    queued: wholeNumber("queued", values.queued),
    retained: wholeNumber("retained", values.retained),
    payload: wholeNumber("payload", values.payload),
  };
  const runs = wholeNumber("runs", values.runs, 1);
  using folder = new Folder();
  const empty = await startOn(folder.file("empty"));
  const full = folder.file("full");
  const expiresAt = values["no-expiry"]
    ? null
    : after(Date.now() as Millis, expiryMs + runs * 20_000);
  make(full, size, expiresAt);
  console.log(`${sizeText(size)}; file ${mebibytes(bytesOf(full))}`);
  const starts: Start[] = [];
  for (let number = 1; number <= runs; number++) {
    const isLast = number === runs;
    const start = await startOn(full, isLast ? expiresAt : null);
    console.log(startText(`start ${number}`, start, empty, size));
    starts.push(start);
    if (start.restored !== size.sessions) return 1;
    if (!isLast || expiresAt === null) continue;
    console.log(`expired: file ${mebibytes(start.fileBytes)} after ${start.shrunkMs} ms`);
    if (start.shrunkMs === null) return 1;
  }
  console.log(startText("median", medianOf(starts), empty, size));
  return 0;
});

interface Start {
  readonly readyMs: number;
  readonly cpu: CpuTimes;
  readonly residentBytes: number;
  /** What limits.memory counts, by `inspect memory`. */
  readonly countedBytes: number;
  readonly restored: number;
  readonly fileBytes: number;
  /** From the expiry on; null: it did not. */
  readonly shrunkMs: number | null;
}

/** Starts a broker, looks at it and kills it, so that the store stays as it was made. */
async function startOn(data: string, expiresAt: Millis | null = null): Promise<Start> {
  const begin = performance.now();
  const args = [
    ...["--data", data, "--set", "admin.port=0", "--set", "store.restartSettle=0s"],
    ...["--set", "limits.sessions=1000000", "--set", "limits.retainedMessages=1000000"],
    ...["--set", "limits.memory=16GiB", "--set", "limits.retainedBytes=4GiB"],
  ];
  await using broker = await RunningBroker.start({ args, readyBoundMs: readyMs });
  const ready = performance.now() - begin;
  const cpu = known(cpuTimes(broker.pid));
  await settled(broker.pid);
  const restored = broker.log.items.find(({ event }) => event === "restored");
  const sessions = Number(restored?.["sessions"] ?? 0);
  const residentBytes = known(rssBytes(broker.pid));
  const countedBytes = await counted(broker.folder);
  let shrunkMs: number | null = null;
  if (expiresAt !== null) {
    // Records of the latest clients stay.
    const most = bytesOf(data) / 4;
    while (Date.now() < expiresAt + shrinkMs && shrunkMs === null) {
      await Bun.sleep(250);
      if (Date.now() > expiresAt && bytesOf(data) <= most) shrunkMs = Date.now() - expiresAt;
    }
  }
  return {
    ...{ readyMs: ready, cpu, residentBytes, countedBytes },
    ...{ restored: sessions, fileBytes: bytesOf(data), shrunkMs },
  };
}

/** Writes the store as a broker does that is killed then. */
function make(folder: string, size: Size, expiresAt: Millis | null): void {
  const file = StoreFile.open({ folder, durability: "off", version: "0" });
  let batch: Change[] = [];
  const write = (): void => {
    for (const { rows } of encodeBatch(batch)) file.apply(rows);
    batch = [];
  };
  const now = Date.now() as Millis;
  let messages = 0;
  const message = (topic: string, retain: boolean): number => {
    messages += 1;
    const payload = new Uint8Array(size.payload).fill(messages);
    batch.push({
      put: "message",
      value: { message: messages, topic, payload, qos: 1, retain, properties: null, expiresAt },
    });
    return messages;
  };
  for (let number = 0; number < size.retained; number++) {
    const topic = `site/${number % 100}/device/${number}/state`;
    batch.push({ put: "retained", value: { topic, message: message(topic, true) } });
    if (batch.length > 5000) write();
  }
  for (let number = 0; number < size.sessions; number++) {
    const session = number + 1;
    const expirySeconds = expiresAt === null ? null : (expiresAt - now) / 1000;
    batch.push({
      put: "session",
      value: {
        ...{ session, clientId: `device-${number}`, version: 5, username: null, accessList: null },
        ...{ listener: "tcp 127.0.0.1:1883", remote: "192.0.2.17:50001", connectedAt: now },
        ...{ keepAliveSeconds: 60, createdAt: now, ended: { cause: "disconnected", at: now } },
        ...{ expirySeconds, hasUsedSharedFilters: false },
      },
    });
    const filter = `site/${number % 100}/device/${number}/command`;
    batch.push({
      put: "subscription",
      value: {
        ...{ session, filter, mountPoint: "", qos: 1, noLocal: false, retainAsPublished: false },
        ...{ identifier: 0, owesRetained: false },
      },
    });
    for (let place = 0; place < size.queued; place++) {
      batch.push({
        put: "queued",
        value: {
          ...{ session, place, message: message(filter, false), qos: 1, retain: false },
          ...{ identifiers: null, shared: null },
        },
      });
    }
    if (batch.length > 5000) write();
  }
  write();
  file.heartbeat(now);
  file.close();
}

/** Waits until the process has worked off its start. */
async function settled(pid: number): Promise<void> {
  for (let quiet = 0, before = -1; quiet < 4;) {
    await Bun.sleep(250);
    const { user } = known(cpuTimes(pid));
    quiet = user - before < 0.035 ? quiet + 1 : 0;
    before = user;
  }
}

async function counted(folder: Folder): Promise<number> {
  const { stdout } = await run(folder, ["inspect", "--json"]);
  const { memory } = JSON.parse(stdout) as { readonly memory: { readonly total: number } };
  return memory.total;
}

/** What the kernel tells of the broker, which runs. */
function known<Figure>(figure: Figure | null): Figure {
  if (figure === null) throw new Error("this script needs /proc, as on Linux");
  return figure;
}

function bytesOf(folder: string): number {
  return statSync(path.join(folder, fileName), { throwIfNoEntry: false })?.size ?? 0;
}

function medianOf(starts: readonly Start[]): Start {
  const sorted = starts.toSorted((a, b) => a.readyMs - b.readyMs);
  const median = sorted[sorted.length >> 1];
  if (median === undefined) throw new Error("there was no start");
  return median;
}

function sizeText({ sessions, queued, retained, payload }: Size): string {
  const number = (value: number): string => value.toLocaleString("en-US");
  return `${number(sessions)} sessions with ${queued} messages each, ${number(retained)} retained, ${payload} B`;
}

function startText(name: string, start: Start, empty: Start, size: Size): string {
  const resident = start.residentBytes - empty.residentBytes;
  const counted = start.countedBytes - empty.countedBytes;
  const payloads = (size.sessions * size.queued + size.retained) * size.payload;
  const each = (bytes: number): string =>
    `${mebibytes(bytes)} (${((bytes - payloads) / Math.max(1, size.sessions + size.retained) / 1024).toFixed(2)} KiB each)`;
  const processor = `${start.cpu.user.toFixed(1)} s user, ${start.cpu.system.toFixed(1)} s system`;
  return `${name}: ready after ${(start.readyMs / 1000).toFixed(1)} s (${processor}); resident +${each(resident)}, counted +${each(counted)}`;
}

function mebibytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
