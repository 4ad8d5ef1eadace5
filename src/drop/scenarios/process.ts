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
    does: "Starts a process that connects with a will, then kills it (SIGKILL; on Windows it is terminated). The operating system closes its socket, as for a program that crashes or runs out of memory.",
    passes: "the will comes at once",
    wrong: "The broker takes a stream that the kernel closes for a DISCONNECT, or misses its end.",
    byHand: [
      watchByHand,
      "mqttd sub -i dev -t x --will-topic status --will-payload gone & sleep 1; kill -KILL $!",
    ],
    means: {
      never:
        "A program that crashes or is killed is not reported. If fin and rst pass, something in between keeps the connection open: look for a proxy or a container that outlives the program.",
      late: "A program that crashes is reported late, although the kernel closes its connection at once.",
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
    does: "Starts a process that connects with a will and a keepalive of K, then stops it (SIGSTOP). Its kernel keeps the connection and acknowledges what arrives; the program does nothing any more, as when it hangs or its container is paused.",
    passes: "the will comes at 1.5 K after its last packet",
    wrong:
      "TCP can't detect this, because the kernel of a stopped program still answers: only the broker's own deadline does.",
    byHand: [
      watchByHand,
      "mqttd sub -i dev -k 5 -t x --will-topic status --will-payload gone & sleep 1; kill -STOP $!",
    ],
    means: {
      never:
        "A program that hangs stays online for ever: neither its kernel nor the network ends the connection. Let a watchdog on the device restart the program, and use a broker that enforces the keepalive.",
      late: "A program that hangs is reported late. Run `half-open` to see by how much with other keepalives.",
      early: "The broker ends clients that still have time, such as one that is busy for a moment.",
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
