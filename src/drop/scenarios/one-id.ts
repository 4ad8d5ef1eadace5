import type { Client } from "../../client/client.ts";
import { watchByHand } from "./by-hand.ts";
import { refusalOf } from "../refused.ts";
import { leaveInOrder, Returning } from "./returning.ts";
import type { Observation, Scenario } from "../scenario.ts";
import { kept, needsSession } from "./session.ts";
import { secondCopyMs, type Stage, type WillPlan } from "../stage.ts";
import { tally } from "./tally.ts";

const cycles = 10;
const sockets = 20;
/** Often enough for a keepalive of one second. */
const pingMs = 500;
/** How long to watch for a will that must not come. */
const strayMs = 1500;
/** How long a broker may take to close all but one connection of a client id. */
const settleMs = 2000;

/** One client id that connects again and again. */
export const oneIdScenarios: readonly Scenario[] = [
  {
    id: "reconnect-loop",
    title: `the same id dies ${cycles} times in a row`,
    grade: "must",
    quick: false,
    needs: ["loopback"],
    serial: true,
    rule: { v4: "v4-3.1.2-8", v5: "v5-3.1.2-8" },
    does: `Connects with a will, resumes its session and resets the TCP connection, ${cycles} times without a pause, like a device at the edge of its radio range. Each connection has its own will, without delay. The last connection stays and sends PINGREQ.`,
    passes: `all ${cycles} wills come at once, each exactly once; the will of the last connection does not come`,
    wrong:
      "The broker publishes a will some time after the end of its connection, and discards it if the client has returned by then; or it limits how often one client may reconnect.",
    byHand: [
      watchByHand,
      `for n in $(seq ${cycles}); do mqttd sub -i dev -c -t x --will-topic status --will-payload "gone $n" & sleep 0.1; kill -KILL $!; done`,
      "mqttd sub -i dev -c -t x --will-topic status --will-payload 'not gone'",
    ],
    means: {
      never:
        "A device that loses its link and returns at once is never reported. Let devices publish 'online' on each connect, and count those.",
      late: "The will of a device with a bad link comes after its next 'online': dashboards show it as offline while it is connected.",
      broken:
        "For a device with a bad link some wills are lost or come twice, or a will comes for its live connection. Let devices publish 'online' on each connect, and count those.",
    },
    play: reconnectLoop,
  },
  {
    id: "storm",
    title: `${sockets} sockets, one id, all at once`,
    grade: "must",
    quick: false,
    needs: ["loopback"],
    serial: true,
    rule: { v4: "v4-3.1.4-2, v4-3.1.2-8", v5: "v5-3.1.4-3, v5-3.1.2-8" },
    does: `Opens ${sockets} sockets and sends a CONNECT on each in the same moment, all with one client id and each with its own will, as when many copies of a program start with the same configuration.`,
    passes:
      "one connection survives; the will of every other accepted connection comes at once, exactly once; the survivor's does not come",
    wrong:
      "Takeovers overlap: two connections with one client id stay open, a will is lost, or the last connection is closed too.",
    byHand: [
      watchByHand,
      `for n in $(seq ${sockets}); do mqttd sub -i dev -t x --will-topic status --will-payload "gone $n" & done`,
    ],
    means: {
      never:
        "Programs that share a client id disconnect each other without any report. Give each program its own id.",
      late: "Programs that share a client id disconnect each other, and their wills come late, when the next one is already online.",
      broken:
        "When several connections of one client id begin at once, two of them stay open, or wills are lost or come for the live one. Give each program its own id, and let clients wait a random time before they reconnect.",
    },
    play: storm,
  },
  {
    id: "return-without-will",
    title: "returns without a will, then dies",
    grade: "must",
    quick: false,
    needs: [],
    serial: false,
    rule: { v4: "v4-3.1.2-10", v5: "v5-3.1.2-10" },
    does: "Connects with a will and a persistent session, then leaves: in one arm by DISCONNECT, in the other by a TCP reset, which publishes the will. Then it resumes the session without a will and resets the TCP connection.",
    passes: "the first reset brings its will once; nothing else comes",
    wrong:
      "The broker stores the will with the session, and does not delete it after publishing or discarding it.",
    byHand: [
      watchByHand,
      "mqttd pub -i dev -c -q 1 -t x -m hi --will-topic status --will-payload gone",
      "mqttd sub -i dev -c -q 1 -t x & sleep 1; kill -KILL $!",
    ],
    means: {
      never: "The will of the first connection was lost. If persistent fails too, see there.",
      twice:
        "The end of a connection without a will publishes an earlier connection's will again. After a firmware update that removed the will, the old one still comes.",
      spurious:
        "The end of a connection without a will publishes an earlier connection's will: after a firmware update that removed the will, the old one still comes. Connect once with Clean Start 1 to delete it.",
    },
    play: returnWithoutWill,
  },
];

async function reconnectLoop(stage: Stage): Promise<readonly Observation[]> {
  const drops: { readonly plan: Pick<WillPlan, "payload">; readonly since: number }[] = [];
  const returning = new Returning(stage);
  const connect = async (name: string): Promise<[Client, Pick<WillPlan, "payload">]> => {
    const plan = { payload: stage.willPayload(name) };
    const will = stage.willOptions({ ...plan, delay: 0 });
    return [await returning.connect({ ...kept(stage), will }), plan];
  };
  for (let cycle = 1; cycle <= cycles; cycle++) {
    const [victim, plan] = await connect(`cycle ${cycle}`);
    needsSession(victim);
    drops.push({ plan, since: stage.dropped() });
    victim.reset();
  }
  const [last, lastPlan] = await connect("the last one");
  last.stayAlive(pingMs);
  const watcher = await stage.watcher();
  const [first] = drops;
  const since = first?.since ?? stage.now;
  const came = (): boolean => drops.every(({ plan }) => stage.wills(since, plan).length > 0);
  const wait = stage.options.waitMs;
  await stage.until(wait, `${cycles} wills`, () => watcher.isOver || came(), stage.now);
  await stage.until(secondCopyMs, "second copies", () => watcher.isOver);
  const deaths = drops.map((drop) => stage.observation(drop.since, drop.since, "", drop.plan));
  const isWrong = stage.wills(since, lastPlan).length > 0;
  const more = [
    ...(isWrong ? ["the will of the last connection was published although it is open"] : []),
    ...(last.isOver ? ["the last connection was closed"] : []),
  ];
  last.leave();
  const seen = tally(deaths, more);
  const { problem } = returning;
  if (problem === null) return [seen];
  if (isRight(seen)) return [{ ...seen, grade: "ours", broken: problem, means: refusedMeans }];
  return [{ ...seen, note: problem }];
}

const refusedMeans =
  "The broker does not accept a device that returns too soon. Each will comes, and the device has to try again: let it wait a second before it reconnects.";

/** Each will came, at most late. */
function isRight({ altered, broken, before = [], got }: Observation): boolean {
  return altered === null && broken === null && before.length === 0 && got.length > 0;
}

/** One of the sockets of a storm. */
interface Rival {
  readonly client: Client;
  readonly plan: Pick<WillPlan, "payload">;
  /** CONNACK accepted it. */
  readonly isIn: boolean;
}

async function storm(stage: Stage): Promise<readonly Observation[]> {
  const clients = await Promise.all(Array.from({ length: sockets }, async () => stage.dial()));
  const since = stage.dropped();
  const rivals = await Promise.all(
    clients.map(async (client, index): Promise<Rival> => {
      const payload = stage.willPayload(String(index + 1));
      const will = stage.willOptions({ payload, delay: 0 });
      const keepalive = stage.options.keepAliveSeconds;
      if (will.retain === true) stage.retains(will.topic);
      const isIn = await isAccepted(client, stage.connectOptions({ will, keepalive }));
      client.stayAlive(pingMs);
      return { client, plan: { payload }, isIn };
    }),
  );
  const watcher = await stage.watcher();
  const alive = (): Rival[] => rivals.filter(({ client, isIn }) => isIn && !client.isOver);
  await stage.until(settleMs, "one connection", () => alive().length <= 1);
  const survivors = alive();
  const due = rivals.filter((rival) => rival.isIn && !survivors.includes(rival));
  const came = (): boolean => due.every(({ plan }) => stage.wills(since, plan).length > 0);
  await stage.until(stage.options.waitMs, "the wills", () => watcher.isOver || came(), since);
  await stage.until(secondCopyMs, "second copies", () => watcher.isOver);
  const deaths = due.map(({ plan }) => stage.observation(since, since, "", plan));
  const more = stormProblems(stage, since, rivals, survivors);
  for (const { client } of survivors) client.leave();
  const [only] = deaths;
  if (only === undefined) return [{ ...stage.observation(since, null), broken: more[0] ?? null }];
  return [tally(deaths, more)];
}

async function isAccepted(
  client: Client,
  options: Parameters<Client["connect"]>[0],
): Promise<boolean> {
  try {
    await client.connect(options);
    return true;
  } catch (error) {
    // Taken over before its CONNACK, or the broker refuses a client id that is in use.
    if (refusalOf(error) !== null) return false;
    throw error;
  }
}

/** Problems of a storm other than lost and repeated wills. */
function stormProblems(
  stage: Stage,
  since: number,
  rivals: readonly Rival[],
  survivors: readonly Rival[],
): string[] {
  const published = ({ plan }: Rival): boolean => stage.wills(since, plan).length > 0;
  const problems: string[] = [];
  if (survivors.length === 0) problems.push("no connection survived");
  if (survivors.length > 1) {
    problems.push(`${survivors.length} connections with one client id stay open`);
  }
  if (survivors.some((rival) => !rival.client.isOver && published(rival))) {
    problems.push("the will of a live connection was published");
  }
  const twice = rivals.filter(({ isIn, plan }) => !isIn && stage.wills(since, plan).length > 1);
  if (twice.length > 0) problems.push(`${twice.length} wills without CONNACK came more than once`);
  return problems;
}

async function returnWithoutWill(stage: Stage): Promise<readonly Observation[]> {
  const goodbye = { payload: stage.willPayload("discarded") };
  const discarded = stage.willOptions({ ...goodbye, delay: 0 });
  const leaving = await stage.victim({ ...kept(stage), will: discarded });
  needsSession(leaving);
  // Else the next CONNECT may overtake it, and be a takeover.
  await leaveInOrder(stage, leaving);
  const afterGoodbye = await dieWithoutWill(stage, "after DISCONNECT", goodbye);
  const dying = await stage.victim({ ...kept(stage), will: stage.willOptions({ delay: 0 }) });
  const since = stage.dropped();
  dying.reset();
  const first = await stage.expectWill(since, since, "the first death");
  const afterDeath = await dieWithoutWill(stage, "after a death", {});
  // The will of the first death is no fault of the second.
  return [first, afterGoodbye, { ...afterDeath, before: [] }];
}

/** Resumes the session without a will, and resets; no will is due. `plan`: of the earlier will. */
async function dieWithoutWill(
  stage: Stage,
  arm: string,
  plan: Partial<WillPlan>,
): Promise<Observation> {
  const client = await stage.client({ ...kept(stage), keepalive: stage.options.keepAliveSeconds });
  const since = stage.dropped();
  client.reset();
  return stage.expectNone(since, since + strayMs, arm, plan);
}
