import { NoAnswer, InvalidAnswer } from "../../client/client-error.ts";
import type { Client } from "../../client/client.ts";
import { DialError } from "../../client/dial-error.ts";
import { assert } from "../../core/assert.ts";
import { sentByHand } from "./by-hand.ts";
import { rawConnect } from "./raw-connect.ts";
import type { Observation, Scenario } from "../scenario.ts";
import { NotOffered } from "../no-verdict.ts";
import { refusalOf } from "../refused.ts";
import type { Stage } from "../stage.ts";

/** How long a will that should not exist is watched for. */
const strayMs = 1000;
/** How long an ordinary PUBLISH may take to reach who may hear it. */
const deliveryMs = 1000;
/** How long a broker may take to send away whom it had let in. */
const secondThoughtMs = 500;

/** Wills that no broker may accept. */
export const invalidScenarios: readonly Scenario[] = [
  {
    id: "invalid-will",
    title: "a will that is not valid",
    grade: "must",
    quick: false,
    needs: [],
    serial: true,
    last: true,
    rule: { v4: "v4-3.1.4-1", v5: "v5-3.1.4-1" },
    does: "Sends six CONNECTs with invalid wills, one after the other: the topic has a # or a +, is empty, or has U+0000; Will QoS is 3; Will QoS is set without the Will Flag. A client that is accepted is reset at once, to see what is published. After each one another client connects, to see that the broker still answers.",
    passes:
      "each CONNECT is refused or its connection closed, nothing is published, and the broker still answers",
    wrong:
      "The broker stores the will unchecked and reads it only when the client dies: then it matches no subscription, reaches subscribers on a topic that no PUBLISH could have, or crashes the broker.",
    byHand: [
      "hi='\\020\\032\\000\\004MQTT\\004\\006\\000\\074\\000\\003dev\\000\\003a/#\\000\\004gone'",
      `${sentByHand("sleep 1")} | od -An -tx1`,
    ],
    means: {
      broken:
        "An invalid will is accepted: a device with a mistake in its will works until it dies; then its will is lost, or breaks the clients that receive it. Check the wills of your clients yourself.",
      down: "One CONNECT with an invalid will takes the broker down for every client. Allow only clients that you trust, and report it to the broker's authors.",
    },
    play: invalidWills,
  },
];

/** A will that the access list denies. */
export const deniedScenarios: readonly Scenario[] = [
  {
    id: "acl",
    title: "the will's topic is denied",
    grade: "ours",
    quick: false,
    needs: ["--denied-topic"],
    serial: false,
    rule: { v4: "v4 section 3.1.4", v5: "v5-3.1.4-2" },
    does: "Publishes on --denied-topic, to see that it is denied, then connects with a will there, and resets the connection if the broker accepts it.",
    passes: "CONNECT is refused, or the broker closes the connection",
    wrong:
      "The broker checks its access list only when the client has died and can't be told any more.",
    byHandNote: "It is wrong where this ends with 0 and without a message.",
    byHand: ["mqttd sub -i dev -t x --will-topic DENIED --will-payload gone; echo $?"],
    means: {
      broken:
        "The will is accepted, then silently dropped: an error in the access list shows only when a device dies and no will comes. Check with an ordinary PUBLISH that each client may publish on its will's topic.",
      spurious:
        "The access list applies to PUBLISH only: any client that may connect can publish anywhere by a will.",
    },
    play: denied,
  },
];

/** One way to be invalid, and the statements that say so. */
interface Arm {
  readonly name: string;
  readonly rule: Readonly<Record<"v4" | "v5", string>>;
  readonly willBits: number;
  /** Below a topic of the arm's own; null: there is no will. */
  readonly topicOf: ((root: string) => string) | null;
}

const willFlag = 0x04;
const willQos1 = 0x08;
const willQos3 = 0x18;

const arms: readonly Arm[] = [
  {
    name: "wildcard #",
    rule: { v4: "v4-4.7.1-1", v5: "v5-4.7.0-1" },
    willBits: willFlag,
    topicOf: (root) => `${root}/#`,
  },
  {
    name: "wildcard +",
    rule: { v4: "v4-4.7.1-1", v5: "v5-4.7.0-1" },
    willBits: willFlag,
    topicOf: (root) => `${root}/+/x`,
  },
  {
    name: "empty topic",
    rule: { v4: "v4-4.7.3-1", v5: "v5-4.7.3-1" },
    willBits: willFlag,
    topicOf: () => "",
  },
  {
    name: "U+0000 in the topic",
    rule: { v4: "v4-1.5.3-2", v5: "v5-1.5.4-2" },
    willBits: willFlag,
    topicOf: (root) => `${root}/a\0b`,
  },
  {
    name: "Will QoS 3",
    rule: { v4: "v4-3.1.2-14", v5: "v5-3.1.2-12" },
    willBits: willFlag | willQos3,
    topicOf: (root) => `${root}/qos`,
  },
  {
    name: "Will QoS without Will Flag",
    rule: { v4: "v4-3.1.2-13", v5: "v5-3.1.2-11" },
    willBits: willQos1,
    topicOf: null,
  },
];

async function invalidWills(stage: Stage): Promise<readonly Observation[]> {
  if (stage.options.version === 3) throw new NotOffered("MQTT 3.1 does not say so for wills");
  // A second watcher: should it be sent something malformed, the first one still hears.
  const watcher = await stage.client({ clientId: stage.id("below"), keepalive: 30 });
  stage.excuse(watcher);
  await stage.subscribe(watcher, `${stage.topic("invalid")}/#`, 2);
  const since = stage.dropped();
  const answers: Answer[] = [];
  let down: string | null = null;
  for (const [index, arm] of arms.entries()) {
    answers.push(await answerTo(stage, arm, index));
    down = await whyDown(stage, [watcher, await stage.watcher()]);
    if (down !== null) break;
  }
  if (down === null) await stage.pause(strayMs, "no will");
  return answers.map((answer, index) => {
    const arm = arms[index];
    assert(arm !== undefined, "there is an answer to each arm");
    const isLast = index === answers.length - 1;
    const broken = brokenText(stage, watcher, arm, index, answer);
    return {
      ...stage.observation(since, null, arm.name),
      rule: arm.rule[stage.isV5 ? "v5" : "v4"],
      broken,
      // With the broker its connections are gone too: that is no doubt.
      ...(down !== null && { inconclusive: null }),
      ...(isLast && down !== null && { down: `after this CONNECT ${down}` }),
    };
  });
}

/** What became of a CONNECT; `neither`: no CONNACK, and its connection stays open. */
type Answer = "accepted" | "refused" | "neither";

/** A client that is accepted dies at once. */
async function answerTo(stage: Stage, arm: Arm, index: number): Promise<Answer> {
  const { username, password } = stage.options.target;
  const topic = arm.topicOf?.(armTopic(stage, index));
  const payload = Buffer.from(`invalid will: ${arm.name}`);
  const client = await stage.dial();
  try {
    await client.connectWith(
      rawConnect({
        version: stage.options.version,
        clientId: stage.id(`invalid-${index}`),
        username,
        password,
        willBits: arm.willBits,
        will: topic === undefined ? null : { topic: Buffer.from(topic), payload },
      }),
    );
    client.reset();
    return "accepted";
  } catch (error) {
    if (refusalOf(error) !== null) return "refused";
    if (error instanceof NoAnswer && !(error instanceof InvalidAnswer)) return "neither";
    throw error;
  }
}

/** How the broker died or stopped answering, in a clause; null: it is there. `others`: connections that should live. */
async function whyDown(stage: Stage, others: readonly Client[]): Promise<string | null> {
  try {
    const client = await stage.client({ clientId: stage.id("after") });
    client.leave();
  } catch (error) {
    if (error instanceof DialError) return `the broker is gone: ${error.message}`;
    if (error instanceof NoAnswer) return `the broker does not answer any more: ${error.message}`;
    throw error;
  }
  // One may have been sent something malformed; a broker that restarts closes them all.
  const isRestarted = others.every(({ isOver, invalidDetail }) => isOver && invalidDetail === null);
  return isRestarted ? "the broker closed the connections of all other clients" : null;
}

function armTopic(stage: Stage, index: number): string {
  return `${stage.topic("invalid")}/${index}`;
}

function brokenText(
  stage: Stage,
  watcher: Client,
  arm: Arm,
  index: number,
  answer: Answer,
): string | null {
  const below = `${armTopic(stage, index)}/`;
  const isPublished = watcher.arrivals.some(({ packet }) => packet.topic.startsWith(below));
  const rule = arm.rule[stage.isV5 ? "v5" : "v4"];
  if (answer === "refused" && !isPublished) return null;
  const what = {
    accepted: `CONNECT is accepted (${rule})`,
    refused: "CONNECT is refused",
    neither: `CONNECT gets neither a CONNACK nor an end of its connection (${rule})`,
  }[answer];
  return isPublished ? `${what}, and the will was published` : what;
}

async function denied(stage: Stage): Promise<readonly Observation[]> {
  const topic = stage.options.deniedTopic ?? "";
  const watcher = await stage.client({ clientId: stage.id("denied"), keepalive: 30 });
  await watcher.subscribe(topic, { qos: 2 });
  const since = stage.dropped();
  if (!(await isDenied(stage, watcher, topic))) {
    const inconclusive = `${topic} is not denied: an ordinary PUBLISH there is delivered`;
    return [{ ...stage.observation(since, null), inconclusive }];
  }
  const payload = Buffer.from(`denied will ${crypto.randomUUID()}`);
  const broken = (await isToldOfDenial(stage, topic, payload))
    ? null
    : `CONNECT with a will on ${topic} is accepted, and no error is reported`;
  const came = () => watcher.arrivals.filter((arrival) => arrival.packet.topic === topic);
  const wills = () => came().filter(({ packet }) => payload.equals(Buffer.from(packet.payload)));
  await stage.until(strayMs, "no will", () => wills().length > 0);
  const got = wills().map(({ at }) => at);
  return [{ ...stage.observation(since, null), got, broken: got.length > 0 ? null : broken }];
}

/** Whether an ordinary PUBLISH is not delivered there. Who may not subscribe either hears nothing. */
async function isDenied(stage: Stage, watcher: Client, topic: string): Promise<boolean> {
  const payload = `control ${crypto.randomUUID()}`;
  const client = await stage.client();
  try {
    await client.publish(topic, payload, { qos: 1 });
  } catch (error) {
    // Closing the connection is a way to say no (v4-3.3.5-2).
    if (error instanceof NoAnswer && error.isClosed) return true;
    throw error;
  }
  client.leave();
  return !(await stage.until(deliveryMs, "no delivery", () =>
    watcher.arrivals.some(({ packet }) => packet.payload.toString() === payload),
  ));
}

/** Whether the client learns that its will is denied: by CONNACK, or by an end soon after it. */
async function isToldOfDenial(stage: Stage, topic: string, payload: Buffer): Promise<boolean> {
  try {
    const victim = await stage.victim({
      will: stage.willOptions({ topic, payload, retain: false, delay: 0 }),
    });
    const isSaid = await stage.until(secondThoughtMs, "a refusal", () => victim.isOver);
    victim.reset();
    return isSaid;
  } catch (error) {
    if (refusalOf(error) !== null) return true;
    throw error;
  }
}
