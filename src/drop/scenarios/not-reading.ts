import type { Client } from "../../client/client.ts";
import { size } from "../../log/size.ts";
import { watchByHand } from "./by-hand.ts";
import type { Observation, Scenario } from "../scenario.ts";
import { allowedMs, expectDeadline } from "./silence.ts";
import type { Stage } from "../stage.ts";

/** Bytes of the feed that others get and the client does not: more than any pair of socket buffers. */
const surplusBytes = 8 * 1024 * 1024;
const messageBytes = 64 * 1024;
/** Messages of the feed that are under way at once. */
const window = 16;
/** A deadline of the broker's may be this much ahead of ours. */
const earlyMs = 50;
/** When others have got nothing for so long, the broker can't write to the one that does not read. */
const stuckMs = 500;
/** A message that did not arrive within this time was dropped by the broker. */
const lostMs = 200;

/** A subscriber that is silent and reads nothing: what the broker sends to it goes nowhere. */
export const notReadingScenarios: readonly Scenario[] = [
  {
    id: "not-reading",
    title: "stops reading, its topic is busy",
    grade: "must",
    quick: false,
    needs: ["loopback"],
    serial: true,
    rule: { v4: "v4-3.1.2-24", v5: "v5-3.1.2-22" },
    does: `Subscribes (QoS 0) to a busy topic, then neither sends nor reads, as a program does that hangs while its kernel still acknowledges TCP. The topic stays busy until another subscriber has had ${size(surplusBytes)} more than this one took, so that the broker cannot write to it any more.`,
    passes: "the will comes at 1.5 K after the SUBSCRIBE, or sooner",
    wrong:
      "The broker waits for room in the socket and checks no deadline meanwhile, or it checks deadlines only between two writes.",
    byHand: [
      watchByHand,
      "(while :; do head -c 65536 /dev/zero | mosquitto_pub -t busy -s; done) & feed=$!",
      "mosquitto_sub -i dev -k 5 -t busy --will-topic status --will-payload gone >/dev/null & sleep 1; kill -STOP $!",
      "sleep 20; kill $feed",
    ],
    means: {
      never:
        "A subscriber that hangs is never found as long as the broker has data for it: a display or a logger that froze stays online, and the broker keeps its memory. Watch the broker's memory, and let a watchdog restart such programs.",
      late: "The broker finds a subscriber that hangs late, because it waits for room in the socket first. If half-open is as late, the cause is a coarse timer instead.",
      twice: "One subscriber that hangs raises two alarms.",
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
  // Whatever it was sent is thrown away with its socket.
  victim.reset();
  const [first] = seen.got;
  // The broker may end a subscriber that is too slow before its silence is over.
  const observation = { ...seen, notBefore: since };
  if (fed >= surplusBytes || first === undefined || first < due) return [observation];
  // Once the deadline ends the client, what was stuck goes on.
  if (due - stuckMs > gauge.lastBefore(due)) {
    const note = `the broker delivered nothing to others either, after ${size(fed)}`;
    return [{ ...observation, note }];
  }
  const inconclusive = `the broker delivered ${size(fed)} of the feed to another subscriber, and it takes ${size(surplusBytes)} to fill the buffers`;
  return [{ ...observation, inconclusive }];
}

/** Publishes on a topic as fast as `gauge` gets it, until it is enough. */
async function feed(
  stage: Stage,
  topic: string,
  gauge: Counting,
  isEnough: () => boolean,
): Promise<void> {
  const talker = await stage.client({ clientId: stage.id("talker") });
  // Half of it at most, since the topic takes some bytes too.
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
  /** When the last one came before a moment. */
  readonly lastBefore: (moment: number) => number;
  /** What to do at each. */
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

/** Counts the bytes of the payloads that a client gets, and keeps none of them. */
function counted(client: Client, onEach: (at: number) => void = () => {}): () => number {
  let bytes = 0;
  client.onArrival = ({ at, packet }) => {
    bytes += packet.payload.length;
    onEach(at);
    client.forgetArrivals();
  };
  return () => bytes;
}
