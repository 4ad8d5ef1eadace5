import { connect5ByHand, sentByHand, watchByHand } from "./by-hand.ts";
import { playArms } from "../arms.ts";
import { delayScenario, expectAt } from "./delay.ts";
import { leaveWith } from "./disconnect-forms.ts";
import type { Observation, Scenario } from "../scenario.ts";
import { kept, keptSeconds, needsSession } from "./session.ts";
import type { Stage } from "../stage.ts";

/** Seconds. */
const delaySeconds = 2;
/** How long past the deadline to watch for a will that must not come. */
const pastDeadlineMs = 1000;

/** DISCONNECT with properties, or of a client whose will has a delay (MQTT 5). */
export const disconnectScenarios: readonly Scenario[] = [
  {
    id: "disconnect-expiry-0",
    title: "DISCONNECT 0x04 that ends the session",
    grade: "must",
    quick: false,
    needs: ["v5"],
    serial: true,
    rule: { v4: "v5-3.1.2-8, v5 section 3.14.2.2.2", v5: "v5-3.1.2-8, v5 section 3.14.2.2.2" },
    does: `Connects with a will and a persistent session, then sends DISCONNECT 0x04 with a Session Expiry Interval of 0, which ends the session. In one arm the will has no delay, in the other a delay of ${delaySeconds} s.`,
    passes: "both wills come at once: the end of the session ends the delay",
    wrong:
      "The broker deletes the will with the session, or ignores the Session Expiry Interval of DISCONNECT and waits for the delay.",
    byHand: [
      watchByHand,
      connect5ByHand,
      sentByHand(String.raw`sleep 1; printf '\340\007\004\005\021\000\000\000\000'; sleep 1`),
    ],
    means: {
      never:
        "The will of a client that ends its session by DISCONNECT 0x04 is lost. With this broker send DISCONNECT 0x04 without a Session Expiry Interval, or publish 'offline' before.",
      late: "The will of a client that ends its session comes late: the broker waits for the delay although the session has ended.",
      broken:
        "The will of a client that ends its session comes only after the delay. Use no delay for clients that leave in this way.",
    },
    play: sessionEnds,
  },
  {
    id: "disconnect-delay",
    title: "DISCONNECT 0x04, will delayed",
    grade: "must",
    quick: false,
    needs: ["v5"],
    serial: true,
    rule: { v4: "v5-3.1.2-8", v5: "v5-3.1.2-8" },
    does: `Connects with a will that has a delay of ${delaySeconds} s and a session that lives longer, then sends DISCONNECT 0x04 (disconnect with will message).`,
    passes: "the will comes after the delay",
    wrong:
      "The broker publishes the will at once because of the 0x04, or discards delayed wills on any DISCONNECT.",
    byHand: [
      watchByHand,
      "mqttd sub -V 5 -x 60 -c -i dev -t x --will-topic status --will-payload gone -D will will-delay-interval 2 & sleep 1; kill -TERM $!",
    ],
    means: {
      early:
        "DISCONNECT 0x04 cuts the delay: a client that restarts in an orderly way raises an alarm, although the delay should prevent it.",
      never:
        "A client that leaves with DISCONNECT 0x04 and a delayed will is not reported at all. Use no delay, or close without a DISCONNECT.",
      late: "The will of a client that leaves with DISCONNECT 0x04 comes later than its delay.",
    },
    reference: delayScenario,
    play: delayed,
  },
  {
    id: "disconnect-long",
    title: "DISCONNECT 0x00, with properties",
    grade: "must",
    quick: false,
    needs: ["v5"],
    serial: false,
    rule: { v4: "v5-3.14.4-3", v5: "v5-3.14.4-3" },
    does: "Sends DISCONNECT 0x00 with properties: a Reason String, a Session Expiry Interval, and two User Properties, in an arm each. Watches until its keepalive would have expired.",
    passes: "no will comes",
    wrong:
      "The broker treats any DISCONNECT with properties as an error, or cannot parse the properties and rejects the packet as malformed.",
    byHand: [
      watchByHand,
      connect5ByHand,
      sentByHand(String.raw`sleep 1; printf '\340\007\000\005\037\000\002ok'; sleep 1`),
    ],
    means: {
      spurious:
        "Each planned restart of a client that adds properties to its DISCONNECT is reported as a crash. Let it send DISCONNECT without properties.",
    },
    play: withProperties,
  },
  {
    id: "raise-expiry",
    title: "DISCONNECT 0x00 that raises expiry 0",
    grade: "should",
    quick: false,
    needs: ["v5"],
    serial: false,
    rule: {
      v4: "v5 section 3.14.2.2.2, v5-3.1.2-8",
      v5: "v5 section 3.14.2.2.2, v5-3.1.2-8",
    },
    does: "Connects with a will and a Session Expiry Interval of 0, then sends DISCONNECT 0x00 with an interval of 60 s. That is a protocol error: the broker must not treat it as a valid DISCONNECT.",
    passes: "the will comes at once",
    wrong:
      "The broker checks only the reason code: it deletes the will, and may keep the session against the standard.",
    byHand: [
      watchByHand,
      connect5ByHand,
      sentByHand(String.raw`sleep 1; printf '\340\007\000\005\021\000\000\000\074'; sleep 1`),
    ],
    means: {
      never:
        "The broker accepts an invalid DISCONNECT as a clean one: a client with this mistake leaves without a trace. If the session should outlive the connection, set the Session Expiry Interval in CONNECT.",
      late: "The will of a client that sends this invalid DISCONNECT comes late.",
    },
    play: raised,
  },
];

async function sessionEnds(stage: Stage): Promise<readonly Observation[]> {
  const variants = [
    { name: "no delay", delay: 0 },
    { name: `a delay of ${delaySeconds} s`, delay: delaySeconds },
  ];
  return playArms(stage, variants, async ({ name, clientId, plan }, { delay }) => {
    const will = stage.willOptions({ ...plan, delay });
    const victim = await stage.victim({ ...kept(stage), clientId, will });
    needsSession(victim);
    const since = stage.dropped();
    leaveWith(victim, 0x04, { sessionExpiryInterval: 0 });
    // Long enough to distinguish a will that waits for its delay from a lost one.
    const came = (): boolean => stage.wills(since, plan).length > 0;
    await stage.until(delay * 1000 + stage.options.waitMs, "the will", came, since);
    const seen = await stage.expectWill(since, since, name, plan);
    const [first] = seen.got;
    const waited = delay > 0 && first !== undefined && first >= since + delay * 1000 - 500;
    if (!waited) return seen;
    const after = `${((first - since) / 1000).toFixed(2)} s`;
    const broken = `the will came after ${after}, at the end of its delay, not at the end of the session`;
    return { ...seen, broken };
  });
}

async function delayed(stage: Stage): Promise<readonly Observation[]> {
  const delay = stage.will.delay > 0 ? stage.will.delay : delaySeconds;
  const session = kept(stage, delay + keptSeconds);
  const victim = await stage.victim({ ...session, will: stage.willOptions({ delay }) });
  needsSession(victim, delay + 1);
  const since = stage.dropped();
  victim.leave(0x04);
  return [await expectAt(stage, since, since + delay * 1000)];
}

async function withProperties(stage: Stage): Promise<readonly Observation[]> {
  const variants: readonly { readonly name: string; readonly properties: Properties }[] = [
    { name: "a Reason String", properties: { reasonString: "restart" } },
    { name: "a Session Expiry Interval", properties: { sessionExpiryInterval: keptSeconds } },
    { name: "two User Properties", properties: { userProperties: { by: "cron", at: "night" } } },
  ];
  return playArms(stage, variants, async ({ name, clientId, plan }, { properties }) => {
    // A session that persists: its expiry may be set again (v5 section 3.14.2.2.2).
    const will = stage.willOptions(plan);
    const keepalive = stage.options.keepAliveSeconds;
    const victim = await stage.victim({ ...kept(stage), keepalive, clientId, will });
    const since = stage.dropped();
    leaveWith(victim, 0, properties);
    const until = since + victim.keepAliveSeconds * 1500 + pastDeadlineMs;
    return stage.expectNone(since, until, name, plan);
  });
}

async function raised(stage: Stage): Promise<readonly Observation[]> {
  const victim = await stage.victim({ will: stage.willOptions({ delay: 0 }) });
  const since = stage.dropped();
  leaveWith(victim, 0, { sessionExpiryInterval: keptSeconds });
  return [await stage.expectWill(since, since)];
}

type Properties = Parameters<typeof leaveWith>[2];
