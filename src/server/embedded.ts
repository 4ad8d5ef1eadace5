import { configSchema, type Config } from "../config/schema.ts";
import { nearest } from "../config/nearest.ts";
import { bare, problemLines } from "../config/problem.ts";
import { settingsOf } from "../config/settings.ts";
import { Broker, type BrokerOptions } from "../core/broker.ts";
import type { LinkEvents } from "../transport/transport.ts";
import { anonymousOnly, type Authenticate } from "./auth.ts";
import { Clock } from "./driver/clock.ts";
import { type DeadlineTimer, SystemTimer } from "./driver/deadline-timer.ts";
import { Driver, type EventLog } from "./driver/driver.ts";
import { allClosed } from "./driver/closing.ts";
import type { Loop } from "./driver/loop.ts";
import { EventHub } from "./event-hub.ts";
import { listenAll } from "./listeners.ts";
import { urlOf } from "./listener-url.ts";
import { platformLoop, socketPoll } from "./platform.ts";

export interface EmbeddedSettings {
  readonly allowAnonymous?: boolean;
  /** Default: `anonymousOnly`. */
  readonly authenticate?: Authenticate;
  /** Default: drops all events. */
  readonly log?: EventLog;
  /** Default: a free port. */
  readonly port?: number;
  /** Default: both loopback addresses. */
  readonly host?: string | null;
  /** As below `limits` of a configuration file. */
  readonly limits?: Readonly<Record<string, unknown>>;
  /** Default: the system's time and this process's loop. */
  readonly time?: EmbeddedTime;
  readonly recentMessages?: NonNullable<BrokerOptions["recentMessages"]>;
}

/** What makes the broker's time pass; a test has its own. */
export interface EmbeddedTime {
  readonly clock: Clock;
  readonly loop: Loop;
  timer(onDue: () => void): DeadlineTimer;
  /** Sits between the sockets and the driver. */
  watch(events: LinkEvents): LinkEvents;
}

/** A broker inside another program's process. */
export interface EmbeddedBroker {
  /** On 127.0.0.1 and, if the machine has it, ::1; or on the host of the settings. */
  readonly port: number;
  /** `mqtt://127.0.0.1:1883`, one for each address. */
  readonly urls: readonly string[];
  readonly broker: Broker;
  readonly driver: Driver;
  readonly clock: Clock;
  readonly hub: EventHub;
  /** Rejects with a fault of the broker's own; never resolves. */
  readonly fault: Promise<never>;
  /** Rejects `fault`. */
  readonly fail: (cause: unknown) => void;
  /** Stops listening and disconnects all clients. Resolves when they have closed, or after 2 s. */
  close(): Promise<void>;
}

const silent: EventLog = { note: () => {}, logs: () => false };

/**
 * Starts a broker with the default configuration on a free loopback port. It handles no signals,
 * reads no files and writes no lines. Throws CliError if it can't listen, and a RangeError that names
 * each limit with an unusable value.
 */
export async function embeddedBroker(settings: EmbeddedSettings = {}): Promise<EmbeddedBroker> {
  const { allowAnonymous = true, authenticate = anonymousOnly, log = silent } = settings;
  const config = settingsOf(configOf(settings, allowAnonymous));
  const time = settings.time ?? systemTime();
  const { clock, loop } = time;
  let fail: (fault: unknown) => void = () => {};
  const fault = new Promise<never>((_, reject) => (fail = reject));
  // The owner may await `fault` late or never; until then it must not be an unhandled rejection.
  fault.catch(() => {});
  const { limits, outputBytes } = config;
  const { recentMessages } = settings;
  const broker = new Broker(
    { limits, sysIntervalMs: null, version: "embedded", ...(recentMessages && { recentMessages }) },
    clock.now(),
  );
  const hub = new EventHub(log);
  const poll = await socketPoll();
  const driver = new Driver({
    ...{ broker, clock, log: hub, authenticate, outputBytes, loop, poll },
    timer: (onDue) => time.timer(onDue),
    onFault: fail,
  });
  hub.onTrace = () => driver.setTrace(hub.logs("debug"));
  const sockets = await listenAll(
    config.listeners,
    config.tcp,
    ({ mountPoint, connections }) =>
      time.watch(driver.eventsFor({ name: "embedded", mountPoint, connections, allowAnonymous })),
    () => config.transports,
  ).catch((cause: unknown) => {
    driver.stopTimer();
    throw cause;
  });
  driver.addListeners(sockets.flatMap(({ descriptors }) => descriptors));
  const [listener] = config.listeners;
  return {
    port: sockets[0]?.port ?? 0,
    urls: sockets.flatMap(({ addresses }) =>
      addresses.map((address) => (listener === undefined ? address : urlOf(listener, address))),
    ),
    ...{ broker, driver, clock, hub, fault, fail },
    close: async () => {
      for (const socket of sockets) socket.close();
      driver.order({ type: "stopping" });
      hub.close();
      await allClosed(driver);
      driver.stopTimer();
    },
  };
}

function systemTime(): EmbeddedTime {
  const clock = new Clock();
  return {
    clock,
    loop: platformLoop(),
    timer: (onDue) => new SystemTimer(clock, onDue),
    watch: (events) => events,
  };
}

function configOf(
  { port = 0, host = null, limits = {} }: EmbeddedSettings,
  allowAnonymous: boolean,
): Config {
  const read = configSchema.safeParse({ listeners: [{ port, host, allowAnonymous }], limits });
  if (read.success) return read.data;
  const problems = read.error.issues.map((issue) => {
    const at = issue.path.join(".");
    if (issue.code !== "unrecognized_keys") return { at, text: `allowed: ${issue.message}` };
    return { at, text: issue.keys.map((key) => unknownLimit(key)).join(", ") };
  });
  throw new RangeError(problemLines(problems).join("\n"));
}

function unknownLimit(key: string): string {
  const meant = nearest(key, Object.keys(configSchema.shape.limits.unwrap().shape));
  return `unknown key ${bare(key)}${meant === null ? "" : `, did you mean ${meant}?`}`;
}
