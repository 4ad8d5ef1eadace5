import { setTimeout as pause } from "node:timers/promises";
import { readdirSync } from "node:fs";
import { rssBytes, cpuSeconds } from "../../src/load/usage.ts";
import type { Answers, Overview } from "../../src/api/api.ts";
import { Client } from "../../src/client/client.ts";
import { Dice } from "../support/dice.ts";
import { localTarget } from "../support/embedded.ts";
import { RunningBroker } from "../support/executable.ts";
import { eventually, within } from "../support/inbox.ts";
import { MortalLives, WillBook } from "./mortal-lives.ts";
import { mebibytes, type SoakReport, worstOf } from "./report.ts";
import { MqttJsProcess } from "./mqttjs-process.ts";
import type { JsTold } from "./mqttjs-program.ts";
import { growth, leakBytes, type Sample } from "./samples.ts";
import { SessionClient } from "./session-client.ts";
import { Tally } from "./tally.ts";

export interface SoakOptions {
  readonly seconds: number;
  /** Client ids with wills that connect and die; beside them a few that publish and subscribe. */
  readonly clients: number;
  readonly seed: number;
  readonly say: (text: string) => void;
  /** Arguments for the broker, to prove that a wrong one is detected. */
  readonly brokerArgs?: readonly string[];
}

/** The records of clients have a bound; a small one is reached before the warm-up is over. */
const ledger = 200;
/** The interval between one publisher's publications: traffic, no wait for an event. */
const everyMs = 200;
/** Beside connections: the log, a timer. */
const otherDescriptors = 2;
const settleMs = 30_000;

/**
 * Runs the executable for a time among clients that connect, close and die, and reports the errors.
 */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  await using broker = await RunningBroker.start({
    args: [
      ...["--set", "admin.port=0", "--set", `limits.ledger=${ledger}`],
      ...(options.brokerArgs ?? []),
    ],
  });
  return await new Soak(options, broker).run();
}

class Soak {
  readonly #options: SoakOptions;
  readonly #broker: RunningBroker;
  readonly #dice: Dice;
  readonly #tally = new Tally();
  readonly #book = new WillBook();
  readonly #faults: string[] = [];
  readonly #samples: Sample[] = [];
  readonly #wills = new Map<string, { count: number; at: number }>();
  #admin = "";
  #startedAt = performance.now();

  constructor(options: SoakOptions, broker: RunningBroker) {
    this.#options = options;
    this.#broker = broker;
    this.#dice = new Dice(options.seed);
  }

  async run(): Promise<SoakReport> {
    const { clients, seconds } = this.#options;
    const { port, pid } = this.#broker;
    this.#admin = await this.#broker.administration();
    const start = await this.#sample();
    const cpuBefore = cpuSeconds(pid);
    const watcher = await this.#watch();
    const js = new MqttJsProcess({
      ...{ port, seed: this.#dice.word(), everyMs, subscriber: "js-sub", publisher: "js-pub" },
    });
    await using _ = js;
    this.#tally.addSubscriber("js-sub");
    js.onTold = (told) => this.#jsTold(told);
    await js.ready();
    const subscribers = await this.#subscribers();
    const publishers = await this.#publishers();
    this.#startedAt = performance.now();
    const until = this.#startedAt + seconds * 1000;
    const isOver = (): boolean => performance.now() >= until;
    const lives = Array.from({ length: clients }, (_, at) => {
      const id = `mortal-${at}`;
      return new MortalLives(port, id, new Dice(this.#dice.word()), this.#book).run(isOver);
    });
    const flows = [
      ...publishers.map(async (client) => this.#publish(client, isOver)),
      ...subscribers.map(async (client) => this.#reconnect(client, isOver)),
    ];
    await Promise.all([this.#sampleUntil(isOver), ...lives, ...flows]);
    await js.settled();
    await this.#settle();
    await this.#judgeWills();
    await js.end();
    for (const client of [...publishers, ...subscribers]) await this.#leave(client);
    watcher.leave();
    const overview = await this.#judgeGauges(start);
    const cpuAfter = cpuSeconds(pid);
    return await this.#report(
      start,
      overview,
      cpuBefore === null ? null : (cpuAfter ?? 0) - cpuBefore,
    );
  }

  /** A client that stays and receives each will. */
  async #watch(): Promise<Client> {
    const watcher = await Client.open(localTarget(this.#broker.port), 5);
    await watcher.connect({ clientId: "watcher", clean: true, keepalive: 60 });
    watcher.stayAlive(20_000);
    watcher.onArrival = ({ at, packet }) => {
      const text = packet.payload.toString();
      const known = this.#wills.get(text);
      if (known === undefined) this.#wills.set(text, { count: 1, at });
      else known.count += 1;
      // No client reads the whole list of a long run.
      watcher.arrivals.length = 0;
    };
    await watcher.subscribe("wills/#", { qos: 2 });
    return watcher;
  }

  async #subscribers(): Promise<SessionClient[]> {
    const { port } = this.#broker;
    const clients = [new SessionClient(port, "sub-4", 4), new SessionClient(port, "sub-5", 5)];
    for (const client of clients) {
      this.#tally.addSubscriber(client.id);
      client.onMessage = (_, text) => this.#tally.receive(client.id, text);
      await client.connect();
      await client.subscribe("flow/#");
    }
    return clients;
  }

  async #publishers(): Promise<SessionClient[]> {
    const { port } = this.#broker;
    const clients = [new SessionClient(port, "pub-4", 4), new SessionClient(port, "pub-5", 5)];
    for (const client of clients) await client.connect();
    return clients;
  }

  async #publish(client: SessionClient, isOver: () => boolean): Promise<void> {
    const waiting = new Set<Promise<void>>();
    while (!isOver()) {
      const qos = this.#dice.pick(client.isConnected ? ([0, 1, 2] as const) : ([1, 2] as const));
      const sent = client.publish(`flow/${client.id}`, this.#tally.send(client.id, qos), qos);
      waiting.add(sent);
      void sent.finally(() => waiting.delete(sent));
      if (this.#dice.chance(3)) await this.#dieAndReturn(client);
      // Its own rhythm.
      await pause(everyMs);
    }
    try {
      const answered = Promise.all(waiting);
      await within(answered, () => `answers to ${waiting.size} messages of ${client.id}`, settleMs);
    } catch (fault) {
      this.#faults.push(String(fault));
    }
  }

  async #reconnect(client: SessionClient, isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      // Its own rhythm.
      await pause(this.#dice.between(100, 5000));
      if (this.#dice.chance(60)) await this.#dieAndReturn(client);
      else client.ping();
    }
  }

  async #dieAndReturn(client: SessionClient): Promise<void> {
    client.die(this.#dice.pick(["rst", "fin"]));
    // How long it stays away.
    await pause(this.#dice.pick([0, 50, 1000]));
    try {
      await client.connect();
    } catch (fault) {
      this.#faults.push(`${client.id} does not come back: ${String(fault)}`);
    }
  }

  #jsTold(told: JsTold): void {
    if (told.did === "send") this.#tally.send("js-pub", told.qos);
    else if (told.did === "receive") this.#tally.receive("js-sub", told.text);
  }

  async #sampleUntil(isOver: () => boolean): Promise<void> {
    let saidAt = performance.now();
    while (!isOver()) {
      // One sample a second.
      await pause(1000);
      this.#samples.push(await this.#sample());
      if (performance.now() - saidAt < 60_000) continue;
      saidAt = performance.now();
      this.#options.say(this.#progress());
    }
  }

  async #sample(): Promise<Sample> {
    const { pid } = this.#broker;
    const overview = await this.#overview();
    return {
      at: performance.now() - this.#startedAt,
      rssBytes: rssBytes(pid) ?? overview.process.rssBytes,
      heapBytes: overview.process.heapBytes,
      descriptors: readdirSync(`/proc/${pid}/fd`).length,
      sockets: overview.socketsOpened,
    };
  }

  #progress(): string {
    const {
      at,
      rssBytes: rss,
      heapBytes,
      sockets,
    } = this.#samples.at(-1) ?? { at: 0, rssBytes: 0, heapBytes: 0, sockets: 0 };
    const faults = this.#faults.length + this.#book.faults.length;
    const memory = `${mebibytes(rss)} resident, heap ${mebibytes(heapBytes)}`;
    return `${(at / 1000).toFixed(0)} s: ${sockets} connections, ${memory}, ${faults} faults`;
  }

  async #overview(): Promise<Overview> {
    const response = await fetch(`${this.#admin}/v1/overview`);
    // This program is both ends of the interface.
    return (await response.json()) as Overview;
  }

  /** Everything under way has arrived: messages, and delayed wills. */
  async #settle(): Promise<void> {
    try {
      await eventually(
        async () => this.#tally.lost.length === 0 && (await this.#areWillsSettled()),
        () => "messages and wills on their way",
        settleMs,
      );
    } catch {
      const { lost } = this.#tally;
      for (const one of lost.slice(0, 10)) this.#faults.push(`lost: ${one}`);
      if (lost.length > 10) this.#faults.push(`lost: ${lost.length} in all`);
    }
    for (const one of this.#tally.twice.slice(0, 10)) this.#faults.push(`twice: ${one}`);
  }

  /** None is left, and the watcher has read those that were published. */
  async #areWillsSettled(): Promise<boolean> {
    const { armed, delayed, published } = (await this.#overview()).wills;
    return armed + delayed === 0 && published <= this.#wills.size;
  }

  /** The will of each life has the required fate, according to the watcher and to the broker. */
  async #judgeWills(): Promise<void> {
    const { expected } = this.#book;
    for (const [text, fate] of expected) {
      const count = this.#wills.get(text)?.count ?? 0;
      const isRight = fate === "either" ? count <= 1 : count === (fate === "published" ? 1 : 0);
      if (!isRight) this.#faults.push(`will ${text}: ${fate} was to be, it came ${count} times`);
    }
    for (const text of this.#wills.keys()) {
      if (!expected.has(text)) this.#faults.push(`will ${text} came, and nobody had one like it`);
    }
    const { wills } = await this.#overview();
    const { published, discarded, cancelled, armed, delayed } = wills;
    const fates = published + discarded + cancelled;
    if (fates !== this.#book.lives || armed + delayed !== 0) {
      this.#faults.push(`${this.#book.lives} wills, for the broker ${JSON.stringify(wills)}`);
    }
    if (published !== this.#wills.size) {
      this.#faults.push(`${this.#wills.size} wills came, the broker says ${published}`);
    }
    await this.#judgeLedger();
  }

  /** Those still recorded, one by one. */
  async #judgeLedger(): Promise<void> {
    const response = await fetch(`${this.#admin}/v1/wills`);
    const { wills } = (await response.json()) as Answers["wills"];
    if (wills.length < Math.min(ledger, this.#book.lives)) {
      this.#faults.push(`/v1/wills knows ${wills.length} wills`);
    }
    const ids = new Set(wills.map(({ id }) => id));
    if (ids.size !== wills.length) this.#faults.push("/v1/wills tells a will twice");
    if (wills.some(({ fate }) => fate === null)) this.#faults.push("/v1/wills: one has no fate");
  }

  async #leave(client: SessionClient): Promise<void> {
    if (client.sessionsLost > 0) {
      this.#faults.push(`${client.id} lost its session ${client.sessionsLost} times`);
    }
    client.die("fin");
    await client.connect(true);
    client.leave();
  }

  /** Nothing is left when every client has closed. */
  async #judgeGauges(start: Sample): Promise<Overview> {
    let overview = await this.#overview();
    let retained = 0;
    const gauges = (): Record<string, number> => ({
      connections: overview.connections,
      connected: overview.connected,
      sessions: overview.sessions,
      subscriptions: overview.subscriptions,
      queued: overview.queued.messages,
      retained,
      armed: overview.wills.armed,
      delayed: overview.wills.delayed,
      descriptors: readdirSync(`/proc/${this.#broker.pid}/fd`).length - start.descriptors,
    });
    try {
      await eventually(
        async () => {
          overview = await this.#overview();
          // The broker's own topics stay; they are below $SYS, which this filter excludes.
          const response = await fetch(`${this.#admin}/v1/retained?filter=%23`);
          const answer = (await response.json()) as Answers["retained"];
          retained = answer.retained.length;
          const { descriptors = 0, ...others } = gauges();
          return descriptors <= otherDescriptors && Object.values(others).every((one) => one === 0);
        },
        () => "everything at 0",
        settleMs,
      );
    } catch {
      this.#faults.push(`left behind: ${JSON.stringify(gauges())}`);
    }
    return overview;
  }

  async #report(start: Sample, overview: Overview, cpu: number | null): Promise<SoakReport> {
    const end = await this.#sample();
    const seconds = (performance.now() - this.#startedAt) / 1000;
    await this.#judgeLog(overview);
    const grown = growth(this.#samples, (this.#options.seconds * 1000) / 4);
    if (grown !== null && grown.bytesPerConnection - grown.uncertainty > leakBytes) {
      this.#faults.push(`memory grows by ${grown.bytesPerConnection.toFixed(0)} B a connection`);
    }
    const silent = [...this.#book.due].flatMap(([text, due]) => {
      const will = this.#wills.get(text);
      return will === undefined ? [] : [will.at - due];
    });
    return {
      seconds,
      connections: overview.socketsOpened,
      ends: Object.fromEntries(Object.entries(overview.ends).filter(([, count]) => count > 0)),
      lives: this.#book.lives,
      wills: overview.wills,
      willsUndecided: [...this.#book.expected.values()].filter((fate) => fate === "either").length,
      messages: {
        sent: this.#tally.sent,
        delivered: this.#tally.delivered,
        qos0Missed: this.#tally.qos0Missed,
        qos1Again: this.#tally.qos1Again,
      },
      keepAlive: worstOf(overview.keepAliveLateness),
      blockedMs: this.#broker.log.items
        .filter(({ event }) => event === "loopBlocked")
        .map((line) => Number(line["blockedMs"])),
      silentWills: { count: silent.length, worstMs: Math.max(0, ...silent) },
      memory: { startBytes: start.rssBytes, endBytes: end.rssBytes, growth: grown },
      descriptors: {
        start: start.descriptors,
        most: Math.max(...this.#samples.map(({ descriptors }) => descriptors)),
        end: end.descriptors,
      },
      cpu: cpu === null ? null : cpu / seconds,
      faults: [...this.#faults, ...this.#book.faults],
    };
  }

  /** One line for each end, no errors, and nothing but log lines. */
  async #judgeLog(overview: Overview): Promise<void> {
    await this.#broker.stop();
    const { items } = this.#broker.log;
    const errors = items.filter(({ level }) => level === "error");
    for (const line of errors.slice(0, 5))
      this.#faults.push(`the log says ${JSON.stringify(line)}`);
    const lines = items.filter(({ event }) => event === "ended").length;
    const ends = Object.values(overview.ends).reduce((sum, count) => sum + count, 0);
    if (lines !== ends || ends !== overview.socketsOpened) {
      const sockets = overview.socketsOpened;
      this.#faults.push(`${sockets} connections, ${ends} ends, ${lines} lines about them`);
    }
  }
}
