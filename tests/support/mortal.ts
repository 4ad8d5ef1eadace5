import { expect } from "bun:test";
import type { IConnectPacket } from "mqtt-packet";
import type { BrokerEvent } from "../../src/core/events.ts";
import type { ListenerPolicy } from "../../src/core/io.ts";
import type { TestClient } from "./client.ts";
import type { World } from "./world.ts";

type WillOptions = NonNullable<IConnectPacket["will"]>;

export interface MortalOptions {
  readonly id?: string;
  readonly version?: 3 | 4 | 5;
  readonly clean?: boolean;
  /** Seconds. */
  readonly keepalive?: number;
  /** Seconds, v5; absent: the session ends with the connection. */
  readonly expiry?: number;
  /** Will Delay Interval in seconds, v5. */
  readonly delay?: number;
  readonly will?: Partial<WillOptions>;
  readonly username?: string;
  readonly listener?: Partial<ListenerPolicy>;
  /** The client's remote address. */
  readonly host?: string;
}

/** A connected client with a will: `gone` on the topic `wills/<client id>`. */
export function mortal(world: World, options: MortalOptions = {}): TestClient {
  const { id = "mortal", version = 5, clean = true, keepalive = 0, delay = 0 } = options;
  const client = world.open(options.listener, options.host);
  const properties = {
    ...options.will?.properties,
    ...(delay > 0 && { willDelayInterval: delay }),
  };
  const connack = client.connect({
    clientId: id,
    protocolVersion: version,
    clean,
    keepalive,
    ...(options.username !== undefined && { username: options.username }),
    ...(options.expiry !== undefined && {
      properties: { sessionExpiryInterval: options.expiry },
    }),
    will: {
      topic: `wills/${id}`,
      payload: "gone",
      qos: 0,
      retain: false,
      ...options.will,
      ...(version === 5 && { properties }),
    },
  });
  expect(connack?.reasonCode ?? connack?.returnCode).toBe(0);
  return client;
}

/** A client that receives every message, as it was published. */
export function watcherOf(world: World, filter = "#", clientId = "watcher"): TestClient {
  const watcher = world.open();
  watcher.connect({ clientId, protocolVersion: 5 });
  watcher.subscribe({ topic: filter, qos: 2, rap: true });
  watcher.received.length = 0;
  return watcher;
}

/** The one event of the end of this client's connection. */
export function endOf(world: World, client: TestClient): BrokerEvent & { event: "ended" } {
  const ends = world.noted("ended").filter(({ peer }) => peer.remote === client.remote);
  const [end] = ends;
  expect(ends).toHaveLength(1);
  if (end === undefined) throw new Error("the connection has not ended");
  return end;
}

/** Whether the broker still has this client's connection. */
export function isOpen(world: World, client: TestClient): boolean {
  return world.broker.view().connections.some(({ remote }) => remote === client.remote);
}
