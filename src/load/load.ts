import { Client, type LoadTarget, Unanswered } from "./client.ts";
import { pingreq, type Version } from "./packets.ts";
import { cpuSeconds, difference, machineBusySeconds, peakRssBytes, rssBytes } from "./usage.ts";

/** One number of a report. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: "/s" | "ms" | "s" | "B" | "%" | "";
}

/** CPU seconds, user and system, while the load ran; null: the system does not tell. */
export interface CpuUse {
  readonly seconds: number;
  readonly broker: number | null;
  readonly load: number;
  /** Of all other processes of this machine. */
  readonly others: number | null;
}

/** What a load measured. A report with errors is not a measurement. */
export interface LoadReport {
  readonly figures: readonly Figure[];
  readonly cpu: CpuUse;
  /** Resident bytes of the broker, before the load connected and at its peak; null: unknown. */
  readonly rss: { readonly before: number | null; readonly peak: number | null };
  /** Remarks that belong beside the figures and do not invalidate them. */
  readonly notes: readonly string[];
  readonly errors: readonly string[];
}

/** Connects what a load needs, and returns the load itself. */
export type Load = (context: LoadContext) => Promise<() => Promise<readonly Figure[]>>;

export interface LoadPlan {
  readonly target: LoadTarget;
  /** How long a load that has no end of its own runs. */
  readonly seconds: number;
}

/** The surroundings of one load: its clients, its remarks, and the clock of its CPU. */
export class LoadContext {
  readonly target: LoadTarget;
  readonly seconds: number;
  readonly errors: string[] = [];
  readonly #notes = new Set<string>();
  readonly #clients: Client[] = [];
  #failed = Promise.withResolvers<never>();
  #start: Moment | null = null;
  #stop: Moment | null = null;

  constructor({ target, seconds }: LoadPlan) {
    this.target = target;
    this.seconds = seconds;
    // Nobody may be waiting when the load fails.
    this.#failed.promise.catch(() => {});
  }

  /** A client that fails the load if the broker ends it; see `expendable`. */
  client(name: string, version: Version = this.target.version): Client {
    const client = this.expendable(name, version);
    client.onEnded = () => this.fail(`${client.id}: the broker ended the connection`);
    return client;
  }

  /** A client that the broker may end. */
  expendable(name: string, version: Version = this.target.version): Client {
    const client = new Client(`${this.target.prefix}-${name}`, { ...this.target, version });
    this.keep(client);
    return client;
  }

  /** Leaves with the others at the end. */
  keep(client: Client): void {
    this.#clients.push(client);
  }

  note(text: string): void {
    this.#notes.add(text);
  }

  fail(error: string): void {
    if (this.errors.length < 5) this.errors.push(error);
    this.#failed.reject(new Unanswered(error));
  }

  /** The work, unless the load fails first. */
  async orFailed<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#failed.promise]);
  }

  /** The counting begins; without it, the whole run counts. */
  startClock(): void {
    this.#start = moment(this.target.pid);
  }

  stopClock(): void {
    this.#stop ??= moment(this.target.pid);
  }

  /** Plays a load: `ready` is called once it is prepared, and it runs when that resolves. */
  async play(load: Load, ready: () => Promise<void>): Promise<LoadReport> {
    const before = this.target.pid === null ? null : rssBytes(this.target.pid);
    let figures: readonly Figure[] = [];
    try {
      const run = await this.orFailed(load(this));
      await ready();
      this.startClock();
      figures = await this.orFailed(run());
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (!this.errors.includes(message)) this.errors.push(message);
    }
    this.stopClock();
    const peak = this.target.pid === null ? null : peakRssBytes(this.target.pid);
    for (const client of this.#clients) client.leave();
    return {
      figures,
      cpu: cpuBetween(this.#start ?? moment(this.target.pid), this.#stop ?? moment(null)),
      rss: { before, peak },
      notes: [...this.#notes],
      errors: this.errors,
    };
  }
}

/** Resolves when the broker has handled all that the client sent before. Rejects with Unanswered. */
export async function handled(client: Client): Promise<void> {
  await client.request(pingreq, 0xd0);
}

/** Resolves to whether the condition came true in time. Looks often, since it is cheap. */
export async function until(condition: () => boolean, boundMs: number): Promise<boolean> {
  const deadline = performance.now() + boundMs;
  while (!condition()) {
    if (performance.now() > deadline) return false;
    await Bun.sleep(2);
  }
  return true;
}

/** A broker that compiles as it runs is fast once it has used so much CPU. */
const warmCpuSeconds = 0.8;
const warmUpMs = { least: 1000, most: 10_000 };

/**
 * Resolves when the load has run long enough to be counted: for a second, or on a busy machine until
 * the broker had time to warm up.
 */
export async function warmedUp({ target: { pid }, seconds }: LoadContext): Promise<void> {
  const before = pid === null ? null : cpuSeconds(pid);
  const least = Math.min(warmUpMs.least, seconds * 1000);
  await Bun.sleep(least);
  const used = () => difference(before, pid === null ? null : cpuSeconds(pid)) ?? Infinity;
  for (let waited = least; waited < warmUpMs.most && used() < warmCpuSeconds; waited += 50) {
    await Bun.sleep(50);
  }
}

interface Moment {
  readonly at: number;
  readonly broker: number | null;
  readonly load: number;
  readonly machine: number | null;
}

function moment(pid: number | null): Moment {
  const own = process.cpuUsage();
  return {
    at: performance.now(),
    broker: pid === null ? null : cpuSeconds(pid),
    load: (own.user + own.system) / 1e6,
    machine: machineBusySeconds(),
  };
}

function cpuBetween(from: Moment, to: Moment): CpuUse {
  const broker = difference(from.broker, to.broker);
  const load = to.load - from.load;
  const machine = difference(from.machine, to.machine);
  return {
    seconds: (to.at - from.at) / 1000,
    broker,
    load,
    // The kernel's ticks are coarse, so the difference can be below zero.
    others: machine === null ? null : Math.max(0, machine - (broker ?? 0) - load),
  };
}
