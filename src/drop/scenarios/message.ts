import { NoAnswer } from "../../client/client-error.ts";
import type { Client } from "../../client/client.ts";
import { isOnThisMachine } from "../../client/target.ts";
import { watchByHand } from "./by-hand.ts";
import { NotOffered } from "../no-verdict.ts";
import { refusalOf } from "../refused.ts";
import type { Observation, Scenario } from "../scenario.ts";
import { isResumed, kept, needsSession } from "./session.ts";
import type { Stage, WillPlan } from "../stage.ts";

/** How long a message may take to its subscribers once one of them has it. */
const deliveryMs = 3000;
/** How long to watch subscribers that must not get the will. */
const strayMs = 1000;
const levels = [0, 1, 2] as const;

/** Wills with an unusual payload, QoS, topic or subscriber. */
export const messageScenarios: readonly Scenario[] = [
  {
    id: "empty-will",
    title: "will without a payload",
    grade: "must",
    quick: false,
    needs: [],
    serial: false,
    rule: {
      v4: "v4-3.1.2-8, v4 section 3.1.3.3",
      v5: "v5-3.1.2-8, v5 section 3.1.3.4",
    },
    does: "Connects with a will whose payload has no bytes, and which is not retained, then resets the TCP connection.",
    passes: "the will comes at once, empty",
    wrong:
      "The broker refuses the CONNECT, treats an empty will as none, or only clears the retained message.",
    byHand: [
      watchByHand,
      "mqttd sub -i dev -t x --will-topic status --will-payload '' & sleep 1; kill -KILL $!",
    ],
    means: {
      never: "A will without a payload is lost. Give the will a text such as 'offline'.",
      broken: "A client with an empty will cannot connect. Give the will a text such as 'offline'.",
      late: "A will without a payload comes late.",
    },
    play: emptyWill,
  },
  {
    id: "will-qos",
    title: "will QoS x subscription QoS",
    grade: "must",
    quick: false,
    needs: [],
    serial: false,
    rule: { v4: "v4-3.8.4-6, v4-3.1.2-8", v5: "v5-3.8.4-8, v5-3.1.2-8" },
    does: "Three clients subscribe to the will's topic with QoS 0, 1 and 2. Three others connect with wills of QoS 0, 1 and 2 and reset their TCP connections. That makes nine deliveries.",
    passes: "each subscriber gets each will with the lower of the two QoS",
    wrong:
      "The broker publishes wills with one fixed QoS, with the subscription's QoS, or only to subscribers of the same QoS.",
    byHand: [
      'for q in 0 1 2; do mqttd sub -q $q -t status -F "subscribed $q: %p, QoS %q" & done',
      'for q in 0 1 2; do mqttd sub -i dev$q -t x --will-topic status --will-payload "will $q" --will-qos $q & sleep 1; kill -KILL $!; done',
    ],
    means: {
      never: "None of these subscribers gets any will.",
      broken:
        "Some pairs of will QoS and subscription QoS lose the will. Choose a pair that the report does not list.",
      altered:
        "Receivers get the will with a QoS that the standard does not allow: if lower, the will may be lost; if higher, it costs an unrequested handshake.",
      late: "Some of the wills come late.",
    },
    play: qosMatrix,
  },
  {
    id: "dollar-will",
    title: "will on a topic that begins with $",
    grade: "must",
    quick: false,
    needs: [],
    serial: false,
    rule: { v4: "v4-4.7.2-1", v5: "v5-4.7.2-1" },
    does: "Connects with a will on a topic that begins with $, then resets the TCP connection. One client subscribes to that exact topic, one to a filter that begins with +, and on this machine one to #. A broker that refuses such topics is skipped.",
    passes: "the will does not reach the subscribers to # and +",
    wrong: "The broker hides $ topics from wildcards for PUBLISH, but not for wills.",
    byHand: [
      "mqttd sub -t '#' -v & mqttd sub -t '+/status' -v &",
      "mqttd sub -i dev -t x --will-topic '$dev/status' --will-payload gone & sleep 1; kill -KILL $!",
    ],
    means: {
      spurious:
        "Wills on topics that begin with $ reach all subscribers to # or +: loggers and dashboards show messages that the standard hides from them. Use will topics without $.",
    },
    play: dollarWill,
  },
  {
    id: "own-will",
    title: "its own session is subscribed",
    grade: "must",
    quick: false,
    needs: [],
    serial: false,
    rule: { v4: "v4-3.1.2-5, v4-4.5.0-1", v5: "v5-4.5.0-1" },
    does: "Connects with a QoS 1 will and a persistent session, subscribes to its own will's topic with QoS 1, and resets the TCP connection. Then it returns.",
    passes: "the will comes at once, and the client gets it when it returns",
    wrong:
      "The broker skips the dead client's own session, or removes its subscriptions before it publishes the will.",
    byHand: [
      "mqttd sub -i dev -c -q 1 -t status --will-topic status --will-payload gone --will-qos 1 & sleep 1; kill -KILL $!",
      "sleep 1; mqttd sub -i dev -c -q 1 -t status -v -W 2",
    ],
    means: {
      never:
        "A device that corrects its own status does not learn on its return that it was reported dead, so 'offline' remains. Let devices publish 'online' on each connect.",
      broken:
        "The broker deleted a session that had not expired, and the will queued in it. Check the broker's limits for sessions.",
      twice: "The session gets its own will more than once.",
    },
    play: ownWill,
  },
];

async function emptyWill(stage: Stage): Promise<readonly Observation[]> {
  const plan = { payload: Buffer.alloc(0), retain: false, delay: 0 };
  try {
    const victim = await stage.victim({ will: stage.willOptions(plan) });
    const since = stage.dropped();
    victim.reset();
    return [await stage.expectWill(since, since, "", plan)];
  } catch (error) {
    const how = refusalOf(error);
    if (how === null) throw error;
    const broken = `a CONNECT with an empty will was refused: ${how}`;
    return [{ ...stage.observation(stage.now, null), broken }];
  }
}

async function qosMatrix(stage: Stage): Promise<readonly Observation[]> {
  const subscribers = await Promise.all(
    levels.map(async (asked) => {
      const client = await stage.client({ clientId: stage.id(`sub-${asked}`) });
      return { client, granted: await stage.subscribe(client, stage.will.topic, asked) };
    }),
  );
  const watcher = await stage.watcher();
  const most = watcher.connack?.properties?.maximumQoS ?? 2;
  const wills = await Promise.all(
    levels
      .filter((qos) => qos <= most)
      .map(async (qos) => {
        const payload = stage.willPayload(`QoS ${qos}`);
        const plan = { payload, qos, retain: false, delay: 0 };
        const options = { clientId: stage.id(`dying-${qos}`), will: stage.willOptions(plan) };
        return { plan, victim: await stage.victim(options) };
      }),
  );
  const since = stage.dropped();
  for (const { victim } of wills) victim.reset();
  const cells = (): Cell[] =>
    subscribers.flatMap(({ client, granted }) =>
      wills.map(({ plan }) => ({ plan, granted, came: cameTo(client, plan.payload) })),
    );
  const all = (): boolean => cells().every(({ came }) => came.length > 0);
  await stage.until(stage.options.waitMs, "nine wills", all, since);
  await stage.pause(strayMs, "second copies");
  const came = cells();
  const missing = came.filter(({ came: [first] }) => first === undefined).map(cellText);
  const wrong = came.flatMap((cell) => alteration(cell) ?? []);
  const arrivals = came.flatMap(({ came: [first] }) => (first === undefined ? [] : [first.at]));
  const isNone = arrivals.length === 0;
  return [
    {
      ...stage.observation(since, since, "", wills[0]?.plan),
      got: isNone ? [] : [Math.max(...arrivals)],
      altered: wrong.length === 0 ? null : wrong.join("; "),
      broken: isNone || missing.length === 0 ? null : `no will with ${missing.join("; ")}`,
    },
  ];
}

/** A will at a subscriber. */
interface Cell {
  readonly plan: Pick<WillPlan, "payload" | "qos">;
  readonly granted: number;
  readonly came: readonly { readonly at: number; readonly packet: { readonly qos: number } }[];
}

function alteration(cell: Cell): string | null {
  const [first, second] = cell.came;
  if (first === undefined) return null;
  if (second !== undefined) return `${cell.came.length} copies with ${cellText(cell)}`;
  const right = Math.min(cell.plan.qos, cell.granted);
  if (first.packet.qos === right) return null;
  return `QoS ${first.packet.qos} instead of ${right} with ${cellText(cell)}`;
}

function cellText({ plan, granted }: Cell): string {
  return `will QoS ${plan.qos}, subscription QoS ${granted}`;
}

function cameTo(client: Client, payload: Buffer): Client["arrivals"] {
  return client.arrivals.filter(({ packet }) => payload.equals(Buffer.from(packet.payload)));
}

async function dollarWill(stage: Stage): Promise<readonly Observation[]> {
  const name = stage.topic("will");
  const topic = `$${name}`;
  const exact = await hidden(stage, "exact", topic);
  const wild = [await hidden(stage, "plus", name.replace(/^[^/]+/, "+"))];
  // On a remote broker # would deliver everything that all clients publish.
  if (isOnThisMachine(stage.options.target)) wild.push(await hidden(stage, "hash", "#"));
  await mayPublish(stage, topic, exact);
  const plan = { topic, retain: false, delay: 0 };
  const victim = await stage.victim({ will: stage.willOptions(plan) }).catch((error: unknown) => {
    const how = refusalOf(error);
    throw how === null ? error : new NotOffered(`a will on a $ topic is refused: ${how}`);
  });
  const since = stage.dropped();
  victim.reset();
  const isThere = (): boolean => exact.wills(stage).length > 0;
  const cameThrough = await stage.until(deliveryMs, "the will", isThere, since);
  if (!cameThrough) throw new NotOffered("the broker publishes no will on a topic with $");
  await stage.pause(strayMs, "no will");
  const strays = wild.flatMap((other) => other.wills(stage));
  const blank = stage.observation(since, null);
  const wrong = wild.filter((other) => other.wills(stage).length > 0).map(({ filter }) => filter);
  return [
    {
      ...blank,
      got: strays,
      ...(wrong.length > 0 && { note: `it reached the subscriber to ${wrong.join(" and ")}` }),
    },
  ];
}

/** A subscriber that records when wills arrive, and discards everything else. */
interface Hidden {
  readonly filter: string;
  readonly client: Client;
  readonly wills: (stage: Stage) => readonly number[];
}

async function hidden(stage: Stage, name: string, filter: string): Promise<Hidden> {
  const client = await stage.client({ clientId: stage.id(name) });
  const came: { at: number; payload: Buffer }[] = [];
  client.onArrival = ({ at, packet }) => {
    if (packet.topic.startsWith("$mqttd-drop/")) {
      came.push({ at, payload: Buffer.from(packet.payload) });
    }
    client.forgetArrivals();
  };
  await stage.subscribe(client, filter, 1).catch((error: unknown) => {
    if (!(error instanceof NoAnswer && error.isClosed)) throw error;
    throw new NotOffered(
      `the broker closes the connection of a client that subscribes to ${shownFilter(filter)}`,
    );
  });
  const wills = ({ will }: Stage): number[] =>
    came.filter(({ payload }) => payload.equals(will.payload)).map(({ at }) => at);
  return { filter, client, wills };
}

/** As a kind of filter, since its topic is another one each time. */
function shownFilter(filter: string): string {
  return filter.startsWith("$") ? "a topic that begins with $" : filter;
}

/** Rejects with NotOffered where an ordinary PUBLISH does not reach that topic's subscriber either. */
async function mayPublish(stage: Stage, topic: string, exact: Hidden): Promise<void> {
  // A client id of its own: the next CONNECT with the victim's may overtake this one's DISCONNECT.
  const client = await stage.client({ clientId: stage.id("talker") });
  let count = 0;
  const before = exact.client.onArrival;
  exact.client.onArrival = (arrival) => {
    count += 1;
    before(arrival);
  };
  const publishing = client.publish(topic, "control", { qos: 1 }).catch(() => 0x80);
  const isThere = await stage.until(deliveryMs, "control", () => count > 0 || client.isOver);
  await publishing;
  client.leave();
  if (!isThere || count === 0) {
    throw new NotOffered("the broker lets no client publish on a topic that begins with $");
  }
}

async function ownWill(stage: Stage): Promise<readonly Observation[]> {
  const plan = { qos: stage.will.qos === 2 ? 2 : 1, delay: 0 } as const;
  const session = { ...kept(stage), keepalive: stage.options.keepAliveSeconds };
  const victim = await stage.victim({ ...session, will: stage.willOptions(plan) });
  needsSession(victim);
  const granted = await stage.subscribe(victim, stage.will.topic, 1);
  if (granted !== 1) throw new NotOffered("the broker does not grant QoS 1");
  const since = stage.dropped();
  victim.reset();
  const live = await stage.expectWill(since, since, "another client", plan);
  if (live.got.length === 0) return [live];
  const at = stage.now;
  const back = await stage.client({ ...kept(stage), keepalive: 30 });
  const own = (): Client["arrivals"] => cameTo(back, stage.will.payload);
  const cameThrough = await stage.until(deliveryMs, "its own will", () => own().length > 0);
  if (cameThrough) await stage.pause(strayMs, "a copy");
  back.leave();
  const isLost = own().length === 0 && !isResumed(back);
  const itself: Observation = {
    ...live,
    arm: "its own session",
    since: at,
    due: at,
    got: own().map((arrival) => arrival.at),
    before: [],
    until: stage.now,
    lateAfter: Infinity,
    altered: null,
    broken: isLost ? "its session was gone on its return (Session Present 0)" : null,
    inconclusive: null,
  };
  return [live, itself];
}
