import { isUtf8 } from "node:buffer";
import type { IPublishPacket } from "mqtt-packet";
import { assert } from "../../core/assert.ts";
import type { Arrival, Client } from "../../client/client.ts";
import { watchByHand } from "./by-hand.ts";
import type { Observation, Scenario } from "../scenario.ts";
import { isResumed, kept, needsSession } from "./session.ts";
import { refusalOf } from "../refused.ts";
import { NotOffered } from "../no-verdict.ts";
import type { Stage, WillPlan } from "../stage.ts";
import { alterations, willProperties } from "./will-properties.ts";

const propertyRules = "v5-3.1.3-10, v5-3.3.2-4, v5-3.3.2-6, v5-3.3.2-15, v5-3.3.2-16, v5-3.3.2-20";

/** What becomes of the will once it is published: whom it reaches, and as what. */
export const deliveryScenarios: readonly Scenario[] = [
  {
    id: "persistent",
    title: "TCP reset, the session persists",
    grade: "must",
    quick: true,
    needs: [],
    serial: false,
    rule: { v4: "v4-3.1.2-8", v5: "v5-3.1.2-8" },
    does: "Connects with a will and a session that outlives the connection, then resets the TCP connection. The will has no delay.",
    passes: "the will comes at once",
    wrong: "The will waits for the end of the session, which may be days away or never.",
    byHand: [
      watchByHand,
      "mqttd sub -i dev -c -q 1 -t x --will-topic status --will-payload gone & sleep 1; kill -KILL $!",
    ],
    means: {
      never:
        "Wills of clients with persistent sessions are not published while the session lives: their deaths are reported hours late or never. Connect such clients clean (Clean Start 1, session expiry 0), or use another broker.",
      late: "Wills of clients with persistent sessions come late.",
    },
    play: persistent,
  },
  {
    id: "retain",
    title: "retained will, late subscriber",
    grade: "must",
    quick: true,
    needs: [],
    serial: false,
    rule: { v4: "v4-3.1.2-17, v4-3.3.1-8", v5: "v5-3.1.2-15, v5-3.3.1-8" },
    does: "Connects with a will that has Will Retain set, then resets the TCP connection. Once the will is there, a new client subscribes to its topic.",
    passes: "the late subscriber gets the will with the RETAIN flag",
    wrong:
      "The broker sends the will to current subscribers and does not store it, or sends it without the RETAIN flag.",
    byHand: [
      "mqttd sub -i dev -t x --will-topic status --will-payload gone --will-retain & sleep 1; kill -KILL $!",
      "sleep 1; mqttd sub -t status -v -W 2",
      "mqttd pub -t status -r -n",
    ],
    means: {
      never: "Retained wills are not published at all.",
      altered:
        "A dashboard that starts later does not see which devices are offline: it shows the last retained 'online'. Let the dashboard stay subscribed, or ask the devices.",
      late: "The will is late; until then a dashboard shows the device as online.",
    },
    play: retained,
  },
  {
    id: "retain-clear",
    title: "empty retained will",
    grade: "must",
    quick: false,
    needs: [],
    serial: false,
    rule: { v4: "v4-3.1.2-17, v4-3.3.1-10", v5: "v5-3.1.2-15, v5-3.3.1-6" },
    does: "Retains a message on the will's topic, connects with an empty will that has Will Retain set, then resets the TCP connection. A new client subscribes afterwards.",
    passes: "subscribers get the empty message, and nothing is retained any more",
    wrong: "The broker refuses or skips an empty will, or does not clear the retained message.",
    byHand: [
      "mqttd pub -t status -m online -r",
      "mqttd sub -i dev -t x --will-topic status --will-payload '' --will-retain & sleep 1; kill -KILL $!",
      "sleep 1; mqttd sub -t status -v -W 2",
    ],
    means: {
      never:
        "A will that should clear the retained 'online' is not published: a dead device looks alive. Use a will with a text such as 'offline' instead of an empty one.",
      broken:
        "A will that should clear the retained 'online' does not: a dead device looks alive. Use a will with a text such as 'offline' instead of an empty one.",
      late: "The retained message is cleared late.",
    },
    play: retainClear,
  },
  {
    id: "offline-sub",
    title: "QoS 1 will, subscriber offline",
    grade: "must",
    quick: false,
    needs: [],
    serial: false,
    rule: { v4: "v4-3.1.2-5, v4-4.5.0-1", v5: "v5-4.5.0-1" },
    does: "A client with a session that persists subscribes with QoS 1 and leaves. Another one with a QoS 1 will resets its TCP connection. Then the subscriber returns.",
    passes: "the will waits for the subscriber and comes on its return, once",
    wrong:
      "The broker sends wills only to clients that are connected, and queues none for offline sessions.",
    byHand: [
      "mqttd sub -i monitor -c -q 1 -t status -C 1 -W 1",
      "mqttd sub -i dev -t x --will-topic status --will-payload gone --will-qos 1 & sleep 1; kill -KILL $!",
      "sleep 1; mqttd sub -i monitor -c -q 1 -t status -v -W 2",
    ],
    means: {
      never:
        "A monitor misses the deaths that happen while it restarts, despite QoS 1 and a persistent session. Retain the wills, so that it gets them when it subscribes.",
      broken:
        "A monitor misses the deaths that happen while it restarts, because its session is gone when it returns. Check the broker's session limits, or retain the wills.",
    },
    play: offlineSubscriber,
  },
  {
    id: "properties",
    title: "all will properties",
    grade: "must",
    quick: false,
    needs: ["v5"],
    serial: false,
    rule: { v4: propertyRules, v5: propertyRules },
    does: "Connects with a will that has every property: payload format, message expiry, content type, response topic, correlation data, and user properties with a repeated name. Then resets the TCP connection. One subscriber is connected, another returns after some seconds.",
    passes: "the properties come unchanged and in order, the expiry less the time waited",
    wrong:
      "The broker drops will properties, sorts user properties by name, or does not count down the expiry of a queued message.",
    byHand: [
      "mqttd sub -V 5 -t status -F '%p %P %C %R %D' &",
      "mqttd sub -V 5 -i dev -t x --will-topic status --will-payload gone -D will content-type text/plain -D will user-property zone 1 -D will user-property area 2 & sleep 1; kill -KILL $!",
    ],
    means: {
      never: "A will with properties is not published at all: send it without them.",
      altered:
        "Receivers that use these properties (to answer, to decode, to drop what is too old) go wrong. Put what they need into the payload.",
    },
    play: properties,
  },
  {
    id: "last-words",
    title: "PUBLISH and FIN in one flight",
    // That the will comes is a must; the statements on order speak of PUBLISH packets, and a will is none.
    grade: "should",
    quick: true,
    needs: [],
    serial: false,
    rule: { v4: "v4-4.6.0-6, v4-3.1.2-8", v5: "v5-4.6.0-5, v5-3.1.2-8" },
    does: "Twenty clients connect with a will. Each sends a PUBLISH to the will's topic, with the QoS of the will, and closes the TCP connection (FIN) directly behind it, as a program does that reports its error and ends.",
    passes: "the PUBLISH comes, then the will",
    wrong:
      "The broker handles the end of the connection before the bytes that were still unread, and discards them; or it publishes the will on a faster path.",
    byHand: [
      watchByHand,
      "printf '\\020\\035\\000\\004MQTT\\004\\006\\000\\000\\000\\003dev\\000\\006status\\000\\004gone\\060\\022\\000\\006statuslast words' | nc -q 0 localhost 1883",
    ],
    means: {
      never: "The death of a client that closes directly after a PUBLISH is not reported.",
      broken:
        "The last message of a program that ends is lost, or arrives after its will and overwrites 'offline'. Wait for the PUBACK (QoS 1) before closing.",
      late: "The PUBLISH comes in time, but the will behind it is late.",
    },
    play: lastWords,
  },
];

async function persistent(stage: Stage): Promise<readonly Observation[]> {
  const victim = await stage.victim({ ...kept(stage), will: stage.willOptions({ delay: 0 }) });
  needsSession(victim);
  const since = stage.dropped();
  victim.reset();
  return [await stage.expectWill(since, since)];
}

async function retained(stage: Stage): Promise<readonly Observation[]> {
  const since = await reset(stage, { retain: true });
  const seen = await stage.expectWill(since, since);
  if (seen.got.length === 0 || seen.altered !== null) return [seen];
  const [late] = await foundBy(stage, "late", lateMs);
  const altered = lateAlteration(late?.packet, stage.will.payload);
  return [{ ...seen, altered, until: stage.now }];
}

function lateAlteration(packet: IPublishPacket | undefined, payload: Buffer): string | null {
  if (packet === undefined) return "it was not retained: a subscriber that came later got nothing";
  if (!payload.equals(Buffer.from(packet.payload))) {
    return "it was not retained: a subscriber that came later got another message";
  }
  return packet.retain ? null : "a subscriber that came later got it without the RETAIN flag";
}

async function retainClear(stage: Stage): Promise<readonly Observation[]> {
  const { topic } = stage.will;
  const plan = { payload: Buffer.alloc(0), retain: true };
  stage.retains(topic);
  const publisher = await stage.client({ clientId: stage.id("before") });
  await publisher.publish(topic, "to be cleared", { qos: oneAtMost(stage), retain: true });
  publisher.leave();
  if ((await foundBy(stage, "first", lateMs)).length === 0) {
    throw new NotOffered("the broker does not keep ordinary retained messages either");
  }
  let since: number;
  try {
    since = await reset(stage, plan);
  } catch (error) {
    const how = refusalOf(error);
    if (how === null) throw error;
    const broken = `a CONNECT with an empty will was refused: ${how}`;
    return [{ ...stage.observation(stage.now, null), broken }];
  }
  const seen = await stage.expectWill(since, since, "", plan);
  if (seen.got.length === 0) return [seen];
  const left = await foundBy(stage, "late", nothingMs);
  const text = "the retained message is still there after the empty will";
  return [{ ...seen, broken: left.length > 0 ? text : null, until: stage.now }];
}

async function offlineSubscriber(stage: Stage): Promise<readonly Observation[]> {
  const plan = { qos: atLeastOne(stage) };
  await subscribeAndLeave(stage);
  const since = await reset(stage, plan);
  const live = await stage.expectWill(since, since, "connected", plan);
  if (live.got.length === 0) return [live];
  const back = await subscriberReturns(stage, stage.will.payload);
  const wills = willsOf(back.client, stage.will.payload);
  const [first] = wills;
  const isDowngraded = first !== undefined && first.packet.qos !== 1;
  const offline: Observation = {
    ...live,
    arm: "offline",
    got: wills.map(({ at }) => at),
    due: back.at,
    until: stage.now,
    lateAfter: Infinity,
    altered: isDowngraded ? `QoS ${first.packet.qos} instead of 1` : null,
    broken: isResumed(back.client) || wills.length > 0 ? null : sessionGone,
    inconclusive: null,
  };
  return [live, offline];
}

async function properties(stage: Stage): Promise<readonly Observation[]> {
  const { payload } = stage.will;
  const given = willProperties(stage.topic("response"), isUtf8(payload));
  const watcher = await stage.watcher();
  watcher.keepBytes();
  const plan = { qos: atLeastOne(stage) };
  const isKept = await subscribeAndLeave(stage).then(
    () => true,
    (error: unknown) => {
      if (error instanceof NotOffered) return false;
      throw error;
    },
  );
  const since = await reset(stage, plan, given.properties);
  const live = await stage.expectWill(since, since, "connected", plan);
  const [first] = stage.wills(since);
  if (first === undefined) return [live];
  const changed = alterations(given, first.packet, watcher.bytes, first.at - since);
  const connected = { ...live, altered: live.altered ?? changed };
  if (!isKept || connected.altered !== null) return [connected];
  const back = await subscriberReturns(stage, payload);
  const [late] = willsOf(back.client, payload);
  // A queue that lost the message has altered no property of it: that is what offline-sub judges.
  if (late === undefined) {
    const note =
      "the copy that was queued for an offline subscriber did not come (see offline-sub)";
    return [{ ...connected, note }];
  }
  const queued = {
    ...connected,
    arm: "queued",
    got: [late.at],
    before: [],
    due: back.at,
    until: stage.now,
    lateAfter: Infinity,
    altered: alterations(given, late.packet, back.client.bytes, late.at - since),
    inconclusive: null,
  };
  return [connected, queued];
}

/** It is a race: one try tells little. */
const lastWordsTries = 20;

async function lastWords(stage: Stage): Promise<readonly Observation[]> {
  const tries = stage.options.clientId === null ? lastWordsTries : 1;
  const victims = await Promise.all(
    Array.from({ length: tries }, async (_, index) => lastSpeaker(stage, index)),
  );
  const since = stage.dropped();
  for (const { victim, words } of victims) {
    const { topic } = stage.will;
    // Messages are ordered only among those of one QoS, and QoS 2 may wait for its PUBREL.
    const qos = oneAtMost(stage);
    const payload = words;
    victim.send({ cmd: "publish", topic, payload, qos, retain: false, dup: false, messageId: 1 });
    victim.fin();
  }
  const seen = await Promise.all(
    victims.map(async ({ plan }) => stage.expectWill(since, since, "", plan)),
  );
  const order = (await stage.watcher()).arrivals.map(({ packet }) => Buffer.from(packet.payload));
  const place = (payload: Buffer): number => order.findIndex((text) => text.equals(payload));
  const places = victims.map(({ words, plan }) => [place(words), place(plan.payload)] as const);
  const came = places.filter(([, will]) => will !== -1);
  const lost = came.filter(([words]) => words === -1).length;
  const overtaken = came.filter(([words, will]) => words > will).length;
  const of = (count: number): string => (tries === 1 ? "" : ` in ${count} of ${tries} tries`);
  const wrong = [
    ...(lost > 0 ? [`the PUBLISH before the FIN was lost${of(lost)}, only the will came`] : []),
    ...(overtaken > 0 ? [`the will came before the last PUBLISH${of(overtaken)}`] : []),
  ];
  const will: Observation = { ...lastOf(seen), grade: "must" };
  const broken = wrong.length === 0 ? null : wrong.join("; ");
  return [will, { ...will, arm: "order", grade: "should", due: null, got: [], broken }];
}

interface LastSpeaker {
  readonly victim: Client;
  readonly words: Buffer;
  readonly plan: Pick<WillPlan, "payload" | "qos" | "delay">;
}

async function lastSpeaker(stage: Stage, index: number): Promise<LastSpeaker> {
  const suffix = ` (${index + 1})`;
  const payload = Buffer.concat([stage.will.payload, Buffer.from(suffix)]);
  const plan = { payload, qos: oneAtMost(stage), delay: 0 };
  const clientId = stage.options.clientId ?? stage.id(`try-${index + 1}`);
  const victim = await stage.victim({ clientId, will: stage.willOptions(plan) });
  return { victim, words: Buffer.from(`last words ${crypto.randomUUID()}`), plan };
}

/** The one that is worst: without a will, else the latest. */
function lastOf(all: readonly Observation[]): Observation {
  const [first, ...others] = all;
  assert(first !== undefined, "there is at least one try");
  const at = ({ got }: Observation): number => got[0] ?? Infinity;
  return others.reduce((worst, other) => (at(other) > at(worst) ? other : worst), first);
}

/** How long a message may take to who has just subscribed. */
const lateMs = 3000;
/** How long is watched that nothing comes to who has just subscribed. */
const nothingMs = 1000;

const sessionGone = "the subscriber's session was gone on its return (Session Present 0)";

/** Connects with a will like the stage's but for `plan`, and resets; returns that moment. */
async function reset(
  stage: Stage,
  plan: Partial<WillPlan>,
  properties: Record<string, unknown> = {},
): Promise<number> {
  const will = stage.willOptions({ delay: 0, ...plan }, properties);
  const victim = await stage.victim({ will });
  const since = stage.dropped();
  victim.reset();
  return since;
}

/** What a new client finds on the will's topic when it subscribes, waiting for the first. */
async function foundBy(stage: Stage, name: string, waitMs: number): Promise<readonly Arrival[]> {
  const client = await stage.client({ clientId: stage.id(name) });
  await stage.subscribe(client, stage.will.topic, 2);
  await stage.until(waitMs, "a new subscriber", () => client.arrivals.length > 0);
  client.leave();
  return client.arrivals;
}

/** A subscriber whose session stays: it leaves, and what comes meanwhile is queued for it. */
async function subscribeAndLeave(stage: Stage): Promise<void> {
  const client = await stage.client({ ...kept(stage), clientId: stage.id("offline") });
  needsSession(client);
  const granted = await stage.subscribe(client, stage.will.topic, 1);
  if (granted !== 1) throw new NotOffered("the broker does not grant QoS 1");
  client.leave();
  await client.ended;
}

interface Back {
  readonly client: Client;
  /** When it sent CONNECT. */
  readonly at: number;
}

/** It comes again, and is given time to get a message with this payload, and a second one. */
async function subscriberReturns(stage: Stage, payload: Buffer): Promise<Back> {
  const client = await stage.dial();
  client.keepBytes();
  const at = stage.now;
  await client.connect(stage.connectOptions({ ...kept(stage), clientId: stage.id("offline") }));
  const came = (): boolean => willsOf(client, payload).length > 0;
  if (await stage.until(lateMs, "the queued will", came)) await stage.pause(nothingMs, "a copy");
  client.leave();
  return { client, at };
}

function willsOf(client: Client, payload: Buffer): Arrival[] {
  return client.arrivals.filter(({ packet }) => payload.equals(Buffer.from(packet.payload)));
}

function atLeastOne(stage: Stage): 1 | 2 {
  return stage.will.qos === 2 ? 2 : 1;
}

function oneAtMost(stage: Stage): 0 | 1 {
  return stage.will.qos === 0 ? 0 : 1;
}
