import { readFileSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { hasTls, isWebSocket, plainTls, type Target } from "../client/target.ts";
import { isLoopback } from "../transport/loopback.ts";
import { portHolder } from "../transport/port-holder.ts";
import { Part, PartFailed } from "./parts.ts";
import type { Pinned } from "./machine.ts";
import { clause } from "../log/foreign.ts";

/** A broker to measure: one that runs, or a command that starts one. */
export type BrokerSource =
  | {
      readonly kind: "running";
      readonly name: string;
      readonly target: Target;
      /** Its process on this machine; null: for a loopback address, whoever listens on the port. */
      readonly pid: number | null;
    }
  | {
      readonly kind: "command";
      readonly name: string;
      /**
       * A command line for sh, with `{port}` for the port, `{folder}` for a folder of its own, and
       * `{transport}` for what it has to accept there (`tcp`, `tls`, `ws`, `wss`); without it, TCP.
       */
      readonly line: string;
      /** As a report names it, if the line itself says more than a reader can use. */
      readonly shown?: string;
    };

/** A broker that accepts connections. */
export interface RunningBroker {
  readonly target: Target;
  readonly pid: number | null;
  stop(): Promise<void>;
}

/** A broker did not start, or can't be reached; the message has its last output. */
export class BrokerFailed extends Error {
  override name = "BrokerFailed";
}

const readyMs = 10_000;
const settleMs = 50;

/** PEM, for brokers that a bench starts: issuer, certificate of localhost, and its key. */
export interface ServerCertificate {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** The word of a command that stands for the transport. */
const transportWord = "{transport}";

/** Whether a broker can be reached over a row's transport. */
export function isReachedOver(
  source: BrokerSource,
  transport: Target["transport"] | undefined,
): boolean {
  if (transport === undefined) return true;
  if (source.kind === "running") return source.target.transport === transport;
  return source.line.includes(transportWord);
}

/** What a broker is started with. */
export interface Start {
  /** What it is to accept, if its command lets it choose. */
  readonly transport: Target["transport"];
  /** Null: it needs none. */
  readonly certificate: ServerCertificate | null;
  /** A folder for its files. */
  readonly folder: string;
  readonly pinned: Pinned | null;
  readonly openFiles: number;
  readonly signal: AbortSignal;
}

/** A command starts a new broker for each run, so that no run inherits another's memory. */
export async function startBroker(source: BrokerSource, start: Start): Promise<RunningBroker> {
  if (source.kind === "running") {
    const { target } = source;
    // Whoever listens on that port here is not the broker of another machine.
    const here = isLoopback(target.host) ? portHolder(target.host, target.port) : null;
    return { target, pid: source.pid ?? here?.pid ?? null, stop: async () => {} };
  }
  const port = await freePort();
  const log = path.join(start.folder, `${port}.log`);
  writeFileSync(log, "");
  const { transport, certificate } = start;
  const line = source.line
    .replaceAll("{port}", String(port))
    .replaceAll("{folder}", start.folder)
    .replaceAll(transportWord, transport);
  if (certificate !== null) writeCertificate(start.folder, certificate);
  const command = [
    ...withFiles(start.openFiles),
    ...pinTo(start.pinned?.broker ?? null),
    ...["env", `MQTTD_RUN_DIR=${path.join(start.folder, "run")}`, "sh", "-c", line],
  ];
  const keeper = new Part({ part: "keeper", command, log });
  try {
    await keeper.word(start.signal);
    const ended = keeper.word(start.signal, readyMs + settleMs);
    // From now on nobody awaits it.
    ended.catch(() => {});
    await Promise.race([accepts(port), ended]);
    // With another process on the port, the broker ends.
    await Promise.race([sleep(settleMs), ended]);
  } catch (error) {
    await keeper.end();
    if (!(error instanceof PartFailed) || start.signal.aborted) throw error;
    const output = readFileSync(log, "utf8").trim().split("\n").slice(-3).join(" | ");
    throw new BrokerFailed(
      `${source.name} did not accept on port ${port}: ${clause(output === "" ? error.message : output)}`,
    );
  }
  return {
    target: {
      ...{ transport, host: "127.0.0.1", port, path: isWebSocket(transport) ? "/mqtt" : "" },
      ...{ username: null, password: null },
      tls: hasTls(transport) ? { ...plainTls, ca: certificate?.ca ?? null, serverName } : null,
    },
    pid: portHolder("0.0.0.0", port)?.pid ?? null,
    stop: async () => keeper.end(),
  };
}

/** Of the certificate. */
const serverName = "localhost";

/** For commands to name. */
function writeCertificate(folder: string, { ca, cert, key }: ServerCertificate): void {
  writeFileSync(path.join(folder, "ca.crt"), ca);
  writeFileSync(path.join(folder, "server.crt"), cert);
  writeFileSync(path.join(folder, "server.key"), key, { mode: 0o600 });
}

/** A command prefix that sets the limit of open files. */
export function withFiles(count: number): string[] {
  if (process.platform === "win32") return [];
  return ["sh", "-c", 'ulimit -n "$0" 2>/dev/null; exec "$@"', String(count)];
}

/** A command prefix that pins the command to one core; none: no pinning. */
export function pinTo(core: number | null): string[] {
  return core === null ? [] : ["taskset", "-c", String(core)];
}

/** Below the ports that systems give out, so that nobody else takes one in the meantime. */
const ports = { from: 20_000, count: 10_000 };
const portTries = 20;

/** A port that was free a moment ago. If another process takes it, the broker ends. */
async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < portTries; attempt++) {
    const port = ports.from + Math.floor(Math.random() * ports.count);
    if (await isFree(port)) return port;
  }
  throw new BrokerFailed(`no free port from ${ports.from} to ${ports.from + ports.count - 1}`);
}

async function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.on("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

async function accepts(port: number): Promise<void> {
  const deadline = performance.now() + readyMs;
  while (performance.now() < deadline) {
    if (await acceptsOnce(port)) return;
    await sleep(20);
  }
  throw new PartFailed(`nothing accepted within ${readyMs / 1000} s`);
}

async function acceptsOnce(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port });
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}
