import type { Client } from "../../client/client.ts";
import { size } from "../../log/size.ts";
import { NotOffered } from "../no-verdict.ts";
import type { Observation, Scenario } from "../scenario.ts";
import { kept, needsSession } from "./session.ts";
import { secondCopyMs, type Stage } from "../stage.ts";

/** More than the 1000 messages for which many brokers have room by default. */
const feedMessages = 1200;
/** Unacknowledged PUBLISHes of the feed at any time. */
const window = 20;
/** Without a PUBACK for this long, the broker is holding the publisher back. */
const heldMs = 1000;
/** If nothing arrives for this long, the queue is empty. */
const quietMs = 3000;
/** How long a message may take to a subscriber that accepts it. */
const deliveryMs = 5000;
/** Bytes: the Maximum Packet Size of the small subscriber, and the payload that is too large for it. */
const smallPacket = 512;
const largePayload = 4096;

/** Wills that reach the limit of one subscriber: its queue, or its packet size. */
export const subscriberScenarios: readonly Scenario[] = [
  {
    id: "full-queue",
    title: "QoS 1 will behind a full queue",
    grade: "ours",
    quick: false,
    needs: [],
    serial: true,
    rule: { v4: "v4 section 4.5", v5: "v5 section 4.5, v5 section 4.9" },
    does: `A subscriber (QoS 1) stops reading for a moment. Another client publishes up to ${feedMessages} QoS 1 messages for it, and pauses while the broker does not acknowledge them. Then a client with a QoS 1 will on a subscribed topic resets its TCP connection, and the subscriber reads again.`,
    passes: "the will reaches the slow subscriber and a quick one",
    wrong:
      "The queue of a slow subscriber holds a fixed number of messages; the broker does not slow publishers down, and drops the newest messages.",
    byHand: [
      "mqttd sub -q 1 -t status -t busy -v | grep gone & sleep 1; kill -STOP $(pgrep -n mqttd)",
      "seq 1200 | mqttd pub -q 1 -t busy -l",
      "mqttd sub -i dev -t x --will-topic status --will-payload gone --will-qos 1 & sleep 1; kill -KILL $!",
      "kill -CONT $(pgrep -n mqttd)",
    ],
    means: {
      never:
        "A monitor that is slow for a moment misses deaths, in spite of QoS 1: the broker drops them when its queue is full. Give wills a monitor of their own that subscribes to nothing else, raise the broker's limit of queued messages, or retain the wills.",
      broken:
        "The broker disconnects a monitor that is slow for a moment, and its queued messages are lost. Let it subscribe with a persistent session.",
      twice: "A monitor that is slow for a moment gets some wills twice.",
    },
    play: fullQueue,
  },
  {
    id: "too-large",
    title: "will too large for one subscriber",
    grade: "must",
    quick: false,
    needs: ["v5"],
    serial: false,
    rule: { v4: "v5-3.1.2-24, v5-3.1.2-25", v5: "v5-3.1.2-24, v5-3.1.2-25" },
    does: `Dies with a will of ${size(largePayload)}. One subscriber accepts packets of at most ${size(smallPacket)} (Maximum Packet Size), another accepts any size. Afterwards another client publishes a short message on the same topic.`,
    passes:
      "the limited subscriber gets no will, stays connected and gets the short message; the other one gets the will at once",
    wrong:
      "The broker sends the will in spite of the limit, closes the connection, or stops delivering to it; or no subscriber gets the will.",
    byHand: [
      "mqttd sub -V 5 -t status -D connect maximum-packet-size 512 -v & mqttd sub -t status -F '%l bytes' &",
      "mqttd sub -V 5 -i dev -t x --will-topic status --will-payload \"$(head -c 4096 /dev/zero | tr '\\0' x)\" & sleep 1; kill -KILL $!",
      "mqttd pub -t status -m short",
    ],
    means: {
      never:
        "One subscriber with a small packet limit prevents the delivery of the will to all others. Keep wills short.",
      broken:
        "A small device that subscribes to wills receives packets above its limit, or loses its connection or its messages because of one large will. Keep wills short.",
      late: "A will that is too large for one subscriber reaches the others late.",
    },
    play: tooLarge,
  },
];

async function fullQueue(stage: Stage): Promise<readonly Observation[]> {
  const { topic, payload } = stage.will;
  const busy = stage.topic("feed");
  const slow = await stage.client({ ...kept(stage), clientId: stage.id("slow"), keepalive: 600 });
  needsSession(slow);
  const granted = await stage.subscribe(slow, topic, 1);
  if (granted !== 1) throw new NotOffered("the broker does not grant QoS 1");
  await stage.subscribe(slow, busy, 1);
  const wills: number[] = [];
  let fed = 0;
  slow.onArrival = ({ at, packet }) => {
    if (payload.equals(Buffer.from(packet.payload))) wills.push(at);
    else fed += 1;
    slow.forgetArrivals();
  };
  slow.stopReading();
  const acknowledged = await feed(stage, busy);
  const plan = { qos: 1, retain: false, delay: 0 } as const;
  const victim = await stage.victim({ will: stage.willOptions(plan), keepalive: 300 });
  const since = stage.dropped();
  victim.reset();
  const live = await stage.expectWill(since, since, "a quick subscriber", plan);
  const at = stage.now;
  slow.readAgain();
  const isIn = (): boolean => wills.length > 0 || slow.isOver;
  // While the queue still drains, the will can still come.
  for (let before = -1; before < fed && !isIn();) {
    before = fed;
    await stage.until(quietMs, "the queue", isIn);
  }
  if (wills.length > 0) await stage.until(secondCopyMs, "a second copy", () => wills.length > 1);
  const isClosed = slow.isOver && wills.length === 0;
  slow.leave();
  return [
    { ...live, grade: "must", rule: stage.isV5 ? "v5-3.1.2-8" : "v4-3.1.2-8" },
    {
      ...stage.observation(at, at, "the slow subscriber", plan),
      before: [],
      got: wills,
      lateAfter: Infinity,
      altered: null,
      broken: isClosed ? "the broker closed the connection of the slow subscriber" : null,
      note: `${fed} of ${acknowledged()} other messages came`,
    },
  ];
}

/**
 * Publishes until all is sent, or the broker stops acknowledging. Returns a count of acknowledged messages,
 * which grows as the subscriber reads, since the publisher stays connected.
 */
async function feed(stage: Stage, topic: string): Promise<() => number> {
  const talker = await stage.client({ clientId: stage.id("talker") });
  const most = Math.min(window, talker.connack?.properties?.receiveMaximum ?? window);
  let acknowledged = 0;
  for (let sent = 0; sent < feedMessages; sent++) {
    const publishing = talker.publish(topic, `chatter ${sent}`, { qos: 1 });
    // Counts only accepted messages, not ones held back or lost with the connection.
    publishing.then(
      (reason) => (acknowledged += reason < 0x80 ? 1 : 0),
      () => {},
    );
    const hasRoom = (): boolean => sent + 1 - acknowledged < most || talker.isOver;
    if (hasRoom()) continue;
    const cameThrough = await stage.until(heldMs, "the feed", hasRoom);
    if (!cameThrough || talker.isOver) break;
  }
  return () => acknowledged;
}

async function tooLarge(stage: Stage): Promise<readonly Observation[]> {
  const { topic } = stage.will;
  const small = await stage.client({
    clientId: stage.id("small"),
    keepalive: 300,
    properties: { maximumPacketSize: smallPacket },
  });
  await stage.subscribe(small, topic, 1);
  const filling = Buffer.alloc(Math.max(0, largePayload - stage.will.payload.length), "x");
  const plan = { payload: Buffer.concat([stage.will.payload, filling]), retain: false, delay: 0 };
  const victim = await stage.victim({ will: stage.willOptions(plan) });
  const since = stage.dropped();
  victim.reset();
  const live = await stage.expectWill(since, since, "", plan);
  const short = `short ${crypto.randomUUID()}`;
  const talker = await stage.client({ clientId: stage.id("talker") });
  await talker.publish(topic, short, { qos: 1 });
  talker.leave();
  const has = (text: string | Buffer): boolean => arrived(small, Buffer.from(text));
  await stage.until(deliveryMs, "a short message", () => has(short) || small.isOver);
  const broken = smallProblem(small.isOver, has(plan.payload), has(short));
  small.leave();
  return [{ ...live, broken }];
}

function smallProblem(isOver: boolean, hasWill: boolean, hasShort: boolean): string | null {
  const limit = `the subscriber that accepts at most ${smallPacket} bytes`;
  if (hasWill) return `${limit} received the will (v5-3.1.2-24)`;
  if (isOver) return `the broker closed the connection of ${limit} (v5-3.1.2-25)`;
  return hasShort ? null : `${limit} gets no more messages (v5-3.1.2-25)`;
}

function arrived(client: Client, payload: Buffer): boolean {
  return client.arrivals.some(({ packet }) => payload.equals(Buffer.from(packet.payload)));
}
