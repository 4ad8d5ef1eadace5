import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { generate, parser } from "mqtt-packet";
import { RunningBroker } from "../support/executable.ts";
import { eventually } from "../support/inbox.ts";

const clients = 1000;
const rounds = 40;
/** By then all lasting allocations exist, and the collector has its usual room. */
const settledRound = 10;
/** The collector runs at intervals: the minimum of so many last rounds shows what is kept. */
const lastRounds = 10;
/** Allowed growth from there to the end: 800 bytes for each client connected and gone. */
const growthBytes = 800 * clients * (rounds - settledRound);
/** For the whole test, on a slow machine. */
const testLimitMs = 180_000;

/** Of other things than connections: the log file, a timer. */
const otherDescriptors = 2;

const isLinux = process.platform === "linux";

test.if(isLinux)(
  `${clients} clients with wills are reset, ${rounds} times: nothing is left of them`,
  async () => {
    await using broker = await RunningBroker.start({
      // The records of clients have a bound of their own, and would make memory grow until they
      // reach it.
      args: ["--set", "limits.ledger=100"],
    });
    using watcher = await WillWatcher.connect(broker.port);
    const descriptors = (): number => readdirSync(`/proc/${broker.pid}/fd`).length;
    const idle = descriptors();
    let settled = Infinity;
    let least = Infinity;
    for (let round = 1; round <= rounds; round++) {
      const crowd = await Crowd.connect(broker.port);
      // What was open for a moment, as it was idle, may be closed by now.
      expect(descriptors()).toBeGreaterThanOrEqual(idle + clients - otherDescriptors);
      crowd.reset();
      await eventually(
        () => watcher.wills.size >= clients,
        () => `${watcher.wills.size} wills in round ${round}`,
      );
      await watcher.roundTrip();
      expect({ different: watcher.wills.size, all: watcher.count }).toEqual({
        different: clients,
        all: clients,
      });
      watcher.reset();
      await eventually(
        () => descriptors() <= idle + otherDescriptors,
        () => `${descriptors()} descriptors, ${idle} before, in round ${round}`,
      );
      const resident = residentBytes(broker.pid);
      if (round === settledRound) settled = resident;
      if (round > rounds - lastRounds) least = Math.min(least, resident);
    }
    // Memory falls when the collector runs, which has no event.
    await eventually(
      () => Math.min(least, residentBytes(broker.pid)) <= settled + growthBytes,
      () =>
        `${megabytes(least)} at the least in the last rounds, ${megabytes(residentBytes(broker.pid))} now, ` +
        `${megabytes(settled)} after round ${settledRound}`,
    );
    const endsLogged = () => broker.log.items.filter(({ event }) => event === "ended");
    await eventually(
      () => endsLogged().length >= clients * rounds,
      () => `${endsLogged().length} ends in the log`,
    );
    const ends = endsLogged();
    expect(ends).toHaveLength(clients * rounds);
    expect(ends.every((line) => line["cause"] === "resetByPeer")).toBe(true);
    watcher[Symbol.dispose]();
    await broker.stop();
  },
  testLimitMs,
);

function residentBytes(pid: number): number {
  const pages = readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1];
  return Number(pages) * 4096;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}

/** The clients of one round; each is only a socket, so that the test is not the slow part. */
class Crowd {
  readonly #sockets: Bun.Socket[];

  private constructor(sockets: Bun.Socket[]) {
    this.#sockets = sockets;
  }

  /** Resolves when each has its CONNACK. */
  static async connect(port: number): Promise<Crowd> {
    const accepted = Promise.withResolvers<void>();
    let left = clients;
    const sockets = await Promise.all(
      Array.from({ length: clients }, async (_, at) =>
        Bun.connect({
          hostname: "127.0.0.1",
          port,
          socket: {
            open: (socket) => void socket.write(connectBytes(`client-${at}`)),
            data: () => {
              if (--left === 0) accepted.resolve();
            },
          },
        }),
      ),
    );
    await accepted.promise;
    return new Crowd(sockets);
  }

  reset(): void {
    for (const socket of this.#sockets) socket.terminate();
  }
}

function connectBytes(clientId: string): Uint8Array {
  return generate({
    ...{ cmd: "connect", protocolId: "MQTT", protocolVersion: 4, clientId },
    ...{ clean: true, keepalive: 60 },
    will: { topic: `wills/${clientId}`, payload: Buffer.from("gone"), qos: 0, retain: false },
  });
}

/** Counts wills, by their topics. */
class WillWatcher implements Disposable {
  readonly wills = new Set<string>();
  count = 0;
  readonly #socket: Bun.Socket;
  #pongs = 0;

  private constructor(socket: Bun.Socket) {
    this.#socket = socket;
    const packets = parser({ protocolVersion: 4 });
    packets.on("packet", (packet) => {
      if (packet.cmd === "pingresp") this.#pongs++;
      if (packet.cmd !== "publish") return;
      this.count++;
      this.wills.add(packet.topic);
    });
    socket.reload({ socket: { data: (_, chunk) => void packets.parse(chunk) } });
  }

  static async connect(port: number): Promise<WillWatcher> {
    const socket = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } });
    const watcher = new WillWatcher(socket);
    const filter = { topic: "wills/+", qos: 0 as const };
    socket.write(
      Buffer.concat([
        generate({
          ...{ cmd: "connect", protocolId: "MQTT", protocolVersion: 4, clientId: "watcher" },
          ...{ clean: true, keepalive: 0 },
        }),
        generate({ cmd: "subscribe", messageId: 1, subscriptions: [filter] }),
      ]),
    );
    await watcher.roundTrip();
    return watcher;
  }

  /** The broker's earlier output has arrived. */
  async roundTrip(): Promise<void> {
    const wanted = this.#pongs + 1;
    this.#socket.write(generate({ cmd: "pingreq" }));
    await eventually(
      () => this.#pongs >= wanted,
      () => "PINGRESP",
    );
  }

  reset(): void {
    this.wills.clear();
    this.count = 0;
  }

  [Symbol.dispose](): void {
    this.#socket.terminate();
  }
}
