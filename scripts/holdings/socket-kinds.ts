import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { dial } from "../../src/client/dial.ts";
import { plainTls, type Target } from "../../src/client/target.ts";
import type { Wire } from "../../src/client/wire.ts";
import { connect, publish, subscribe } from "../../src/load/packets.ts";
import type { ProcessSize } from "./process-size.ts";

type Transport = "tcp" | "tls" | "ws" | "wss";

const root = path.resolve(import.meta.dir, "../..");
const transports: readonly Transport[] = ["tcp", "tls", "ws", "wss"];
const timeoutMs = 120_000;

/** `mqttd serve` from source in a process of its own, with one listener for each transport. */
export class Served {
  readonly #folder = mkdtempSync(path.join(tmpdir(), "holdings-"));
  readonly #child: Bun.Subprocess<"ignore", "ignore", "pipe">;
  #told: (size: ProcessSize) => void = () => {};
  #targets: ReadonlyMap<string, Target> = new Map();
  #admin = "";

  private constructor() {
    const { exitCode } = Bun.spawnSync(
      [process.execPath, path.join(root, "src/main.ts"), "certs"],
      {
        cwd: this.#folder,
      },
    );
    if (exitCode !== 0) throw new Error("mqttd certs failed");
    const set = transports.flatMap((transport, at) => [
      ...[`listeners.${at}.transport=${transport}`, `listeners.${at}.port=0`],
      ...(transport === "tls" || transport === "wss"
        ? [`listeners.${at}.tls.cert=certs/server.crt`, `listeners.${at}.tls.key=certs/server.key`]
        : []),
    ]);
    const settings = [
      ...[...set, "admin.port=0", "admin.messages=0", "limits.memory=16GiB", "sys.interval=off"],
      ...["limits.connectTimeout=10m", "limits.stallTimeout=10m", "limits.unfinishedBytes=1GiB"],
    ];
    const flags = settings.flatMap((one) => ["--set", one]);
    this.#child = Bun.spawn(
      [
        ...[process.execPath, "--preload", path.join(import.meta.dir, "probe.ts")],
        ...[path.join(root, "src/main.ts"), "serve", "--log-format", "json", ...flags],
      ],
      {
        ...{ cwd: this.#folder, stdin: "ignore", stdout: "ignore", stderr: "pipe" },
        env: { ...process.env, HOME: this.#folder, XDG_RUNTIME_DIR: this.#folder },
        ipc: (size: ProcessSize) => this.#told(size),
      },
    );
  }

  static async start(): Promise<Served> {
    const served = new Served();
    await served.#listening();
    return served;
  }

  async #listening(): Promise<void> {
    const urls: string[] = [];
    let text = "";
    const decoder = new TextDecoder();
    const reader = this.#child.stderr.getReader();
    while (this.#admin === "" || urls.length === 0) {
      const { done, value } = await reader.read();
      if (done) throw new Error(`the broker did not start: ${text}`);
      text += decoder.decode(value, { stream: true });
      for (const line of text.split("\n").slice(0, -1)) {
        if (!line.startsWith("{")) throw new Error(line);
        const told = JSON.parse(line) as {
          readonly event: string;
          readonly urls?: string[];
          readonly addresses?: string[];
        };
        if (told.event === "administration") this.#admin = told.urls?.[0] ?? "";
        if (told.event === "listening") urls.push(...(told.addresses ?? []));
      }
    }
    void drained(reader);
    this.#targets = new Map(
      urls.flatMap((url) => {
        const { protocol, hostname, port } = new URL(url);
        if (hostname !== "127.0.0.1") return [];
        const transport = { "mqtt:": "tcp", "mqtts:": "tls" }[protocol] ?? protocol.slice(0, -1);
        const isTls = transport === "tls" || transport === "wss";
        const target: Target = {
          ...{ transport: transport as Transport, host: hostname, port: Number(port) },
          ...{ path: "/mqtt", username: null, password: null },
          tls: isTls ? { ...plainTls, insecure: true } : null,
        };
        return [[transport, target] as const];
      }),
    );
  }

  /** A client whose CONNECT was accepted. */
  async connect(transport: Transport, clientId: string): Promise<Wire> {
    const target = this.#targets.get(transport);
    if (target === undefined) throw new Error(`no listener for ${transport}`);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const wire = await dial(target, timeoutMs, () => ({
      data: () => resolve(),
      closed: (how) => reject(new Error(`${clientId}: ${how}`)),
    }));
    wire.send(connect(4, { clientId, keepAlive: 0 }));
    await promise;
    return wire;
  }

  /** What the broker counts, once that stands still. */
  async counted(): Promise<number> {
    for (let before = -1; ;) {
      const answer = await fetch(`${this.#admin}/v1/overview`);
      const { memory } = (await answer.json()) as { readonly memory: { readonly total: number } };
      if (memory.total === before) return before;
      before = memory.total;
      await Bun.sleep(500);
    }
  }

  async size(): Promise<ProcessSize> {
    const { promise, resolve } = Promise.withResolvers<ProcessSize>();
    this.#told = resolve;
    this.#child.send("size");
    return promise;
  }

  collect(): void {
    this.#child.send("collect");
  }

  async stop(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
    rmSync(this.#folder, { recursive: true });
  }
}

async function drained(reader: { read(): Promise<{ readonly done: boolean }> }): Promise<void> {
  while (!(await reader.read()).done);
}

/** What clients make a broker hold over sockets. */
export interface SocketKind {
  /** How many to add. */
  readonly count: number;
  /** Adds one more. Returns what has to stay open. */
  readonly add: (served: Served, number: number) => Promise<Wire>;
}

function idle(transport: Transport, count: number): SocketKind {
  return { count, add: async (served, number) => served.connect(transport, `c${number}`) };
}

/** A PUBLISH of 1 MiB without its last byte. */
function unfinished(transport: Transport): SocketKind {
  return {
    count: 80,
    add: async (served, number) => {
      const wire = await served.connect(transport, `c${number}`);
      const whole = publish(4, "t", new Uint8Array(1024 * 1024).fill(120));
      wire.send(whole.subarray(0, -1));
      await wire.flushed();
      return wire;
    },
  };
}

/** A subscriber that stops reading, and a publisher that sends it more than it has room for. */
function output(transport: Transport, payloadBytes: number): SocketKind {
  return {
    count: 120,
    add: async (served, number) => {
      const reader = await served.connect(transport, `r${number}`);
      const topic = `o/${number}`;
      reader.send(subscribe(4, 1, [topic], 0));
      const publisher = await served.connect("tcp", `p${number}`);
      await Bun.sleep(20);
      reader.pause();
      const one = publish(4, topic, new Uint8Array(payloadBytes).fill(120));
      for (let sent = 0; sent < 12e6; sent += one.length) publisher.send(one);
      await publisher.flushed();
      publisher.end();
      await publisher.gone;
      return reader;
    },
  };
}

const topicNames: SocketKind = {
  count: 3000,
  add: async (served, number) => {
    const wire = await served.connect("tcp", `c${number}`);
    const bytes: number[] = [];
    for (let topic = 0; topic < 64; topic++) {
      bytes.push(...publish(4, `${number}/${topic}/`.padEnd(100, "x"), new Uint8Array()));
    }
    wire.send(Uint8Array.from(bytes));
    await wire.flushed();
    return wire;
  },
};

export const socketKinds: Readonly<Record<string, SocketKind>> = {
  connections: idle("tcp", 8000),
  "TLS connections": idle("tls", 2000),
  "WebSocket connections": idle("ws", 5000),
  "WebSocket connections in TLS": idle("wss", 2000),
  "topic names of connections": topicNames,
  "unfinished packets": unfinished("tcp"),
  "unfinished packets in TLS": unfinished("tls"),
  "unfinished packets in WebSocket": unfinished("ws"),
  "output of small messages": output("tcp", 1000),
  "output of large messages": output("tcp", 60_000),
  "output in TLS": output("tls", 1000),
  "output in WebSocket": output("ws", 1000),
  "output in WebSocket in TLS": output("wss", 60_000),
};
