import { expect, test } from "bun:test";
import { connect, createServer, type Server, type Socket } from "node:net";
import { crashScenarios } from "../../../src/drop/scenarios/broker-crash.ts";
import { EmbeddedBroker, localTarget } from "../../support/embedded.ts";
import { eventually } from "../../support/inbox.ts";
import { expectVerdicts, played } from "../../support/played.ts";
import { Folder } from "../../support/executable.ts";

const boundMs = 180_000;
const options = { versions: [5], waitMs: 300 } as const;

/** Runs `restart` when the command that it returns is run, which ends after it. */
class Restart implements Disposable {
  readonly command: string;
  readonly #folder = new Folder();
  readonly #handler: () => void;

  constructor(restart: () => void | Promise<void>) {
    const done = this.#folder.file("done");
    const run = async (): Promise<void> => {
      await restart();
      await Bun.write(done, "");
    };
    this.#handler = () => void run();
    process.on("SIGUSR2", this.#handler);
    this.command = `kill -USR2 ${process.pid}; until [ -e '${done}' ]; do sleep 0.01; done`;
  }

  [Symbol.dispose](): void {
    process.off("SIGUSR2", this.#handler);
    this.#folder[Symbol.dispose]();
  }
}

/** A way to a broker whose own end can come without the broker's. */
class Way implements Disposable {
  brokerPort: number;
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;

  static async to(brokerPort: number): Promise<Way> {
    const way = new Way(brokerPort);
    await new Promise<void>((resolve) => way.#server.listen(0, "127.0.0.1", resolve));
    return way;
  }

  private constructor(brokerPort: number) {
    this.brokerPort = brokerPort;
    this.#server = createServer((client) => this.#join(client));
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  /** Resets all connections on both sides. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
    this.#sockets.clear();
  }

  [Symbol.dispose](): void {
    this.#server.close();
    this.cut();
  }

  #join(client: Socket): void {
    const broker = connect(this.brokerPort, "127.0.0.1");
    for (const [one, other] of [
      [client, broker],
      [broker, client],
    ] as const) {
      this.#sockets.add(one);
      one.on("data", (chunk) => other.write(chunk));
      one.on("error", () => other.destroy());
      one.on("close", () => other.destroy());
    }
  }
}

test(
  "a broker that publishes the will once it is back passes",
  async () => {
    // To its clients, a broker that loses all connections and keeps its state is one that came back.
    using broker = await EmbeddedBroker.start();
    using way = await Way.to(broker.port);
    using restart = new Restart(() => way.cut());
    const target = localTarget(way.port);
    const asked = { ...options, versions: [4, 5], restartCommand: restart.command } as const;
    const results = await played(crashScenarios, target, asked);
    expectVerdicts(results, ["broker-crash v4: pass", "broker-crash v5: pass"]);
    // What was retained, and the session, are taken back.
    await eventually(
      () => broker.broker.view().connections.length === 0,
      () => JSON.stringify(broker.broker.view()),
    );
    expect(broker.broker.view().sessions).toEqual([]);
    expect(broker.broker.retained.count).toBe(0);
  },
  boundMs,
);

test(
  "a broker that comes back without its wills is a finding",
  async () => {
    using first = await EmbeddedBroker.start();
    using second = await EmbeddedBroker.start();
    using way = await Way.to(first.port);
    using restart = new Restart(() => {
      way.brokerPort = second.port;
      way.cut();
    });
    const asked = { ...options, restartCommand: restart.command };
    const [result] = await played(crashScenarios, localTarget(way.port), asked);
    expect(result).toMatchObject({ verdict: "finding", failure: "never" });
    expect(result?.means).toContain("do not survive the broker");
  },
  boundMs,
);

test(
  "a command that does not do its work proves nothing",
  async () => {
    using broker = await EmbeddedBroker.start();
    const details = [];
    for (const restartCommand of ["true", "exit 3"]) {
      const [result] = await played(crashScenarios, broker.target, { ...options, restartCommand });
      expect(result?.verdict).toBe("inconclusive");
      details.push(result?.detail);
    }
    expect(details).toEqual([
      "the command ended, but the broker had not: it kept its clients",
      "the restart command ended with code 3",
    ]);
  },
  boundMs,
);

test(
  "a run that is called off does not wait for the command",
  async () => {
    using broker = await EmbeddedBroker.start();
    const off = new AbortController();
    using restart = new Restart(() => {
      off.abort();
      return new Promise(() => {});
    });
    const asked = { ...options, restartCommand: restart.command, signal: off.signal };
    const [result] = await played(crashScenarios, broker.target, asked);
    expect(result).toMatchObject({ verdict: "inconclusive", detail: "called off" });
  },
  boundMs,
);

test("without --restart-command it is skipped", async () => {
  using broker = await EmbeddedBroker.start();
  const [result] = await played(crashScenarios, broker.target, options);
  expect(result).toMatchObject({ verdict: "skipped", detail: "needs --restart-command" });
});
