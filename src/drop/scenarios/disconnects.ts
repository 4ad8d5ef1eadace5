import { connect5ByHand, sentByHand, watchByHand } from "./by-hand.ts";
import { playArms } from "../arms.ts";
import { delayScenario, expectAt } from "./delay.ts";
import { leaveWith } from "./disconnect-forms.ts";
import type { Observation, Scenario } from "../scenario.ts";
import { kept, keptSeconds, needsSession } from "./session.ts";
import type { Stage } from "../stage.ts";

/** Seconds. */
const delaySeconds = 2;
/** How long past the deadline a will is watched for that should not come. */
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
    does: `Connects with a will and a session that persists, then sends DISCONNECT 0x04 with a Session Expiry Interval of 0, which ends the session. In one arm the will has no delay, in the other one of ${delaySeconds} s.`,
    passes: "both wills come at once: a delay ends with its session",
    wrong:
      "The broker deletes the session together with its will, or it ignores the Session Expiry Interval of DISCONNECT and waits for the delay.",
    byHand: [
      watchByHand,
      connect5ByHand,
      sentByHand(String.raw`sleep 1; printf '\340\007\004\005\021\000\000\000\000'; sleep 1`),
    ],
    means: {
      never:
        "A client that ends its session and asks for its will does not get it. With this broker send DISCONNECT 0x04 without a Session Expiry Interval, or publish 'offline' before.",
      late: "A client that ends its session gets its will late: the broker waits for the delay although the session is over.",
      broken:
        "A client that ends its session gets its will only after the delay: the broker ignores that the session is over. Use no delay for clients that leave in this way.",
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
      "The broker publishes the will at once, since the client asked for it, or loses a will that still waits when its client has sent DISCONNECT.",
    byHand: [
      watchByHand,
      "mosquitto_sub -V 5 -x 60 -c -i dev -t x --will-topic status --will-payload gone -D will will-delay-interval 2 & sleep 1; kill -TERM $!",
    ],
    means: {
      early:
        "DISCONNECT 0x04 cuts the delay: a client that restarts in an orderly way raises an alarm, although the delay was given to prevent it.",
      never:
        "A client that leaves with DISCONNECT 0x04 and a delayed will is not reported at all. Give no delay, or close without a DISCONNECT.",
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
    does: "Sends DISCONNECT 0x00 with properties: in one arm a Reason String, in one a Session Expiry Interval, in one two User Properties. Watches until after the moment at which its keepalive would have expired.",
    passes: "no will comes",
    wrong:
      "The broker takes a DISCONNECT with a reason code and properties for one that reports an error, or can't read its properties and closes the connection as malformed.",
    byHand: [
      watchByHand,
      connect5ByHand,
      sentByHand(String.raw`sleep 1; printf '\340\007\000\005\037\000\002ok'; sleep 1`),
    ],
    means: {
      spurious:
        "A client library that adds properties to its DISCONNECT looks like a crash on each planned restart. Let it send DISCONNECT without properties.",
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
    does: "Connects with a will and a Session Expiry Interval of 0, then sends DISCONNECT 0x00 with one of 60 s. That is a protocol error, and the broker must not handle the packet as a valid DISCONNECT.",
    passes: "the will comes at once",
    wrong:
      "The broker looks at the reason code only: it deletes the will, and may keep the session that the client had no right to.",
    byHand: [
      watchByHand,
      connect5ByHand,
      sentByHand(String.raw`sleep 1; printf '\340\007\000\005\021\000\000\000\074'; sleep 1`),
    ],
    means: {
      never:
        "The broker takes an invalid DISCONNECT for a clean one: a client with this mistake leaves without a trace. Set the Session Expiry Interval in CONNECT, if the session is to outlive the connection.",
      late: "A client that sends this invalid DISCONNECT is reported late.",
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
    // A will that waits for its delay is told from one that is lost.
    const came = (): boolean => stage.wills(since, plan).length > 0;
    await stage.until(delay * 1000 + stage.options.waitMs, "the will", came, since);
    const seen = await stage.expectWill(since, since, name, plan);
    const [first] = seen.got;
    const waited = delay > 0 && first !== undefined && first >= since + delay * 1000 - 500;
    if (!waited) return seen;
    const after = `${((first - since) / 1000).toFixed(2)} s`;
    const broken = `the will came after ${after}, at the end of its delay, and not with the session's end`;
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
