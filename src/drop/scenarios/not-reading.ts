import type { Client } from "../../client/client.ts";
import { size } from "../../log/size.ts";
import { watchByHand } from "./by-hand.ts";
import type { Observation, Scenario } from "../scenario.ts";
import { allowedMs, expectDeadline } from "./silence.ts";
import type { Stage } from "../stage.ts";

/** How many more bytes of the feed another subscriber gets: more than any pair of socket buffers holds. */
const surplusBytes = 8 * 1024 * 1024;
const messageBytes = 64 * 1024;
/** Unconfirmed messages of the feed at any time. */
const window = 16;
/** The broker's deadline may expire this much before ours. */
const earlyMs = 50;
/** If other subscribers get nothing for this long, the broker is blocked by the one that does not read. */
const stuckMs = 500;
/** A message that did not arrive within this time was dropped by the broker. */
const lostMs = 200;

/** A subscriber that neither sends nor reads, so the broker's output to it piles up. */
export const notReadingScenarios: readonly Scenario[] = [
  {
    id: "not-reading",
    title: "stops reading, its topic is busy",
    grade: "must",
    quick: false,
    needs: ["loopback"],
    serial: true,
    rule: { v4: "v4-3.1.2-24", v5: "v5-3.1.2-22" },
    does: `Subscribes (QoS 0) to a busy topic, then neither sends nor reads, like a hanging program whose kernel still acknowledges TCP. Publishing continues until another subscriber has received ${size(surplusBytes)} more than this one, so that the broker can no longer write to it.`,
    passes: "the will comes at 1.5 K after the SUBSCRIBE, or sooner",
    wrong:
      "The broker waits for space in the socket buffer and checks no deadline meanwhile, or checks deadlines only between writes.",
    byHand: [
      watchByHand,
      "(while :; do head -c 65536 /dev/zero | mqttd pub -t busy -s; done) & feed=$!",
      "mqttd sub -i dev -k 5 -t busy --will-topic status --will-payload gone >/dev/null & sleep 1; kill -STOP $!",
      "sleep 20; kill $feed",
    ],
    means: {
      never:
        "The broker never detects a hanging subscriber while it has data for it: a frozen display or logger stays online, and its queued output stays in the broker's memory. Monitor that memory, and let a watchdog restart such programs.",
      late: "The broker detects a hanging subscriber late, because it first waits for space in the socket buffer. If half-open is as late, the cause is a coarse timer instead.",
      twice: "One hanging subscriber raises two alarms.",
    },
    play: notReading,
  },
];

async function notReading(stage: Stage): Promise<readonly Observation[]> {
  const topic = stage.topic("feed");
  const gauge = await countingClient(stage, "gauge");
  const victim = await stage.victim();
  const taken = counted(victim);
  await stage.subscribe(gauge.client, topic, 0);
  await stage.subscribe(victim, topic, 0);
  const since = stage.dropped(victim.lastSentAt);
  const due = since + allowedMs(victim);
  victim.stopReading();
  const surplus = (): number => gauge.bytes() - taken();
  const until = due + stage.options.waitMs;
  await feed(stage, topic, gauge, () => {
    const isDone = surplus() >= surplusBytes || stage.wills(since).length > 0;
    return isDone || stage.now > until;
  });
  const fed = surplus();
  const seen = await expectDeadline(stage, victim);
  // Discards its unread input with the socket.
  victim.reset();
  const [first] = seen.got;
  // The broker may end a slow subscriber before its keepalive deadline.
  const observation = { ...seen, notBefore: since };
  if (fed >= surplusBytes || first === undefined || first < due) return [observation];
  // Once the deadline ends the client, the blocked feed resumes.
  if (due - stuckMs > gauge.lastBefore(due)) {
    const note = `the broker delivered nothing to others either, after ${size(fed)}`;
    return [{ ...observation, note }];
  }
  const inconclusive = `the broker delivered ${size(fed)} of the feed to another subscriber, and it takes ${size(surplusBytes)} to fill the buffers`;
  return [{ ...observation, inconclusive }];
}

/** Publishes on a topic as fast as `gauge` receives it, until `isEnough`. */
async function feed(
  stage: Stage,
  topic: string,
  gauge: Counting,
  isEnough: () => boolean,
): Promise<void> {
  const talker = await stage.client({ clientId: stage.id("talker") });
  // Half at most, to leave room for the topic.
  const max = (talker.connack?.properties?.maximumPacketSize ?? Infinity) / 2;
  const payload = Buffer.alloc(Math.min(messageBytes, Math.floor(max)), "f");
  let sent = 0;
  let lost = 0;
  const refill = (): void => {
    while (sent - gauge.messages() - lost < window && !isEnough()) {
      sent += 1;
      void talker.publish(topic, payload);
    }
  };
  gauge.onMessage(refill);
  while (!isEnough() && !talker.isOver) {
    refill();
    const before = gauge.messages();
    const isMoving = (): boolean => gauge.messages() > before || isEnough();
    const cameThrough = await stage.until(lostMs, "the feed", isMoving);
    if (!cameThrough) lost = sent - gauge.messages();
  }
  gauge.onMessage(() => {});
  talker.leave();
}

interface Counting {
  readonly client: Client;
  readonly bytes: () => number;
  readonly messages: () => number;
  /** When the last message before a moment arrived. */
  readonly lastBefore: (moment: number) => number;
  /** Calls `then` for each message. */
  onMessage(then: () => void): void;
}

async function countingClient(stage: Stage, name: string): Promise<Counting> {
  const client = await stage.client({ clientId: stage.id(name) });
  const came: number[] = [];
  let then = (): void => {};
  const bytes = counted(client, (at) => {
    came.push(at);
    then();
  });
  return {
    client,
    bytes,
    messages: () => came.length,
    lastBefore: (moment) => came.findLast((at) => at < moment - earlyMs) ?? -Infinity,
    onMessage: (act) => void (then = act),
  };
}

/** Counts the payload bytes that a client receives, and discards the messages. */
function counted(client: Client, onEach: (at: number) => void = () => {}): () => number {
  let bytes = 0;
  client.onArrival = ({ at, packet }) => {
    bytes += packet.payload.length;
    onEach(at);
    client.forgetArrivals();
  };
  return () => bytes;
}
