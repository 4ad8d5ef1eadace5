import { beforeAll, expect, test } from "bun:test";
import path from "node:path";
import { processScenarios } from "../../../src/drop/scenarios/process.ts";
import type { Need, Result } from "../../../src/drop/scenario.ts";
import { accessBy } from "../../support/access.ts";
import { EmbeddedBroker } from "../../support/embedded.ts";
import { all, eventually } from "../../support/inbox.ts";
import { childClients, isAlive, isStopped } from "../../support/left-behind.ts";
import { mosquittoMissing } from "../../support/mosquitto.ts";
import { expectVerdicts, named, passes, played, playedOnMosquitto } from "../../support/played.ts";
import { spawn, spawnSync } from "../../support/child.ts";

const has: ReadonlySet<Need> = new Set(["child process"]);
const why = mosquittoMissing === null ? "" : ` (skipped: ${mosquittoMissing})`;
const boundMs = 180_000;
const main = path.resolve(import.meta.dir, "../../../src/main.ts");

/** Most of a run is waiting, so that two of them wait at the same time. */
const runs = Promise.withResolvers<{ ours: Result[]; mosquittos: Result[] }>();
// Each test looks at what went wrong.
runs.promise.catch(() => {});
beforeAll(async () => {
  using broker = await EmbeddedBroker.start();
  const options = { has, versions: [4], keepAliveSeconds: 1, waitMs: 7000 } as const;
  const both = all([
    played(processScenarios, broker.target, { has, keepAliveSeconds: 1 }),
    mosquittoMissing === null ? playedOnMosquitto(processScenarios, options) : [],
  ]);
  await both.then(([ours, mosquittos]) => runs.resolve({ ours, mosquittos }), runs.reject);
}, boundMs);

test("our broker publishes the will of a process that is killed or stopped", async () => {
  const { ours } = await runs.promise;
  expectVerdicts(ours, passes(processScenarios), "any");
  const due = ours.map(({ id, dueMs }) => `${id} ${Math.round(dueMs ?? -1)}`);
  expect(due).toEqual(["kill 0", "freeze 1500", "kill 0", "freeze 1500"]);
});

test.skipIf(mosquittoMissing !== null)(
  `mosquitto 2.0.11 publishes it, up to 6 s late where the process is stopped${why}`,
  async () => {
    const { mosquittos } = await runs.promise;
    expect(mosquittos.map(({ id }) => id)).toEqual(["kill", "freeze"]);
    expect(mosquittos[0]).toMatchObject({ verdict: "pass" });
    expect(["pass", "late"]).toContain(mosquittos[1]?.verdict ?? "");
  },
);

test("no process is left after a run", async () => {
  await runs.promise;
  expect(childClients(process.pid)).toEqual([]);
});

test(
  "a broker that hears no end of a connection fails, and the child is gone nevertheless",
  async () => {
    using broker = await EmbeddedBroker.start({
      between: (events) => ({ ...events, closed: () => {} }),
    });
    const options = { has, versions: [5], waitMs: 300 } as const;
    const results = await played([named(processScenarios, "kill")], broker.target, options);
    expectVerdicts(results, ["kill v5: fail (never)"]);
    expect(results[0]?.means).toContain("is not reported");
    expect(childClients(process.pid)).toEqual([]);
  },
  boundMs,
);

test(
  "a run that is called off while the process is stopped leaves no process",
  async () => {
    using broker = await EmbeddedBroker.start();
    const off = new AbortController();
    const freeze = [named(processScenarios, "freeze")];
    const options = { has, versions: [5], keepAliveSeconds: 30, signal: off.signal } as const;
    const run = played(freeze, broker.target, options);
    let pids: number[] = [];
    await eventually(
      () => (pids = childClients(process.pid)).length === 1 && pids.every(isStopped),
      () => `children: ${pids.join(", ")}`,
    );
    off.abort();
    expect(await run).toMatchObject([{ verdict: "inconclusive", detail: "called off" }]);
    expect(pids.filter(isAlive)).toEqual([]);
  },
  boundMs,
);

test(
  "a CONNACK that says no to the child is told as one that says no to us",
  async () => {
    let asked = 0;
    // The control's PUBLISH is allowed, the will of the child's CONNECT is not.
    const mayPublish = (): boolean => asked++ === 0;
    using broker = await EmbeddedBroker.start({ access: accessBy({ mayPublish }) });
    const options = { has, versions: [5] } as const;
    const [result] = await played([named(processScenarios, "kill")], broker.target, options);
    expect(result).toMatchObject({
      verdict: "skipped",
      detail: expect.stringContaining(
        "the broker refuses a client of this scenario: not authorized (0x87)",
      ),
    });
    expect(childClients(process.pid)).toEqual([]);
  },
  boundMs,
);

test(
  "the child says goodbye and ends when its parent does",
  async () => {
    using broker = await EmbeddedBroker.start();
    await using child = spawn([process.execPath, main, "drop-client"], {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
    });
    const connect = {
      clientId: "child",
      clean: true,
      keepalive: 10,
      will: { topic: "status", payload: Buffer.from("gone"), qos: 0, retain: false },
    };
    void child.stdin.write(`${JSON.stringify({ target: broker.target, version: 4, connect })}\n`);
    void child.stdin.flush();
    await eventually(
      () => broker.broker.view().connections.some(({ clientId }) => clientId === "child"),
      () => JSON.stringify(broker.events),
    );
    void child.stdin.end();
    expect(await child.exited).toBe(0);
    const words = (await child.stdout.text()).trim().split("\n");
    expect(words.map((word): unknown => JSON.parse(word))).toEqual([
      { did: "start" },
      { did: "send", packet: "connect", at: expect.any(Number) },
      { did: "connect", keepAliveSeconds: 10 },
    ]);
    const ends = broker.events.filter(({ event }) => event === "ended");
    expect(ends).toMatchObject([{ will: { fate: "discarded" } }]);
  },
  boundMs,
);

test("the child's command stands in no help, and is of no use to a person", () => {
  const help = spawnSync([process.execPath, main, "--help"]);
  expect(help.stdout.toString()).not.toContain("drop-client");
  const { exitCode, stderr } = spawnSync([process.execPath, main, "drop-client"]);
  expect(stderr.toString()).toBe(
    "mqttd: drop-client: no order on stdin (mqttd simulate-drop starts it)\n",
  );
  expect(exitCode).toBe(2);
});
