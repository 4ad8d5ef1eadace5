import type { Client } from "../client/client.ts";
import type { Observation, Scenario } from "./scenario.ts";
import type { Stage } from "./stage.ts";

/** The network goes away: with a RST, with a FIN, or without a word. */
export const networkScenarios: readonly Scenario[] = [
  {
    id: "rst",
    title: "TCP reset",
    grade: "must",
    quick: true,
    needs: [],
    serial: false,
    rule: { v4: "v4-3.1.2-8", v5: "v5-3.1.2-8" },
    does: "Connects with a will, then resets the TCP connection (RST), as a crashed kernel or a firewall does.",
    passes: "the will comes at once",
    wrong: "A way of closing that the broker's clean-up does not know publishes nothing.",
    byHand: [
      "mosquitto_sub -t status -v &",
      "mosquitto_sub -i dev -t x --will-topic status --will-payload gone & sleep 1; kill -KILL $!",
    ],
    means: {
      never:
        "The broker publishes no wills at all for this client; nothing below can work. Look at its access list and its log.",
      late: "Even a death that TCP announces is published late.",
    },
    play: async (stage) => atOnce(stage, (victim) => victim.reset()),
  },
  {
    id: "fin",
    title: "closed without DISCONNECT",
    grade: "must",
    quick: true,
    needs: [],
    serial: false,
    rule: { v4: "v4-3.1.2-8", v5: "v5-3.1.2-8" },
    does: "Connects with a will, then closes the TCP connection (FIN) without a DISCONNECT, as a process that crashes does.",
    passes: "the will comes at once",
    wrong: "End-of-stream is taken for a goodbye.",
    byHand: [
      "mosquitto_sub -t status -v &",
      "mosquitto_sub -i dev -t x --will-topic status --will-payload gone & sleep 1; kill -KILL $!",
    ],
    means: {
      never: "A crashed process ends like this; the broker takes end-of-stream for a goodbye.",
    },
    play: async (stage) => atOnce(stage, (victim) => victim.fin()),
  },
  {
    id: "half-open",
    title: "silence, the socket stays open",
    grade: "must",
    quick: true,
    needs: [],
    serial: false,
    rule: { v4: "v4-3.1.2-24", v5: "v5-3.1.2-22" },
    does: "Connects with a will and a keepalive of K, then says nothing more. The socket stays open: no FIN, no RST, as when a device loses power.",
    passes: "the will comes at 1.5 K",
    wrong:
      "Brokers without a deadline of their own trust TCP, which finds out after hours or never; others look only every few seconds.",
    byHand: [
      "mosquitto_sub -t status -v &",
      "mosquitto_sub -i dev -k 5 -t x --will-topic status --will-payload gone & sleep 1; kill -STOP $!",
    ],
    means: {
      never:
        "The broker has no keepalive deadline: a device that loses power stays online for hours. It is the story of rumqttd issue 783. Only a broker that keeps its own time helps.",
      late: "The broker looks for dead clients only now and then. With your keepalive K expect 1.5 K plus up to this step.",
      early: "The broker cuts clients that still have time: jittery networks lose live devices.",
    },
    play: async (stage) => silent(stage, async () => {}),
  },
];

/** Dies by `drop`; the will is due at that moment. */
async function atOnce(
  stage: Stage,
  drop: (victim: Client) => void,
): Promise<readonly Observation[]> {
  const victim = await stage.victim();
  const since = stage.dropped();
  drop(victim);
  return [await stage.expectWill(since, since)];
}

/** Does `act` and is silent from then on; the will is due 1.5 K after its last packet. */
async function silent(
  stage: Stage,
  act: (victim: Client) => Promise<void>,
): Promise<readonly Observation[]> {
  const victim = await stage.victim();
  await act(victim);
  const since = stage.dropped(victim.lastSentAt);
  return [await stage.expectWill(since, since + victim.keepAlive * 1500)];
}
