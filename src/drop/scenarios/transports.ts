import { atOnce } from "./network.ts";
import type { Scenario } from "../scenario.ts";
import { expectDeadline } from "./silence.ts";
import { NotOffered } from "../no-verdict.ts";
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
    does: "Connects with a will over a WebSocket, then sends the WebSocket's close frame without an MQTT DISCONNECT, as a browser does when its page is closed.",
    passes: "the will comes at once",
    wrong: "The broker takes the WebSocket's close frame for an MQTT DISCONNECT.",
    byHandNote:
      "While this runs, open a page that connects with a will (MQTT.js), then close its tab.",
    byHand: ["mosquitto_sub -t status -v"],
    means: {
      never: `A browser tab that is closed is never reported. ${webSocketMeans}`,
      late: "A browser tab that is closed is reported only after a while.",
    },
    play: async (stage) => atOnce(stage, (victim) => victim.fin()),
  },
  {
    id: "ws-cut",
    title: "WebSocket: TCP reset",
    grade: "must",
    quick: false,
    needs: ["websocket"],
    serial: false,
    rule: closed,
    does: "Connects with a will over a WebSocket, then resets the TCP connection below it (RST): no close frame.",
    passes: "the will comes at once",
    wrong:
      "Only the close frame ends the connection; the broker misses the end of the socket below it.",
    byHandNote:
      "While this runs, open a page that connects with a will (MQTT.js), then kill the browser's process.",
    byHand: ["mosquitto_sub -t status -v"],
    means: {
      never: `A browser that crashes is never reported. ${webSocketMeans}`,
      late: "A browser that crashes is reported only after a while.",
    },
    play: async (stage) => atOnce(stage, (victim) => victim.reset()),
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
    byHand: ["mosquitto_sub -t status -v"],
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
    does: "Connects with a will and a keepalive of K over a WebSocket, then sends pings of the WebSocket's own, and no MQTT packet.",
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
    // The wire has no verb for it: a ping is no byte of MQTT's.
    play: async () => {
      throw new NotOffered("this client can't send WebSocket pings yet");
    },
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
    does: "Connects with a will over TLS, then resets the TCP connection below it, without TLS's close_notify.",
    passes: "the will comes at once",
    wrong:
      "The error that TLS reports for a truncated stream takes another path, on which the will is forgotten.",
    byHand: [
      "mosquitto_sub -t status -v &",
      "mosquitto_sub --cafile ca.crt -p 8883 -i dev -t x --will-topic status --will-payload gone & sleep 1; kill -KILL $!",
    ],
    means: {
      never: `A device that crashes is never reported. ${tlsMeans}`,
      late: "A device that crashes is reported only after a while.",
    },
    play: async (stage) => atOnce(stage, (victim) => victim.reset()),
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
      "mosquitto_sub -t status -v &",
      "mosquitto_sub --cafile ca.crt -p 8883 -k 5 -i dev -t x --will-topic status --will-payload gone & sleep 1; kill -STOP $!",
    ],
    means: {
      never: `A device that loses power stays online for hours. ${tlsMeans}`,
      late: "The deadline fires late. Run `half-open` to see by how much with other keepalives.",
      early,
    },
    play: silent,
  },
];

async function silent(stage: Stage) {
  return [await expectDeadline(stage, await stage.victim())];
}
