import { defaultTransportLimits } from "../../src/transport/transport-limits.ts";
import type { Link, LinkEvents, Transport } from "../../src/transport/transport.ts";
import { webSocket } from "../../src/transport/websocket.ts";
import { World, type WorldOptions } from "../support/world.ts";
import type { Line, LineEvents, Port } from "./port.ts";

const stepMs = 10;

/** Our broker in a world of its own, whose time only the check advances. */
export class VirtualPort implements Port {
  readonly patienceMs: number;
  readonly quietMs = 200;
  readonly marginMs = 1;
  readonly isShared = false;
  readonly #world: World;
  readonly #broker: LinkEvents;
  #lines = 0;

  constructor(options: WorldOptions = {}, patienceMs = 10_000) {
    this.patienceMs = patienceMs;
    this.#world = new World(options);
    this.#broker = this.#world.driver.eventsFor({
      name: "tcp test",
      mountPoint: "",
      connections: Infinity,
      allowAnonymous: true,
    });
  }

  async open(events: LineEvents): Promise<Line> {
    return this.#open(this.#broker, events);
  }

  async openWebSocket(events: LineEvents): Promise<Line> {
    const { limits } = this.#world.broker;
    let below: LinkEvents | null = null;
    const lines: Transport = {
      listen: async (listening) => {
        below = listening.events;
        return { addresses: [], port: 0, descriptors: [], close: () => {} };
      },
    };
    const transport = webSocket(lines, {
      ...{ path: null, origins: null },
      limits: () => ({ ...defaultTransportLimits, packetSize: limits.packetSize }),
      soon: (work) => void setImmediate(work),
    });
    const tcp = { keepAliveMs: 0, userTimeoutMs: 0 };
    await transport.listen({ host: null, port: 0, tcp, events: this.#broker });
    return this.#open(below ?? this.#broker, events);
  }

  #open(broker: LinkEvents, events: LineEvents): Line {
    this.#lines += 1;
    const link = new VirtualLink(`127.0.0.1:${this.#lines}`, events);
    broker.opened(link);
    this.#world.check();
    return {
      send: (bytes) => {
        if (link.isOver) return;
        broker.data(link, Uint8Array.from(bytes));
        this.#world.check();
      },
      end: () => {
        if (link.isOver) return;
        link.isOver = true;
        broker.closed(link, "eof");
        this.#world.check();
      },
    };
  }

  async pass(milliseconds: number): Promise<void> {
    this.#world.advance(milliseconds);
  }

  async until(isSo: () => boolean, boundMs: number): Promise<boolean> {
    for (let waited = 0; !isSo(); waited += stepMs) {
      if (waited >= boundMs) return false;
      this.#world.advance(stepMs);
    }
    return true;
  }
}

/** The broker's end: what it writes reaches the client at once. */
class VirtualLink implements Link {
  readonly isLocal = true;
  readonly descriptor = null;
  readonly remote: string;
  owner: unknown = null;
  isOver = false;
  readonly #client: LineEvents;

  constructor(remote: string, client: LineEvents) {
    this.remote = remote;
    this.#client = client;
  }

  write(bytes: Uint8Array, start: number, end: number): number {
    if (this.isOver) return -1;
    this.#client.data(bytes.slice(start, end));
    return end - start;
  }

  end(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#client.closed();
  }

  reset(): void {
    this.end();
  }

  pause(): void {}

  resume(): void {}

  watch(): void {}
}
