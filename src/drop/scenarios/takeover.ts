import type { Client, ConnectOptions } from "../../client/client.ts";
import { watchByHand } from "./by-hand.ts";
import type { Observation, Scenario } from "../scenario.ts";
import { isResumed, kept, keptSeconds, needsSession } from "./session.ts";
import { type Stage, secondCopyMs } from "../stage.ts";

/** Often enough for a keepalive of one second. */
const pingMs = 500;

const brokenMeans =
  "A takeover harms the new connection: it is closed, or its will is published although it is alive. Do not trust an 'offline' that directly follows an 'online'.";

/** The same client id connects again while its old connection still stands. */
export const takeoverScenarios: readonly Scenario[] = [
  {
    id: "takeover",
    title: "same id again, session resumed",
    grade: "must",
    quick: true,
    needs: [],
    serial: false,
    rule: { v4: "v4-3.1.2-8, v4-3.1.4-2", v5: "v5-3.1.2-8, v5-3.1.4-3" },
    does: "Connects with a will and a session that persists, then connects again with the same client id and resumes the session, while the old connection still stands. The two wills have different payloads; the old one has no delay.",
    passes: "the old connection's will comes at once",
    wrong:
      "The broker stores the will with the session and not with the connection, so the new CONNECT overwrites or deletes the old will.",
    byHand: [
      watchByHand,
      "mqttd sub -i dev -c -t x --will-topic status --will-payload gone & sleep 1; kill -STOP $!",
      "mqttd pub -i dev -c -t x -m back",
    ],
    means: {
      never:
        "A device that reconnects before its old connection was found dead is never reported. Let devices publish 'online' on each connect, and count those instead of wills.",
      late: "The will of the old connection is published late: it may overwrite the 'online' that the new connection has published.",
      broken: brokenMeans,
    },
    play: async (stage) => takenOver(stage, kept(stage)),
  },
  {
    id: "takeover-clean",
    title: "same id again, clean",
    grade: "must",
    quick: true,
    needs: [],
    serial: false,
    rule: { v4: "v4-3.1.2-8, v4-3.1.4-2", v5: "v5-3.1.2-8, v5-3.1.4-3" },
    does: "Connects with a will, then connects again with the same client id and Clean Start 1 (Clean Session 1 in 3.1.1), while the old connection still stands. The two wills have different payloads.",
    passes: "the old connection's will comes at once",
    wrong: "The broker discards the old session together with its will.",
    byHand: [
      watchByHand,
      "mqttd sub -i dev -t x --will-topic status --will-payload gone & sleep 1; kill -STOP $!",
      "mqttd pub -i dev -t x -m back",
    ],
    means: {
      never:
        "Two programs with one client id disconnect each other without a report, and so does a device that restarts. Let clients publish 'online' on each connect, and give each program its own client id.",
      late: "The will of the old connection is published late: it may overwrite the 'online' that the new connection has published.",
      broken: brokenMeans,
    },
    play: async (stage) => takenOver(stage, { clean: true }),
  },
  {
    id: "takeover-delay",
    title: "same id again, resumed, will delayed",
    grade: "must",
    quick: false,
    needs: ["v5"],
    serial: true,
    rule: { v4: "v5-3.1.3-9", v5: "v5-3.1.3-9" },
    does: "Connects with a will that has a delay and a session that outlives it, then connects again with the same client id and resumes the session. Watches until one second after the delay.",
    passes: "no will comes",
    wrong:
      "The takeover publishes the will at once, or the delay runs on although the client is back.",
    byHand: [
      watchByHand,
      "mqttd sub -V 5 -x 60 -c -i dev -t x --will-topic status --will-payload gone -D will will-delay-interval 2 & sleep 1; kill -STOP $!",
      "mqttd sub -V 5 -x 60 -c -i dev -t x",
    ],
    means: {
      spurious:
        "Each reconnect raises a false alarm although the will delay should prevent it. Act on 'offline' only after some seconds without an 'online'.",
      broken:
        "The session should outlive the connection and was gone, so its will was published: each reconnect raises a false alarm. Check the broker's session limits.",
    },
    play: delayedAndResumed,
  },
  {
    id: "takeover-delay-clean",
    title: "same id again, clean, will delayed",
    grade: "should",
    quick: false,
    needs: ["v5"],
    serial: true,
    rule: {
      v4: "v5-3.1.2-8, v5 section 3.1.4 (comment on the takeover)",
      v5: "v5-3.1.2-8, v5 section 3.1.4 (comment on the takeover)",
    },
    does: "Connects with a will that has a delay and a session that outlives it, then connects again with the same client id and Clean Start 1, which ends the old session.",
    passes: "the old connection's will comes at once",
    wrong:
      "The broker treats any new connection as a return of the old session: it cancels the delayed will, or lets the delay run on.",
    byHand: [
      watchByHand,
      "mqttd sub -V 5 -x 60 -c -i dev -t x --will-topic status --will-payload gone -D will will-delay-interval 2 & sleep 1; kill -STOP $!",
      "mqttd pub -V 5 -i dev -t x -m back",
    ],
    means: {
      never:
        "A device that restarts with Clean Start 1 is never reported: its session and its will are lost. Let devices publish 'online' on each connect.",
      late: "The end of the session does not end the delay: the will reports the device as gone while it is back.",
      broken: brokenMeans,
    },
    play: delayedAndClean,
  },
  {
    id: "ghost",
    title: "half-open, then the same id returns",
    grade: "must",
    quick: false,
    needs: [],
    serial: false,
    rule: { v4: "v4-3.1.4-2, v4-3.1.2-24", v5: "v5-3.1.4-3, v5-3.1.2-22" },
    does: "Connects with a will and falls silent. Before its deadline of 1.5 K the same client id connects again, clean, and sends PINGREQ in time, until after the old deadline.",
    passes: "the old will comes once, when the client returns, and the new connection stays up",
    wrong:
      "The deadline belongs to the client id and not to the connection: the old connection's timer ends the new one, or publishes a second will.",
    byHand: [
      watchByHand,
      "mqttd sub -i dev -k 10 -t x --will-topic status --will-payload gone & sleep 1; kill -STOP $!",
      "sleep 10; mqttd sub -d -i dev -k 10 -t x --will-topic status --will-payload 'gone again'",
    ],
    means: {
      early:
        "The broker ends silent clients before K, so that the client is dead before it returns: see half-open.",
      never:
        "A device that returns before its old connection was found dead is never reported. Let devices publish 'online' on each connect, and count those.",
      late: "The old connection's will waits for its deadline and arrives after the 'online' of the new one: the device is shown as offline while it is connected.",
      twice:
        "The old connection is reported twice, at the return and at its old deadline: the second 'offline' arrives after the 'online', and the device is shown as offline while it is connected.",
      broken:
        "The old connection's timer acts on the new connection: a device that returns quickly is disconnected again, or shown as offline while it is connected. A longer keepalive makes this rarer.",
    },
    play: ghost,
  },
];

/** Dies by being taken over; due at the moment of the second CONNECT. */
async function takenOver(
  stage: Stage,
  session: Partial<ConnectOptions>,
): Promise<readonly Observation[]> {
  const victim = await stage.victim({ ...session, will: stage.willOptions({ delay: 0 }) });
  if (session.clean === false) needsSession(victim);
  const successor = await returns(stage, session);
  const since = stage.droppedAt;
  const seen = await stage.expectWill(since, since);
  return [{ ...seen, broken: await farewell(stage, successor, since) }];
}

async function delayedAndResumed(stage: Stage): Promise<readonly Observation[]> {
  const delay = await delayedVictim(stage);
  const successor = await returns(stage, kept(stage, delay + keptSeconds));
  const since = stage.droppedAt;
  const seen = await stage.expectNone(since, since + (delay + 1) * 1000);
  const other = await farewell(stage, successor, since);
  const isLost = !isResumed(successor) && seen.got.length > 0;
  const lost = "the session was not resumed (Session Present 0), and the will came";
  return [{ ...seen, broken: isLost ? lost : other }];
}

async function delayedAndClean(stage: Stage): Promise<readonly Observation[]> {
  await delayedVictim(stage);
  const successor = await returns(stage, { clean: true });
  const since = stage.droppedAt;
  const seen = await stage.expectWill(since, since);
  return [{ ...seen, broken: await farewell(stage, successor, since) }];
}

/** Connects with a delayed will and a session that outlives it; returns the delay in seconds. */
async function delayedVictim(stage: Stage): Promise<number> {
  const delay = stage.will.delay > 0 ? stage.will.delay : 2;
  const victim = await stage.victim({
    ...kept(stage, delay + keptSeconds),
    will: stage.willOptions({ delay }),
  });
  needsSession(victim, delay + 1);
  return delay;
}

async function ghost(stage: Stage): Promise<readonly Observation[]> {
  const victim = await stage.victim({ will: stage.willOptions({ delay: 0 }) });
  const { keepAliveSeconds, lastSentAt } = victim;
  await stage.pause(lastSentAt + keepAliveSeconds * 1000 - stage.now, "the return");
  const successor = await returns(stage, { clean: true, keepalive: keepAliveSeconds });
  const since = stage.droppedAt;
  await stage.expectWill(since, since);
  const past = lastSentAt + keepAliveSeconds * 1500 + secondCopyMs;
  await stage.until(past - stage.now, "the old deadline", () => successor.isOver);
  // Silent since its CONNECT: a broker that ends it sooner than the return is early.
  const seen = { ...stage.observation(since, since), before: [] };
  const oldDeadline = lastSentAt + keepAliveSeconds * 1500;
  const endedAt = successor.isOver ? (await successor.ended).at : newWillAt(stage, since);
  const broken = await farewell(stage, successor, since);
  // Before the old deadline it is no timer, but the takeover itself.
  const isTakeover = broken !== null && endedAt !== null && endedAt < oldDeadline - aroundMs;
  return [
    {
      ...seen,
      ...earlyEnd(stage, since, lastSentAt),
      broken,
      ...(isTakeover && { means: brokenMeans }),
    },
  ];
}

/** Wills that came before the return, as early ones; nothing where there are none. */
function earlyEnd(stage: Stage, since: number, lastSentAt: number): Partial<Observation> {
  const got = stage.wills(lastSentAt).map(({ at }) => at);
  return got.some((at) => at < since) ? { since: lastSentAt, got } : {};
}

/** A deadline may fire that little before its time. */
const aroundMs = 200;

/** Connects with the same id and another will, and stays; the stage's drop is its CONNECT. */
async function returns(stage: Stage, options: Partial<ConnectOptions>): Promise<Client> {
  const successor = await stage.dial();
  const will = stage.willOptions({ payload: newPayload(stage), delay: 0, retain: false });
  stage.dropped();
  await successor.connect(stage.connectOptions({ will, ...options }));
  successor.stayAlive(pingMs);
  return successor;
}

/** Says goodbye for the new connection. Returns what is wrong with it; null: nothing. */
async function farewell(stage: Stage, successor: Client, since: number): Promise<string | null> {
  if (successor.isOver) {
    const { how, at, disconnect } = await successor.ended;
    const code = disconnect?.reasonCode?.toString(16);
    const said = code === undefined ? how : `DISCONNECT 0x${code}`;
    return `the new connection was closed after ${((at - since) / 1000).toFixed(2)} s (${said})`;
  }
  successor.leave();
  const at = newWillAt(stage, since);
  if (at === null) return null;
  const after = `${((at - since) / 1000).toFixed(2)} s`;
  return `the will of the new connection was published ${after} after its CONNECT, while it was connected`;
}

/** When the will of the new connection came, though it lives; null: it did not. */
function newWillAt(stage: Stage, since: number): number | null {
  return stage.wills(since, { payload: newPayload(stage) })[0]?.at ?? null;
}

/** The new connection's will differs from the old one's, so that it is seen which one comes. */
function newPayload(stage: Stage): Buffer {
  return stage.willPayload("of the new connection");
}
