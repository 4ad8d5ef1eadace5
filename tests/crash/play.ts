import { expect } from "bun:test";
import mqtt from "mqtt";
import { rmSync } from "node:fs";
import type { WillsAnswer } from "../../src/api/api.ts";
import { Dice } from "../support/dice.ts";
import { Folder, run, RunningBroker } from "../support/executable.ts";
import { eventually } from "../support/inbox.ts";
import { MqttJsClient } from "../support/mqttjs-client.ts";
import { Door } from "../support/door.ts";

/**
 * A broker with a store is killed at random moments while real clients publish; then everything that
 * it had acknowledged has to be there.
 */
export interface CrashOptions {
  readonly rounds: number;
  readonly seed: number;
  readonly durability: "normal" | "full";
  /** Gets a line after each round. */
  readonly print?: (line: string) => void;
}

export interface CrashFigures {
  readonly rounds: number;
  /** Messages that the broker acknowledged. */
  readonly acknowledged: number;
  /** Wills of clients that died, or were connected when the broker did. */
  readonly wills: number;
  /** Copies that came again, which QoS 1 allows. */
  readonly again: number;
  /** Milliseconds from the start of the process to the ready file: the longest. */
  readonly longestStartMs: number;
}

/** Messages of one publisher that may be unacknowledged. */
const window = 20;

/** Topics with a retained message. */
const retainedTopics = 10;

const patienceMs = 60_000;

/** The fewest messages that are acknowledged in a round. */
const acknowledgedEach = 25;

/** Messages that may wait for the slowest subscriber before the publishers wait for it. */
const backlogMax = 20_000;

export async function playCrashes(options: CrashOptions): Promise<CrashFigures> {
  using data = new Folder();
  await using door = await Door.open();
  const play = new CrashPlay(data.file("data"), door, options);
  try {
    for (let round = 1; round <= options.rounds; round++) {
      await play.round();
      options.print?.(`round ${round}: ${JSON.stringify(play.figures(round))}`);
    }
    await play.settle();
    await play.checkFates(data);
    return play.figures(options.rounds);
  } finally {
    await play.end();
  }
}

class CrashPlay {
  readonly #options: CrashOptions;
  readonly #folder: string;
  readonly #dice: Dice;
  #broker: RunningBroker | null = null;
  readonly #door: Door;
  #longestStartMs = 0;
  readonly #publishers: Publisher[] = [];
  readonly #subscribers: Subscriber[] = [];
  #watcher: Subscriber | null = null;
  readonly #mortals: Mortal[] = [];

  constructor(folder: string, door: Door, options: CrashOptions) {
    this.#folder = folder;
    this.#door = door;
    this.#options = options;
    this.#dice = new Dice(options.seed);
  }

  /** Starts the broker, lets clients do what they do for a while, and kills it. */
  async round(): Promise<void> {
    await this.#start();
    if (this.#publishers.length === 0) await this.#cast();
    const dice = this.#dice;
    const before = this.#acknowledged;
    for (const publisher of this.#publishers) publisher.run();
    // Else a slow broker would be killed each time before it has acknowledged anything.
    await eventually(
      () => this.#acknowledged >= before + acknowledgedEach || this.#backlog >= backlogMax,
      () => `${this.#acknowledged - before} acknowledged messages in this round`,
      patienceMs,
    );
    const until = performance.now() + dice.below(1200) + 100;
    while (performance.now() < until) {
      // Waits for nothing: the dice choose the moments of deeds and of the kill.
      await Bun.sleep(dice.below(60));
      const deed = dice.below(4);
      if (deed === 0) this.#mortals.push(new Mortal(this.#door.port, this.#mortals.length, dice));
      else if (deed === 1) this.#anyMortal()?.die();
      else if (deed === 2) void this.#subscribers.at(-1)?.leave();
      else void this.#subscribers.at(-1)?.comeBack();
    }
    for (const publisher of this.#publishers) publisher.pause();
    await this.#kill();
  }

  /** After the last kill: everything that was acknowledged arrives. */
  async settle(): Promise<void> {
    await this.#start();
    for (const subscriber of this.#subscribers) await subscriber.comeBack();
    for (const publisher of this.#publishers) await publisher.drained();
    for (const subscriber of this.#subscribers) {
      for (const publisher of this.#publishers) await subscriber.hasAll(publisher);
    }
    for (const publisher of this.#publishers) await checkRetained(this.#door.port, publisher);
    // Every will that was armed is decided: those of the living when they die now.
    for (const mortal of this.#mortals) mortal.die();
    const watcher = this.#watcher;
    if (watcher === null) throw new Error("nobody watches");
    for (const { topic } of this.#mortals.filter(({ wasArmed }) => wasArmed)) {
      await eventually(
        () => watcher.counts.has(topic),
        () => `the will on ${topic}`,
        patienceMs,
      );
    }
    for (const subscriber of [...this.#subscribers, watcher]) subscriber.expectSessionKept();
    await this.#broker?.stop();
  }

  /** What `inspect wills` knows after all of them: each armed will was published, once. */
  async checkFates(data: Folder): Promise<void> {
    const args = ["inspect", "wills", "--json", "--limit", "100000", "--data", this.#folder];
    const { stdout, stderr } = await run(data, args);
    expect(stderr).toBe("");
    const { wills } = JSON.parse(stdout) as WillsAnswer;
    for (const { topic, wasArmed } of this.#mortals) {
      const told = wills
        .filter((will) => will.topic === topic)
        .map(({ fate, steps }) => ({
          fate: fate?.fate,
          fates: steps.filter(({ state }) => state === fate?.fate).length,
        }));
      // Of one that was not answered the broker may know nothing, or may have kept its will.
      if (!wasArmed && told.length === 0) continue;
      const expected = wasArmed ? [{ fate: "published", fates: 1 }] : [expect.anything()];
      expect({ topic, told }).toEqual({ topic, told: expected });
    }
  }

  figures(rounds: number): CrashFigures {
    const again = this.#subscribers.reduce((sum, one) => sum + one.again, 0);
    const wills = this.#mortals.filter(({ wasArmed }) => wasArmed).length;
    return {
      rounds,
      acknowledged: this.#acknowledged,
      wills,
      again,
      longestStartMs: this.#longestStartMs,
    };
  }

  async end(): Promise<void> {
    const clients = [...this.#publishers, ...this.#subscribers, ...this.#mortals];
    for (const client of clients) client.end();
    this.#watcher?.end();
    await this.#broker?.[Symbol.asyncDispose]();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #start(): Promise<void> {
    const begin = performance.now();
    const { durability } = this.#options;
    const args = [
      ...["--data", this.#folder, "--set", `store.durability=${durability}`],
      ...["--set", "store.restartSettle=200ms", "--set", "admin.port=off"],
      // Nothing of who is away for long is dropped.
      ...["--set", "limits.queuedMessages=1000000", "--set", "limits.queuedBytes=256MiB"],
    ];
    this.#broker = await RunningBroker.start({ args, readyBoundMs: patienceMs });
    this.#door.leadTo(this.#broker.port);
    this.#longestStartMs = Math.max(this.#longestStartMs, Math.round(performance.now() - begin));
  }

  async #kill(): Promise<void> {
    const broker = this.#broker;
    if (broker === null) return;
    this.#door.leadTo(null);
    broker.signal("SIGKILL");
    await broker.exit();
    await broker[Symbol.asyncDispose]();
    this.#broker = null;
  }

  async #cast(): Promise<void> {
    const port = this.#door.port;
    this.#subscribers.push(new Subscriber(port, "stays", "m/#", 2));
    this.#subscribers.push(new Subscriber(port, "comes-and-goes", "m/#", 2));
    this.#watcher = new Subscriber(port, "watcher", "w/#", 1);
    for (const one of [...this.#subscribers, this.#watcher]) await one.subscribed;
    const mayGoOn = (): boolean => this.#backlog < backlogMax;
    for (const [qos, version] of [
      [1, 5],
      [2, 4],
      [2, 5],
      [1, 4],
    ] as const) {
      this.#publishers.push(new Publisher(port, qos, version, mayGoOn));
    }
  }

  /** Messages that were acknowledged, but for retained ones. */
  get #acknowledged(): number {
    return this.#publishers.reduce((sum, { acknowledged }) => sum + acknowledged.size, 0);
  }

  /** Messages that a subscriber has still to get, about. */
  get #backlog(): number {
    return this.#acknowledged - Math.min(...this.#subscribers.map(({ counts }) => counts.size));
  }

  #anyMortal(): Mortal | undefined {
    const living = this.#mortals.filter(({ isDead, wasArmed }) => wasArmed && !isDead);
    return living[this.#dice.below(Math.max(1, living.length))];
  }
}

/** Of clients that keep their session and come back by themselves. */
const lasting = { clean: false, reconnectPeriod: 50, resubscribe: false, keepalive: 60 } as const;

function lastingOptions(clientId: string, version: 4 | 5): mqtt.IClientOptions {
  const forever = { sessionExpiryInterval: 0xffff_ffff };
  return {
    ...lasting,
    clientId,
    ...stores(),
    protocolVersion: version,
    ...(version === 5 && { properties: forever }),
  };
}

/** Otherwise mqtt.js forgets QoS 2 messages in flight with each DISCONNECT. */
function stores(): Pick<mqtt.IClientOptions, "incomingStore" | "outgoingStore"> {
  const create = (): mqtt.Store => new mqtt.Store({ clean: false });
  return { incomingStore: create(), outgoingStore: create() };
}

class Publisher {
  readonly topic: string;
  readonly qos: 1 | 2;
  readonly acknowledged = new Set<number>();
  /** By topic, the number of the last retained message sent, and of the last acknowledged. */
  readonly retained = new Map<string, { sent: number; acknowledged: number }>();
  readonly #client: mqtt.MqttClient;
  #sent = 0;
  #open = 0;
  #runs = false;
  readonly #mayGoOn: () => boolean;

  constructor(port: number, qos: 1 | 2, version: 4 | 5, mayGoOn: () => boolean) {
    this.#mayGoOn = mayGoOn;
    this.topic = `m/q${qos}/v${version}`;
    this.qos = qos;
    const id = `publisher-q${qos}-v${version}`;
    this.#client = mqtt.connect(`mqtt://127.0.0.1:${port}`, lastingOptions(id, version));
    // It comes back by itself.
    this.#client.on("error", () => {});
  }

  run(): void {
    this.#runs = true;
    this.#fill();
  }

  pause(): void {
    this.#runs = false;
  }

  async drained(): Promise<void> {
    await eventually(
      () => this.#open === 0,
      () => `${this.#open} acknowledgements of ${this.topic}`,
      patienceMs,
    );
  }

  end(): void {
    this.#client.end(true);
  }

  #fill(): void {
    while (this.#runs && this.#open < window && this.#mayGoOn()) this.#publish();
  }

  #publish(): void {
    const number = ++this.#sent;
    const isRetained = number % 5 === 0;
    const own = `r/${this.topic}/${number % retainedTopics}`;
    if (isRetained) {
      const known = this.retained.get(own) ?? { sent: 0, acknowledged: 0 };
      this.retained.set(own, { ...known, sent: number });
    }
    const topic = isRetained ? own : this.topic;
    this.#open += 1;
    this.#client.publish(topic, String(number), { qos: this.qos, retain: isRetained }, (error) => {
      this.#open -= 1;
      if (error === undefined || error === null) this.#acknowledge(number, topic, isRetained);
      this.#fill();
    });
  }

  #acknowledge(number: number, topic: string, isRetained: boolean): void {
    if (!isRetained) {
      this.acknowledged.add(number);
      return;
    }
    const known = this.retained.get(topic) ?? { sent: number, acknowledged: 0 };
    this.retained.set(topic, { ...known, acknowledged: Math.max(known.acknowledged, number) });
  }
}

class Subscriber {
  /** How often each message came: `topic=number`, or a will's topic. */
  readonly counts = new Map<string, number>();
  readonly subscribed: Promise<unknown>;
  again = 0;
  readonly #client: mqtt.MqttClient;
  readonly #id: string;
  /** Session Present of each CONNACK. */
  readonly #present: boolean[] = [];
  /** Null: it is connected, or tries to be. */
  #leaving: Promise<void> | null = null;

  constructor(port: number, id: string, filter: string, qos: 1 | 2) {
    this.#id = id;
    this.#client = mqtt.connect(`mqtt://127.0.0.1:${port}`, lastingOptions(id, 5));
    this.#client.on("error", () => {});
    this.#client.on("connect", ({ sessionPresent }) => this.#present.push(sessionPresent));
    this.#client.on("message", (topic, payload) => {
      const message = topic.startsWith("w/") ? topic : `${topic}=${payload.toString()}`;
      const before = this.counts.get(message) ?? 0;
      if (before > 0) this.again += 1;
      this.counts.set(message, before + 1);
    });
    this.subscribed = this.#client.subscribeAsync(filter, { qos });
  }

  async leave(): Promise<void> {
    if (!this.#client.connected || this.#leaving !== null) return;
    this.#leaving = this.#client.endAsync();
    await this.#leaving;
  }

  async comeBack(): Promise<void> {
    const leaving = this.#leaving;
    if (leaving === null) return;
    this.#leaving = null;
    await leaving;
    // Without these it would begin with new ones.
    const { incomingStore, outgoingStore } = this.#client.options;
    if (incomingStore === undefined || outgoingStore === undefined) return;
    this.#client.reconnect({ incomingStore, outgoingStore });
  }

  /** Everything acknowledged came; QoS 2 exactly once. */
  async hasAll({ topic, qos, acknowledged }: Publisher): Promise<void> {
    const missing = (): number[] =>
      [...acknowledged].filter((number) => !this.counts.has(`${topic}=${number}`));
    // As long as others come, it may come behind them.
    for (let before = -1; missing().length > 0 && before < this.counts.size;) {
      before = this.counts.size;
      await eventually(
        () => this.counts.size > before + backlogMax / 10 || missing().length === 0,
        () => "",
        patienceMs,
      ).catch(() => {});
    }
    const lost = missing();
    const span = `from ${lost[0]} to ${lost.at(-1)} of ${acknowledged.size}`;
    if (lost.length > 0) throw new Error(`${this.#id}: ${lost.length} of ${topic}, ${span}`);
    if (qos === 1) return;
    const twice = [...this.counts].filter(
      ([name, count]) => name.startsWith(`${topic}=`) && count > 1,
    );
    expect({ who: this.#id, twice }).toEqual({ who: this.#id, twice: [] });
  }

  expectSessionKept(): void {
    const [first, ...later] = this.#present;
    expect({ who: this.#id, first }).toEqual({ who: this.#id, first: false });
    expect({ who: this.#id, lost: later.filter((present) => !present).length }).toEqual({
      who: this.#id,
      lost: 0,
    });
  }

  end(): void {
    this.#client.end(true);
  }
}

/** The retained message of each topic is the last acknowledged one, or one sent after it. */
async function checkRetained(port: number, { topic, retained }: Publisher): Promise<void> {
  await using reader = await MqttJsClient.connect(port, { clientId: "reader", protocolVersion: 5 });
  await reader.mqtt.subscribeAsync(`r/${topic}/#`, { qos: 0 });
  await reader.roundTrip();
  const found = new Map(reader.messages.items.map((one) => [one.topic, Number(one.payload)]));
  for (const [name, { sent, acknowledged }] of retained) {
    const number = found.get(name) ?? 0;
    expect({ name, isRight: number >= acknowledged && number <= sent, number }).toEqual({
      name,
      isRight: true,
      number,
    });
  }
}

/** A client with a will that dies without DISCONNECT, or lives until the broker dies. */
class Mortal {
  readonly topic: string;
  isDead = false;
  /** Its CONNACK came: the broker has its will. */
  wasArmed = false;
  readonly #client: mqtt.MqttClient;

  constructor(port: number, number: number, dice: Dice) {
    const clientId = `mortal-${number}`;
    this.topic = `w/${clientId}`;
    const willDelayInterval = dice.below(3);
    this.#client = mqtt.connect(`mqtt://127.0.0.1:${port}`, {
      ...{ clientId, clean: true, reconnectPeriod: 0, protocolVersion: 5 },
      properties: { sessionExpiryInterval: dice.below(2) * 5 },
      will: {
        ...{ topic: this.topic, payload: Buffer.from("gone"), qos: 1, retain: false },
        properties: { willDelayInterval },
      },
    });
    this.#client.on("error", () => {});
    this.#client.on("connect", () => (this.wasArmed = true));
    this.#client.on("close", () => (this.isDead = true));
  }

  die(): void {
    this.#client.stream.destroy();
  }

  end(): void {
    this.#client.end(true);
  }
}
