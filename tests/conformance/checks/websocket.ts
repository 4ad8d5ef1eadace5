import { check, type Group } from "../check.ts";
import { holds } from "../disagreement.ts";

const connack = 0x20;
const pingresp = 0xd0;

export const webSockets: Group = {
  name: "WebSocket",
  checks: [
    check(
      "v4-6.0.0-4 v5-6.0.0-4",
      "the answer to an upgrade selects the subprotocol mqtt",
      async (scene) => {
        const { head } = await scene.webSocket();
        const [, selected = "none"] = /^sec-websocket-protocol:[ \t]*(\S+)$/im.exec(head) ?? [];
        holds(selected === "mqtt", "the subprotocol mqtt", selected);
      },
    ),
    check(
      "v4-6.0.0-1 v5-6.0.0-1",
      "the broker sends binary frames, and closes the connection at a text frame",
      async (scene) => {
        const peer = await scene.webSocket();
        peer.connect(scene.id("text"));
        await peer.receives(connack);
        peer.frame(peer.encoded({ cmd: "pingreq" }), 1);
        await peer.closes();
      },
    ),
    check("v4-6.0.0-2 v5-6.0.0-2", "a packet in several frames is one packet", async (scene) => {
      const peer = await scene.webSocket();
      peer.connect(scene.id("parts"), 5);
      await peer.receives(connack);
    }),
    check("v4-6.0.0-2 v5-6.0.0-2", "several packets in one frame are as many", async (scene) => {
      const peer = await scene.webSocket();
      peer.connect(scene.id("many"));
      await peer.receives(connack);
      const ping = peer.encoded({ cmd: "pingreq" });
      peer.frame(Buffer.concat([ping, ping]));
      await peer.receives(connack, pingresp, pingresp);
    }),
  ],
};
