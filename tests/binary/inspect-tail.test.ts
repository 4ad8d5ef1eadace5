import { expect, test } from "bun:test";
import { connectBytes } from "../support/connect-bytes.ts";
import { environment, executable, RunningBroker } from "../support/executable.ts";
import { eventually, Inbox } from "../support/inbox.ts";
import { spawn } from "../support/child.ts";

const admin = ["--set", "admin.port=0"];

/** `mqttd inspect tail` in a process, beside a broker. */
class Tail implements AsyncDisposable {
  readonly lines = new Inbox<string>();
  readonly #child: Bun.Subprocess<"ignore", "pipe", "pipe">;
  readonly #heard: Promise<void>;

  /** Starts it, and waits until the broker reports a listener. */
  static async start(
    broker: RunningBroker,
    args: readonly string[] = [],
    shell: readonly string[] = [],
  ): Promise<Tail> {
    const tail = new Tail(broker, args, shell);
    await eventually(
      async () => (await metric(broker, "mqttd_event_streams")) === 1,
      () => "nobody listens",
    );
    return tail;
  }

  private constructor(broker: RunningBroker, args: readonly string[], shell: readonly string[]) {
    this.#child = spawn([...shell, executable(), "inspect", "tail", ...args], {
      cwd: broker.folder.path,
      env: environment(broker.folder),
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    this.#heard = this.#listen();
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  async line(what: string, fits: (line: string) => boolean): Promise<string> {
    return this.lines.first(what, fits);
  }

  /** How it ended. */
  async end(): Promise<{ code: number | null; stderr: string }> {
    const stderr = await this.#child.stderr.text();
    await this.#child.exited;
    await this.#heard;
    return { code: this.#child.exitCode, stderr };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
  }

  async #listen(): Promise<void> {
    let rest = "";
    const decoder = new TextDecoder();
    for await (const chunk of this.#child.stdout) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.lines.add(line);
    }
    this.lines.end(`tail has ended; behind its last line: ${JSON.stringify(rest)}`);
  }
}

/** A value of the broker's Prometheus metrics. */
async function metric(broker: RunningBroker, name: string): Promise<number> {
  const url = await broker.administration();
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\d+)$`, "m").exec(text)?.[1]);
}

/** A client that connects with a will, and is reset. */
async function die(broker: RunningBroker, clientId: string): Promise<void> {
  const { port } = broker;
  const socket = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } });
  socket.write(connectBytes({ version: 4, clientId, willTopic: `home/${clientId}` }));
  await broker.line(`${clientId} connected`, ({ client }) => client === clientId);
  socket.terminate();
  await broker.ended(clientId);
}

/** Publishes until the broker's state is sufficient. */
async function flood(broker: RunningBroker, isEnough: () => Promise<boolean>): Promise<void> {
  const { port } = broker;
  const socket = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } });
  socket.write(connectBytes({ version: 4, clientId: "flood" }));
  const publishes = Buffer.alloc(7 * 1000, Uint8Array.from([0x30, 5, 0, 1, 0x74, 0x68, 0x69]));
  let place = 0;
  await eventually(
    async () => {
      place = (place + Math.max(0, socket.write(publishes.subarray(place)))) % publishes.length;
      return isEnough();
    },
    () => "it was not enough",
  );
}

/** More lines than a pipe holds. */
const manyEvents = 20_000;

const steady = (line: string): string =>
  line
    .replace(/^[\d:.]{12} /, "TIME ")
    .replace(/127\.0\.0\.1:\d+/, "ADDRESS")
    .replace(/\d+ ms/, "N ms");

test("tail shows the log's lines until Ctrl-C", async () => {
  await using broker = await RunningBroker.start({ args: admin });
  await using tail = await Tail.start(broker);
  await die(broker, "dev-42");
  await tail.line("the last line", (line) => line.includes("its message is lost"));
  expect(tail.lines.items.filter((line) => !line.includes("Warning")).map(steady))
    .toMatchInlineSnapshot(`
    [
      "TIME New client connected from ADDRESS as dev-42 (p2, c1, k0), will on home/dev-42 (q0)",
      "TIME Client dev-42 disconnected: connection reset (RST) (silent N ms, no keepalive) · will published on home/dev-42 (no subscribers)",
    ]
  `);
  tail.signal("SIGINT");
  expect(await tail.end()).toEqual({ code: 130, stderr: "" });
});

test("tail --json prints one event a line; SIGTERM ends it too", async () => {
  await using broker = await RunningBroker.start({ args: admin });
  await using tail = await Tail.start(broker, ["--json", "--event", "ended"]);
  await die(broker, "dev-42");
  const line: unknown = JSON.parse(await tail.line("the end", () => true));
  expect(line).toMatchObject({
    at: expect.any(Number),
    level: "info",
    event: "ended",
    text: expect.stringContaining("dev-42 disconnected: "),
    facts: { client: "dev-42", cause: "resetByPeer", will: { topic: "home/dev-42" } },
  });
  tail.signal("SIGTERM");
  expect(await tail.end()).toEqual({ code: 143, stderr: "" });
});

test("tail of one client, and of topics, shows nothing else", async () => {
  await using broker = await RunningBroker.start({ args: admin });
  await using tail = await Tail.start(broker, ["--client", "dev-2", "--topic", "home/+"]);
  for (const clientId of ["dev-1", "dev-2", "dev-3"]) await die(broker, clientId);
  await tail.line("the end", (line) => line.includes("dev-2 disconnected"));
  await broker.stop();
  expect((await tail.end()).code).toBe(3);
  expect(tail.lines.items.filter((line) => !line.includes("dev-2"))).toEqual([]);
});

test("tail reports that the broker has stopped, or was killed", async () => {
  for (const [signal, why] of [
    ["SIGTERM", "the broker has stopped"],
    ["SIGKILL", "the broker's events broke off (the broker has gone, or the link is down)"],
  ] as const) {
    await using broker = await RunningBroker.start({ args: admin });
    await using tail = await Tail.start(broker);
    broker.signal(signal);
    expect(await tail.end()).toEqual({ code: 3, stderr: `mqttd: ${why}\n` });
  }
});

test("tail reports how many events it missed while it was stopped", async () => {
  await using broker = await RunningBroker.start({ args: admin });
  await using tail = await Tail.start(broker, ["--event", "packet"]);
  tail.signal("SIGSTOP");
  await flood(broker, async () => (await metric(broker, "mqttd_events_missed_total")) > 0);
  tail.signal("SIGCONT");
  const line = await tail.line("the gap", (one) => one.includes("events missed"));
  expect(line).toMatch(/Warning: \d+ events missed: the reader of this output is too slow$/);
}, 180_000);

test.each([
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const)(
  "%s ends tail while nothing reads its output: exit code %i",
  async (signal, code) => {
    await using broker = await RunningBroker.start({ args: admin });
    // Holds the other end of its pipe open, and nothing reads it.
    const script = 'mkfifo out && exec 3<>out && exec "$0" "$@" >out';
    await using tail = await Tail.start(broker, ["--event", "packet"], ["sh", "-c", script]);
    const received = 'mqttd_packets_total\\{direction="received"\\}';
    await flood(broker, async () => (await metric(broker, received)) > manyEvents);
    tail.signal(signal);
    expect(await tail.end()).toEqual({ code, stderr: "" });
  },
  180_000,
);

test("tail is coloured as the log is, where colours are requested", async () => {
  await using broker = await RunningBroker.start({ args: admin });
  await using tail = await Tail.start(broker, ["--color", "always"]);
  await die(broker, "dev\u001b[2J");
  const line = await tail.line("the end", (line) => line.includes("disconnected"));
  expect(line).toContain("\u001b[35mwill published");
  expect(Bun.stripANSI(line)).not.toContain("\u001b");
});
