import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { targetText } from "../client/target.ts";
import { BrokerFailed, type BrokerSource, startBroker } from "./brokers.ts";
import { Client, type LoadTarget, Unanswered } from "./client.ts";
import { subscribe, uint16 } from "./packets.ts";
import { PartFailed } from "./parts.ts";

/** Which broker a figure is of, and how it was started. */
export interface BrokerFacts {
  readonly name: string;
  /** The command line, or the address. */
  readonly source: string;
  /** What it publishes on $SYS/broker/version; null: nothing, or it did not start. */
  readonly version: string | null;
}

/** How long to wait for the retained version. */
const versionMs = 500;
const openFiles = 1024;

/** Starts each broker once, and asks for its version. */
export async function brokerFacts(
  sources: readonly BrokerSource[],
  signal: AbortSignal,
): Promise<BrokerFacts[]> {
  const folder = mkdtempSync(path.join(tmpdir(), "mqttd-bench-"));
  try {
    const facts: BrokerFacts[] = [];
    for (const source of sources) {
      const version = await versionOf(source, folder, signal);
      facts.push({ name: source.name, source: shown(source), version });
    }
    return facts;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A command without the folder of its program, which differs from machine to machine. */
function shown(source: BrokerSource): string {
  if (source.kind === "running") return targetText(source.target);
  return source.shown ?? source.line.replace(/^\/\S*\//, "");
}

async function versionOf(
  source: BrokerSource,
  folder: string,
  signal: AbortSignal,
): Promise<string | null> {
  try {
    const broker = await startBroker(source, {
      ...{ folder, pinned: null, openFiles, signal },
      ...{ transport: "tcp", certificate: null },
    });
    try {
      return await askVersion({
        ...broker.target,
        pid: null,
        version: 4,
        prefix: `b${process.pid}`,
      });
    } finally {
      await broker.stop();
    }
  } catch (error) {
    // The runs report it.
    if (error instanceof BrokerFailed || error instanceof PartFailed) return null;
    if (error instanceof Unanswered) return null;
    throw error;
  }
}

async function askVersion(target: LoadTarget): Promise<string | null> {
  const client = new Client(`${target.prefix}-version`, target);
  const { promise, resolve } = Promise.withResolvers<string | null>();
  client.onFrame = (bytes, start, size) => {
    const payload = bytes.subarray(start + 4 + uint16(bytes, start + 2), start + size);
    resolve(printable(new TextDecoder().decode(payload)));
  };
  await client.open({ keepAlive: 60 });
  const timer = setTimeout(() => resolve(null), versionMs);
  await client.request(subscribe(4, 1, ["$SYS/broker/version"], 0), 0x90);
  const version = await promise;
  clearTimeout(timer);
  client.leave();
  return version;
}

/** At most a line of a table. */
function printable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, "?").slice(0, 40);
}
