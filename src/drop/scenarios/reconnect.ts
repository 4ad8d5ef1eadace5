import { watchByHand } from "./by-hand.ts";
import type { Observation, Scenario } from "../scenario.ts";
import type { Stage } from "../stage.ts";

/** A race: brokers that lose it lose it in one of four tries or so. */
const cycles = 20;
/** How long each connection lives, and how long is watched after the last. */
const livesMs = 80;
const strayMs = 1000;

/** Nobody dies: a client says goodbye and is back at once. */
export const reconnectScenarios: readonly Scenario[] = [
  {
    id: "reconnect",
    title: "DISCONNECT, and back at once",
    grade: "must",
    quick: true,
    needs: [],
    serial: false,
    rule: { v4: "v4-3.1.2-8, v4-3.14.4-3", v5: "v5-3.1.2-8, v5-3.14.4-3" },
    does: `Connects with a will, sends DISCONNECT (0x00) and connects again with the same client id at once, ${cycles} times. Each connection has a will payload of its own, and no client dies.`,
    passes: "no will comes",
    wrong:
      "The broker ends the old connection after it has registered the new one under the same client id, and takes the new will for the old one.",
    byHand: [
      watchByHand,
      `for n in $(seq ${cycles}); do mosquitto_pub -i dev -t x -m hi --will-topic status --will-payload "gone $n"; done`,
    ],
    means: {
      alive:
        "A client that reconnects directly after a clean DISCONNECT is reported dead while it is connected. Wait a second before reconnecting, or do not act on an 'offline' that follows an 'online' at once.",
      spurious:
        "A client that reconnects directly after a clean DISCONNECT is reported dead for the connection that it ended in an orderly way.",
    },
    play: reconnects,
  },
];

interface Life {
  readonly payload: Buffer;
  readonly leftAt: number;
}

async function reconnects(stage: Stage): Promise<readonly Observation[]> {
  const began = stage.now;
  const lives: Life[] = [];
  for (let cycle = 1; cycle <= cycles; cycle++) {
    const payload = Buffer.concat([stage.will.payload, Buffer.from(` (connection ${cycle})`)]);
    const client = await stage.victim({ will: stage.willOptions({ payload, delay: 0 }) });
    await stage.pause(livesMs, `connection ${cycle} of ${cycles}`);
    client.leave();
    lives.push({ payload, leftAt: stage.dropped() });
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
  return [
    {
      ...stage.observation(since, null),
      before: moments.filter((at) => at < since),
      got: moments.filter((at) => at >= since),
      ...(first !== undefined && { note: `in ${seen.length} of ${cycles} reconnections` }),
    },
  ];
}
