import { expect } from "bun:test";
import type { Target } from "../../src/client/target.ts";
import { Broker, type BrokerOptions } from "../../src/core/broker.ts";
import type { LogEvent } from "../../src/log/events.ts";
import { anonymousOnly, type Authenticate } from "../../src/server/auth.ts";
import { Clock } from "../../src/server/driver/clock.ts";
import { SystemTimer } from "../../src/server/driver/deadline-timer.ts";
import { Driver } from "../../src/server/driver/driver.ts";
import { bunTcp } from "../../src/transport/tcp-bun.ts";
import type {
  LinkEvents,
  ListeningSocket,
  ListenOptions,
  Transport,
} from "../../src/transport/transport.ts";

export interface EmbeddedOptions extends BrokerOptions {
  readonly authenticate?: Authenticate;
  /** What clients connect over; default: TCP. */
  readonly entrance?: Entrance;
  readonly mountPoint?: string;
  /** Sits between transport and driver, to plant a fault. */
  readonly between?: (events: LinkEvents, driver: Driver) => LinkEvents;
}

/** Our broker inside the test's process, on a free port of 127.0.0.1, in real time. */
export class EmbeddedBroker implements Disposable {
  readonly broker: Broker;
  readonly driver: Driver;
  readonly events: LogEvent[] = [];
  readonly faults: unknown[] = [];
  readonly #socket: ListeningSocket;
  readonly #entrance: Entrance;

  static async start(options: EmbeddedOptions = {}): Promise<EmbeddedBroker> {
    const clock = new Clock();
    const broker = new Broker(options, clock.now());
    const events: LogEvent[] = [];
    const faults: unknown[] = [];
    const driver = new Driver({
      broker,
      clock,
      log: { note: (event) => void events.push(event), logs: (level) => level !== "debug" },
      authenticate: options.authenticate ?? anonymousOnly,
      outputBytes: 1024 * 1024,
      timer: (onDue) => new SystemTimer(clock, onDue),
      onFault: (fault) => void faults.push(fault),
    });
    const { mountPoint = "" } = options;
    const policy = { name: "tcp", mountPoint, connections: Infinity, allowAnonymous: true };
    const plain = driver.eventsFor(policy);
    const { entrance = tcpEntrance } = options;
    const socket = await entrance.transport().listen({
      ...entrance.place(),
      tcp: { keepAliveMs: 0, userTimeoutMs: 0 },
      events: options.between?.(plain, driver) ?? plain,
    });
    return new EmbeddedBroker(broker, driver, events, faults, socket, entrance);
  }

  private constructor(
    broker: Broker,
    driver: Driver,
    events: LogEvent[],
    faults: unknown[],
    socket: ListeningSocket,
    entrance: Entrance,
  ) {
    this.broker = broker;
    this.driver = driver;
    this.events = events;
    this.faults = faults;
    this.#socket = socket;
    this.#entrance = entrance;
  }

  get port(): number {
    return this.#socket.port;
  }

  get target(): Target {
    return this.#entrance.target(this.port);
  }

  /** Throws the broker's internal faults. */
  [Symbol.dispose](): void {
    this.#socket.close();
    this.driver.order({ type: "stopping" });
    this.driver.stopTimer();
    expect(this.faults).toEqual([]);
  }
}

/** What clients connect over, on both sides. */
export interface Entrance {
  readonly transport: () => Transport;
  readonly place: () => Pick<ListenOptions, "host" | "port" | "path">;
  readonly target: (port: number) => Target;
}

const tcpEntrance: Entrance = {
  transport: bunTcp,
  place: () => ({ host: "127.0.0.1", port: 0 }),
  target: (port) => localTarget(port),
};

/** A TCP listener on loopback, without credentials. */
export function localTarget(port: number): Target {
  return {
    transport: "tcp",
    host: "127.0.0.1",
    port,
    path: "",
    username: null,
    password: null,
    tls: null,
  };
}
