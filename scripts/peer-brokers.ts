import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A broker beside which mqttd stands: how to start it, and what it calls itself. */
export interface PeerBroker {
  readonly name: string;
  /** Where it comes from, for the table's legend. */
  readonly from: string;
  /** Null: it is not on this machine, with why in `missing`. */
  readonly version: string | null;
  readonly missing: string;
  /** What it speaks; some need a port for each. */
  readonly protocols: readonly ("3.1.1" | "5")[];
  portFor(protocol: "3.1.1" | "5", port: number): number;
  start(port: number, folder: string): ChildProcess;
}

/** mqttd first, then those that this machine has or lacks. */
const onePort = {
  protocols: ["3.1.1", "5"] as const,
  portFor: (_protocol: string, port: number) => port,
};

export function peerBrokers(paths: {
  readonly mqttd: string;
  readonly rumqttd: readonly string[];
}): PeerBroker[] {
  return [mqttd(paths.mqttd), mosquitto(), aedes(), ...paths.rumqttd.map((path) => rumqttd(path))];
}

function mqttd(path: string): PeerBroker {
  return {
    ...onePort,
    name: "mqttd",
    from: "this project",
    version: firstLine(path, ["--version"])?.replace(/^mqttd /, "") ?? null,
    missing: "build it: npm run build",
    start: (port) => run(path, ["serve", "--port", String(port), "--quiet"]),
  };
}

function mosquitto(): PeerBroker {
  const path = existsSync("/usr/sbin/mosquitto") ? "/usr/sbin/mosquitto" : "mosquitto";
  const version = /version (\S+)/.exec(firstLine(path, ["-h"]) ?? "")?.[1] ?? null;
  return {
    ...onePort,
    name: "mosquitto",
    from: "Debian's package, defaults",
    version,
    missing: "Debian's package mosquitto",
    start: (port, folder) => {
      const file = join(folder, "mosquitto.conf");
      writeFileSync(file, `listener ${port} 127.0.0.1\nallow_anonymous true\n`);
      return run(path, ["-c", file]);
    },
  };
}

function aedes(): PeerBroker {
  return {
    ...onePort,
    protocols: ["3.1.1"],
    name: "aedes",
    from: "npm, defaults",
    version: "1.2.0",
    missing: "",
    start: (port) =>
      run(process.execPath, [join(import.meta.dirname, "aedes-broker.ts"), String(port)]),
  };
}

function rumqttd(path: string): PeerBroker {
  return {
    protocols: ["3.1.1", "5"],
    portFor: (protocol, port) => (protocol === "5" ? port + 1 : port),
    name: "rumqttd",
    from: "cargo install rumqttd",
    version: firstLine(path, ["--version"])?.replace(/^rumqttd /, "") ?? null,
    missing: `no ${path}`,
    start: (port, folder) => {
      const file = join(folder, "rumqttd.toml");
      writeFileSync(file, rumqttdConfig(port));
      return run(path, ["-c", file, "-q"]);
    },
  };
}

/** Its own example, with one listener for each protocol on neighbouring ports. */
function rumqttdConfig(port: number): string {
  const listener = (table: string, name: string, at: number): string => `
[${table}]
name = "${name}"
listen = "127.0.0.1:${at}"
next_connection_delay_ms = 1
  [${table}.connections]
  connection_timeout_ms = 60000
  max_payload_size = 20480
  max_inflight_count = 100
  dynamic_filters = true
`;
  return `id = 0
[router]
id = 0
max_connections = 10010
max_outgoing_packet_count = 200
max_segment_size = 104857600
max_segment_count = 10
${listener("v4.1", "v4-1", port)}${listener("v5.1", "v5-1", port + 1)}`;
}

function run(command: string, args: readonly string[]): ChildProcess {
  return spawn(command, args, { stdio: "ignore" });
}

function firstLine(command: string, args: readonly string[]): string | null {
  const result = spawnSync(command, args, { encoding: "utf8" });
  if (result.error !== undefined) return null;
  return `${result.stdout}${result.stderr}`.trim().split("\n")[0] ?? null;
}

/** A broker that runs until `stop`. */
export interface RunningBroker {
  readonly port: number;
  stop(): Promise<void>;
}

/** Starts it on a free port of 127.0.0.1 and waits until it accepts. Rejects after `boundMs`. */
export async function startPeer(broker: PeerBroker, boundMs = 10_000): Promise<RunningBroker> {
  const folder = mkdtempSync(join(tmpdir(), "mqttd-peer-"));
  const port = await freePort();
  const child = broker.start(port, folder);
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill("SIGTERM");
    const late = setTimeout(() => child.kill("SIGKILL"), 3000);
    await gone;
    clearTimeout(late);
    rmSync(folder, { recursive: true, force: true });
  };
  const until = performance.now() + boundMs;
  while (!(await accepts(port))) {
    if (performance.now() > until || child.exitCode !== null) {
      await stop();
      throw new Error(`${broker.name} does not accept connections on port ${port}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { port, stop };
}

async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

async function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
