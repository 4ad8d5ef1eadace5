import { configSchema } from "../config/schema.ts";
import { settingsOf } from "../config/settings.ts";
import { Broker } from "../core/broker.ts";
import { anonymousOnly } from "./auth.ts";
import { Clock } from "./driver/clock.ts";
import { SystemTimer } from "./driver/deadline-timer.ts";
import { Driver, type EventLog } from "./driver/driver.ts";
import { allClosed } from "./driver/closing.ts";
import { listenAll } from "./listeners.ts";
import { platformLoop, socketPoll } from "./platform.ts";

export interface EmbeddedSettings {
  readonly allowAnonymous?: boolean;
  /** Default: drops all events. */
  readonly log?: EventLog;
}

/** A broker inside another program's process. */
export interface EmbeddedBroker {
  /** On 127.0.0.1 and, if the machine has it, ::1. */
  readonly port: number;
  /** Rejects with a fault of the broker's own; never resolves. */
  readonly fault: Promise<never>;
  /** Stops listening and disconnects all clients. Resolves when they have closed, or after 2 s. */
  close(): Promise<void>;
}

const silent: EventLog = { note: () => {}, logs: () => false };

/**
 * Starts a broker with the default configuration on a free loopback port. It handles no signals,
 * reads no files and writes no lines. Throws CliError if it can't listen.
 */
export async function embeddedBroker(settings: EmbeddedSettings = {}): Promise<EmbeddedBroker> {
  const { allowAnonymous = true, log = silent } = settings;
  const config = settingsOf(configSchema.parse({ listeners: [{ port: 0, allowAnonymous }] }));
  const clock = new Clock();
  const fault = Promise.withResolvers<never>();
  // The owner may await `fault` late or never; until then it must not be an unhandled rejection.
  fault.promise.catch(() => {});
  const broker = new Broker(
    { limits: config.limits, sysIntervalMs: null, version: "embedded" },
    clock.now(),
  );
  const driver = new Driver({
    broker,
    clock,
    log,
    authenticate: anonymousOnly,
    outputBytes: config.outputBytes,
    timer: (onDue) => new SystemTimer(clock, onDue),
    loop: platformLoop(),
    poll: await socketPoll(),
    onFault: fault.reject,
  });
  const sockets = await listenAll(
    config.listeners,
    config.tcp,
    ({ mountPoint, connections }) =>
      driver.eventsFor({ name: "embedded", mountPoint, connections, allowAnonymous }),
    () => broker.limits.packetSize,
  ).catch((cause: unknown) => {
    driver.stopTimer();
    throw cause;
  });
  driver.addListeners(sockets.flatMap(({ descriptors }) => descriptors));
  return {
    port: sockets[0]?.port ?? 0,
    fault: fault.promise,
    close: async () => {
      for (const socket of sockets) socket.close();
      driver.order({ type: "stopping" });
      await allClosed(driver);
      driver.stopTimer();
    },
  };
}
