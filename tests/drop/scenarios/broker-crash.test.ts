import { expect, test } from "bun:test";
import { crashScenarios } from "../../../src/drop/scenarios/broker-crash.ts";
import { Door } from "../../support/door.ts";
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
    // The shell polls for the end of `restart`; simulate-drop bounds it.
    this.command = `kill -USR2 ${process.pid}; until [ -e '${done}' ]; do sleep 0.01; done`;
  }

  [Symbol.dispose](): void {
    process.off("SIGUSR2", this.#handler);
    this.#folder[Symbol.dispose]();
  }
}

test(
  "a broker that publishes the will once it is back passes",
  async () => {
    // To its clients, a broker that loses all connections and keeps its state is one that came back.
    using broker = await EmbeddedBroker.start();
    await using door = await Door.open();
    door.leadTo(broker.port);
    using restart = new Restart(() => door.cut());
    const target = localTarget(door.port);
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
    await using door = await Door.open();
    door.leadTo(first.port);
    using restart = new Restart(() => {
      door.leadTo(second.port);
      door.cut();
    });
    const asked = { ...options, restartCommand: restart.command };
    const [result] = await played(crashScenarios, localTarget(door.port), asked);
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
