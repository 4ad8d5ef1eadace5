import { Broker, type BrokerOptions } from "../../src/core/broker.ts";
import type { Commit } from "../../src/core/durable.ts";
import type { BrokerEvent } from "../../src/core/events.ts";
import type { ListenerPolicy, Millis } from "../../src/core/io.ts";
import type { LogEvent } from "../../src/log/events.ts";
import { anonymousOnly, type Authenticate } from "../../src/server/auth.ts";
import { Clock, type TimeSource } from "../../src/server/driver/clock.ts";
import { Driver } from "../../src/server/driver/driver.ts";
import { processLoop } from "../../src/server/driver/loop.ts";
import type { LinkEvents } from "../../src/transport/transport.ts";
import { TestClient } from "./client.ts";
import { HeldLoop, listening } from "./held-loop.ts";

export interface WorldOptions extends BrokerOptions {
  readonly outputBytes?: number;
  /** Gets the bytes of each chunk of a link. */
  readonly onRead?: (bytes: number) => void;
  readonly authenticate?: Authenticate;
  /** Whether the broker can ask the system what waits in sockets; default: yes. */
  readonly polls?: boolean;
  /** The driver's budget for one turn of its loop. */
  readonly unitsOfTurn?: number;
  readonly copiesOfBatch?: number;
  /** Keeps what outlives the process: the broker has a store. */
  readonly commit?: Commit;
  /** The wall clock at the start; milliseconds since the epoch. */
  readonly startedAt?: number;
  /** Links that may be open, those that linger included. */
  readonly links?: number;
  /** Gets each event, as the log does. */
  readonly watch?: (event: LogEvent, at: Millis) => void;
}

const heartbeatMs = 100;
const epoch = 1_800_000_000_000;

/** A broker with its driver and wire in a world whose time only the test advances. */
export class World {
  readonly broker: Broker;
  readonly driver: Driver;
  /** Of its listener. */
  readonly policy: ListenerPolicy = {
    ...{ name: "tcp test", mountPoint: "", connections: Infinity, allowAnonymous: true },
  };
  readonly events: LogEvent[] = [];
  /**
   * Faults of the broker. `advance` throws them, so that a test that expects none needs no check.
   */
  readonly faults: unknown[] = [];
  readonly clock: Clock;
  #monotonic = 0;
  #sinceBoot = 0;
  #wall: number;
  #due: Millis | null = null;
  #onDue: () => void = () => {};
  #ports = 0;
  readonly #loop = new HeldLoop();
  /** What the loop runs in its next turn. */
  #turns: (() => void)[] = [];
  #timers: { readonly at: number; readonly work: () => void }[] = [];
  /** Null: no beat, so that the broker does not notice time that passed without it. */
  #beatAt: number | null = null;

  constructor(options: WorldOptions = {}) {
    this.#wall = options.startedAt ?? epoch;
    const source: TimeSource = {
      monotonic: () => this.#monotonic,
      wall: () => this.#wall,
      sinceBoot: () => this.#sinceBoot,
    };
    const clock = new Clock(source);
    this.clock = clock;
    const { commit = null } = options;
    this.broker = new Broker({ ...options, durable: commit !== null }, clock.now());
    this.driver = new Driver({
      broker: this.broker,
      clock,
      log: {
        note: (event, at) => {
          this.events.push(event);
          options.watch?.(event, at);
        },
        logs: (level) => level !== "debug",
      },
      authenticate: options.authenticate ?? anonymousOnly,
      commit,
      outputBytes: options.outputBytes ?? 1024 * 1024,
      timer: (onDue) => {
        this.#onDue = onDue;
        return { arm: (due) => void (this.#due = due), stop: () => void (this.#due = null) };
      },
      loop: {
        ...processLoop,
        soon: (work) => this.soon(work),
        after: (milliseconds, work) => {
          const timer = { at: this.#monotonic + milliseconds, work };
          this.#timers.push(timer);
          return () => void (this.#timers = this.#timers.filter((other) => other !== timer));
        },
      },
      unitsOfTurn: options.unitsOfTurn,
      copiesOfBatch: options.copiesOfBatch,
      links: options.links ?? Infinity,
      poll: options.polls === false ? null : this.#loop.poll,
      heartbeatMs,
      onRead: options.onRead ?? (() => {}),
      onFault: (fault) => void this.faults.push(fault),
    });
    this.driver.addListeners([listening]);
  }

  /** Sockets that the broker has asked the system about, as often as it did. */
  get asked(): number {
    return this.#loop.asked;
  }

  /** Milliseconds since the world's start. */
  get now(): number {
    return this.#monotonic;
  }

  /** The wall clock; milliseconds since the epoch. */
  get wall(): number {
    return this.#wall;
  }

  /** Advances time, stopping at each deadline exactly when it is due. */
  advance(milliseconds: number): void {
    const until = this.#monotonic + milliseconds;
    for (;;) {
      this.check();
      const wait = this.#due === null ? Infinity : Math.max(0, this.#due - this.clock.now());
      const next = Math.min(...this.#timers.map(({ at }) => at), this.#beatAt ?? Infinity);
      const step = Math.min(wait, Math.max(0, next - this.#monotonic));
      if (this.#monotonic + step > until) break;
      this.pass(step);
      this.#fire();
    }
    this.pass(until - this.#monotonic);
  }

  /**
   * The process stands still for a time, in the middle of which clients act. Then its loop resumes:
   * timers first, as after a stopped process, or sockets first, as after a timer that blocked. Each
   * poll reads at most so many events.
   */
  standStill(
    milliseconds: number,
    meanwhile: () => void = () => {},
    order: { readonly first?: "timers" | "sockets"; readonly eventsInPoll?: number } = {},
  ): void {
    const { first = "timers", eventsInPoll = Infinity } = order;
    this.#beat();
    this.#loop.isHeld = true;
    this.pass(milliseconds / 2);
    meanwhile();
    this.pass(milliseconds / 2);
    this.#loop.isHeld = false;
    if (first === "timers") this.#fire();
    while (this.#loop.read(eventsInPoll)) this.#fire();
    this.advance(0);
  }

  /** One turn of the timers: each due timer fires once. */
  #fire(): void {
    if (this.#beatAt !== null && this.#monotonic >= this.#beatAt) this.#beat();
    const due = this.#timers.filter(({ at }) => at <= this.#monotonic);
    this.#timers = this.#timers.filter((timer) => !due.includes(timer));
    for (const { work } of due) work();
    if (this.#due !== null && this.clock.now() >= this.#due) this.#onDue();
    this.check();
  }

  #beat(): void {
    this.driver.heartbeat();
    this.#beatAt = this.#monotonic + heartbeatMs;
  }

  /**
   * The machine sleeps: the monotonic clock and the timers stand still. `awake` runs afterwards,
   * before the broker notices.
   */
  sleep(milliseconds: number, awake: () => void = () => {}): void {
    this.driver.heartbeat();
    this.#sinceBoot += milliseconds;
    this.#wall += milliseconds;
    awake();
    this.driver.heartbeat();
    this.advance(0);
  }

  /** Sets the wall clock, as an administrator may. */
  stepWallClock(milliseconds: number): void {
    this.#wall += milliseconds;
    this.driver.heartbeat();
    this.check();
  }

  /** Opens a connection; call `connect` on it. */
  open(policy: Partial<ListenerPolicy> = {}, host = "127.0.0.1"): TestClient {
    this.#ports += 1;
    const events: LinkEvents = this.driver.eventsFor({ ...this.policy, ...policy });
    const remote = `${host}:${50_000 + this.#ports}`;
    return new TestClient(remote, events, () => this.check(), this.#loop.gate);
  }

  /** The events of one kind so far. */
  noted<Name extends BrokerEvent["event"]>(name: Name): (BrokerEvent & { event: Name })[] {
    return this.events.filter(
      (event): event is BrokerEvent & { event: Name } => event.event === name,
    );
  }

  /** Bytes of a client arrive, and the loop does not come to them. */
  arrive(client: TestClient, bytes: Uint8Array): void {
    client.arrived = bytes;
    this.#loop.unread.add(client.descriptor);
  }

  /** Runs work in the next turn of the loop. */
  soon(work: () => void): void {
    this.#turns.push(work);
  }

  /** Turns the loop until it has nothing left to do. */
  check(): void {
    while (this.#turns.length > 0) this.turn();
    if (this.faults.length > 0) throw this.faults[0];
  }

  /** One turn of the loop. */
  turn(): void {
    const turns = this.#turns;
    this.#turns = [];
    for (const work of turns) work();
  }

  /** Time passes in which the loop does nothing, as while it is in the middle of a poll. */
  pass(milliseconds: number): void {
    this.#monotonic += milliseconds;
    this.#sinceBoot += milliseconds;
    this.#wall += milliseconds;
  }
}
