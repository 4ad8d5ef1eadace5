import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { Folder, RunningBroker } from "../support/executable.ts";
import { eventually, patienceMs } from "../support/inbox.ts";
import { SocketClient } from "../support/socket-client.ts";
import { spawn } from "../support/child.ts";

const isAbsent = ["mosquitto_pub", "mosquitto_sub"].some((name) => Bun.which(name) === null);
const why = isAbsent ? " (skipped: mosquitto_pub and mosquitto_sub are not installed)" : "";

let broker: RunningBroker;
beforeAll(async () => {
  // This level logs a client's subscriptions.
  if (!isAbsent) broker = await RunningBroker.start({ args: ["--log-level", "debug"] });
});
afterAll(async () => {
  if (isAbsent) return;
  try {
    await broker.stop();
  } finally {
    await broker[Symbol.asyncDispose]();
  }
});

/** Topics and client ids are unique to a test, since the tests share a broker. */
let tests = 0;
const own = (name: string): string => `${name}-${++tests}`;

/** Below a test's limit, so that none of them outlives the test. */
const bound = { timeout: 3 * patienceMs, killSignal: "SIGKILL" } as const;

/** mosquitto_sub, once the broker has its subscription. */
class Subscriber implements AsyncDisposable {
  readonly id: string;
  readonly #child: Bun.Subprocess<"ignore", "pipe", "inherit">;

  constructor(id: string, args: readonly string[]) {
    this.id = id;
    this.#child = spawn(
      ["mosquitto_sub", "-h", "127.0.0.1", "-p", String(broker.port), "-i", id, ...args],
      { stdin: "ignore", stdout: "pipe", stderr: "inherit", ...bound },
    );
  }

  static async start(args: readonly string[], id = own("sub")): Promise<Subscriber> {
    // An earlier client with the same id has lines in the log already.
    const linesBefore = broker.log.items.length;
    const subscriber = new Subscriber(id, args);
    await broker.line(
      `the subscription of ${id}`,
      (line) =>
        line.event === "subscribed" &&
        line.client === id &&
        broker.log.items.indexOf(line) >= linesBefore,
    );
    return subscriber;
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Its output, once it has ended with success. */
  async output(): Promise<string> {
    const text = await this.#child.stdout.text();
    expect(await this.#child.exited).toBe(0);
    return text;
  }

  /**
   * Waits until the program is idle. Its signal handler takes locks, so that a signal that arrives
   * while it works deadlocks it.
   */
  async idle(): Promise<void> {
    await using reader = this.#child.stdout.values();
    await reader.next();
    const state = () => readFileSync(`/proc/${this.#child.pid}/stat`, "utf8").split(" ")[2];
    await eventually(
      () => state() === "S",
      () => `mosquitto_sub sleeps; its state is ${state()}`,
    );
  }

  async exit(): Promise<void> {
    await this.#child.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
  }
}

async function publish(args: readonly string[], stdin = ""): Promise<void> {
  await using child = spawn(
    ["mosquitto_pub", "-h", "127.0.0.1", "-p", String(broker.port), ...args],
    {
      stdin: Buffer.from(stdin),
      stdout: "inherit",
      stderr: "inherit",
      ...bound,
    },
  );
  expect(await child.exited).toBe(0);
}

describe.skipIf(isAbsent).each(["mqttv31", "mqttv311", "mqttv5"])(
  `the mosquitto clients, -V %s${why}`,
  (version) => {
    const protocol = ["-V", version];

    test.each(["0", "1", "2"])("a message of QoS %s arrives once", async (qos) => {
      const topic = own("topic");
      await using subscriber = await Subscriber.start([
        ...[...protocol, "-t", topic, "-q", qos, "-C", "2", "-F", "%q %r %t %p"],
      ]);
      await publish([...protocol, "-t", topic, "-q", qos, "-m", "first"]);
      await publish([...protocol, "-t", topic, "-q", qos, "-m", "second"]);
      expect(await subscriber.output()).toBe(`${qos} 0 ${topic} first\n${qos} 0 ${topic} second\n`);
    });

    test("a file of 20 MiB arrives", async () => {
      const topic = own("topic");
      const size = 20 * 1024 * 1024;
      using folder = new Folder({ payload: "0123456789abcdef".repeat(size / 16) });
      await using subscriber = await Subscriber.start([
        ...[...protocol, "-t", topic, "-q", "1", "-C", "1", "-F", "%l"],
      ]);
      await publish([...protocol, "-t", topic, "-q", "1", "-f", folder.file("payload")]);
      expect(await subscriber.output()).toBe(`${size}\n`);
    });

    test("3,000 lines at once arrive at a subscriber that takes three at a time", async () => {
      const topic = own("topic");
      const lines = Array.from({ length: 3000 }, (_, at) => `line ${at}\n`).join("");
      await using subscriber = await Subscriber.start([
        ...["-V", "mqttv5", "-D", "connect", "receive-maximum", "3"],
        ...["-t", topic, "-q", "1", "-C", "3000"],
      ]);
      await publish([...protocol, "-t", topic, "-q", "1", "-l"], lines);
      expect(await subscriber.output()).toBe(lines);
    });

    test("500 lines of QoS 2 arrive in order, once each", async () => {
      const topic = own("topic");
      const lines = Array.from({ length: 500 }, (_, at) => `line ${at}\n`).join("");
      await using subscriber = await Subscriber.start([
        ...[...protocol, "-t", topic, "-q", "2", "-C", "500"],
      ]);
      await publish([...protocol, "-t", topic, "-q", "2", "-l"], lines);
      expect(await subscriber.output()).toBe(lines);
    });

    test("a retained message reaches a later subscriber, until it is cleared", async () => {
      const topic = own("retained");
      await publish([...protocol, "-t", topic, "-r", "-q", "1", "-m", "kept"]);
      await using subscriber = await Subscriber.start([
        ...[...protocol, "-t", topic, "-C", "1", "-F", "%r %p"],
      ]);
      expect(await subscriber.output()).toBe("1 kept\n");
      await publish([...protocol, "-t", topic, "-r", "-q", "1", "-n"]);
      using late = await SocketClient.connect(broker.port, { clientId: own("late") });
      await late.subscribe(topic);
      await late.ping();
      expect(late.messages()).toEqual([]);
    });

    test("a persistent session continues with messages published meanwhile", async () => {
      const topic = own("topic");
      const id = own("persistent");
      const args = [...protocol, "-t", topic, "-q", "1", "-c"];
      {
        await using first = await Subscriber.start(args, id);
        first.signal("SIGKILL");
        await broker.ended(id);
      }
      await publish([...protocol, "-t", topic, "-q", "1", "-m", "meanwhile"]);
      await using second = await Subscriber.start([...args, "-C", "1"], id);
      expect(await second.output()).toBe("meanwhile\n");
    });

    /** A mosquitto_sub with a will, and a watcher of that will. */
    async function mortal(signal: NodeJS.Signals) {
      const topic = own("will");
      const watcher = await SocketClient.connect(broker.port, { clientId: own("watcher") });
      await watcher.subscribe(topic, 2);
      await using client = await Subscriber.start([
        ...[...protocol, "-t", "quiet", "--will-topic", topic, "--will-payload", "gone"],
        ...["--will-qos", "2", "--will-retain"],
      ]);
      await publish([...protocol, "-t", "quiet", "-m", "ready"]);
      await client.idle();
      client.signal(signal);
      await client.exit();
      const line = await broker.ended(client.id);
      await watcher.ping();
      return { line, watcher, topic };
    }

    test("killed with SIGKILL: its will is published, retained", async () => {
      const { line, watcher, topic } = await mortal("SIGKILL");
      expect(watcher.messages()).toEqual([`${topic}=gone`]);
      expect(await watcher.message(topic)).toMatchObject({ qos: 2, retain: true });
      expect(line.cause).toBeOneOf(["closedByPeer", "resetByPeer"]);
      expect(line.will).toMatchObject({ fate: "published", retained: "stored" });
      watcher[Symbol.dispose]();
    });

    const says = version === "mqttv5" ? "DISCONNECT 0x04: the will" : "DISCONNECT: no will";
    test(`stopped with SIGINT it sends ${says}`, async () => {
      const { line, watcher, topic } = await mortal("SIGINT");
      if (version === "mqttv5") {
        expect(watcher.messages()).toEqual([`${topic}=gone`]);
        expect(line).toMatchObject({ cause: "disconnectedWithWill", detail: null });
        expect(line.will).toMatchObject({ fate: "published" });
      } else {
        expect(watcher.messages()).toEqual([]);
        expect(line).toMatchObject({ cause: "disconnected" });
        expect(line.will).toMatchObject({ fate: "discarded", why: "disconnect" });
      }
      watcher[Symbol.dispose]();
    });
  },
);
