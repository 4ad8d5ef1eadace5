import { afterAll, beforeAll, expect, test } from "bun:test";
import { Authority, opensslMissing } from "../support/certificates.ts";
import { spawn } from "../support/child.ts";
import {
  environment,
  executable,
  Folder,
  type LogLine,
  run,
  RunningBroker,
} from "../support/executable.ts";
import { SocketClient } from "../support/socket-client.ts";

const boundMs = 60_000;

let authority: Authority | null = null;
let broker: RunningBroker;
/** By transport, the address of a listener. */
let urls: Readonly<Record<string, string>> = {};

beforeAll(async () => {
  authority = opensslMissing === null ? new Authority() : null;
  const issued = authority?.issue("broker", ["DNS:localhost", "IP:127.0.0.1"]);
  const tls = { cert: "broker.crt", key: "broker.key" };
  const secured = [
    { transport: "tls", port: 0, tls },
    { transport: "wss", port: 0, tls },
  ];
  const listeners = [
    { port: 0 },
    { transport: "ws", port: 0 },
    { transport: "unix", path: "mqttd.sock" },
    ...(authority === null ? [] : secured),
  ];
  broker = await RunningBroker.start({
    files: {
      "mqttd.json": JSON.stringify({ listeners }),
      "ca.crt": authority?.root.cert ?? "",
      "broker.crt": issued?.cert ?? "",
      "broker.key": issued?.key ?? "",
    },
    args: ["--log-level", "debug", "--set", "admin.port=off"],
  });
  // Of a listener's two addresses the first: the certificate has its name.
  urls = Object.fromEntries(broker.urls.map((url) => [url.split(":")[0] ?? "", url]).reverse());
});
afterAll(async () => {
  await broker.stop();
  await broker[Symbol.asyncDispose]();
  authority?.[Symbol.dispose]();
});

let ids = 0;

/** A client in a process of its own. */
class Talker implements AsyncDisposable {
  readonly id = `talker-${++ids}`;
  readonly #child: Bun.Subprocess<"pipe", "pipe", "pipe">;
  readonly #errors: Promise<string>;

  constructor(args: readonly string[]) {
    const [command = "", ...flags] = args;
    this.#child = spawn([executable(), command, "-i", this.id, ...flags], {
      cwd: broker.folder.path,
      env: environment(broker.folder),
      ...{ stdin: "pipe", stdout: "pipe", stderr: "pipe" },
      ...{ timeout: boundMs, killSignal: "SIGKILL" },
    });
    this.#errors = this.#child.stderr.text();
  }

  /** Once the broker has its CONNECT, or its subscription. */
  async is(event: "connected" | "subscribed"): Promise<void> {
    const isIt = (line: LogLine): boolean => line.event === event && line.client === this.id;
    const seen = broker.line(`${event} ${this.id}`, isIt, boundMs);
    seen.catch(() => {});
    const ended = this.#child.exited.then(async (code) => {
      throw new Error(`it ended with ${code}: ${await this.#errors}`);
    });
    ended.catch(() => {});
    await Promise.race([seen, ended]);
  }

  type(text: string): void {
    void this.#child.stdin.write(text);
    void this.#child.stdin.flush();
  }

  closeInput(): void {
    void this.#child.stdin.end();
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  async ended(): Promise<{ code: number | null; stdout: string; stderr: string }> {
    const [stdout, stderr] = await Promise.all([this.#child.stdout.text(), this.#errors]);
    await this.#child.exited;
    return { code: this.#child.exitCode, stdout, stderr };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
  }
}

for (const transport of ["mqtt", "ws", "mqtt+unix", "mqtts", "wss"]) {
  const isMissing = opensslMissing !== null && ["mqtts", "wss"].includes(transport);
  const why = isMissing ? ` (skipped: ${opensslMissing})` : "";
  test.skipIf(isMissing)(
    `a message of each QoS, and 200 kB, over ${transport}${why}`,
    async () => {
      const url = urls[transport] ?? "";
      const trust = ["mqtts", "wss"].includes(transport) ? ["--cafile", "ca.crt"] : [];
      const topic = `over/${transport.replace("+", "-")}`;
      await using subscriber = new Talker([
        ...["sub", "-L", url, ...trust, "-t", topic, "-q", "2", "-C", "4", "-F", "%q %l"],
      ]);
      await subscriber.is("subscribed");
      for (const qos of ["0", "1", "2"]) {
        await using publisher = new Talker([
          ...["pub", "-L", url, ...trust, "-t", topic, "-q", qos, "-m", "hello"],
        ]);
        expect(await publisher.ended()).toEqual({ code: 0, stdout: "", stderr: "" });
      }
      await using large = new Talker(["pub", "-L", url, ...trust, "-t", topic, "-s"]);
      large.type("x".repeat(200_000));
      large.closeInput();
      expect(await large.ended()).toEqual({ code: 0, stdout: "", stderr: "" });
      expect(await subscriber.ended()).toEqual({
        ...{ code: 0, stderr: "" },
        stdout: "0 5\n1 5\n2 5\n0 200000\n",
      });
      const { cause } = await broker.ended(subscriber.id, boundMs);
      expect(cause).toBe("disconnected");
    },
    boundMs,
  );
}

const will = ["--will-topic", "fate", "--will-payload", "gone"];

for (const [name, signal, flags, code, says, cause, fate] of [
  [
    "Ctrl-C",
    "SIGINT",
    [],
    130,
    "sent DISCONNECT: the broker discards the will on fate (see --no-disconnect)",
    "disconnected",
    "discarded",
  ],
  [
    "SIGTERM with --no-disconnect",
    "SIGTERM",
    ["--no-disconnect"],
    143,
    "closed the connection without DISCONNECT: the broker publishes the will on fate",
    "closedByPeer",
    "published",
  ],
  [
    "Ctrl-C with --disconnect-reason 0x04",
    "SIGINT",
    ["--disconnect-reason", "0x04"],
    130,
    "sent DISCONNECT 0x04 (disconnect with will): the broker publishes the will on fate",
    "disconnectedWithWill",
    "published",
  ],
  ["Ctrl-C with --quiet", "SIGINT", ["--quiet"], 130, null, "disconnected", "discarded"],
] as const) {
  test(
    `sub and pub -l, ended by ${name}, say what that means for the will`,
    async () => {
      for (const args of [
        ["sub", "-t", "any"],
        ["pub", "-t", "any", "-l"],
      ]) {
        await using client = new Talker([...args, "-L", urls["mqtt"] ?? "", ...will, ...flags]);
        await client.is(args[0] === "sub" ? "subscribed" : "connected");
        client.signal(signal);
        expect(await client.ended()).toEqual({
          ...{ code, stdout: "" },
          stderr: says === null ? "" : `mqttd: ${says}\n`,
        });
        const line = await broker.ended(client.id, boundMs);
        expect(line).toMatchObject({ cause, will: { fate } });
      }
    },
    boundMs,
  );
}

test(
  "sub and pub that end by themselves say what that means for their will",
  async () => {
    for (const [args, code, before] of [
      [["sub", "-t", "any", "-W", "0.2"], 5, "mqttd: timed out after 0.2 s: 0 messages\n"],
      [["pub", "-t", "any", "-m", "x"], 0, ""],
    ] as const) {
      await using client = new Talker([...args, "-L", urls["mqtt"] ?? "", ...will]);
      expect(await client.ended()).toEqual({
        ...{ code, stdout: "" },
        stderr: `${before}mqttd: sent DISCONNECT: the broker discards the will on fate (see --no-disconnect)\n`,
      });
    }
  },
  boundMs,
);

test(
  "a client that has lost its connection meanwhile does not claim to have sent DISCONNECT",
  async () => {
    await using client = new Talker([
      "sub",
      "-L",
      urls["mqtt"] ?? "",
      "-t",
      "any",
      "-k",
      "1",
      ...will,
    ]);
    await client.is("subscribed");
    client.signal("SIGSTOP");
    expect(await broker.ended(client.id, boundMs)).toMatchObject({ cause: "keepAliveExpired" });
    client.signal("SIGINT");
    client.signal("SIGCONT");
    const { code, stderr } = await client.ended();
    expect({ code, stderr: stderr.replace(/:\d+/, ":PORT") }).toEqual({
      code: 130,
      stderr: "mqttd: mqtt://127.0.0.1:PORT closed the connection\n",
    });
  },
  boundMs,
);

test(
  "a client without a will that is ended by Ctrl-C",
  async () => {
    await using client = new Talker(["sub", "-L", urls["mqtt"] ?? "", "-t", "any"]);
    await client.is("subscribed");
    client.signal("SIGINT");
    expect(await client.ended()).toEqual({
      ...{ code: 130, stdout: "" },
      stderr: "mqttd: sent DISCONNECT: this client has no will\n",
    });
  },
  boundMs,
);

test(
  "rr prints the response to its request, and gives up in time",
  async () => {
    using answering = await SocketClient.connect(broker.port, { clientId: "answering" });
    await answering.subscribe("ask");
    await using client = new Talker([
      ...["rr", "-L", urls["mqtt"] ?? "", "-t", "ask", "-e", "answer", "-m", "how?", "-v"],
    ]);
    await answering.message("ask");
    expect(answering.messages()).toEqual(["ask=how?"]);
    await using answer = new Talker(["pub", "-L", `${urls["mqtt"]}/answer`, "-m", "so"]);
    expect((await answer.ended()).code).toBe(0);
    expect(await client.ended()).toEqual({ code: 0, stdout: "answer so\n", stderr: "" });
    await using waiting = new Talker([
      ...["rr", "-L", urls["mqtt"] ?? "", "-t", "ask", "-e", "none", "-m", "x", "-W", "0.1"],
    ]);
    expect(await waiting.ended()).toEqual({
      ...{ code: 5, stdout: "" },
      stderr: "mqttd: timed out after 0.1 s: no response\n",
    });
  },
  boundMs,
);

test(
  "what goes wrong is one line and an exit code",
  async () => {
    using folder = new Folder();
    const url = urls["mqtt"] ?? "";
    for (const [args, code, stderr] of [
      [
        ["pub", "-p", "1", "-t", "a", "-m", "x"],
        3,
        "mqttd: nothing listens on mqtt://localhost:1 (is a broker running there? mqttd serve starts one)\n",
      ],
      [
        ["sub", "-L", url, "-t", "a", "-W", "0.1", "-C", "2"],
        5,
        "mqttd: timed out after 0.1 s: 0 of 2 messages\n",
      ],
      [["sub", "-L", url, "-t", "a", "-W", "0.1", "--quiet"], 5, ""],
      [
        ["pub", "-L", url, "-t", "a", "-f", "none"],
        2,
        "mqttd: --file: none can't be read: no such file or directory\n",
      ],
      [
        ["pub", "-L", url, "-t", "a", "-s"],
        2,
        "mqttd: standard input is empty (for an empty message: -n)\n",
      ],
    ] as const) {
      const ended = await run(folder, args, { boundMs });
      expect({ args, code: ended.code, stderr: ended.stderr }).toEqual({ args, code, stderr });
    }
  },
  boundMs,
);

test(
  "a reader that closes stdout ends sub, with DISCONNECT",
  async () => {
    const script = `"$0" sub -i headed -L '${urls["mqtt"]}' -t lines -v | head -n 1`;
    await using child = spawn(["sh", "-c", script, executable()], {
      env: environment(broker.folder),
      ...{ stdin: "ignore", stdout: "pipe", stderr: "pipe", timeout: boundMs },
    });
    await broker.line(
      "subscribed",
      (line) => line.event === "subscribed" && line.client === "headed",
      boundMs,
    );
    await using publisher = new Talker(["pub", "-L", `${urls["mqtt"]}/lines`, "-l"]);
    await publisher.is("connected");
    // The publisher's own rhythm: head takes the first line; the client learns that it has gone from a
    // later one.
    const more = setInterval(() => publisher.type("a line\n"), 20);
    const { cause } = await broker.ended("headed", boundMs).finally(() => clearInterval(more));
    publisher.closeInput();
    expect(await child.stdout.text()).toBe("lines a line\n");
    expect(await child.stderr.text()).toBe("");
    expect(cause).toBe("disconnected");
    await publisher.ended();
  },
  boundMs,
);
