import { watchByHand } from "./by-hand.ts";
import { assert } from "../../core/assert.ts";
import type { Client } from "../../client/client.ts";
import type { Observation, Scenario } from "../scenario.ts";
import { secondCopyMs, type Stage } from "../stage.ts";

const clients = 200;
/** How many connect at the same time; brokers have short queues for those who knock. */
const batch = 20;
/** Seconds: so long that no deadline comes before all of them are there. */
const keepAlive = 60;

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
      `for n in $(seq ${clients}); do mosquitto_sub -i dev$n -t x --will-topic status --will-payload "gone $n" & done; sleep 5; kill -KILL $(pgrep -f 'mosquitto_sub -i dev')`,
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
];

async function crowd(stage: Stage): Promise<readonly Observation[]> {
  const payloads = Array.from({ length: clients }, (_, index) =>
    Buffer.concat([stage.will.payload, Buffer.from(` ${index + 1}`)]),
  );
  const victims: Client[] = [];
  for (let first = 0; first < clients; first += batch) {
    const connecting = payloads.slice(first, first + batch).map(async (payload, index) =>
      stage.victim({
        clientId: stage.id(String(first + index + 1)),
        will: stage.willOptions({ payload }),
        keepalive: keepAlive,
      }),
    );
    victims.push(...(await Promise.all(connecting)));
    await stage.pause(0, `${victims.length} of ${clients} clients`);
  }
  const since = stage.dropped();
  for (const victim of victims) victim.reset();
  const watcher = await stage.watcher();
  const isOver = (): boolean => watcher.isOver;
  const arrived = (): number => watcher.arrivals.filter(({ at }) => at >= since).length;
  const wait = stage.options.waitMs;
  await stage.until(wait, `${clients} wills`, () => isOver() || arrived() >= clients, since);
  await stage.until(secondCopyMs, "second copies", isOver);
  return [counted(payloads.map((payload) => stage.observation(since, since, "", { payload })))];
}

/** All of them as one: it came when the last did. */
function counted(all: readonly Observation[]): Observation {
  const [one] = all;
  assert(one !== undefined, "the crowd has members");
  const lost = all.filter(({ got }) => got.length === 0).length;
  const twice = all.filter(({ got }) => got.length > 1).length;
  const came = all.flatMap(({ got }) => got[0] ?? []);
  return {
    ...one,
    got: came.length === 0 ? [] : [Math.max(...came)],
    altered: all.find(({ altered }) => altered !== null)?.altered ?? null,
    broken: lost === all.length ? null : brokenText(all.length, lost, twice),
  };
}

function brokenText(total: number, lost: number, twice: number): string | null {
  const unreported = lost === 0 ? [] : [`${lost} of ${total} deaths unreported`];
  const again = twice === 0 ? [] : [`${twice} of ${total} deaths reported more than once`];
  return lost + twice === 0 ? null : [...unreported, ...again].join(", ");
}
