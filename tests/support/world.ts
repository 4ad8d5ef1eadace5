import { Broker, type BrokerOptions } from "../../src/core/broker.ts";
import type { BrokerEvent } from "../../src/core/events.ts";
import type { ListenerPolicy, Millis } from "../../src/core/io.ts";
import type { LogEvent } from "../../src/log/events.ts";
import { anonymousOnly, type Authenticate } from "../../src/server/auth.ts";
import { Clock, type TimeSource } from "../../src/server/clock.ts";
import { Driver } from "../../src/server/driver.ts";
import type { LinkEvents } from "../../src/transport/transport.ts";
import { TestClient } from "./client.ts";

export interface WorldOptions extends BrokerOptions {
  readonly outputBytes?: number;
  readonly authenticate?: Authenticate;
  /** Gets each event, as the log does. */
  readonly watch?: (event: LogEvent, at: Millis) => void;
}

const epoch = 1_800_000_000_000;

/** A broker with its driver and wire in a world where time passes only when a test says so. */
export class World {
  readonly broker: Broker;
  readonly driver: Driver;
  readonly events: LogEvent[] = [];
  /** A fault of the broker's own; a test that expects none needs no check, `advance` throws it. */
  readonly faults: unknown[] = [];
  readonly clock: Clock;
  #monotonic = 0;
  #sinceBoot = 0;
  #wall = epoch;
  #due: Millis | null = null;
  #onDue: () => void = () => {};
  #ports = 0;

  constructor(options: WorldOptions = {}) {
    const source: TimeSource = {
      monotonic: () => this.#monotonic,
      wall: () => this.#wall,
      sinceBoot: () => this.#sinceBoot,
    };
    const clock = new Clock(source);
    this.clock = clock;
    this.broker = new Broker(options, clock.now());
    this.driver = new Driver({
      broker: this.broker,
      clock,
      log: {
        note: (event, at) => {
          this.events.push(event);
          options.watch?.(event, at);
        },
        wants: (level) => level !== "debug",
      },
      authenticate: options.authenticate ?? anonymousOnly,
      packetSize: this.broker.limits.packetSize,
      outputBytes: options.outputBytes ?? 1024 * 1024,
      timer: (onDue) => {
        this.#onDue = onDue;
        return { arm: (due) => void (this.#due = due), stop: () => void (this.#due = null) };
      },
      onFault: (fault) => void this.faults.push(fault),
    });
  }

  /** Milliseconds since the world began. */
  get now(): number {
    return this.#monotonic;
  }

  /** Lets time pass, stopping at each deadline exactly when it is due. */
  advance(milliseconds: number): void {
    const until = this.#monotonic + milliseconds;
    for (;;) {
      this.check();
      const wait = this.#due === null ? Infinity : Math.max(0, this.#due - this.clock.now());
      if (this.#monotonic + wait > until) break;
      this.#pass(wait);
      this.#onDue();
    }
    this.#pass(until - this.#monotonic);
  }

  /** The machine sleeps: the monotonic clock and the timers stand still meanwhile. */
  sleep(milliseconds: number): void {
    this.#sinceBoot += milliseconds;
    this.#wall += milliseconds;
    this.driver.heartbeat();
    this.check();
  }

  /** Somebody sets the wall clock. */
  stepWallClock(milliseconds: number): void {
    this.#wall += milliseconds;
    this.driver.heartbeat();
    this.check();
  }

  /** Opens a connection; say `connect` on it. */
  open(policy: Partial<ListenerPolicy> = {}, host = "127.0.0.1"): TestClient {
    this.#ports += 1;
    const events: LinkEvents = this.driver.eventsFor({
      name: "tcp test",
      mountPoint: "",
      connections: Infinity,
      allowAnonymous: true,
      ...policy,
    });
    return new TestClient(`${host}:${50_000 + this.#ports}`, events, () => this.check());
  }

  /** The events of one kind so far. */
  noted<Name extends BrokerEvent["event"]>(name: Name): (BrokerEvent & { event: Name })[] {
    return this.events.filter(
      (event): event is BrokerEvent & { event: Name } => event.event === name,
    );
  }

  check(): void {
    if (this.faults.length > 0) throw this.faults[0];
  }

  #pass(milliseconds: number): void {
    this.#monotonic += milliseconds;
    this.#sinceBoot += milliseconds;
    this.#wall += milliseconds;
  }
}
