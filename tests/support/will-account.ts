import type { IClientOptions } from "mqtt";
import { type Ended, run, RunningBroker, type Surroundings } from "./executable.ts";
import type { ClientAnswer } from "../../src/api/api.ts";
import { explain } from "../../src/inspect/explain/explain.ts";
import { logText } from "./account-text.ts";
import { briefPage, clientAnswer, withHabitNamed } from "./brief-account.ts";
import type { ConnectOptions } from "./client.ts";
import { expectNotHeldUp } from "./held-up.ts";
import { eventually, Inbox, now } from "./inbox.ts";
import { MqttJsClient } from "./mqttjs-client.ts";
import { readFileSync } from "node:fs";
import { SocketClient } from "./socket-client.ts";
import { spawn } from "./child.ts";

/** What a log's lines tell of happened by then. */
const recentMs = 60_000;

/** Timeout of a test that waits for such an event. */
export const rowLimitMs = 180_000;

/** Why rows with mosquitto's clients are skipped; null: the clients are installed. */
export const mosquittoSubMissing: string | null =
  Bun.which("mosquitto_sub") === null ? "mosquitto_sub is not installed" : null;

/**
 * The executable as a person uses it: a broker with its log, a watcher of all topics below
 * `wills/`, and `mqttd inspect` beside them. Rows share one broker; each row has its own client
 * ids.
 */
export class WillAccounts implements AsyncDisposable {
  readonly broker: RunningBroker;
  readonly watcher: SocketClient;
  #marks = 0;

  static async start(surroundings: Surroundings = {}): Promise<WillAccounts> {
    const broker = await RunningBroker.start({
      ...surroundings,
      logFormat: "human",
    });
    // 3.1.1 has no Server Keep Alive: such a client may stay silent without limit.
    const watcher = await SocketClient.connect(broker.port, {
      clientId: "watcher",
      protocolVersion: 4,
    });
    await watcher.subscribe("wills/#", 2);
    return new WillAccounts(broker, watcher);
  }

  private constructor(broker: RunningBroker, watcher: SocketClient) {
    this.broker = broker;
    this.watcher = watcher;
  }

  get port(): number {
    return this.broker.port;
  }

  /** mqtt.js, by default with a keepalive of 30 s and the will `gone` on `wills/ID`. */
  async mqttjs(clientId: string, options: IClientOptions = {}): Promise<MqttJsClient> {
    return MqttJsClient.connect(this.port, {
      clientId,
      keepalive: 30,
      protocolVersion: 5,
      will: { topic: `wills/${clientId}`, payload: Buffer.from("gone"), qos: 0, retain: false },
      ...options,
    });
  }

  /** The same with a client that sends what a library would not. */
  async raw(clientId: string, options: Partial<ConnectOptions> = {}): Promise<SocketClient> {
    return SocketClient.connect(this.port, {
      clientId,
      keepalive: 30,
      protocolVersion: 5,
      will: { topic: `wills/${clientId}`, payload: Buffer.from("gone"), qos: 0, retain: false },
      ...options,
    });
  }

  /** mosquitto_sub with that will, once it has subscribed and is idle. */
  async mosquitto(clientId: string, args: readonly string[]): Promise<MosquittoSub> {
    const topic = `commands/${clientId}`;
    this.watcher.publish(topic, "hello", { retain: true });
    await this.watcher.ping();
    const sub = new MosquittoSub(this.port, clientId, ["-t", topic, ...args]);
    await sub.idle();
    return sub;
  }

  /** Sends bytes on a new connection; resolves when the broker has closed it. */
  async send(bytes: Uint8Array): Promise<void> {
    using client = await SocketClient.dial(this.port);
    client.sendBytes(bytes);
    await client.ended;
  }

  /** A matching log line, once it has been written. */
  async line(what: string | RegExp): Promise<string> {
    const fits = (line: string): boolean =>
      typeof what === "string" ? line.includes(what) : what.test(line);
    return this.broker.lines.first(String(what), fits);
  }

  /** The end of the client's connection, or its `times`-th end. */
  async ended(clientId: string, times = 1): Promise<void> {
    await this.many(new RegExp(`${clientId}( \\(\\S+\\))? disconnected: `), times);
  }

  /** Waits until so many log lines match. */
  async many(what: RegExp, times: number): Promise<void> {
    let seen = 0;
    const isLast = (line: string): boolean => what.test(line) && ++seen === times;
    await this.broker.lines.first(`${times} x ${what}`, isLast);
  }

  async inspect(...args: string[]): Promise<Ended> {
    return run(this.broker.folder, ["inspect", ...args]);
  }

  /** Returns the value, or throws with what arrived instead. */
  async inspected(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.inspect(...args);
    if (code !== 0 || stderr !== "")
      throw new Error(`inspect ${args.join(" ")}: ${code} ${stderr}`);
    return stdout;
  }

  /**
   * A client's log lines, then the verdict of `inspect explain` and the topics of its advice,
   * normalized for snapshots.
   */
  async account(clientId: string): Promise<string> {
    const answer = await clientAnswer(this.broker.folder, clientId);
    const explained = briefPage(await this.inspected("explain", clientId), explain(answer));
    return `${await this.logged(answer)}\n\n${explained}`;
  }

  /** The log's lines about a client so far; of a habit, its name. */
  async logged(answer: ClientAnswer): Promise<string> {
    const { clientId } = answer;
    await this.#caughtUp();
    // A line names its client at these places; an id may also be a word of another line.
    const place = String.raw`^\S+ (?:\[like \S+\] )?(?:Warning: )?(?:|Client |.* client |.* as |Operator's order: .* )`;
    const about = new RegExp(`${place}${clientId}(?=$|[ ':])`);
    const lines = this.broker.lines.items.filter((line) => about.test(line));
    expectNotHeldUp(`the connection of ${clientId}`, lines.join("\n"), now() - recentMs);
    return logText(lines.map((line) => withHabitNamed(line, answer)));
  }

  /** Waits until every line that the broker has written by now has arrived. */
  async #caughtUp(): Promise<void> {
    const clientId = `mark.${++this.#marks}`;
    using mark = await SocketClient.connect(this.port, { clientId, keepalive: 30 });
    await mark.ping();
    await this.line(` as ${clientId} `);
  }

  async stop(): Promise<void> {
    this.watcher[Symbol.dispose]();
    await this.broker.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.watcher[Symbol.dispose]();
    await this.broker[Symbol.asyncDispose]();
  }
}

/** mosquitto_sub with the will `gone` on `wills/ID`. */
export class MosquittoSub implements AsyncDisposable {
  readonly #child: Bun.Subprocess<"ignore", "pipe", "ignore">;
  readonly #said = new Inbox<string>();

  constructor(port: number, clientId: string, args: readonly string[]) {
    const will = ["--will-topic", `wills/${clientId}`, "--will-payload", "gone"];
    const to = ["-h", "127.0.0.1", "-p", String(port), "-i", clientId, "-k", "30"];
    this.#child = spawn(["mosquitto_sub", ...to, ...will, ...args], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "ignore",
    });
    void this.#listen();
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /**
   * Waits until the program has its first message and is idle: its signal handler takes locks, so
   * that a signal that arrives while it works deadlocks it.
   */
  async idle(): Promise<void> {
    await this.#said.first("its first message", () => true);
    const state = () => readFileSync(`/proc/${this.#child.pid}/stat`, "utf8").split(" ")[2];
    await eventually(
      () => state() === "S",
      () => `mosquitto_sub sleeps; its state is ${state()}`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
  }

  async #listen(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of this.#child.stdout) this.#said.add(decoder.decode(chunk));
    this.#said.end("mosquitto_sub has ended");
  }
}
