import { watchByHand } from "./by-hand.ts";
import type { Client } from "../../client/client.ts";
import type { Observation, Scenario } from "../scenario.ts";
import { secondCopyMs, type Stage } from "../stage.ts";
import { afterK, allowedMs, undecided, waitOn } from "./silence.ts";
import { tally } from "./tally.ts";

const clients = 200;
const silentClients = 100;
/** How many connect at the same time: the accept queues of brokers are short. */
const batch = 20;
/** Seconds: long enough that no deadline expires before all have connected. */
const keepAliveSeconds = 60;

/** Many clients die at once, as when the power fails. */
export const crowdScenarios: readonly Scenario[] = [
  {
    id: "crowd",
    title: `${clients} clients die at once`,
    grade: "must",
    quick: false,
    needs: ["loopback"],
    serial: true,
    rule: { v4: "v4-3.1.2-8", v5: "v5-3.1.2-8" },
    does: `Connects ${clients} clients, each with a will of its own, then resets all their connections at once, as when a building loses power or a switch restarts.`,
    passes: `all ${clients} wills come at once, each one time`,
    wrong: "Wills pass through a queue with a limit: some are dropped, and nothing is logged.",
    byHand: [
      watchByHand,
      `for n in $(seq ${clients}); do mqttd sub -i dev$n -t x --will-topic status --will-payload "gone $n" & done; sleep 5; kill -KILL $(pgrep -f 'mqttd sub -i dev')`,
    ],
    means: {
      never:
        "When many devices die at once, none of them is reported: in an outage subscribers get nothing.",
      late: "When many devices die at once, the last of them is reported late.",
      broken:
        "When many devices die at once, some deaths are not reported or are reported twice: after an outage the state of the devices is wrong. Check the broker's limits for queued and in-flight messages.",
    },
    play: crowd,
  },
  {
    id: "crowd-silent",
    title: `${silentClients} clients fall silent at once`,
    grade: "must",
    quick: false,
    needs: ["loopback"],
    serial: true,
    rule: { v4: "v4-3.1.2-24, v4-3.1.2-8", v5: "v5-3.1.2-22, v5-3.1.2-8" },
    does: `Connects ${silentClients} clients, each with its own will and a keepalive of K. Then none of them sends anything, and all sockets stay open, as when an access point loses power: neither FIN nor RST reaches the broker.`,
    passes: `all ${silentClients} wills come, each exactly once and 1.5 K after its client's CONNECT`,
    wrong:
      "The broker ends only a few silent clients per check, or one takes so long that it misses the next deadlines.",
    byHand: [
      watchByHand,
      `for n in $(seq ${silentClients}); do mqttd sub -i dev$n -k 5 -t x --will-topic status --will-payload "gone $n" & done; sleep 2; kill -STOP $(pgrep -f 'mqttd sub -i dev')`,
    ],
    means: {
      never:
        "When many devices lose their network at the same time, the broker reports none of them. If half-open passes, the number of clients is the cause.",
      late: "When many devices lose their network at the same time, the broker detects the last of them late. If half-open is as late, the cause is a coarse timer and not the number of clients.",
      early:
        "The broker ends clients that still have time: when many are connected, live devices are reported dead.",
      broken:
        "When many devices lose their network at the same time, some wills are lost or come twice. Look for a limit of queued or in-flight messages in the broker's configuration.",
    },
    play: crowdFallsSilent,
  },
];

async function crowd(stage: Stage): Promise<readonly Observation[]> {
  const payloads = payloadsOf(stage, clients);
  const victims = await connected(stage, payloads, keepAliveSeconds);
  const since = stage.dropped();
  for (const victim of victims) victim.reset();
  const watcher = await stage.watcher();
  const isOver = (): boolean => watcher.isOver;
  const arrived = (): number => watcher.arrivals.filter(({ at }) => at >= since).length;
  const wait = stage.options.waitMs;
  await stage.until(wait, `${clients} wills`, () => isOver() || arrived() >= clients, since);
  await stage.until(secondCopyMs, "second copies", isOver);
  return [tally(payloads.map((payload) => stage.observation(since, since, "", { payload })))];
}

async function crowdFallsSilent(stage: Stage): Promise<readonly Observation[]> {
  const payloads = payloadsOf(stage, silentClients);
  const since = stage.now;
  const victims = await connected(stage, payloads, stage.options.keepAliveSeconds);
  const deadlines = victims.map((victim) => victim.lastSentAt + allowedMs(victim));
  const lastDue = Math.max(...deadlines);
  const lastSent = Math.max(...victims.map((victim) => victim.lastSentAt));
  const watcher = await stage.watcher();
  const isOver = (): boolean => watcher.isOver;
  const arrived = (): number => watcher.arrivals.filter(({ at }) => at >= since).length;
  const left = lastDue - stage.now + stage.options.waitMs;
  const all = (): boolean => isOver() || arrived() >= silentClients;
  await stage.until(left, `${silentClients} wills`, all, lastDue);
  if (!all()) await waitOn(stage, lastSent, lastDue, all);
  await stage.until(secondCopyMs, "second copies", isOver);
  const deaths = victims.map((victim, index) => {
    const payload = payloads[index] ?? stage.will.payload;
    const seen = stage.observation(since, deadlines[index] ?? lastDue, "", { payload });
    const { lastSentAt, keepAliveSeconds: seconds } = victim;
    return {
      ...seen,
      since: lastSentAt,
      keepAliveSeconds: seconds,
      early: afterK(lastSentAt, victim),
    };
  });
  return [undecided(stage, tally(deaths), lastSent)];
}

/** A will's payload for each client. */
function payloadsOf(stage: Stage, count: number): Buffer[] {
  return Array.from({ length: count }, (_, index) =>
    Buffer.concat([stage.will.payload, Buffer.from(` ${index + 1}`)]),
  );
}

/** A client for each payload, some at a time. */
async function connected(
  stage: Stage,
  payloads: readonly Buffer[],
  keepalive: number,
): Promise<Client[]> {
  const victims: Client[] = [];
  for (let first = 0; first < payloads.length; first += batch) {
    const connecting = payloads.slice(first, first + batch).map(async (payload, index) =>
      stage.victim({
        clientId: stage.id(String(first + index + 1)),
        will: stage.willOptions({ payload }),
        keepalive,
      }),
    );
    victims.push(...(await Promise.all(connecting)));
    await stage.pause(0, `${victims.length} of ${payloads.length} clients`);
  }
  return victims;
}
