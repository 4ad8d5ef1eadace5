import { Client, forAll, type LoadTarget } from "./client.ts";
import { until } from "./load.ts";
import { pingreq, shortTopic, subscribe } from "./packets.ts";
import { type Delays, delays } from "./statistics.ts";

/** What honest clients of the same broker saw while the load ran. Milliseconds. */
export interface Sighting {
  /** PINGREQ to PINGRESP of an idle client; one that is still unanswered counts with its age. */
  readonly ping: Delays;
  /** The same moments, against an idle server that only echoes: what this machine itself is late. */
  readonly echo: Delays;
  /** From 1.5 x keepalive after a silent client's CONNECT to the end of its connection. */
  readonly judged: Delays;
  /** The same to the arrival of its will, which may stand behind thousands of others. */
  readonly silent: Delays;
  /** Wills of silent clients that were due and never arrived. */
  readonly silentMissing: number;
  /** CONNECTs of silent clients that got no CONNACK. */
  readonly refused: number;
  /** Clients with a keepalive of 2 s that sent PINGREQ in time. */
  readonly pinging: number;
  /** Those of them that the broker ended. */
  readonly ended: number;
  /** Why the bystander could not watch; a sighting with errors shows nothing. */
  readonly errors: readonly string[];
}

const pingEveryMs = 10;
const silentClients = 100;
/** The shortest: the more deadlines, the more chances to be late. Seconds. */
const silentKeepAlive = 1;
const allowedMs = silentKeepAlive * 1500;
const pingingClients = 50;
const pingingKeepAlive = 2;
/** Three quarters of the keepalive: late by half a second at most before the standard's deadline. */
const pingingEveryMs = 1500;
/** After a CONNECT that was refused. */
const retryMs = 200;
/** How long to wait, after the load, for wills that are due. */
const graceMs = 2000;

/** Honest clients beside a load, in a process of their own: `open`, then `begin`, then `end`. */
export class Bystander {
  /** Pinging clients that the broker ended, and silent ones that it refused, since `begin`. */
  ended = 0;
  refused = 0;
  readonly #target: LoadTarget;
  readonly #echoPort: number;
  readonly #errors: string[] = [];
  #pings: Pings | null = null;
  #echoes: Pings | null = null;
  readonly #silents = new Map<string, Silent>();
  /** How late silent clients were ended, and how late their wills arrived. */
  readonly #judged: number[] = [];
  readonly #lateness: number[] = [];
  readonly #pinging: Client[] = [];
  #beganAt = Infinity;
  #endsAt = Infinity;
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #clients: Client[] = [];

  constructor(target: LoadTarget, echoPort: number) {
    this.#target = target;
    this.#echoPort = echoPort;
  }

  /** Connects all clients, and waits until the first silent ones have ended. Rejects if it can't. */
  async open(): Promise<void> {
    const target = this.#target;
    const place = { transport: "tcp", host: "127.0.0.1", port: this.#echoPort, tls: null } as const;
    const echo = new Client("echo", { ...target, ...place });
    await echo.dial();
    this.#echoes = new Pings(echo);
    const pinger = this.#client("ping");
    await pinger.open({ keepAlive: 60 });
    this.#pings = new Pings(pinger);
    pinger.onEnded = () => this.#complain("the broker ended the client that measures the ping");
    const watcher = this.#client("watch");
    await watcher.open({ keepAlive: 600 });
    await watcher.request(subscribe(target.version, 1, [`${target.prefix}/silent/+`], 0), 0x90);
    watcher.onFrame = (bytes, start) => this.#willArrived(bytes, start);
    watcher.onEnded = () => this.#complain("the broker ended the client that watches the wills");
    await this.#openPinging();
    for (let at = 0; at < silentClients; at++) {
      const silent = new Silent(target, `${target.prefix}/silent/${at}`, {
        judged: (dueAt) => this.#wasDue(dueAt, this.#judged),
        refused: () => {
          if (performance.now() >= this.#endsAt) return;
          this.refused++;
          this.#timers.push(setTimeout(() => void silent.fall(), retryMs));
        },
      });
      this.#silents.set(silent.topic, silent);
      // Spread, so that deadlines are due all the time.
      this.#timers.push(setTimeout(() => void silent.fall(), (at * allowedMs) / silentClients));
    }
    await Bun.sleep(allowedMs + 200);
    this.#timers.push(setInterval(() => this.#ping(), pingEveryMs));
  }

  /** The load begins now. */
  begin(): void {
    this.#beganAt = performance.now();
    this.ended = 0;
    this.refused = 0;
    this.#judged.length = 0;
    this.#lateness.length = 0;
    this.#pings?.forget();
    this.#echoes?.forget();
  }

  /** The load is over. Resolves once the wills that are due have come, or are missing. */
  async end(): Promise<Sighting> {
    this.#endsAt = performance.now();
    await until(() => this.#overdue().length === 0, graceMs);
    for (const timer of this.#timers) clearInterval(timer);
    const missing = this.#overdue();
    const now = performance.now();
    const unjudged = missing.filter(({ isJudged }) => !isJudged);
    const sighting = {
      ping: delays(this.#pings?.delays(now) ?? []),
      echo: delays(this.#echoes?.delays(now) ?? []),
      judged: delays([...this.#judged, ...unjudged.map(({ dueAt }) => now - dueAt)]),
      silent: delays([...this.#lateness, ...missing.map(({ dueAt }) => now - dueAt)]),
      silentMissing: missing.length,
      refused: this.refused,
      pinging: this.#pinging.length,
      ended: this.ended,
      errors: this.#errors,
    };
    for (const client of this.#clients) client.leave();
    for (const silent of this.#silents.values()) silent.stop();
    return sighting;
  }

  #client(name: string): Client {
    const client = new Client(`${this.#target.prefix}-${name}`, this.#target);
    this.#clients.push(client);
    return client;
  }

  async #openPinging(): Promise<void> {
    const names = Array.from({ length: pingingClients }, (_, at) => `alive-${at}`);
    await forAll(names, async (name, at) => {
      const client = this.#client(name);
      await client.open({ keepAlive: pingingKeepAlive });
      client.onEnded = () => this.ended++;
      this.#pinging.push(client);
      const start = () => {
        client.write(pingreq);
        this.#timers.push(setInterval(() => client.write(pingreq), pingingEveryMs));
      };
      client.write(pingreq);
      this.#timers.push(setTimeout(start, (at * pingingEveryMs) / pingingClients));
    });
  }

  #ping(): void {
    if (performance.now() > this.#endsAt) return;
    this.#pings?.send();
    this.#echoes?.send();
  }

  #willArrived(bytes: Uint8Array, start: number): void {
    const now = performance.now();
    if ((bytes[start] ?? 0) >> 4 !== 3) return;
    const silent = this.#silents.get(shortTopic(bytes, start));
    if (silent === undefined) return;
    // Its connection has ended, whichever of the two this process reads first.
    silent.judge();
    this.#wasDue(silent.dueAt, this.#lateness);
    if (now < this.#endsAt) void silent.fall();
    else silent.stop();
  }

  /** Notes how late something is that was due while the load ran. */
  #wasDue(dueAt: number, late: number[]): void {
    if (dueAt >= this.#beganAt && dueAt <= this.#endsAt) late.push(performance.now() - dueAt);
  }

  /** Those whose wills are missing. */
  #overdue(): Silent[] {
    const last = Math.min(this.#endsAt, performance.now());
    return [...this.#silents.values()].filter(
      ({ dueAt }) => dueAt >= this.#beganAt && dueAt <= last,
    );
  }

  #complain(error: string): void {
    if (this.#errors.length < 5) this.#errors.push(error);
  }
}

/** Requests without waiting for the answer before: an answer that is late delays no other request. */
class Pings {
  readonly #client: Client;
  /** When each request left; answers come in order. */
  #sent: number[] = [];
  #delays: number[] = [];
  /** Requests before the load whose answers are still to come. */
  #skip = 0;
  #inPart = 0;

  constructor(client: Client) {
    this.#client = client;
    // PINGRESP has two bytes, and an echo has as many as it got.
    client.data = (chunk) => {
      this.#inPart += chunk.length;
      for (; this.#inPart >= pingreq.length; this.#inPart -= pingreq.length) this.#answered();
    };
  }

  send(): void {
    if (!this.#client.isOpen) return;
    this.#sent.push(performance.now());
    this.#client.write(pingreq);
  }

  forget(): void {
    this.#skip += this.#sent.length;
    this.#sent = [];
    this.#delays = [];
  }

  /** Those that are unanswered count with their age. */
  delays(now: number): number[] {
    return [...this.#delays, ...this.#sent.map((sent) => now - sent)];
  }

  #answered(): void {
    if (this.#skip > 0) {
      this.#skip--;
      return;
    }
    const sent = this.#sent.shift();
    if (sent !== undefined) this.#delays.push(performance.now() - sent);
  }
}

interface SilentEvents {
  /** The broker has ended its connection, which was due then. */
  readonly judged: (dueAt: number) => void;
  readonly refused: () => void;
}

/** A client that connects with a will, and sends nothing more. */
class Silent {
  readonly topic: string;
  /** When its will is due, counted from its CONNECT; Infinity: it is not silent. */
  dueAt = Infinity;
  /** The broker has ended its connection. */
  isJudged = false;
  readonly #target: LoadTarget;
  readonly #events: SilentEvents;
  #client: Client | null = null;

  constructor(target: LoadTarget, topic: string, events: SilentEvents) {
    this.#target = target;
    this.topic = topic;
    this.#events = events;
  }

  judge(): void {
    if (this.isJudged) return;
    this.isJudged = true;
    this.#events.judged(this.dueAt);
  }

  /** Connects, then falls silent. */
  async fall(): Promise<void> {
    this.dueAt = Infinity;
    this.#client?.reset();
    const client = new Client(this.topic.replaceAll("/", "-"), this.#target);
    this.#client = client;
    try {
      await client.dial();
      const sentAt = performance.now();
      this.dueAt = sentAt + allowedMs;
      this.isJudged = false;
      await client.greet({
        keepAlive: silentKeepAlive,
        will: { topic: this.topic, payload: Uint8Array.of(1) },
      });
      client.onEnded = () => this.judge();
    } catch {
      this.dueAt = Infinity;
      this.#events.refused();
    }
  }

  stop(): void {
    this.dueAt = Infinity;
    this.#client?.leave();
  }
}
