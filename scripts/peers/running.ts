import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, openSync, closeSync, readFileSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { portHolder } from "../../src/transport/port-holder.ts";
import { comeFirst } from "./precedence.ts";
import type { PeerBroker, Protocol } from "./broker.ts";

/** A broker that runs until `stop`. */
export interface RunningBroker {
  readonly url: string;
  readonly port: number;
  /** How it ended by itself, in a clause; null: it runs. */
  ended(): string | null;
  stop(): Promise<void>;
}

/** The time for a broker to answer a CONNECT after its start. */
const startBoundMs = 90_000;
const stopBoundMs = 8000;
/** A broker that starts slowly may lose its port to another program meanwhile. */
const mostDraws = 3;
/** The warm-up ends after this many consecutive answers within `quickMs`, or after its bound. */
const quickAnswers = 50;
const quickMs = 50;
const warmUpBoundMs = 20_000;

interface Start {
  readonly home: string;
  readonly isFirst: boolean;
}

/**
 * Starts a broker on a free port of 127.0.0.1, in a process group of its own, and waits until it answers a
 * CONNECT. Rejects with the end of its log after 90 s.
 */
export async function startPeer(
  broker: PeerBroker,
  protocol: Protocol,
  start: Start,
): Promise<RunningBroker> {
  for (let tries = 0; tries < mostDraws; tries++) {
    const running = await startOn(await freePorts(4), broker, protocol, start);
    if (running !== null) return running;
  }
  throw new Error(`${broker.name}: another program takes its port, each time`);
}

/** Null: another program has taken the port since it was drawn. */
async function startOn(
  [port = 0, first = 0, second = 0, third = 0]: readonly number[],
  broker: PeerBroker,
  protocol: Protocol,
  { home, isFirst }: Start,
): Promise<RunningBroker | null> {
  const folder = mkdtempSync(join(tmpdir(), "mqttd-peer-"));
  const otherPorts = [first, second, third] as const;
  const { program, args, env } = broker.start({ protocol, port, otherPorts, folder, home });
  const log = openSync(join(folder, "peer.log"), "w");
  const child = spawn(program, args, {
    cwd: folder,
    detached: true,
    env: { ...process.env, ...env },
    stdio: ["ignore", log, log],
  });
  closeSync(log);
  if (isFirst && child.pid !== undefined) comeFirst(child.pid);
  let ended: string | null = null;
  const gone = new Promise<void>((resolve) => {
    child.once("exit", (code, signal) => {
      ended = signal === null ? `exit code ${code}` : `ended by ${signal}`;
      resolve();
    });
    child.once("error", ({ message }) => {
      ended = message;
      resolve();
    });
  });
  const end = (): void => {
    signalGroup(child, "SIGKILL");
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  // However this process ends.
  process.once("exit", end);
  const stop = async (): Promise<void> => {
    process.off("exit", end);
    signalGroup(child, "SIGTERM");
    const late = setTimeout(() => signalGroup(child, "SIGKILL"), stopBoundMs);
    await gone;
    clearTimeout(late);
    end();
  };
  const until = performance.now() + startBoundMs;
  while (!(await answers(port, protocol))) {
    if (performance.now() > until || ended !== null) {
      const said = readFileSync(join(folder, "peer.log"), "utf8").trimEnd().slice(-800);
      const why = ended ?? `no CONNACK within ${startBoundMs / 1000} s`;
      await stop();
      throw new Error(`${broker.name} does not start: ${why}\n${said}`);
    }
    await Bun.sleep(100);
  }
  if (isAnothers(port, child)) {
    await stop();
    return null;
  }
  await warmUp(port, protocol);
  const login = broker.login === undefined ? "" : `${broker.login}@`;
  return { url: `mqtt://${login}127.0.0.1:${port}`, port, ended: () => ended, stop };
}

/** Whether another process has taken the port since it was drawn, as with a slow start. Linux only. */
function isAnothers(port: number, { pid }: ChildProcess): boolean {
  const holder = portHolder("127.0.0.1", port);
  if (holder === null) return false;
  const stat = readFileSync(`/proc/${holder.pid}/stat`, "utf8");
  // After the name, which may hold any character: state, parent, group.
  const group = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[2]);
  return group !== pid;
}

/** Connects until the answers are quick: just-in-time compiled brokers answer the first clients slowly. */
async function warmUp(port: number, protocol: Protocol): Promise<void> {
  const until = performance.now() + warmUpBoundMs;
  for (let quick = 0; quick < quickAnswers && performance.now() < until;) {
    const from = performance.now();
    const isQuick = (await answers(port, protocol)) && performance.now() - from < quickMs;
    quick = isQuick ? quick + 1 : 0;
  }
}

/** Signals the child's process group, which has all processes that it started. */
function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // The group has ended.
  }
}

/** Draws all ports at once, so that no port is drawn twice. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen(0, "127.0.0.1", resolve);
      });
      return server;
    }),
  );
  return Promise.all(
    servers.map(async (server) => {
      const address = server.address();
      await new Promise((resolve) => server.close(resolve));
      return typeof address === "object" && address !== null ? address.port : 0;
    }),
  );
}

/** Whether the broker answers the CONNECT of a new client. */
async function answers(port: number, protocol: Protocol): Promise<boolean> {
  const id = `peer${port}`;
  const [level, properties] = protocol === "5" ? [5, [0]] : [4, []];
  const header = [0, 4, 0x4d, 0x51, 0x54, 0x54, level, 2, 0, 60, ...properties, 0, id.length];
  const bytes = Buffer.from([...header, ...Buffer.from(id)]);
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(3000, () => end(false));
    socket.once("error", () => end(false));
    socket.once("close", () => end(false));
    socket.once("connect", () => socket.write(Buffer.from([0x10, bytes.length, ...bytes])));
    socket.once("data", () => {
      // DISCONNECT, so that the broker keeps nothing of this client.
      socket.end(Buffer.from([0xe0, 0]), () => end(true));
    });
  });
}
