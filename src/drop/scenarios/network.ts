import type { Client } from "../../client/client.ts";
import { watchByHand } from "./by-hand.ts";
import { NotOffered } from "../no-verdict.ts";
import type { Observation, Scenario } from "../scenario.ts";
import type { Stage } from "../stage.ts";

/** TCP reports the end of the client: by RST or by FIN. */
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
    wrong: "The broker's clean-up does not handle this way of closing, and publishes nothing.",
    byHand: [
      watchByHand,
      String.raw`hi='\x10\x1d\0\4MQTT\4\6\0\x3c\0\3dev\0\6status\0\4gone'`,
      "python3 -c \"import socket, struct, time; s = socket.create_connection(('localhost', 1883)); s.send(b'$hi'); time.sleep(1); s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0)); s.close()\"",
    ],
    means: {
      never:
        "The broker publishes no will for this client at all, so no scenario below can pass. Check its access list and its log.",
      late: "The will is late although TCP reports the end at once. If it comes 1.5 K after the client's last packet, the broker misses the close, and only the keepalive deadline finds it.",
    },
    play: async (stage) => {
      if (stage.options.target.transport === "unix") {
        throw new NotOffered("a unix socket knows no reset");
      }
      return atOnce(stage, (victim) => victim.reset());
    },
  },
  {
    id: "fin",
    title: "closed without DISCONNECT",
    grade: "must",
    quick: true,
    needs: [],
    serial: false,
    rule: { v4: "v4-3.1.2-8", v5: "v5-3.1.2-8" },
    does: "Connects with a will, then closes the connection (FIN) without a DISCONNECT, as the kernel does for a process that crashes. Over TLS a close_notify precedes the FIN, over WebSocket a Close frame; tls-cut and ws-cut play it without.",
    passes: "the will comes at once",
    wrong: "The broker takes end-of-stream for a DISCONNECT.",
    byHand: [
      watchByHand,
      "mqttd sub -i dev -t x --will-topic status --will-payload gone & sleep 1; kill -KILL $!",
    ],
    means: {
      never:
        "A crashed process ends like this. The broker takes end-of-stream for a DISCONNECT, so no subscriber learns of the crash.",
      late: "The will is late although TCP reports the end at once. If it comes 1.5 K after the client's last packet, the broker misses the close, and only the keepalive deadline finds it.",
    },
    play: async (stage) => atOnce(stage, (victim) => victim.fin()),
  },
];

/** Dies by `drop`; the will is due at that moment. */
export async function atOnce(
  stage: Stage,
  drop: (victim: Client) => void,
): Promise<readonly Observation[]> {
  const victim = await stage.victim();
  const since = stage.dropped();
  drop(victim);
  return [await stage.expectWill(since, since)];
}
