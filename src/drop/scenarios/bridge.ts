import { sentByHand, watchByHand } from "./by-hand.ts";
import { NotOffered } from "../no-verdict.ts";
import { rawConnect } from "./raw-connect.ts";
import { refusalOf } from "../refused.ts";
import type { Observation, Scenario } from "../scenario.ts";
import type { Stage } from "../stage.ts";

/** Bit 7 of the protocol level: how mosquitto says that it connects as a bridge. */
const bridgeBit = 0x80;

/** A broker that is the client of another one. */
export const bridgeScenarios: readonly Scenario[] = [
  {
    id: "bridge",
    title: "a bridge dies (protocol level 0x84)",
    grade: "ours",
    quick: false,
    needs: [],
    serial: false,
    rule: { v4: "v4-3.1.2-8", v5: "v5-3.1.2-8" },
    does: "Connects as mosquitto does when it is a bridge to another broker: with bit 7 of the protocol level set (0x84 for MQTT 3.1.1, 0x83 for 3.1), which no standard defines. Its will reports that the link between the brokers is down. Then it resets the TCP connection. A broker that refuses the level is skipped: the bridge then tries the ordinary level.",
    passes: "the will comes at once",
    wrong: "The broker accepts bridges but ignores their wills.",
    byHand: [
      watchByHand,
      "hi='\\020\\035\\000\\004MQTT\\204\\006\\000\\074\\000\\003dev\\000\\006status\\000\\004gone'",
      sentByHand("sleep 1"),
    ],
    means: {
      never:
        "When the link between two brokers fails, no subscriber learns of it: the bridge's state stays 'connected'. Monitor the messages that it forwards instead.",
      late: "The end of a bridge is reported late.",
    },
    play: bridged,
  },
];

async function bridged(stage: Stage): Promise<readonly Observation[]> {
  const { version, target } = stage.options;
  if (version === 5) throw new NotOffered("bridges with MQTT 5 use the ordinary level");
  const { topic, payload, qos, retain } = stage.will;
  const plan = { delay: 0 };
  const client = await stage.dial();
  const connect = rawConnect({
    version,
    level: version | bridgeBit,
    clientId: stage.clientId,
    username: target.username,
    password: target.password,
    willBits: 0x04 | (qos << 3) | (retain ? 0x20 : 0),
    will: { topic: Buffer.from(topic), payload },
  });
  if (retain) stage.retains(topic);
  try {
    await client.connectWith(connect);
  } catch (error) {
    const how = refusalOf(error);
    throw how === null ? error : new NotOffered(`the broker does not support bridges: ${how}`);
  }
  const since = stage.dropped();
  client.reset();
  return [await stage.expectWill(since, since, "", plan)];
}
