import { watchByHand } from "./by-hand.ts";
import type { Observation, Scenario } from "../scenario.ts";
import { isResumed, kept, keptSeconds, needsSession, sessionExpiry } from "./session.ts";
import { NotOffered } from "../no-verdict.ts";
import type { Stage, WillPlan } from "../stage.ts";

/** A delay by itself. */
export const delayScenario: Scenario = {
  id: "delay",
  title: "will delayed",
  grade: "must",
  quick: false,
  needs: ["v5"],
  serial: true,
  rule: { v4: "v5-3.1.2-8, v5 section 3.1.3.2.2", v5: "v5-3.1.2-8, v5 section 3.1.3.2.2" },
  does: "Connects with a will that has a delay D and a session that lives longer, then resets the TCP connection.",
  passes: "the will comes at D",
  wrong: "The delay is ignored, or the will waits for the end of the session.",
  byHand: [
    watchByHand,
    "mqttd sub -V 5 -x 60 -i dev -t x --will-topic status --will-payload gone -D will will-delay-interval 3 & sleep 1; kill -KILL $!",
  ],
  means: {
    early:
      "The broker ignores the will delay: each short interruption raises an alarm that the delay should prevent.",
    never:
      "A delayed will is lost, or waits for the end of the session: deaths are not reported. Set no delay, and let the receiver wait instead.",
    late: "Delayed wills come late: expect the delay plus this time.",
    twice: "The will comes at once and again after the delay.",
  },
  play: delayed,
};

/** Will Delay Interval: when it starts, what ends it, and what must not disturb it. */
export const delayScenarios: readonly Scenario[] = [
  delayScenario,
  {
    id: "delay-cancel",
    title: "back within the delay",
    grade: "must",
    quick: false,
    needs: ["v5"],
    serial: true,
    rule: { v4: "v5-3.1.3-9", v5: "v5-3.1.3-9" },
    does: "Connects with a will that has a delay D and a session that lives longer, resets the TCP connection, and resumes the session after half of D. Watches until one second after D.",
    passes: "no will comes",
    wrong: "The delay runs on although the client has returned.",
    byHand: [
      watchByHand,
      "mqttd sub -V 5 -x 60 -c -i dev -t x --will-topic status --will-payload gone -D will will-delay-interval 4 & sleep 1; kill -KILL $!",
      "sleep 2; mqttd sub -V 5 -x 60 -c -i dev -t x",
    ],
    means: {
      spurious:
        "The client's return does not cancel a delayed will: each interruption raises a false alarm, D later, while the device is connected. Set no delay, or let the receiver check for a later 'online'.",
      broken:
        "The session should outlive the connection and was gone, so its will was published: each interruption raises a false alarm. Check the broker's session limits.",
    },
    play: cancelled,
  },
  {
    id: "delay-session-end",
    reference: delayScenario,
    title: "session ends before the delay",
    grade: "must",
    quick: false,
    needs: ["v5"],
    serial: true,
    rule: { v4: "v5-3.1.2-8, v5 section 3.1.3.2.2", v5: "v5-3.1.2-8, v5 section 3.1.3.2.2" },
    does: "Connects with a will that has a delay D, and a session that ends sooner: in one arm with the connection (expiry 0), in the other between then and D. Then resets the TCP connection.",
    passes: "the will comes when the session ends",
    wrong: "The broker considers only the delay.",
    byHand: [
      watchByHand,
      "mqttd sub -V 5 -i dev -t x --will-topic status --will-payload gone -D will will-delay-interval 5 & sleep 1; kill -KILL $!",
      "mqttd sub -V 5 -x 2 -i dev -t x --will-topic status --will-payload gone -D will will-delay-interval 5 & sleep 1; kill -KILL $!",
    ],
    means: {
      never: "The will is lost with its session: such deaths are never reported. Set no delay.",
      early:
        "The will comes before the session ends and before its delay is over: each short interruption raises an alarm.",
      late: "The will comes later than the session's end.",
      broken:
        "Deaths are reported only at the end of the delay, although the session ended before. Set a delay that is no longer than the session expiry.",
      twice: "The will comes at the session's end and again after the delay.",
    },
    play: sessionEnds,
  },
  {
    id: "delay-churn",
    reference: delayScenario,
    title: "one delayed will, steady drops",
    grade: "must",
    quick: false,
    needs: ["v5", "loopback"],
    serial: true,
    rule: { v4: "v5-3.1.2-8, v5 section 3.1.3.2.2", v5: "v5-3.1.2-8, v5 section 3.1.3.2.2" },
    does: "Connects with a will that has a delay D and resets the TCP connection. Until after D other clients with shorter will delays die, one after the other.",
    passes: "the will comes at D",
    wrong:
      "The broker keeps delayed wills in one list sorted by their delay: a will that is not due yet blocks all behind it.",
    byHand: [
      watchByHand,
      "mqttd sub -V 5 -x 60 -i dev -t x --will-topic status --will-payload gone -D will will-delay-interval 3 & sleep 1; kill -KILL $!",
      "for i in $(seq 40); do mqttd sub -V 5 -x 60 -i other$i -t x --will-topic others --will-payload gone -D will will-delay-interval 2 & sleep 0.2; kill -KILL $!; done",
    ],
    means: {
      never:
        "Newer wills replace older ones: in an outage, when many clients die, deaths are not reported.",
      broken:
        "Newer wills block older ones: in an outage, when many clients die, nothing is reported until clients stop dying. Give all clients the same delay, or none.",
      early: "The broker ignores the will delay: each short interruption raises an alarm.",
      late: "Delayed wills are late while other clients die.",
    },
    play: churned,
  },
];

async function delayed(stage: Stage): Promise<readonly Observation[]> {
  const delay = delayOf(stage, 2);
  const { since } = await reset(stage, delay, delay + keptSeconds);
  return [await expectAt(stage, since, since + delay * 1000)];
}

async function cancelled(stage: Stage): Promise<readonly Observation[]> {
  const delay = delayOf(stage, 2);
  const expiry = delay + keptSeconds;
  const { since } = await reset(stage, delay, expiry);
  const due = since + delay * 1000;
  await stage.pause(since + delay * 500 - stage.now, "the return");
  const back = await stage.client(kept(stage, expiry));
  // It is back this long after the end of the delay: a stall of our own may have held it up.
  const lateMs = stage.now - due;
  back.stayAlive(1000);
  const seen = await stage.expectNone(since, due + 1000);
  const isLost = !isResumed(back) && seen.got.length > 0;
  back.leave();
  const lost = "the session was not resumed (Session Present 0), and the will came";
  return [{ ...seen, broken: isLost ? lost : null, ...(lateMs > 0 && { marginMs: lateMs }) }];
}

async function sessionEnds(stage: Stage): Promise<readonly Observation[]> {
  const between = 2;
  const delay = Math.max(stage.will.delay, between + 3);
  const observations: Observation[] = [];
  for (const asked of [0, between]) {
    const plan = payloadOf(stage, asked);
    const { since, expiry } = await reset(stage, delay, asked, plan);
    // What the broker makes of it decides (v5-3.2.2.3.2).
    if (expiry >= delay || (asked > 0 && expiry === 0)) continue;
    observations.push(await endsSooner(stage, { since, expiry }, delay, plan));
  }
  if (observations.length === 0) throw new NotOffered("the broker sets the session expiry itself");
  return observations;
}

/** A will of its own for each arm. */
function payloadOf(stage: Stage, asked: number): Pick<WillPlan, "payload"> {
  return { payload: stage.willPayload(`expiry ${asked}`) };
}

/** The session ends `expiry` seconds after the connection, before the delay is over. */
async function endsSooner(
  stage: Stage,
  { since, expiry }: Drop,
  delay: number,
  plan: Pick<WillPlan, "payload">,
): Promise<Observation> {
  const delayEnds = since + delay * 1000;
  const came = (): boolean => stage.wills(since, plan).length > 0;
  // Brokers that count whole seconds are up to one late, and a busy machine adds to it.
  const until = delayEnds + stage.options.waitMs;
  await stage.until(until - stage.now, "the will", came, since + expiry * 1000);
  const seen = await expectAt(stage, since, since + expiry * 1000, `expiry ${expiry} s`, plan);
  const [first] = seen.got;
  if (first === undefined || first < delayEnds - earlyMs) return seen;
  const after = `${((first - since) / 1000).toFixed(2)} s`;
  const text = `the will came after ${after}, at the end of its delay, and not with the session's end`;
  return { ...seen, broken: text };
}

async function churned(stage: Stage): Promise<readonly Observation[]> {
  const delay = Math.max(stage.will.delay, 3);
  const { since } = await reset(stage, delay, delay + keptSeconds);
  const due = since + delay * 1000;
  const until = lateAfter(stage, due) + 1000;
  const came = (): boolean => stage.wills(since).length > 0;
  const others = stage.topic("others");
  for (let drops = 0; stage.now < until && !came(); drops++) {
    const other = await stage.client({
      ...kept(stage, delay + 1),
      clientId: stage.id(`other-${drops}`),
      will: stage.willOptions({ topic: others, delay: delay - 1, retain: false }),
    });
    other.reset();
    await stage.until(betweenDropsMs, "the will under drops", came, due);
  }
  const isHeldUp = !came();
  const calmAt = stage.now;
  // Those that died last hold it up for the longest.
  if (isHeldUp) await stage.until(delay * 1000, "the will after the drops", came, due);
  const seen = await expectAt(stage, since, due);
  if (!isHeldUp) return [seen];
  const [first] = seen.got;
  if (first === undefined) return [seen];
  const seconds = (from: number, to: number): string => `${((to - from) / 1000).toFixed(1)} s`;
  const text = `no will for ${seconds(due, calmAt)} after it was due, while other clients died; it came ${seconds(calmAt, first)} after they had stopped`;
  return [{ ...seen, broken: text }];
}

const betweenDropsMs = 150;
/** A will that comes so little before the end of its delay has waited for that. */
const earlyMs = 500;

/** The user's delay in seconds, else our own. */
function delayOf(stage: Stage, otherwise: number): number {
  return stage.will.delay > 0 ? stage.will.delay : otherwise;
}

interface Drop {
  readonly since: number;
  /** Seconds: the session expiry in force. */
  readonly expiry: number;
}

/** Dies by RST with a will of `delay` seconds, and a session of `asked` seconds. */
async function reset(
  stage: Stage,
  delay: number,
  asked: number,
  plan: Partial<WillPlan> = {},
): Promise<Drop> {
  const session = asked === 0 ? { clean: true } : kept(stage, asked);
  const victim = await stage.victim({ ...session, will: stage.willOptions({ ...plan, delay }) });
  if (asked > delay) needsSession(victim, delay + 1);
  const since = stage.dropped();
  victim.reset();
  return { since, expiry: sessionExpiry(victim, asked) };
}

/** A delayed will is due at `due`: brokers that count whole seconds may be up to one off. */
export async function expectAt(
  stage: Stage,
  since: number,
  due: number,
  arm = "",
  plan: Partial<WillPlan> = {},
): Promise<Observation> {
  const seen = await stage.expectWill(since, due, arm, plan);
  return { ...seen, lateAfter: lateAfter(stage, due), early: wholeSeconds(due) };
}

/** Delays are whole seconds; a broker that counts in whole seconds may cut off up to one. */
function wholeSeconds(due: number): NonNullable<Observation["early"]> {
  return {
    findingFrom: due - 1000,
    note: "rounded to whole seconds",
    means:
      "The broker counts delays in whole seconds: a will comes up to one second early. Choose a delay that is one second longer than the interruptions it should hide.",
  };
}

/** Delays are whole seconds, and a broker that counts in whole seconds is not late by one. */
function lateAfter(stage: Stage, due: number): number {
  return due + 1000 + stage.options.toleranceMs;
}
