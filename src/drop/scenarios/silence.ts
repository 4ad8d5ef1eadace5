import type { Client } from "../../client/client.ts";
import { duration } from "../../log/duration.ts";
import { connectByHand, sentByHand, watchByHand } from "./by-hand.ts";
import type { Observation, Scenario } from "../scenario.ts";
import { NotOffered } from "../no-verdict.ts";
import { tellingMs } from "../patience.ts";
import type { Stage, WillPlan } from "../stage.ts";

const deadline = { v4: "v4-3.1.2-24", v5: "v5-3.1.2-22" } as const;

const early =
  "The broker ends clients that still have time: on a slow network, live devices are reported dead. Choose a longer keepalive for this broker.";

/** The client sends no complete packet any more, and its socket stays open: only the keepalive deadline finds it. */
export const silenceScenarios: readonly Scenario[] = [
  {
    id: "half-open",
    title: "silence, the socket stays open",
    grade: "must",
    quick: true,
    needs: [],
    serial: false,
    rule: deadline,
    does: "Connects with a will and a keepalive of K, then sends nothing more. The socket stays open: no FIN, no RST, as when a device loses power. A second client does the same with another keepalive, which tells a deadline that is late by a fixed step from one that is a larger share of K. Where no will comes within --wait, it waits on to 60 s, to tell late from never (--no-wait leaves that out).",
    passes: "the will comes at 1.5 K",
    wrong:
      "Brokers without a deadline of their own rely on TCP, which reports the end after hours or never. Others check only every few seconds.",
    byHand: [
      watchByHand,
      "mqttd sub -i dev -k 5 -t x --will-topic status --will-payload gone & sleep 1; kill -STOP $!",
    ],
    means: {
      never:
        "The broker has no keepalive deadline: a device that loses power stays online for hours (rumqttd issue 783). No setting of the client helps; use a broker that enforces the keepalive.",
      late: "The deadline fires late: a device that loses power is reported late. The report says whether by a fixed step or by a share of K.",
      early,
    },
    play: halfOpen,
  },
  {
    id: "listening",
    title: "silence, but it receives traffic",
    grade: "must",
    quick: true,
    needs: [],
    serial: false,
    rule: deadline,
    does: "Subscribes (QoS 0) to a topic on which another client publishes five times a second, then sends nothing more. The broker keeps sending to it and receives nothing from it.",
    passes: "the will comes at 1.5 K after the SUBSCRIBE",
    wrong:
      "Packets that the broker sends restart its timer, so the deadline never expires while there is traffic.",
    byHand: [
      watchByHand,
      "(for i in $(seq 100); do mqttd pub -t busy -m x; sleep 0.2; done) &",
      "mqttd sub -i dev -k 5 -t busy --will-topic status --will-payload gone >/dev/null & sleep 1; kill -STOP $!",
    ],
    means: {
      never:
        "Packets that the broker sends restart its timer. A device that only listens (a display, a switch, a lamp) is not found when it dies, as long as its topics are busy.",
      late: "Traffic to the client delays its deadline. If `half-open` is as late as this one, the cause is a coarse timer instead.",
      early,
    },
    play: listening,
  },
  {
    id: "drip",
    title: "a PUBLISH byte by byte, never whole",
    grade: "must",
    quick: false,
    needs: [],
    serial: false,
    rule: deadline,
    does: "Sends a PUBLISH one byte every 1.25 s, so that it is not complete at the deadline: in one arm a short one from its first byte on, in the other one of 4 KiB whose header is sent at once.",
    passes: "the will comes at 1.5 K after the CONNECT, the last packet that was complete",
    wrong:
      "Any byte restarts the timer, not only a complete control packet. Some brokers do so only while a large packet is incomplete.",
    byHand: [
      watchByHand,
      connectByHand,
      sentByHand(String.raw`printf '\060\240\037\000\001x'; while sleep 1; do printf a; done`),
    ],
    means: {
      never:
        "A link so bad that no packet completes counts as alive: a device at the edge of its radio range stays online for ever, and none of its messages arrive. If only the arm with 4 KiB fails, this holds for large messages (pictures, logs) and not for small ones.",
      late: "Bytes of an incomplete packet delay the deadline. If `half-open` is as late as this one, the cause is a coarse timer instead.",
      early,
    },
    play: drip,
  },
  {
    id: "mid-packet",
    title: "half a PUBLISH, then silence",
    grade: "must",
    quick: true,
    needs: [],
    serial: false,
    rule: deadline,
    does: "Sends the first half of a PUBLISH, then nothing more. The socket stays open, as when the power fails in the middle of a message.",
    passes: "the will comes at 1.5 K after the CONNECT, the last packet that was complete",
    wrong: "The broker checks no deadline while it waits for the rest of a packet.",
    byHand: [
      watchByHand,
      connectByHand,
      sentByHand(String.raw`printf '\060\144\000\001xhalf'; sleep 60`),
    ],
    means: {
      never:
        "A device that dies in the middle of a message stays online: the broker waits for the rest without a deadline. Large messages and bad links make it more likely.",
      late: "A client that dies in the middle of a message is found late. If `half-open` is as late as this one, the cause is a coarse timer.",
      early,
    },
    play: async (stage) => {
      const victim = await stage.victim();
      const bytes = publishOf(stage, victim, 200);
      const half = bytes.length >> 1;
      victim.sendBytes(bytes.subarray(0, half));
      const observation = await expectDeadline(stage, victim);
      // Complete after all, so that the goodbye behind it is one, and no will comes of it.
      victim.sendBytes(bytes.subarray(half));
      return [observation];
    },
  },
];

/** How often the silent subscriber gets a message. */
const trafficMs = 200;
/** Longer than the usual tolerance: a broker whose deadline one byte puts off is late, and not at times. */
const dripMs = 1250;
/** Bytes; some brokers are more patient with the rest of a packet above 1000. */
const largePayload = 4096;

/** Who falls silent: a client here, or one in a process of its own, which cannot be told. */
type Silent = Pick<Client, "keepAliveSeconds" | "lastSentAt"> & Partial<Pick<Client, "silence">>;

/** 1.5 K in milliseconds, of the keepalive in force. Throws NotOffered where that is none. */
export function allowedMs(victim: Silent): number {
  if (victim.keepAliveSeconds === 0)
    throw new NotOffered("the keepalive in force is 0: no deadline");
  return victim.keepAliveSeconds * 1500;
}

/**
 * The client is silent from now on; its will is due 1.5 K after its last complete packet. Where it
 * does not come within the usual wait, it is waited for on until never is told from late.
 */
export async function expectDeadline(
  stage: Stage,
  victim: Silent,
  arm = "",
  plan: Partial<WillPlan> = {},
): Promise<Observation> {
  victim.silence?.();
  const since = stage.dropped(victim.lastSentAt);
  const due = since + allowedMs(victim);
  let seen = await stage.expectWill(since, due, arm, plan);
  if (seen.got.length === 0 && seen.inconclusive === null) {
    await waitOn(stage, since, due, () => stage.wills(since, plan).length > 0);
    seen = await stage.expectWill(since, due, arm, plan);
  }
  return {
    ...undecided(stage, seen, since),
    keepAliveSeconds: victim.keepAliveSeconds,
    early: afterK(since, victim),
  };
}

/** Waits on for what did not come within the usual wait, as long as never is not told from late. */
export async function waitOn(
  stage: Stage,
  since: number,
  due: number,
  isThere: () => boolean,
): Promise<void> {
  const { patience } = stage.options;
  const until = (): number => patience.until(since, due - since);
  if (stage.now >= until()) return;
  patience.goesOn(stage.now - since, until() - since);
  const watcher = await stage.watcher();
  const isOver = (): boolean => watcher.isOver || isThere() || stage.now >= until();
  await stage.until(until() - stage.now, "the will, late or never", isOver, due);
}

/** The same, with what it means if no will came in a time that does not tell never from late. */
export function undecided(stage: Stage, seen: Observation, since: number): Observation {
  const watchedMs = seen.until - since;
  const isShort = seen.got.length === 0 && seen.broken === null && watchedMs < tellingMs;
  const isUndecided = isShort && !stage.options.patience.isTold;
  return isUndecided ? { ...seen, means: undecidedMeans(watchedMs) } : seen;
}

function undecidedMeans(watchedMs: number): string {
  return `Nothing ended the silent client within ${duration(watchedMs)}. Whether the broker has no deadline or a late one is not known: \`--wait 60\`, or \`half-open\` without \`--no-wait\`, tells.`;
}

/**
 * Below K a silent client has kept its promise (v4-3.1.2-23, v5-3.1.2-20); from then on no statement
 * forbids the broker to end it sooner than it must.
 */
export function afterK(
  since: number,
  { keepAliveSeconds }: Silent,
): NonNullable<Observation["early"]> {
  return {
    findingFrom: since + keepAliveSeconds * 1000,
    note: "after K, but before 1.5 K",
    means:
      "The broker ends silent clients after K but before 1.5 K, which no statement forbids. Clients whose PINGREQ is late on a slow network lose their connection sooner than with other brokers: choose a keepalive that is a third longer.",
  };
}

/** With the keepalive that was asked for, and with another. */
async function halfOpen(stage: Stage): Promise<readonly Observation[]> {
  const plan = {
    payload: stage.willPayload("another keepalive"),
  };
  const asked = stage.options.keepAliveSeconds;
  const keepalive = asked >= 4 ? Math.round(asked / 2) : asked + 1;
  const victim = await stage.victim();
  const first = expectDeadline(stage, victim);
  // The user's own id is one for both.
  if (stage.options.clientId !== null) return [await first];
  // Whatever becomes of the other one, somebody waits for this.
  first.catch(() => {});
  const clientId = stage.id("other-k");
  const other = await stage.victim({ clientId, keepalive, will: stage.willOptions(plan) });
  // A broker that sets the keepalive itself sets one for all.
  if (other.keepAliveSeconds === victim.keepAliveSeconds) {
    other.leave();
    return [await first];
  }
  const arm = `keepalive ${other.keepAliveSeconds} s`;
  return Promise.all([first, expectDeadline(stage, other, arm, plan)]);
}

async function listening(stage: Stage): Promise<readonly Observation[]> {
  const topic = stage.topic("traffic");
  const talker = await stage.client({ clientId: stage.id("talker") });
  const victim = await stage.victim();
  // Of hours of traffic only the last message tells anything.
  let heardAt = -Infinity;
  victim.onArrival = ({ at }) => {
    heardAt = at;
    victim.forgetArrivals();
  };
  const talk = setInterval(() => void talker.publish(topic, "traffic"), trafficMs);
  try {
    await stage.subscribe(victim, topic, 0);
    const observation = await expectDeadline(stage, victim);
    if (heardAt > victim.lastSentAt) return [observation];
    const inconclusive = `nothing that was published on ${topic} reached the silent client`;
    return [{ ...observation, inconclusive }];
  } finally {
    clearInterval(talk);
  }
}

async function drip(stage: Stage): Promise<readonly Observation[]> {
  const first = await stage.victim();
  const largePlan = { payload: stage.willPayload("4 KiB") };
  const watchedMs = allowedMs(first) + stage.options.waitMs;
  // One byte of payload for each that is sent, and some more: it must never be complete.
  const short = publishOf(stage, first, Math.ceil(watchedMs / dripMs) + 10);
  const shortArm = await dripArm(stage, first, short, 1, "a short packet");
  // Who takes any byte for a sign of life does so with a large packet too.
  if (shortArm.got.length === 0) return [shortArm];
  const large = publishOf(stage, first, Math.max(largePayload, short.length));
  const max = first.connack?.properties?.maximumPacketSize ?? Infinity;
  if (large.length > max) return [shortArm];
  const second = await stage.victim({ will: stage.willOptions(largePlan) });
  // Its Remaining Length takes two bytes instead of one; then the first byte of the payload.
  const head = publishOf(stage, first, 0).length + 2;
  const largeArm = await dripArm(stage, second, large, head, "a packet of 4 KiB", largePlan);
  return [shortArm, { ...largeArm, grade: "should" }];
}

/** Sends `head` bytes at once, and one every 1.25 s from then on. */
async function dripArm(
  stage: Stage,
  victim: Client,
  bytes: Uint8Array,
  head: number,
  arm: string,
  plan: Partial<WillPlan> = {},
): Promise<Observation> {
  let sent = head;
  victim.sendBytes(bytes.subarray(0, sent));
  const drops = setInterval(() => victim.sendBytes(bytes.subarray(sent, ++sent)), dripMs);
  try {
    return await expectDeadline(stage, victim, arm, plan);
  } finally {
    clearInterval(drops);
    // Complete after all, so that the goodbye behind it is one, and no will comes of it.
    victim.sendBytes(bytes.subarray(sent));
  }
}

/** A PUBLISH of which a client is going to send a part. */
function publishOf(stage: Stage, victim: Client, payloadSize: number): Uint8Array {
  const payload = Buffer.alloc(payloadSize, "a");
  const topic = stage.topic("unfinished");
  return victim.encode({ cmd: "publish", topic, payload, qos: 0, retain: false, dup: false });
}
