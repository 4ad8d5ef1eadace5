import { spawn } from "node:child_process";
import { NoAnswer } from "../../client/client-error.ts";
import type { Client } from "../../client/client.ts";
import { DialError } from "../../client/dial-error.ts";
import { watchByHand } from "./by-hand.ts";
import type { Observation, Scenario } from "../scenario.ts";
import { kept } from "./session.ts";
import { CalledOff } from "../no-verdict.ts";
import type { Stage } from "../stage.ts";

/** How long the user's command may take, and the broker to answer again after it. */
const restartMs = 60_000;
const returnMs = 30_000;
const knockMs = 200;
/** Seconds: longer than any restart, so that no deadline of the old broker comes into it. */
const keepAliveSeconds = 600;

/** The broker itself dies. */
export const crashScenarios: readonly Scenario[] = [
  {
    id: "broker-crash",
    title: "the broker is killed and started again",
    grade: "ours",
    quick: false,
    needs: ["--restart-command"],
    serial: true,
    rule: { v4: "v4-3.1.2-8", v5: "v5-3.1.2-7" },
    does: "Connects with a retained will and a persistent session, runs --restart-command, which must kill the broker and start it again, and does not reconnect that client. Then subscribes to the will's topic.",
    passes: "the will is published once the broker is back",
    wrong:
      "The broker keeps wills in memory only, or does not load them again: clients that were connected when it died are never reported dead.",
    byHand: [
      watchByHand,
      "mqttd sub -V 5 -x 600 -c -i dev -t x --will-topic status --will-payload gone --will-retain &",
      "sleep 1; kill -KILL $!; systemctl kill --signal=KILL mosquitto; systemctl start mosquitto",
      "sleep 1; mqttd sub -t status -v",
    ],
    means: {
      never:
        "Wills do not survive the broker: a device that dies together with it, or does not reconnect, stays online for ever. Enable the broker's persistence if it has one; otherwise let receivers treat a restart of the broker as the death of all clients.",
    },
    play: crash,
  },
];

async function crash(stage: Stage): Promise<readonly Observation[]> {
  const will = stage.willOptions({ retain: true, delay: 0 });
  const victim = await stage.victim({
    ...kept(stage, keepAliveSeconds),
    keepalive: keepAliveSeconds,
    will,
  });
  const since = stage.dropped();
  const blank = stage.observation(since, since);
  const doubt = (inconclusive: string): Observation[] => [{ ...blank, inconclusive }];
  const trouble = await restarted(stage, stage.options.restartCommand ?? "");
  if (trouble !== null) return doubt(trouble);
  const watcher = await cameBack(stage);
  if (watcher === null) return doubt(`the broker did not answer within ${returnMs / 1000} s`);
  if (!victim.isOver)
    return doubt("the command ended, but the broker had not: it kept its clients");
  const back = stage.now;
  await watcher.subscribe(stage.will.topic, { qos: 2 });
  // A broker that is shut down in good order may have said it before, to the first watcher.
  const wills = () => [
    ...stage.wills(since),
    ...watcher.arrivals.filter(({ packet }) => isWill(stage, packet)),
  ];
  await stage.until(stage.options.waitMs, "the will", () => wills().length > 0, back);
  const [first] = wills();
  return [
    {
      ...blank,
      due: back,
      notBefore: since,
      lateAfter: back + stage.options.waitMs,
      got: first === undefined ? [] : [first.at],
      until: stage.now,
      altered: null,
      inconclusive: watcher.isOver ? "the watcher's connection was closed" : null,
    },
  ];
}

function isWill(stage: Stage, packet: { topic: string; payload: string | Buffer }): boolean {
  const { topic, payload } = stage.will;
  return packet.topic === topic && Buffer.from(packet.payload).equals(payload);
}

/** Runs the user's command in a shell. Resolves to what went wrong; null: nothing. */
async function restarted(stage: Stage, command: string): Promise<string | null> {
  // What it starts may live on: it gets no pipe that ends with us, and no terminal's Ctrl-C.
  const child = spawn(command, { shell: true, stdio: "ignore", detached: true, windowsHide: true });
  let end: string | null = null;
  child.on("error", (error) => (end = `the restart command did not start: ${error.message}`));
  child.on("exit", (code, signal) => (end ??= code === 0 ? "" : `code ${code ?? signal}`));
  try {
    const isOver = await stage.until(restartMs, "--restart-command", () => end !== null);
    if (!isOver) return `the restart command did not end within ${restartMs / 1000} s`;
  } finally {
    if (end === null) child.kill("SIGKILL");
    child.unref();
  }
  return end === "" ? null : `the restart command ended with ${end}`;
}

/** A new client, as soon as the broker lets one in; null: it does not. */
async function cameBack(stage: Stage): Promise<Client | null> {
  const until = stage.now + returnMs;
  while (stage.now < until) {
    try {
      return await stage.client({ clientId: stage.id("after"), keepalive: 30 });
    } catch (error) {
      if (stage.options.signal.aborted) throw new CalledOff();
      if (!(error instanceof DialError || error instanceof NoAnswer)) throw error;
    }
    await stage.pause(knockMs, "the broker");
  }
  return null;
}
