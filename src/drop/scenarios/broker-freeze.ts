import { assert } from "../../core/assert.ts";
import type { Client } from "../../client/client.ts";
import { watchByHand } from "./by-hand.ts";
import { type Arm, playArms } from "../arms.ts";
import { Guard } from "../lab/guard.ts";
import type { Observation, Scenario } from "../scenario.ts";
import { allowedMs } from "./silence.ts";
import type { Stage } from "../stage.ts";

const clients = 5;
/** How much longer the broker stands still than any client may be silent. */
const pastDeadlineMs = 1000;
/** How long the broker is watched after it continues, in addition to half a keepalive. */
const watchMs = 2000;

/** The broker's own process is stopped for a while. */
export const freezeScenarios: readonly Scenario[] = [
  {
    id: "broker-freeze",
    title: "the broker is stopped and continued",
    grade: "ours",
    quick: false,
    needs: ["--broker-pid"],
    serial: true,
    rule: { v4: "v4-3.1.2-24", v5: "v5-3.1.2-22" },
    does: `Connects ${clients} clients with wills that send PINGREQ in time, and stops the broker's process (SIGSTOP) for longer than 1.5 K, as Ctrl-Z, a debugger or a paused virtual machine does. Meanwhile the clients keep sending PINGREQ. Then a helper process continues it (SIGCONT), even if mqttd is killed.`,
    passes: "no will comes, and all clients stay connected",
    wrong:
      "The broker checks its deadlines before it reads the packets that arrived meanwhile, and ends every client for its own standstill.",
    byHandNote: "A will comes if the broker mistakes its own standstill for the client's silence.",
    byHand: [
      watchByHand,
      "mqttd sub -i dev -k 5 -t x --will-topic status --will-payload gone &",
      "sleep 1; pkill -STOP -x mosquitto; sleep 10; pkill -CONT -x mosquitto",
    ],
    means: {
      spurious:
        "After each pause of the broker's machine all live clients are reported dead at once: a virtual machine's snapshot or a debugger raises an alarm for every device. Ignore wills that come in a burst, or pause the broker for less than half of the shortest keepalive.",
      broken:
        "After each pause of the broker's machine live clients lose their connections although they sent PINGREQ in time, and all of them reconnect at once.",
    },
    play: frozen,
  },
];

/** Half of the keepalive. */
function pingEveryMs({ keepAliveSeconds }: Client): number {
  return keepAliveSeconds * 500;
}

async function frozen(stage: Stage): Promise<readonly Observation[]> {
  const pid = stage.options.brokerPid;
  assert(pid !== null, "the runner skips it without --broker-pid");
  const guard = await Guard.start(stage, pid);
  const names = Array.from({ length: clients }, (_, index) => ({ name: `client ${index + 1}` }));
  const alive: { readonly arm: Arm; readonly client: Client }[] = [];
  await playArms(stage, names, async (arm) => {
    const will = stage.willOptions({ ...arm.plan, delay: 0 });
    const client = await stage.victim({ clientId: arm.clientId, will });
    client.stayAlive(pingEveryMs(client));
    alive.push({ arm, client });
    return stage.observation(stage.now, null);
  });
  const longest = Math.max(...alive.map(({ client }) => allowedMs(client)));
  // A client that does not send for longer is dead for the broker.
  const marginMs = Math.min(...alive.map(({ client }) => allowedMs(client) - pingEveryMs(client)));
  const since = stage.dropped();
  const { from, to } = await guard.stopFor(longest + pastDeadlineMs);
  const until = to + longest / 3 + watchMs;
  await stage.until(until - stage.now, "no will", () => stage.now > until);
  const seen = alive.map(({ arm, client }) => ({
    wills: stage.wills(since, arm.plan),
    isClosed: client.isOver,
  }));
  for (const { client } of alive) client.leave();
  const dead = seen.flatMap(({ wills }) => wills.map(({ at }) => at));
  const closed = seen.filter(({ isClosed }) => isClosed).length;
  const reported = seen.filter(({ wills }) => wills.length > 0).length;
  const stood = `${((to - from) / 1000).toFixed(1)} s`;
  return [
    {
      ...stage.observation(since, null),
      marginMs,
      got: dead.toSorted((a, b) => a - b),
      broken:
        dead.length === 0 && closed > 0
          ? `the broker closed the connections of ${closed} of ${clients} live clients`
          : null,
      note: `the broker stood still for ${stood}${reported > 0 ? `; ${reported} of ${clients} live clients were reported dead` : ""}`,
    },
  ];
}
