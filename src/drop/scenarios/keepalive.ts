import type { Client } from "../../client/client.ts";
import { reasonText } from "../../core/reason.ts";
import { connectByHand, connectForeverByHand, sentByHand, watchByHand } from "./by-hand.ts";
import type { Observation, Scenario } from "../scenario.ts";
import { allowedMs } from "./silence.ts";
import { refusalOf } from "../refused.ts";
import { NotOffered } from "../no-verdict.ts";
import type { Stage } from "../stage.ts";

const deadline = { v4: "v4-3.1.2-24", v5: "v5-3.1.2-22" } as const;

/** The client is alive and sends packets in time, of one kind each; then it dies. */
export const keepaliveScenarios: readonly Scenario[] = [
  {
    id: "ping-alive",
    title: "PINGREQ on time, then a reset",
    grade: "must",
    quick: true,
    needs: [],
    serial: false,
    rule: deadline,
    does: "Sends PINGREQ every 0.9 K for 4 K and nothing else, then resets the connection.",
    passes: "no will comes while it pings, and one at once after the drop",
    wrong: "The deadline counts from the CONNECT or from the last PUBLISH, and ignores PINGREQ.",
    byHand: [
      watchByHand,
      "mqttd sub -i dev -k 5 -t x --will-topic status --will-payload gone & sleep 20; kill -KILL $!",
    ],
    means: {
      spurious:
        "The deadline ignores PINGREQ: clients that only listen are reported dead again and again although they are alive. Let them publish something within each keepalive, or use another broker.",
      broken:
        "The broker disconnects clients that keep to their keepalive: clients that only listen reconnect again and again.",
      never: "A client that was connected for some time dies without a will.",
    },
    play: async (stage) => alive(stage, "while it pings", (victim) => victim.ping()),
  },
  {
    id: "publish-alive",
    title: "PUBLISH instead of PINGREQ, then a reset",
    grade: "must",
    quick: true,
    needs: [],
    serial: false,
    rule: deadline,
    does: "Publishes (QoS 0) every 0.9 K for 4 K and sends no PINGREQ, as a busy sensor does; then resets the connection.",
    passes: "no will comes while it publishes, and one at once after the drop",
    wrong: "Only PINGREQ restarts the deadline, or only packets that the broker must answer.",
    byHand: [
      watchByHand,
      connectByHand,
      sentByHand(
        String.raw`for i in 1 2 3 4 5; do sleep 1.8; printf '\060\004\000\001xa'; done; sleep 10`,
      ),
    ],
    means: {
      spurious:
        "Only PINGREQ restarts the deadline: sensors that publish all the time are reported dead, because many client libraries send no PINGREQ while they send other packets.",
      broken:
        "The broker disconnects clients that publish but send no PINGREQ: sensors lose their connection again and again, and messages with it.",
      never: "A client that was connected for some time dies without a will.",
    },
    play: async (stage) => {
      // The will's own topic is the one of which the control has shown that this client may use it.
      const publish = (victim: Client): void => void victim.publish(stage.will.topic, "alive");
      return alive(stage, "while it publishes", publish);
    },
  },
  {
    id: "late-ping",
    title: "PINGREQ late, but within 1.5 K",
    grade: "ours",
    quick: false,
    needs: [],
    serial: false,
    rule: deadline,
    does: "Sends PINGREQ every 1.4 K, three times. The client exceeds K, within which it must send (v4-3.1.2-23, v5-3.1.2-20), but not the broker's 1.5 K.",
    passes: "no will comes, and the connection lives on",
    wrong: "Brokers end the client at 0.75, 1.0 or 1.25 K, or round the time down.",
    byHand: [
      watchByHand,
      connectByHand,
      sentByHand(String.raw`for i in 1 2 3; do sleep 2.8; printf '\300\000'; done`),
    ],
    means: {
      spurious:
        "The broker ends clients before 1.5 K: a client whose PINGREQ is late (a busy phone, a bad radio link) is reported dead although it is alive. Choose a keepalive that is longer than the client's ping interval.",
      broken:
        "The broker ends clients before 1.5 K: a client whose PINGREQ is late loses its connection. Choose a keepalive that is longer than the client's ping interval.",
    },
    play: latePing,
  },
  {
    id: "keepalive-0",
    title: "keepalive 0, then silence",
    grade: "ours",
    quick: false,
    needs: [],
    serial: false,
    rule: { v4: "v4 section 3.1.2.10", v5: "v5 section 3.1.2.10" },
    does: "Connects with a keepalive of 0, which turns the deadline off, and sends nothing more. Its socket stays open, and its kernel still answers TCP.",
    passes: "no will comes, and the connection lives on",
    wrong: "The broker uses a time of its own instead of 0 without telling the client.",
    byHand: [watchByHand, connectForeverByHand, sentByHand("sleep 60")],
    means: {
      spurious:
        "The broker has a deadline for clients with keepalive 0: they are reported dead although they are alive. Give them a keepalive, and let them send PINGREQ.",
      broken:
        "Clients with keepalive 0 can't stay connected to this broker. Give them a keepalive, and let them send PINGREQ.",
    },
    remark:
      "By design: with keepalive 0 a broker does not have to detect that a client lost power. Give your devices a keepalive.",
    play: keepaliveZero,
  },
];

/** Shares of K. A client that keeps its promise sends within K. */
const onTime = 0.9;
const lateButAllowed = 1.4;
/** A gap this near to 1.5 K is not the broker's doing any more. */
const marginMs = 20;
/** How long after the close of a connection its will is waited for. */
const afterCloseMs = 500;

/** Acts on time for 4 K, which is no reason for a will, then dies by a reset, which is one. */
async function alive(
  stage: Stage,
  arm: string,
  act: (victim: Client) => void,
): Promise<readonly Observation[]> {
  const victim = await stage.victim();
  const beats = new Beats(stage, victim, onTime, act);
  await beats.play(4);
  await beats.watch(beats.began + victim.keepAliveSeconds * 4000);
  const quiet = await beats.observation(arm);
  if (beats.isCut || quiet.inconclusive !== null) return [quiet];
  const since = stage.dropped();
  victim.reset();
  return [await stage.expectWill(since, since, "after the drop"), quiet];
}

async function latePing(stage: Stage): Promise<readonly Observation[]> {
  const victim = await stage.victim();
  const beats = new Beats(stage, victim, lateButAllowed, () => victim.ping());
  await beats.play(3);
  await beats.watch(stage.now + afterCloseMs);
  return [await beats.observation("")];
}

async function keepaliveZero(stage: Stage): Promise<readonly Observation[]> {
  let victim: Client;
  try {
    victim = await stage.victim({ keepalive: 0 });
  } catch (error) {
    const how = refusalOf(error);
    if (how === null) throw error;
    const broken = `a CONNECT with keepalive 0 was refused: ${how}`;
    return [{ ...stage.observation(stage.dropped(), null), broken }];
  }
  if (victim.keepAliveSeconds > 0) {
    throw new NotOffered(`the broker imposes a keepalive of ${victim.keepAliveSeconds} s`);
  }
  const { keepAliveSeconds, waitMs } = stage.options;
  const since = stage.dropped(victim.lastSentAt);
  // At least as long as a client with a keepalive would have lived.
  const until = since + Math.max(waitMs, keepAliveSeconds * 4000);
  const isOver = (): boolean => victim.isOver || stage.wills(since).length > 0;
  await stage.until(until - stage.now, "no will", isOver);
  return [await unlessCut(stage, victim, since, "")];
}

/** Signs of life of a client at even intervals, and what comes of them. */
class Beats {
  readonly began: number;
  readonly #stage: Stage;
  readonly #victim: Client;
  readonly #everyMs: number;
  readonly #allowedMs: number;
  readonly #act: (victim: Client) => void;
  #longestMs = 0;

  /** `share`: of the keepalive in force, from one to the next. */
  constructor(stage: Stage, victim: Client, share: number, act: (victim: Client) => void) {
    this.#allowedMs = allowedMs(victim);
    this.#everyMs = victim.keepAliveSeconds * 1000 * share;
    this.#stage = stage;
    this.#victim = victim;
    this.#act = act;
    this.began = stage.dropped(victim.lastSentAt);
  }

  /** The broker has ended it, or says so to everybody. */
  get isCut(): boolean {
    return this.#victim.isOver || this.#stage.wills(this.began).length > 0;
  }

  async play(times: number): Promise<void> {
    for (let beat = 0; beat < times && !this.isCut; beat++) {
      const last = this.#victim.lastSentAt;
      await this.watch(last + this.#everyMs);
      if (!this.isCut) this.#act(this.#victim);
      const gapMs = (this.isCut ? this.#stage.now : this.#victim.lastSentAt) - last;
      this.#longestMs = Math.max(this.#longestMs, gapMs);
    }
  }

  async watch(until: number): Promise<void> {
    await this.#stage.until(until - this.#stage.now, "no will", () => this.isCut);
  }

  async observation(arm: string): Promise<Observation> {
    const seen = await unlessCut(this.#stage, this.#victim, this.began, arm);
    if (this.#longestMs < this.#allowedMs - marginMs) return seen;
    const stalled = `this machine was held up for ${Math.round(this.#longestMs - this.#everyMs)} ms`;
    const gap = `${(this.#longestMs / 1000).toFixed(2)} s`;
    return { ...seen, inconclusive: `${stalled}: the client sent nothing for ${gap}` };
  }
}

/** No will was due; without one, a connection that the broker has closed is not right either. */
async function unlessCut(
  stage: Stage,
  victim: Client,
  since: number,
  arm: string,
): Promise<Observation> {
  if (victim.isOver) {
    await stage.until(afterCloseMs, "the will", () => stage.wills(since).length > 0);
  }
  const seen = stage.observation(since, null, arm);
  if (!victim.isOver || seen.got.length > 0) return seen;
  const { at, disconnect } = await victim.ended;
  const said = disconnect === null ? "" : `, ${reasonText(disconnect.reasonCode ?? 0)}`;
  const broken = `the broker closed the connection after ${((at - since) / 1000).toFixed(2)} s${said}`;
  return { ...seen, broken };
}
