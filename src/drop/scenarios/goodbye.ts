import { connect5ByHand, connectByHand, sentByHand, watchByHand } from "./by-hand.ts";
import { disconnectedBy, disconnectForms, leaveBy } from "./disconnect-forms.ts";
import { type Arm, playArms } from "../arms.ts";
import type { Observation, Scenario } from "../scenario.ts";
import type { Stage } from "../stage.ts";

/** The client ends its connection by a packet: DISCONNECT, or one that is an error. */
export const goodbyeScenarios: readonly Scenario[] = [
  {
    id: "disconnect",
    title: "DISCONNECT 0x00",
    grade: "must",
    quick: true,
    needs: [],
    serial: false,
    rule: { v4: "v4-3.14.4-3", v5: "v5-3.14.4-3" },
    does: "Sends DISCONNECT (0x00) and closes, as a program does that is stopped in an orderly way; in MQTT 5 in each of its three forms (E0 00, E0 01 00, E0 02 00 00). Watches until after the moment at which its keepalive would have expired.",
    passes: "no will comes",
    wrong:
      "The broker keeps the will, and publishes it when the connection closes or when its keepalive expires; or it reads the reason code in one form of the packet only.",
    byHand: [watchByHand, "mqttd pub -i dev -t x -m hi --will-topic status --will-payload gone"],
    means: {
      spurious:
        "Every planned stop looks like a crash: the broker publishes the will of a client that sent DISCONNECT. Receivers that act on wills must expect false alarms.",
    },
    remark:
      "By design: a DISCONNECT with 0x00 publishes no will. To report a planned stop too, publish 'offline' before it, or send DISCONNECT 0x04 (MQTT 5).",
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
    does: "Sends DISCONNECT with reason code 0x04 (disconnect with will message): the client leaves in an orderly way and asks for its will. Plays both forms of the packet: E0 01 04, which most clients send, and E0 02 04 00, with a Property Length of 0.",
    passes: "the will comes at once, whichever form was sent",
    wrong:
      "The broker handles every DISCONNECT like a clean one, or reads the reason code in one of the two forms only.",
    byHand: [
      watchByHand,
      "mqttd sub -V 5 -i dev -t x --will-topic status --will-payload gone & sleep 1; kill -TERM $!",
    ],
    means: {
      never:
        "Clients that ask for their will do not get it: no subscriber learns of a planned stop. With this broker, publish 'offline' before DISCONNECT 0x00, or close without a DISCONNECT.",
      late: "Clients that ask for their will get it late.",
    },
    play: async (stage) => disconnectedBy(stage, 0x04),
  },
  {
    id: "disconnect-error",
    title: "DISCONNECT 0x80, with an error",
    grade: "must",
    quick: true,
    needs: ["v5"],
    serial: false,
    rule: { v4: "v5-3.1.2-8", v5: "v5-3.1.2-8" },
    does: "Sends DISCONNECT with reason code 0x80 (unspecified error), as a client library does that gives up after an error. Plays both forms of the packet: E0 01 80, and E0 02 80 00, with a Property Length of 0.",
    passes: "the will comes at once, whichever form was sent",
    wrong:
      "Only 0x04 publishes the will, or the broker reads the reason code in one of the two forms only.",
    byHand: [
      watchByHand,
      connect5ByHand,
      sentByHand(String.raw`sleep 1; printf '\340\001\200'; sleep 1`),
    ],
    means: {
      never:
        "Clients that report an error leave without a will: a program that ends with DISCONNECT 0x80 or above is not reported. With this broker, let it close without a DISCONNECT, or with 0x04.",
      late: "Clients that report an error are reported dead late.",
    },
    play: async (stage) => disconnectedBy(stage, 0x80),
  },
  {
    id: "protocol-error",
    title: "a second CONNECT",
    grade: "must",
    quick: true,
    needs: [],
    serial: false,
    rule: { v4: "v4-3.1.2-8", v5: "v5-3.1.2-8" },
    does: "Sends a second CONNECT on the same connection, which is a protocol error: the broker has to close it (v4-3.1.0-2, v5-3.1.0-2), and the client has sent no DISCONNECT. The second CONNECT is no copy of the first: in one arm it has another will, in one none, in one another client id.",
    passes: "the will of the first CONNECT comes at once",
    wrong:
      "The broker forgets the will when it ends a connection for an error, or it accepts the second CONNECT and replaces the first will.",
    byHand: [watchByHand, connectByHand, sentByHand(`sleep 1; printf "$hi"; sleep 1`)],
    means: {
      never:
        "The broker ends a client for a protocol error and publishes no will: a firmware error that makes devices vanish does not show in your monitoring. Check the broker's log.",
      late: "A client that is ended for a protocol error is reported dead late.",
      broken:
        "The broker accepts a second CONNECT on one connection, though it must close it (v4-3.1.0-2, v5-3.1.0-2). Which will is published when such a client dies is not certain.",
    },
    play: secondConnect,
  },
];

/** A will that still hangs on the dead connection would come with its keepalive deadline. */
const pastDeadlineMs = 1000;

async function cleanGoodbye(stage: Stage): Promise<readonly Observation[]> {
  return playArms(stage, disconnectForms(stage, 0), async ({ name, clientId, plan }, form) => {
    const victim = await stage.victim({ clientId, will: stage.willOptions(plan) });
    const since = stage.dropped();
    leaveBy(victim, form);
    const until = since + victim.keepAliveSeconds * 1500 + pastDeadlineMs;
    return stage.expectNone(since, until, name, plan);
  });
}

async function secondConnect(stage: Stage): Promise<readonly Observation[]> {
  return playArms(stage, secondConnects, async (arm, second) => {
    const { name, clientId, plan } = arm;
    const otherWill = {
      payload: Buffer.concat([plan.payload, Buffer.from(" of the second CONNECT")]),
    };
    const victim = await stage.victim({ clientId, will: stage.willOptions(plan) });
    const since = stage.dropped();
    victim.send({
      cmd: "connect",
      protocolId: victim.version === 3 ? "MQIsdp" : "MQTT",
      protocolVersion: victim.version,
      ...stage.connectOptions({
        clientId: second.hasOtherId ? otherId(stage, arm) : clientId,
        keepalive: stage.options.keepAliveSeconds,
        ...(second.hasWill && { will: stage.willOptions(otherWill) }),
      }),
    });
    // A broker that ignores it would end the client by its keepalive, and look as if it were only late.
    victim.stayAlive((victim.keepAliveSeconds || 30) * 500);
    const seen = await stage.expectWill(since, since, name, plan);
    const isOther = second.hasWill && stage.wills(since, otherWill).length > 0;
    return { ...seen, broken: secondConnectProblem(seen, isOther, victim.isOver) };
  });
}

/** The second CONNECT is no copy of the first: which of the two wills comes is to be seen. */
const secondConnects = [
  { name: "another will", hasWill: true, hasOtherId: false },
  { name: "no will", hasWill: false, hasOtherId: false },
  { name: "another id", hasWill: true, hasOtherId: true },
] as const;

/** Not an id that another client of this scenario uses. */
function otherId(stage: Stage, { clientId }: Arm): string {
  return stage.options.version === 3 ? stage.id("other") : `${clientId}-other`;
}

function secondConnectProblem(seen: Observation, isOther: boolean, isOver: boolean): string | null {
  const kept = isOver ? "" : "the broker kept the connection after a second CONNECT";
  const will = "the will of the second CONNECT was published";
  if (isOther) {
    const first = seen.got.length === 0 ? ", the first one's was not" : " as well";
    return will + first + (isOver ? "" : `; ${kept}`);
  }
  return seen.got.length > 0 || isOver ? null : kept;
}
