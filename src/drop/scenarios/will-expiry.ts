import type { Client } from "../../client/client.ts";
import { watchByHand } from "./by-hand.ts";
import { expectAt } from "./delay.ts";
import { NotOffered } from "../no-verdict.ts";
import type { Observation, Scenario } from "../scenario.ts";
import { kept, keptSeconds, needsSession } from "./session.ts";
import type { Stage, WillPlan } from "../stage.ts";

/** Seconds. The delay is the longer one, so that an expiry which begins too soon ends before it. */
const expirySeconds = 2;
const delaySeconds = 3;
/** Added to the expiry, since some brokers count whole seconds. */
const marginMs = 1500;
/** How long to watch that a new or returning subscriber gets nothing. */
const nothingMs = 1000;

/** A will with a Message Expiry Interval (MQTT 5). */
export const expiryScenarios: readonly Scenario[] = [
  {
    id: "will-expiry",
    title: "will with a message expiry",
    grade: "must",
    quick: false,
    needs: ["v5"],
    serial: true,
    rule: {
      v4: "v5-3.3.2-5, v5-3.1.2-8, v5 section 3.1.3.2.4",
      v5: "v5-3.3.2-5, v5-3.1.2-8, v5 section 3.1.3.2.4",
    },
    does: `Dies with a retained QoS 1 will whose Message Expiry Interval is ${expirySeconds} s. Then a new client subscribes, and a client with a queued copy in its session returns. In another arm the will also has a delay of ${delaySeconds} s, longer than its expiry.`,
    passes:
      "no client gets the will after its expiry, and the delayed will comes on time: the expiry counts from publication",
    wrong:
      "The broker ignores the expiry, applies it to queued but not to retained messages, or starts it at the end of the connection, so that a delayed will expires before publication.",
    byHand: [
      watchByHand,
      "mqttd sub -V 5 -i dev -t x --will-topic status --will-payload gone --will-retain -D will message-expiry-interval 2 & sleep 1; kill -KILL $!",
      "sleep 4; mqttd sub -t status -v -W 2",
      "mqttd pub -t status -r -n",
    ],
    means: {
      never:
        "A delayed will with a message expiry is lost, since the expiry runs while the will waits. Make the expiry longer than the delay, or use none.",
      spurious:
        "A will outlives its message expiry: clients that subscribe or return later still get it. Receivers cannot rely on the expiry; put the time into the payload.",
      altered:
        "Receivers cannot see how long the will is valid, because its Message Expiry Interval is missing or wrong. Put the time into the payload.",
      late: "A delayed will with an expiry comes later than its delay.",
      early: "A delayed will with an expiry comes before its delay is over.",
    },
    play: expiring,
  },
];

async function expiring(stage: Stage): Promise<readonly Observation[]> {
  const away = await subscribeAndLeave(stage);
  const plan = planOf(stage, "expires");
  const will = stage.willOptions(plan, { messageExpiryInterval: expirySeconds });
  const victim = await stage.victim({ will });
  const since = stage.dropped();
  victim.reset();
  const live = await stage.expectWill(since, since, "connected", plan);
  const [first] = stage.wills(since, plan);
  if (first === undefined) return [live];
  const said = first.packet.properties?.messageExpiryInterval;
  const connected = { ...live, altered: live.altered ?? expiryAlteration(said) };
  const expired = first.at + expirySeconds * 1000 + marginMs;
  await stage.pause(expired - stage.now, "the expiry");
  const retained = await foundAfter(stage, "retained", plan, async () => {
    const client = await stage.client({ clientId: stage.id("late") });
    await stage.subscribe(client, stage.will.topic, 1);
    return client;
  });
  const arms = [connected, { ...retained, grade: "should", rule: retainedRule } as const];
  if (away) {
    const returns = async (): Promise<Client> =>
      stage.client({ ...kept(stage), clientId: stage.id("away") });
    arms.push(await foundAfter(stage, "queued", plan, returns));
  }
  return [...arms, ...(await delayed(stage))];
}

/** Only the copy for a subscriber has a numbered statement. */
const retainedRule = "v5 section 3.3.1.3";
/** The will is sent with the interval from CONNECT: the delay is not subtracted. */
const delayedRule = "v5 section 3.1.3.2.4";

/** A will that waits for longer than it is valid. */
async function delayed(stage: Stage): Promise<readonly Observation[]> {
  const plan = { ...planOf(stage, "delayed"), delay: delaySeconds };
  const will = stage.willOptions(plan, { messageExpiryInterval: expirySeconds });
  const session = kept(stage, delaySeconds + keptSeconds);
  const victim = await stage.victim({ ...session, will });
  needsSession(victim, delaySeconds + 1);
  const since = stage.dropped();
  victim.reset();
  const seen = await expectAt(stage, since, since + delaySeconds * 1000, "delayed", plan);
  const published = { ...seen, rule: "v5-3.1.2-8" };
  const [first] = stage.wills(since, plan);
  if (first === undefined) return [published];
  const altered = expiryAlteration(first.packet.properties?.messageExpiryInterval);
  const whole = {
    ...seen,
    arm: "delayed, its expiry",
    grade: "should",
    rule: delayedRule,
  } as const;
  return [published, { ...whole, altered }];
}

/** Wills that a client gets after the expiry; none is due. */
async function foundAfter(
  stage: Stage,
  arm: string,
  plan: Partial<WillPlan>,
  come: () => Promise<Client>,
): Promise<Observation> {
  const since = stage.now;
  const client = await come();
  const wills = () => client.arrivals.filter(({ packet }) => isWill(packet.payload, plan));
  await stage.until(nothingMs, "no will", () => wills().length > 0);
  client.leave();
  const got = wills().map(({ at }) => at);
  const blank = stage.observation(since, null, arm, plan);
  return { ...blank, got, before: [], altered: null };
}

/** Leaves a persistent session with a subscription; false: the broker keeps none. */
async function subscribeAndLeave(stage: Stage): Promise<boolean> {
  const client = await stage.client({ ...kept(stage), clientId: stage.id("away") });
  try {
    needsSession(client);
  } catch (error) {
    if (error instanceof NotOffered) return false;
    throw error;
  }
  const granted = await stage.subscribe(client, stage.will.topic, 1);
  client.leave();
  await client.ended;
  return granted === 1;
}

function expiryAlteration(said: number | undefined): string | null {
  if (said === undefined) return "Message Expiry Interval is missing";
  const isRight = said > 0 && said <= expirySeconds;
  return isRight ? null : `Message Expiry Interval is ${said} s instead of ${expirySeconds} s`;
}

function planOf(stage: Stage, name: string): Partial<WillPlan> {
  const payload = stage.willPayload(name);
  const qos = stage.will.qos === 2 ? 2 : 1;
  return { payload, qos, retain: true, delay: 0 };
}

function isWill(payload: string | Buffer, plan: Partial<WillPlan>): boolean {
  return plan.payload?.equals(Buffer.from(payload)) ?? false;
}
