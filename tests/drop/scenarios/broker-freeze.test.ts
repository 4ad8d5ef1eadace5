import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "bun:test";
import { freezeScenarios } from "../../../src/drop/scenarios/broker-freeze.ts";
import { type Outcome, mqttd } from "../../cli/surroundings.ts";
import { RunningBroker } from "../../support/executable.ts";
import { HeldUp } from "../../support/held-up.ts";
import { eventually } from "../../support/inbox.ts";
import { localTarget } from "../../support/embedded.ts";
import { expectVerdicts, played } from "../../support/played.ts";
import { spawn } from "../../support/child.ts";

/** A broker in a process of its own is stopped and continued; only Linux tells who listens on a port. */

const main = path.resolve(import.meta.dir, "../../../src/main.ts");
const command = [process.execPath, main];
const boundMs = 180_000;
const onLinux = test.concurrent.skipIf(process.platform !== "linux");

async function playedAt(broker: RunningBroker, keepAliveSeconds: number, signal?: AbortSignal) {
  return played(freezeScenarios, localTarget(broker.port), {
    keepAliveSeconds,
    brokerPid: broker.pid,
    ...(signal && { signal }),
  });
}

/** The state of a process as the kernel writes it: `T` is stopped. */
function stateOf(pid: number): string {
  return /^State:\s+(\w)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? "";
}

/** Guards that this process, or a child of it, has started for a broker. */
function guardsOf(parent: number): number[] {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const isGuard = readFileSync(`/proc/${name}/cmdline`, "utf8").includes("drop-guard");
      const of = /^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${name}/status`, "utf8"))?.[1];
      return isGuard && of === String(parent) ? [Number(name)] : [];
    } catch {
      // It has ended meanwhile.
      return [];
    }
  });
}

async function stops(broker: RunningBroker): Promise<void> {
  await eventually(
    () => stateOf(broker.pid) === "T",
    () => "the broker is not stopped",
  );
}

async function goesOn(broker: RunningBroker): Promise<void> {
  await eventually(
    () => stateOf(broker.pid) !== "T",
    () => "the broker is not continued",
  );
}

onLinux(
  "our broker reads what came while it stood still before it takes anybody for silent",
  async () => {
    await using broker = await RunningBroker.start({ command });
    const results = await playedAt(broker, 1);
    expectVerdicts(results, ["broker-freeze v4: pass", "broker-freeze v5: pass"]);
    expect(results[0]?.detail).toMatch(/^no will, as it should be; the broker stood still for \d/);
  },
  boundMs,
);

onLinux(
  "a broker that looks at its clock first reports live clients dead",
  async () => {
    const args = ["--like", "A4-unread-packets-do-not-count"];
    await using broker = await RunningBroker.start({ command, args });
    const results = await playedAt(broker, 1);
    expectVerdicts(results, [
      "broker-freeze v4: finding (spurious)",
      "broker-freeze v5: finding (spurious)",
    ]);
    expect(results[0]?.detail).toContain("5 of 5 live clients were reported dead");
  },
  boundMs,
);

// By itself: its stall would be that of the others.
test.skipIf(process.platform !== "linux")(
  "clients that our own stall keeps silent afterwards are no broker's fault",
  async () => {
    await using broker = await RunningBroker.start({ command });
    const playing = playedAt(broker, 1).catch((error: unknown) => error);
    await stops(broker);
    await goesOn(broker);
    // Planted: longer than the clients may be silent.
    Bun.sleepSync(1900);
    expect(await playing).toBeInstanceOf(HeldUp);
  },
  boundMs,
);

onLinux(
  "simulate-drop is killed while the broker is stopped: the broker goes on, and so no guard is left",
  async () => {
    await using broker = await RunningBroker.start({ command });
    const flags = ["-k", "60", "-V", "5", "-p", String(broker.port), "--broker-pid"];
    const child = spawn(
      [...command, "simulate-drop", "broker-freeze", ...flags, String(broker.pid)],
      { stdin: "ignore", stdout: "ignore", stderr: "ignore" },
    );
    await stops(broker);
    const [guard] = guardsOf(child.pid);
    child.kill("SIGKILL");
    await child.exited;
    await goesOn(broker);
    await eventually(
      () => !readdirSync("/proc").includes(String(guard)),
      () => "the guard is left",
    );
  },
  boundMs,
);

onLinux(
  "the guard is killed while the broker is stopped: the broker goes on",
  async () => {
    await using broker = await RunningBroker.start({ command });
    const flags = ["-k", "60", "-V", "5", "-p", String(broker.port), "--broker-pid"];
    await using child = spawn(
      [...command, "simulate-drop", "broker-freeze", ...flags, String(broker.pid)],
      { stdin: "ignore", stdout: "pipe", stderr: "ignore" },
    );
    await stops(broker);
    const [guard = 0] = guardsOf(child.pid);
    process.kill(guard, "SIGKILL");
    await goesOn(broker);
    const text = (await child.stdout.text()).replace(/\s+/g, " ");
    expect(text).toContain("the process that stops and continues the broker has ended");
  },
  boundMs,
);

onLinux(
  "called off while the broker is stopped: the broker goes on",
  async () => {
    await using broker = await RunningBroker.start({ command });
    const aborter = new AbortController();
    const playing = playedAt(broker, 60, aborter.signal);
    await stops(broker);
    aborter.abort();
    await goesOn(broker);
    expect((await playing).map(({ detail }) => detail)).toEqual(["called off"]);
  },
  boundMs,
);

async function simulateDrop(...args: string[]): Promise<Outcome> {
  const loadDrop = () => import("../../../src/cli/drop-run.ts");
  return mqttd(["simulate-drop", "broker-freeze", ...args], { loadDrop });
}

onLinux(
  "a process that is not the broker is never stopped: exit 2",
  async () => {
    await using broker = await RunningBroker.start({ command });
    const at = ["-p", String(broker.port)];
    const wrong = await simulateDrop(...at, "--broker-pid", String(process.pid));
    const far = await simulateDrop("-h", "192.0.2.1", "--broker-pid", String(broker.pid));
    const none = await simulateDrop(...at, "--broker-pid", "4194304");
    const embedded = await simulateDrop("--embedded", "--broker-pid", String(broker.pid));
    expect([wrong, far, none, embedded].map(({ code }) => code)).toEqual([2, 2, 2, 2]);
    // A short process id is a part of other numbers.
    const whole = (number: number): RegExp => new RegExp(`\\b${number}\\b`, "g");
    const said = (text: string): string =>
      text
        .replaceAll(whole(broker.port), "PORT")
        .replaceAll(whole(broker.pid), "BROKER")
        .replaceAll(whole(process.pid), "OTHER")
        .replace(/ \([^()]*\) does/, " (NAME) does");
    expect(`\n${[wrong, far, none, embedded].map(({ stderr }) => said(stderr)).join("")}`)
      .toMatchInlineSnapshot(`
    "
    mqttd: --broker-pid: process OTHER does not listen on port PORT (process BROKER (NAME) does)
    mqttd: --broker-pid is for a broker on this machine (mqtt://192.0.2.1:1883 is no loopback address)
    mqttd: --broker-pid: process 4194304 does not listen on port PORT (process BROKER (NAME) does)
    mqttd: --broker-pid names another process (--embedded has none of its own)
    "
  `);
  },
  boundMs,
);
