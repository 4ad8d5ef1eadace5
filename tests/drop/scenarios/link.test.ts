import { beforeAll, expect, test } from "bun:test";
import path from "node:path";
import { connect } from "node:net";
import { plantedQuirks } from "../../../src/core/quirks/planted.ts";
import { Forwarder } from "../../../src/drop/lab/forwarder.ts";
import { linkScenarios } from "../../../src/drop/scenarios/link.ts";
import { machineHas } from "../../../src/drop/lab/machine.ts";
import { subnetBeside } from "../../../src/drop/lab/namespace.ts";
import type { Need, Result } from "../../../src/drop/scenario.ts";
import { EmbeddedBroker, localTarget } from "../../support/embedded.ts";
import { RunningBroker } from "../../support/executable.ts";
import { all, eventually } from "../../support/inbox.ts";
import { childClients, isAlive, linksOf } from "../../support/left-behind.ts";
import { expectVerdicts, passes, played } from "../../support/played.ts";
import { spawn } from "../../support/child.ts";

const has = await machineHas(linkScenarios);
const isUnable = !has.has("network namespace");
const why = isUnable ? " (skipped: needs Linux, root and the ip command)" : "";
const boundMs = 180_000;
const main = path.resolve(import.meta.dir, "../../../src/main.ts");

/** Most of a run is waiting, so that they all wait at the same time. */
const runs = Promise.withResolvers<[Heard<EmbeddedBroker>, Result[], Heard<RunningBroker>]>();
// Each test looks at what went wrong.
runs.promise.catch(() => {});
beforeAll(async () => {
  if (isUnable) return;
  await all([ours(), deaf(), direct()]).then(runs.resolve, runs.reject);
}, boundMs);

interface Heard<Broker> {
  readonly results: Result[];
  readonly broker: Broker;
}

async function ours(): Promise<Heard<EmbeddedBroker>> {
  using broker = await EmbeddedBroker.start();
  return {
    results: await played(linkScenarios, broker.target, { has, keepAliveSeconds: 1 }),
    broker,
  };
}

async function deaf(): Promise<Result[]> {
  using broker = await EmbeddedBroker.start({ rules: plantedQuirks["A1-no-deadline"] });
  const options = { has, keepAliveSeconds: 1, waitMs: 500, versions: [5] } as const;
  const results = await played(linkScenarios, broker.target, options);
  return results;
}

async function direct(): Promise<Heard<RunningBroker>> {
  const command = [process.execPath, main];
  await using broker = await RunningBroker.start({ command, args: ["--host", "0.0.0.0"] });
  const options = { has, keepAliveSeconds: 1, versions: [5] } as const;
  return { results: await played(linkScenarios, localTarget(broker.port), options), broker };
}

test.skipIf(isUnable)(`our broker finds a client whose link went down${why}`, async () => {
  const [{ results, broker }] = await runs.promise;
  expectVerdicts(results, passes(linkScenarios));
  expect(results.map(({ dueMs }) => Math.round(dueMs ?? 0))).toEqual([1500, 1500]);
  // It was its deadline, and neither FIN nor RST.
  const causes = broker.events.flatMap((event) =>
    event.event === "ended" && event.will !== null ? [event.cause] : [],
  );
  expect(causes).toEqual(["keepAliveExpired", "keepAliveExpired"]);
});

test.skipIf(isUnable)(`a broker without a deadline fails${why}`, async () => {
  const [, results] = await runs.promise;
  expectVerdicts(results, ["link-down v5: fail (never)"]);
});

test.skipIf(isUnable)(
  `a broker that listens on every address is reached by the link itself${why}`,
  async () => {
    const [, , { results, broker }] = await runs.promise;
    expectVerdicts(results, ["link-down v5: pass"]);
    const guests = broker.log.items.filter(({ event, client, remote }) => {
      return event === "connected" && client !== null && !String(remote).startsWith("127.");
    });
    expect(guests).toHaveLength(1);
  },
);

test.skipIf(isUnable)(`no process and no link is left after a run${why}`, async () => {
  await runs.promise;
  expect(childClients(process.pid)).toEqual([]);
  expect(linksOf(process.pid)).toEqual([]);
});

for (const [how, signal, code] of [
  ["called off by Ctrl-C", "SIGINT", 130],
  ["killed", "SIGKILL", null],
] as const) {
  test.skipIf(isUnable)(
    `a run that is ${how} while the link is down leaves no process and no link${why}`,
    async () => {
      using broker = await EmbeddedBroker.start();
      const args = ["link-down", "-V", "5", "-k", "30", "-p", String(broker.port)];
      await using run = spawn(
        [process.execPath, main, "simulate-drop", ...args, "-h", "127.0.0.1"],
        {
          stdin: "ignore",
          stdout: "ignore",
          stderr: "ignore",
        },
      );
      let children: number[] = [];
      await eventually(
        () => {
          children = childClients(run.pid);
          return linksOf(run.pid).some((link) => link.includes("NO-CARRIER"));
        },
        () => `children: ${children.join(", ")}; links: ${linksOf(run.pid).join("; ")}`,
      );
      expect(children).toHaveLength(1);
      run.kill(signal);
      await run.exited;
      expect(run.exitCode).toBe(code);
      await eventually(
        () => !children.some(isAlive) && linksOf(run.pid).length === 0,
        () => `children: ${children.join(", ")}; links: ${linksOf(run.pid).join("; ")}`,
      );
    },
    boundMs,
  );
}

test("what is missing is said", async () => {
  using broker = await EmbeddedBroker.start();
  const without = await played(linkScenarios, broker.target, { versions: [4] });
  expect(without).toMatchObject([
    { verdict: "skipped", detail: "needs Linux, root, and the ip command of iproute2" },
  ]);
  const options = { has: new Set<Need>(["network namespace"]), versions: [4] } as const;
  const elsewhere = await played(linkScenarios, { ...broker.target, host: "0.0.0.0" }, options);
  expect(elsewhere).toMatchObject([
    { verdict: "skipped", detail: expect.stringContaining("name it by a loopback address") },
  ]);
});

test("the subnet is one that no route leads to", () => {
  const routes = [
    "default via 192.0.2.1 dev eth0",
    "0.0.0.0/1 via 10.8.0.1 dev tun0",
    "10.0.0.0/9 via 10.8.0.1 dev tun0",
    "172.16.0.0/12 dev eth1 proto kernel scope link",
    "192.168.0.0/16 via 10.8.0.1 dev tun0",
    "unreachable 198.18.0.0/16",
    "local 198.19.0.1 dev eth2 table local",
    "broadcast 198.19.0.255 dev eth2 table local",
  ].join("\n");
  const drawing =
    (...drawn: number[]): (() => number) =>
    () =>
      drawn.shift() ?? 0.999_999;
  // The lower half of 10.0.0.0/8 is taken, the upper one is not.
  expect(subnetBeside(routes, drawing(0.5))).toEqual({ host: "10.128.0.1", guest: "10.128.0.2" });
  const rest = subnetBeside(routes, drawing(0.49, 0, 0, 0.5, 0.1, 0.2, 0.3, 0.500_04));
  expect(rest).toEqual({ host: "198.19.0.5", guest: "198.19.0.6" });
  expect(subnetBeside("10.0.0.0/8 x\n172.0.0.0/8 x\n192.0.0.0/8 x\n198.0.0.0/8 x", drawing())).toBe(
    null,
  );
});

test("the forwarder forwards, and keeps the broker's side open once the link is cut", async () => {
  const heard: string[] = [];
  let ends = 0;
  using broker = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      data: (socket, chunk) => {
        heard.push(chunk.toString("latin1"));
        socket.write(chunk);
      },
      end: (socket) => {
        ends++;
        socket.end();
      },
    },
  });
  const forwarder = new Forwarder(localTarget(broker.port));
  const client = connect(await forwarder.listen("127.0.0.1"), "127.0.0.1");
  const echo: string[] = [];
  client.on("data", (chunk) => echo.push(chunk.toString("latin1")));
  client.write("hello");
  await eventually(
    () => echo.join("") === "hello",
    () => echo.join(),
  );
  forwarder.cut();
  client.destroy();
  await new Promise((resolve) => client.on("close", resolve));
  expect({ heard, ends }).toEqual({ heard: ["hello"], ends: 0 });
  forwarder.close();
  await eventually(
    () => ends === 1,
    () => `${ends} ends`,
  );
  expect(heard).toEqual(["hello", "\xe0\0"]);
});
