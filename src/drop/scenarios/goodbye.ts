import { connect5ByHand, connectByHand, sentByHand, watchByHand } from "./by-hand.ts";
import { atOnce } from "./network.ts";
import type { Observation, Scenario } from "../scenario.ts";
import type { Stage } from "../stage.ts";

/** The client says goodbye, well or badly. */
export const goodbyeScenarios: readonly Scenario[] = [
  {
    id: "disconnect",
    title: "DISCONNECT, a clean goodbye",
    grade: "must",
    quick: true,
    needs: [],
    serial: false,
    rule: { v4: "v4-3.14.4-3", v5: "v5-3.14.4-3" },
    does: "Sends DISCONNECT (0x00) and closes, as a program does that is stopped in an orderly way. Watches past the moment at which its keepalive would have run out.",
    passes: "no will comes",
    wrong:
      "The will is kept, and comes when the connection closes or when the keepalive of the connection that is gone runs out.",
    byHand: [
      watchByHand,
      "mosquitto_pub -i dev -t x -m hi --will-topic status --will-payload gone",
    ],
    means: {
      spurious:
        "Every planned restart looks like a crash: the broker publishes the will of a client that said goodbye. Whoever acts upon wills has to expect false alarms.",
    },
    remark:
      "By design: a clean DISCONNECT publishes no will. Where others are to know of a planned stop too, publish 'offline' yourself before it, or send DISCONNECT 0x04 (MQTT 5).",
    play: cleanGoodbye,
  },
  {
    id: "disconnect-will",
    title: "DISCONNECT 0x04, with will",
    grade: "must",
    quick: true,
    needs: ["v5"],
    serial: false,
    rule: { v4: "v5-3.1.2-8", v5: "v5-3.1.2-8" },
    does: "Sends DISCONNECT with reason code 0x04 (disconnect with will message): the client leaves in an orderly way and asks for its will.",
    passes: "the will comes at once",
    wrong: "Every DISCONNECT is treated like a clean one, and its reason code is not looked at.",
    byHand: [
      watchByHand,
      "mosquitto_sub -V 5 -i dev -t x --will-topic status --will-payload gone & sleep 1; kill -TERM $!",
    ],
    means: {
      never:
        "Clients that ask for their will do not get it: nobody hears of their planned stop. With this broker publish 'offline' before a clean DISCONNECT, or close without one.",
      late: "Clients that ask for their will get it late.",
    },
    play: async (stage) => atOnce(stage, (victim) => victim.leave(0x04)),
  },
  {
    id: "disconnect-error",
    title: "DISCONNECT 0x80, with an error",
    grade: "must",
    quick: true,
    needs: ["v5"],
    serial: false,
    rule: { v4: "v5-3.1.2-8", v5: "v5-3.1.2-8" },
    does: "Sends DISCONNECT with reason code 0x80 (unspecified error), as a client library does that gives up after a fault.",
    passes: "the will comes at once",
    wrong: "Only 0x04 publishes the will; a goodbye with an error counts as a clean one.",
    byHand: [
      watchByHand,
      connect5ByHand,
      sentByHand(String.raw`sleep 1; printf '\340\001\200'; sleep 1`),
    ],
    means: {
      never:
        "Clients that report an error die silently: a program that gives up with DISCONNECT 0x80 or above leaves no trace. With this broker let it close without a DISCONNECT, or with 0x04.",
      late: "Clients that report an error are reported dead late.",
    },
    play: async (stage) => atOnce(stage, (victim) => victim.leave(0x80)),
  },
  {
    id: "protocol-error",
    title: "a second CONNECT",
    grade: "must",
    quick: true,
    needs: [],
    serial: false,
    rule: { v4: "v4-3.1.2-8", v5: "v5-3.1.2-8" },
    does: "Sends a second CONNECT on the same connection, which is a protocol error: the broker has to close (v4-3.1.0-2, v5-3.1.0-2), and the client has not said goodbye.",
    passes: "the will comes at once",
    wrong:
      "The way on which the broker throws a client out is another than that on which it finds one gone, and forgets the will.",
    byHand: [watchByHand, connectByHand, sentByHand(`sleep 1; printf "$hi"; sleep 1`)],
    means: {
      never:
        "A client that misbehaves dies silently: the broker throws it out for a protocol error and tells nobody. A firmware fault that makes devices vanish does not show in your monitoring; look at the broker's log.",
      late: "A client that is thrown out for a protocol error is reported dead late.",
      broken:
        "The broker does not mind a second CONNECT, though it must close the connection (v4-3.1.0-2, v5-3.1.0-2). Faults of client libraries stay hidden.",
    },
    play: secondConnect,
  },
];

/** A will that still hangs on the dead connection would come with its keepalive deadline. */
const pastDeadlineMs = 1000;

async function cleanGoodbye(stage: Stage): Promise<readonly Observation[]> {
  const victim = await stage.victim();
  const since = stage.dropped();
  victim.leave();
  return [await stage.expectNone(since, since + victim.keepAliveSeconds * 1500 + pastDeadlineMs)];
}

async function secondConnect(stage: Stage): Promise<readonly Observation[]> {
  const victim = await stage.victim();
  const since = stage.dropped();
  victim.send({
    cmd: "connect",
    protocolId: victim.version === 3 ? "MQIsdp" : "MQTT",
    protocolVersion: victim.version,
    ...stage.connectOptions({ will: stage.willOptions(), keepalive: stage.options.keepAlive }),
  });
  // A broker that minds nothing would find it by its keepalive, and look as if it were only late.
  victim.stayAlive((victim.keepAliveSeconds || 30) * 500);
  const seen = await stage.expectWill(since, since);
  if (seen.got.length > 0 || victim.isOver) return [seen];
  return [{ ...seen, broken: "the broker kept the connection after a second CONNECT" }];
}
