import { watchByHand } from "./by-hand.ts";
import { ChildClient } from "../lab/child.ts";
import type { Observation, Scenario } from "../scenario.ts";
import { expectDeadline } from "./silence.ts";
import { NotOffered } from "../no-verdict.ts";
import type { Stage } from "../stage.ts";

/** The client is a process of its own, and the operating system does to it what happens to programs. */
export const processScenarios: readonly Scenario[] = [
  {
    id: "kill",
    title: "the client's process is killed",
    grade: "must",
    quick: false,
    needs: ["child process"],
    serial: false,
    rule: { v4: "v4-3.1.2-8", v5: "v5-3.1.2-8" },
    does: "Starts a process that connects with a will, then kills it (SIGKILL; on Windows it is terminated). The operating system closes its socket, as it does for a program that crashes or is killed for want of memory.",
    passes: "the will comes at once",
    wrong: "The end of a stream that the kernel closes is taken for a goodbye, or missed.",
    byHand: [
      watchByHand,
      "mosquitto_sub -i dev -t x --will-topic status --will-payload gone & sleep 1; kill -KILL $!",
    ],
    means: {
      never:
        "A program that crashes or is killed is not reported. If fin and rst pass, something between the two still holds the connection: look for a proxy or a container that outlives the program.",
      late: "A program that crashes is reported only after a while, although the kernel says at once that it is gone.",
      early: "The will came while the program was still alive.",
      twice: "One crash raises two alarms.",
    },
    play: killed,
  },
  {
    id: "freeze",
    title: "the client's process is stopped",
    grade: "must",
    quick: false,
    needs: ["child process"],
    serial: false,
    rule: { v4: "v4-3.1.2-24", v5: "v5-3.1.2-22" },
    does: "Starts a process that connects with a will and a keepalive of K, then stops it (SIGSTOP). Its kernel keeps the connection and acknowledges all that arrives; the program itself does nothing any more, as when it hangs, or its container is paused.",
    passes: "the will comes at 1.5 K after its last packet",
    wrong:
      "TCP finds nothing here, since the kernel of a program that hangs still answers: only a deadline of the broker's own does.",
    byHand: [
      watchByHand,
      "mosquitto_sub -i dev -k 5 -t x --will-topic status --will-payload gone & sleep 1; kill -STOP $!",
    ],
    means: {
      never:
        "A program that hangs stays online for good: neither its kernel nor the network ever ends the connection. Let a watchdog on the device restart the program, and choose a broker that keeps the keepalive.",
      late: "A program that hangs is reported late. With your keepalive K expect the will at 1.5 K plus up to this step.",
      early: "The broker cuts clients that still have time, such as one that is busy for a moment.",
      twice: "One program that hangs raises two alarms.",
    },
    play: frozen,
  },
];

async function killed(stage: Stage): Promise<readonly Observation[]> {
  const child = await ChildClient.start(stage);
  await child.connect();
  const since = stage.dropped();
  child.kill();
  return [await stage.expectWill(since, since)];
}

async function frozen(stage: Stage): Promise<readonly Observation[]> {
  if (process.platform === "win32") {
    throw new NotOffered("Windows has no signal that stops a process");
  }
  const child = await ChildClient.start(stage);
  await child.connect();
  child.freeze();
  return [await expectDeadline(stage, child)];
}
