import type { IClientOptions } from "mqtt";
import { type Ended, run, RunningBroker, type Surroundings } from "./executable.ts";
import { accountText, logText } from "./account-text.ts";
import type { ConnectOptions } from "./client.ts";
import { expectNotHeldUp } from "./held-up.ts";
import { eventually, Inbox, now } from "./inbox.ts";
import { MqttJsClient } from "./mqttjs-client.ts";
import { readFileSync } from "node:fs";
import { SocketClient } from "./socket-client.ts";
import { spawn } from "./child.ts";

/** For whatever is sure to come, on a machine that has much to do. */
const boundMs = 20_000;
/** Of a test that waits for such. */
export const rowLimitMs = 40_000;

/** Why rows with mosquitto's clients are skipped; null: they are installed. */
export const mosquittoSubMissing: string | null =
  Bun.which("mosquitto_sub") === null ? "mosquitto_sub is not installed" : null;

/**
 * The executable as a person has it: a broker whose log is read, a watcher of all that is below
 * `wills/`, and `mqttd inspect` beside them. Rows share one; each has client ids of its own.
 */
export class WillAccounts implements AsyncDisposable {
  readonly broker: RunningBroker;
  readonly watcher: SocketClient;
  #marks = 0;

  static async start(surroundings: Surroundings = {}): Promise<WillAccounts> {
    const broker = await RunningBroker.start({
      readyBoundMs: boundMs,
      ...surroundings,
      logFormat: "human",
    });
    // No Server Keep Alive can be told to one of 3.1.1: it may be silent for as long as it likes.
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

  /** mqtt.js, with a keepalive of 30 s and the will `gone` on `wills/ID` unless told otherwise. */
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

  /** mosquitto_sub with that will, once it listens and is idle. */
  async mosquitto(clientId: string, args: readonly string[]): Promise<MosquittoSub> {
    const topic = `commands/${clientId}`;
    this.watcher.publish(topic, "hello", { retain: true });
    await this.watcher.ping();
    const sub = new MosquittoSub(this.port, clientId, ["-t", topic, ...args]);
    await sub.idle();
    return sub;
  }

  /** Bytes on a connection of their own; resolves when the broker has closed it. */
  async send(bytes: Uint8Array): Promise<void> {
    using client = await SocketClient.dial(this.port);
    client.sendBytes(bytes);
    await client.ended;
  }

  /** A line of the log, once it is there. */
  async line(what: string | RegExp): Promise<string> {
    const fits = (line: string): boolean =>
      typeof what === "string" ? line.includes(what) : what.test(line);
    return this.broker.lines.first(String(what), fits, boundMs);
  }

  /** The end of the client's connection, or of the `times`-th. */
  async ended(clientId: string, times = 1): Promise<void> {
    await this.many(new RegExp(`${clientId}( \\(\\S+\\))? disconnected: `), times);
  }

  /** The log has so many lines that fit. */
  async many(what: RegExp, times: number): Promise<void> {
    let seen = 0;
    const isLast = (line: string): boolean => what.test(line) && ++seen === times;
    await this.broker.lines.first(`${times} x ${what}`, isLast, boundMs);
  }

  async inspect(...args: string[]): Promise<Ended> {
    return run(this.broker.folder, ["inspect", ...args], { boundMs });
  }

  /** What is asked for is there, or an error tells what came instead. */
  async inspected(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.inspect(...args);
    if (code !== 0 || stderr !== "")
      throw new Error(`inspect ${args.join(" ")}: ${code} ${stderr}`);
    return stdout;
  }

  /** What the log said of a client, and what `inspect explain` says, as snapshots want it. */
  async account(clientId: string): Promise<string> {
    const explained = await this.inspected("explain", clientId);
    return `${await this.logged(clientId)}\n\n${accountText(explained)}`;
  }

  /** The log's lines about a client so far. */
  async logged(clientId: string): Promise<string> {
    await this.#caughtUp();
    // Where a line names whom it is about; an id may be a word of another line.
    const place = String.raw`^\S+ (?:\[like \S+\] )?(?:Warning: )?(?:|Client |.* client |.* as |Operator's order: .* )`;
    const about = new RegExp(`${place}${clientId}(?=$|[ ':])`);
    const lines = this.broker.lines.items.filter((line) => about.test(line));
    expectNotHeldUp(`the connection of ${clientId}`, lines.join("\n"), now() - rowLimitMs);
    return logText(lines);
  }

  /** All lines that the broker had written by now have come. */
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
   * Waits until it has its first message, and waits itself: its handler of signals takes locks, so
   * that a signal which comes while it is at work stops it for ever.
   */
  async idle(): Promise<void> {
    await this.#said.first("its first message", () => true, boundMs);
    const state = () => readFileSync(`/proc/${this.#child.pid}/stat`, "utf8").split(" ")[2];
    await eventually(
      () => state() === "S",
      () => `mosquitto_sub sleeps; its state is ${state()}`,
      boundMs,
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
