import type { Client } from "../../client/client.ts";
import { size } from "../../log/size.ts";
import { NotOffered } from "../no-verdict.ts";
import type { Observation, Scenario } from "../scenario.ts";
import { kept, needsSession } from "./session.ts";
import { secondCopyMs, type Stage } from "../stage.ts";

/** More than the 1000 messages for which many brokers have room by default. */
const feedMessages = 1200;
/** PUBLISHes of the feed that are not acknowledged yet. */
const window = 20;
/** The broker lets the publisher wait, so that nothing has to be dropped. */
const heldMs = 1000;
/** When nothing has come for so long, the queue is empty. */
const quietMs = 3000;
/** How long a message may take to a subscriber that can take it. */
const deliveryMs = 5000;
/** Bytes: the Maximum Packet Size of the small subscriber, and the payload that is too large for it. */
const smallPacket = 512;
const largePayload = 4096;

/** What the subscriber of a will can't take. */
export const subscriberScenarios: readonly Scenario[] = [
  {
    id: "full-queue",
    title: "QoS 1 will behind a full queue",
    grade: "ours",
    quick: false,
    needs: [],
    serial: true,
    rule: { v4: "v4 section 4.5", v5: "v5 section 4.5, v5 section 4.9" },
    does: `A subscriber (QoS 1) stops reading for a moment. Another client publishes up to ${feedMessages} QoS 1 messages for it, and pauses when the broker does not acknowledge them. Then a client whose QoS 1 will the subscriber wants too resets its TCP connection, and the subscriber reads again.`,
    passes: "the will comes to the subscriber that was slow, and to one that was not",
    wrong:
      "The queue of a slow subscriber has room for a fixed number of messages, publishers are not slowed down, and what is newest is dropped.",
    byHand: [
      "mosquitto_sub -q 1 -t status -t busy -v | grep gone & sleep 1; kill -STOP $(pgrep -n mosquitto_sub)",
      "seq 1200 | mosquitto_pub -q 1 -t busy -l",
      "mosquitto_sub -i dev -t x --will-topic status --will-payload gone --will-qos 1 & sleep 1; kill -KILL $!",
      "kill -CONT $(pgrep -n mosquitto_sub)",
    ],
    means: {
      never:
        "A monitor that is slow for a moment misses deaths, in spite of QoS 1: the broker drops them when its queue is full. Give wills a monitor of their own that subscribes to nothing else, raise the broker's limit of queued messages, or retain the wills.",
      broken:
        "A monitor that is slow for a moment is thrown out, and what waited for it is lost. Let it subscribe with a session that persists.",
      twice: "A monitor that is slow for a moment gets deaths twice.",
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
    does: `Dies with a will of ${size(largePayload)}. One subscriber takes packets of ${size(smallPacket)} at most (Maximum Packet Size), another one any. Afterwards a short message is published on the same topic.`,
    passes:
      "the small subscriber does not get the will, stays connected and gets the short message; the other one gets the will at once",
    wrong:
      "The broker sends what the client can't take, closes its connection, or stops delivering to it; or nobody gets the will.",
    byHand: [
      "mosquitto_sub -V 5 -t status -D connect maximum-packet-size 512 -v & mosquitto_sub -t status -F '%l bytes' &",
      "mosquitto_sub -V 5 -i dev -t x --will-topic status --will-payload \"$(head -c 4096 /dev/zero | tr '\\0' x)\" & sleep 1; kill -KILL $!",
      "mosquitto_pub -t status -m short",
    ],
    means: {
      never:
        "One subscriber with a small packet limit keeps the will from everybody: deaths go unreported. Keep wills short.",
      broken:
        "A small device that subscribes to wills is sent more than it can take, or loses its connection or its messages over one large will. Keep wills short.",
      late: "A will that is too large for one subscriber comes late to the others.",
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
  // While the queue gets shorter, the will can still come.
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
 * Publishes until it is enough, or the broker acknowledges nothing more. Returns how many it has by then. The
 * publisher stays: what is still to be acknowledged is, as the subscriber takes it.
 */
async function feed(stage: Stage, topic: string): Promise<() => number> {
  const talker = await stage.client({ clientId: stage.id("talker") });
  const most = Math.min(window, talker.connack?.properties?.receiveMaximum ?? window);
  let acknowledged = 0;
  for (let sent = 0; sent < feedMessages; sent++) {
    const publishing = talker.publish(topic, `chatter ${sent}`, { qos: 1 });
    // One that is held back, or lost with its connection, is none that was accepted.
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
  const limit = `the subscriber that takes ${smallPacket} bytes at most`;
  if (hasWill) return `${limit} was sent the will (v5-3.1.2-24)`;
  if (isOver) return `the broker closed the connection of ${limit} (v5-3.1.2-25)`;
  return hasShort ? null : `${limit} gets no messages any more (v5-3.1.2-25)`;
}

function arrived(client: Client, payload: Buffer): boolean {
  return client.arrivals.some(({ packet }) => payload.equals(Buffer.from(packet.payload)));
}
