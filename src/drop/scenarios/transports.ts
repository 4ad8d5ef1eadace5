import type { Client } from "../../client/client.ts";
import { assert } from "../../core/assert.ts";
import { playArms } from "../arms.ts";
import { watchByHand } from "./by-hand.ts";
import type { Observation, Scenario } from "../scenario.ts";
import { expectDeadline } from "./silence.ts";
import type { Stage } from "../stage.ts";

const closed = { v4: "v4-3.1.2-8", v5: "v5-3.1.2-8" } as const;
const deadline = { v4: "v4-3.1.2-24", v5: "v5-3.1.2-22" } as const;

const webSocketMeans =
  "If the will comes over plain TCP (see rst, fin and half-open) but not over WebSocket, look at the WebSocket listener, or at the proxy before it: play the same against the broker's own port with --via.";
const tlsMeans =
  "If the will comes over plain TCP (see rst and half-open) but not over TLS, look at the TLS listener, or at the proxy that ends TLS before it: play the same against the broker's own port with --via.";
const early = "The broker, or a proxy in front of it, ends clients that still have time.";

/** Ways to die that only a WebSocket has. */
export const webSocketScenarios: readonly Scenario[] = [
  {
    id: "ws-close",
    title: "WebSocket: closed without DISCONNECT",
    grade: "must",
    quick: false,
    needs: ["websocket"],
    serial: false,
    rule: closed,
    does: "Connects with a will over a WebSocket, then sends a Close frame without an MQTT DISCONNECT, as a browser does when its page is closed; in one arm with status 1000 (normal closure), in one with 1001 (going away: what browsers send), in one without a status.",
    passes: "the will comes at once, whatever the status",
    wrong: "The broker takes the Close frame, or one with status 1000, for an MQTT DISCONNECT.",
    byHandNote:
      "While this runs, open a page that connects with a will (MQTT.js), then close its tab.",
    byHand: [watchByHand],
    means: {
      never: `A browser tab that is closed is never reported. ${webSocketMeans}`,
      late: "A browser tab that is closed is reported only after a while.",
    },
    play: async (stage) => dies(stage, closes),
  },
  {
    id: "ws-cut",
    title: "WebSocket: cut without a Close frame",
    grade: "must",
    quick: false,
    needs: ["websocket"],
    serial: false,
    rule: closed,
    does: "Connects with a will over a WebSocket, then ends the TCP connection below it without a Close frame: in one arm by RST, in one by FIN, as the kernel does for a browser that is killed.",
    passes: "the will comes at once",
    wrong:
      "Only the Close frame ends the connection; the broker misses the end of the socket below it.",
    byHandNote:
      "While this runs, open a page that connects with a will (MQTT.js), then kill the browser's process.",
    byHand: [watchByHand],
    means: {
      never: `A browser that crashes is never reported. ${webSocketMeans}`,
      late: "A browser that crashes is reported only after a while.",
    },
    play: async (stage) => dies(stage, cuts),
  },
  {
    id: "ws-silent",
    title: "WebSocket: silence",
    grade: "must",
    quick: false,
    needs: ["websocket"],
    serial: false,
    rule: deadline,
    does: "Connects with a will and a keepalive of K over a WebSocket, then sends nothing more, and answers no WebSocket ping. The socket stays open.",
    passes: "the will comes at 1.5 K",
    wrong:
      "The broker leaves the keepalive to the WebSocket layer or to a proxy, which have idle times of their own.",
    byHandNote:
      "While this runs, open a page that connects with a will (MQTT.js), then stop the browser: kill -STOP PID",
    byHand: [watchByHand],
    means: {
      never: `A browser that hangs or loses its network stays online for hours. ${webSocketMeans}`,
      late: "The deadline fires late. Run `half-open` to see by how much with other keepalives.",
      early,
    },
    play: silent,
  },
  {
    id: "ws-ping",
    title: "WebSocket: pings only, no MQTT",
    grade: "must",
    quick: false,
    needs: ["websocket"],
    serial: false,
    rule: deadline,
    does: "Connects with a will and a keepalive of K over a WebSocket, then sends a Ping frame twice a second and answers the broker's, but sends no MQTT packet.",
    passes: "the will comes at 1.5 K",
    wrong:
      "Any frame restarts the deadline, so that a WebSocket library which pings by itself keeps a dead program alive.",
    byHandNote: "It needs a WebSocket library that sends pings, such as ws for Node: socket.ping()",
    byHand: [],
    means: {
      never: `A program that hangs stays online as long as its WebSocket library, or a proxy, sends pings. ${webSocketMeans}`,
      late: "A program that hangs is reported late, because something beside its MQTT packets restarts the deadline.",
      early,
    },
    play: pinging,
  },
];

/** Ways to die that only TLS has. */
export const tlsScenarios: readonly Scenario[] = [
  {
    id: "tls-cut",
    title: "TLS: cut without close_notify",
    grade: "must",
    quick: false,
    needs: ["tls"],
    serial: false,
    rule: closed,
    does: "Connects with a will over TLS, then ends the TCP connection below it without TLS's close_notify: in one arm by FIN, as the kernel does for a process that is killed, in one by RST.",
    passes: "the will comes at once",
    wrong:
      "The error that TLS reports for a truncated stream takes another path, on which the will is forgotten.",
    byHand: [
      watchByHand,
      "mqttd sub --cafile ca.crt -p 8883 -i dev -t x --will-topic status --will-payload gone & sleep 1; kill -KILL $!",
    ],
    means: {
      never: `A device that crashes is never reported. ${tlsMeans}`,
      late: "A device that crashes is reported only after a while.",
    },
    play: async (stage) => dies(stage, cuts),
  },
  {
    id: "tls-silent",
    title: "TLS: silence",
    grade: "must",
    quick: false,
    needs: ["tls"],
    serial: false,
    rule: deadline,
    does: "Connects with a will and a keepalive of K over TLS, then sends nothing more. The socket stays open.",
    passes: "the will comes at 1.5 K",
    wrong:
      "The keepalive is left to a proxy that terminates TLS, which keeps its connection to the broker open.",
    byHand: [
      watchByHand,
      "mqttd sub --cafile ca.crt -p 8883 -k 5 -i dev -t x --will-topic status --will-payload gone & sleep 1; kill -STOP $!",
    ],
    means: {
      never: `A device that loses power stays online for hours. ${tlsMeans}`,
      late: "The deadline fires late. Run `half-open` to see by how much with other keepalives.",
      early,
    },
    play: silent,
  },
];

/** A way to end the connection. */
interface Death {
  readonly name: string;
  readonly of: (victim: Client) => void;
}

const closes: readonly Death[] = [
  { name: "status 1000", of: (victim) => webSocketOf(victim).close(1000) },
  { name: "status 1001", of: (victim) => webSocketOf(victim).close(1001) },
  { name: "no status", of: (victim) => webSocketOf(victim).close(null) },
];

const cuts: readonly Death[] = [
  { name: "FIN", of: (victim) => victim.cut() },
  { name: "RST", of: (victim) => victim.reset() },
];

/** How often `ws-ping` pings: often enough for any keepalive. */
const pingMs = 500;

async function dies(stage: Stage, deaths: readonly Death[]): Promise<readonly Observation[]> {
  return playArms(stage, deaths, async ({ name, clientId, plan }, death) => {
    const victim = await stage.victim({ clientId, will: stage.willOptions(plan) });
    const since = stage.dropped();
    death.of(victim);
    return stage.expectWill(since, since, name, plan);
  });
}

async function silent(stage: Stage): Promise<readonly Observation[]> {
  return [await expectDeadline(stage, await stage.victim())];
}

async function pinging(stage: Stage): Promise<readonly Observation[]> {
  const victim = await stage.victim();
  const pings = setInterval(() => webSocketOf(victim).ping(), pingMs);
  try {
    const { keepAliveSeconds, lastSentAt } = victim;
    return [await expectDeadline(stage, { keepAliveSeconds, lastSentAt })];
  } finally {
    clearInterval(pings);
  }
}

function webSocketOf(victim: Client): NonNullable<Client["webSocket"]> {
  const { webSocket } = victim;
  assert(webSocket !== null, "the runner skips it where the address is no WebSocket");
  return webSocket;
}
