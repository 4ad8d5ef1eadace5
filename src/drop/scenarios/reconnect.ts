import type { Client } from "../../client/client.ts";
import { type Arm, playArms } from "../arms.ts";
import { watchByHand } from "./by-hand.ts";
import { leaveInOrder, Returning } from "./returning.ts";
import type { Observation, Scenario } from "../scenario.ts";
import type { Stage } from "../stage.ts";

/** A race: brokers that lose it lose it in one of four tries or so. */
const cycles = 20;
/** How long each connection lives, and how long is watched after the last. */
const livesMs = 80;
const strayMs = 1000;

/** Nobody dies: a client sends DISCONNECT and comes back. */
export const reconnectScenarios: readonly Scenario[] = [
  {
    id: "reconnect",
    title: "DISCONNECT, and back at once",
    grade: "must",
    quick: true,
    needs: [],
    serial: false,
    rule: { v4: "v4-3.1.2-8, v4-3.14.4-3", v5: "v5-3.1.2-8, v5-3.14.4-3" },
    does: `Connects with a will, sends DISCONNECT (0x00) and connects again with the same client id, ${cycles} times. Each connection has its own will payload, and no client dies. In one arm the client connects again after the broker has closed the old connection, in the other one at once. At once is a finding at most: DISCONNECT and CONNECT travel on two connections, TCP orders bytes only within one, and a broker that reads the CONNECT first may take it for a takeover, which publishes the will.`,
    passes: "no will comes",
    wrong:
      "The broker ends the old connection after it has registered the new one under the same client id, and takes the new will for the old one.",
    byHand: [
      watchByHand,
      `for n in $(seq ${cycles}); do mqttd pub -i dev -t x -m hi --will-topic status --will-payload "gone $n"; done`,
    ],
    means: {
      alive:
        "A client that reconnects directly after a clean DISCONNECT is reported dead while it is connected. Wait a second before reconnecting, or do not act on an 'offline' that follows an 'online' at once.",
      spurious:
        "A client that reconnects after a clean DISCONNECT is reported dead for the connection that it ended in an orderly way.",
    },
    play: reconnects,
  },
];

interface Variant {
  readonly name: string;
  readonly grade: "must" | "ours";
  /** Ends one connection before the next. */
  readonly leave: (stage: Stage, client: Client) => Promise<void>;
}

const variants: readonly Variant[] = [
  { name: "after the broker's FIN", grade: "must", leave: leaveInOrder },
  // Nothing orders two connections, so no statement says which packet comes first.
  { name: "at once", grade: "ours", leave: async (_, client) => client.leave() },
];

const overtakenMeans =
  "The broker read the new CONNECT before the DISCONNECT that was sent before it, on the other connection, and took the old connection over: a device that restarts quickly is reported dead. Let clients wait until the broker has closed the old connection, or for a second.";

const unacceptedMeans =
  "A client that reconnects at once is not accepted at first, and its library may report that as an error. Let clients wait a second before they reconnect, and try again.";

interface Life {
  readonly payload: Buffer;
  readonly leftAt: number;
}

async function reconnects(stage: Stage): Promise<readonly Observation[]> {
  return playArms(stage, variants, async (arm, variant) => reconnectsBy(stage, arm, variant));
}

async function reconnectsBy(
  stage: Stage,
  { clientId, plan }: Arm,
  { name, grade, leave }: Variant,
): Promise<Observation> {
  const began = stage.now;
  const lives: Life[] = [];
  const returning = new Returning(stage);
  for (let cycle = 1; cycle <= cycles; cycle++) {
    const payload = Buffer.concat([plan.payload, Buffer.from(` (connection ${cycle})`)]);
    const will = stage.willOptions({ payload, delay: 0 });
    const client = await returning.connect({ clientId, will });
    await stage.pause(livesMs, `connection ${cycle} of ${cycles}`);
    lives.push({ payload, leftAt: stage.dropped() });
    await leave(stage, client);
  }
  await stage.pause(strayMs, "no will");
  const seen = lives.flatMap(({ payload, leftAt }) => {
    const moments = stage.wills(began, { payload }).map(({ at }) => at);
    return moments.length === 0 ? [] : [{ leftAt, moments }];
  });
  const whileAlive = seen.find(({ leftAt, moments }) => moments.some((at) => at < leftAt));
  const first = whileAlive ?? seen[0];
  const since = first?.leftAt ?? stage.droppedAt;
  const moments = first?.moments ?? [];
  const blank = stage.observation(since, null, name, plan);
  if (first === undefined) {
    const broken = returning.problem;
    // No statement of a will is violated by it.
    return broken === null
      ? { ...blank, grade }
      : { ...blank, grade: "ours", broken, means: unacceptedMeans };
  }
  const isOvertaken = grade === "ours" && whileAlive === undefined;
  return {
    ...blank,
    grade,
    before: moments.filter((at) => at < since),
    got: moments.filter((at) => at >= since),
    ...(isOvertaken && { means: overtakenMeans }),
    note: `in ${seen.length} of ${cycles} reconnections`,
  };
}
