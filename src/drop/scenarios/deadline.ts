import { watchByHand } from "./by-hand.ts";
import type { Scenario } from "../scenario.ts";
import { kept, needsSession } from "./session.ts";
import { expectDeadline } from "./silence.ts";

const early =
  "The broker ends clients that still have time: on a jittery network live devices are reported dead. With this broker choose a longer keepalive than you would need.";

/** `half-open` with a persistent session, and with an odd keepalive. */
export const deadlineScenarios: readonly Scenario[] = [
  {
    id: "silent-persistent",
    title: "silence, the session persists",
    grade: "must",
    quick: true,
    needs: [],
    serial: false,
    rule: { v4: "v4-3.1.2-24, v4-3.1.2-8", v5: "v5-3.1.2-22, v5-3.1.2-8" },
    does: "Connects with a will, a keepalive of K and a session that outlives the connection, then sends nothing more. The socket stays open, as when a device with a persistent session loses power.",
    passes: "the will comes at 1.5 K",
    wrong:
      "The broker closes the connection but expects the client to return: the will waits for the end of the session, or is lost.",
    byHand: [
      watchByHand,
      "mqttd sub -i dev -c -q 1 -k 5 -t x --will-topic status --will-payload gone & sleep 1; kill -STOP $!",
    ],
    means: {
      never:
        "A device with a persistent session that loses power is not reported until its session ends, which may be never. If half-open passes, connect such devices clean (Clean Start with session expiry 0) with this broker.",
      late: "A device with a persistent session is reported late. If half-open is as late, the cause is a coarse timer and not the session.",
      early,
    },
    play: async (stage) => {
      const victim = await stage.victim({
        ...kept(stage),
        keepalive: stage.options.keepAliveSeconds,
        will: stage.willOptions({ delay: 0 }),
      });
      needsSession(victim);
      return [await expectDeadline(stage, victim)];
    },
  },
  {
    id: "odd-keepalive",
    title: "silence, 1.5 K is no whole number",
    grade: "must",
    quick: false,
    needs: [],
    serial: false,
    rule: { v4: "v4-3.1.2-24", v5: "v5-3.1.2-22" },
    does: "Connects with a will and an odd keepalive K (the configured one, or one second more), so that 1.5 K is not a whole number of seconds. Then sends nothing more; the socket stays open.",
    passes: "the will comes at 1.5 K",
    wrong:
      "The broker computes 1.5 K in whole seconds and rounds down: a client with a keepalive of 1 s has no tolerance at all.",
    byHand: [
      watchByHand,
      "mqttd sub -i dev -k 5 -t x --will-topic status --will-payload gone & sleep 1; kill -STOP $!",
    ],
    means: {
      never:
        "A device that loses power stays online for hours. If half-open passes, odd keepalives are the cause: use an even one.",
      late: "The broker detects silent clients late. If half-open is as late, the cause is a coarse timer and not the odd keepalive.",
      early,
    },
    play: async (stage) => {
      const keepalive = oddFrom(stage.options.keepAliveSeconds);
      return [await expectDeadline(stage, await stage.victim({ keepalive }))];
    },
  },
];

/** The keepalive itself where it is odd, else one second more. Seconds; 65,535 is the most there is. */
function oddFrom(keepAliveSeconds: number): number {
  return keepAliveSeconds % 2 === 1 ? keepAliveSeconds : keepAliveSeconds + 1;
}
