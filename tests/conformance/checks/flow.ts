import { check, type Group } from "../check.ts";
import { same } from "../disagreement.ts";
import type { Peer } from "../peer.ts";
import type { Scene } from "../scene.ts";

/** A client with a window of two, and a publisher that has sent it five messages. */
async function flooded(s: Scene, qos: 1 | 2): Promise<[Peer, Peer]> {
  const peer = await s.connect("a", { properties: { receiveMaximum: 2 } });
  await peer.subscribe(s.topic(), { qos: 2 });
  const source = await s.connect("source");
  for (const payload of ["1", "2", "3", "4", "5"])
    await source.publish(s.topic(), payload, { qos });
  return [peer, source];
}

export const flow: Group = {
  name: "flow control",
  checks: [
    check(
      "v5-3.3.4-9 v5-4.9.0-1 v5-4.9.0-2",
      "no more QoS 1 messages are open than Receive Maximum, and the rest follows",
      async (s) => {
        const [peer] = await flooded(s, 1);
        await s.quiet();
        same("open are", peer.deliveries().length, 2);
        await peer.receives(...["1", "2", "3", "4", "5"].map((each) => `${s.topic()}=${each}`));
      },
    ),
    check(
      "v5-3.3.4-9 v5-4.9.0-2",
      "a QoS 2 message is open until PUBCOMP, or a failing PUBREC",
      async (s) => {
        const [peer] = await flooded(s, 2);
        const first = await peer.next("publish");
        const second = await peer.next("publish");
        peer.send({ cmd: "pubrec", messageId: first.messageId ?? 0 });
        await peer.next("pubrel");
        await peer.silent();
        peer.send({ cmd: "pubcomp", messageId: first.messageId ?? 0 });
        same("then comes", (await peer.next("publish")).payload.toString(), "3");
        await peer.silent();
        peer.send({ cmd: "pubrec", messageId: second.messageId ?? 0, reasonCode: 0x80 });
        same("then comes", (await peer.next("publish")).payload.toString(), "4");
        await peer.silent();
      },
    ),
    check(
      "v5-3.3.4-10 v5-4.9.0-3",
      "all but QoS 1 and 2 continues where nothing more may be open",
      async (s) => {
        const [peer, source] = await flooded(s, 1);
        await s.quiet();
        await peer.lives();
        await peer.subscribe(s.topic("other"));
        await peer.publish(s.topic("mine"), "m", { qos: 2 });
        await peer.unsubscribe(s.topic("other"));
        await source.lives();
        same("open are", peer.deliveries().filter(({ qos }) => qos > 0).length, 2);
      },
    ),
    check("v5-4.9.0-1", "the send quota is reset on each connection", async (s) => {
      const properties = { receiveMaximum: 1 };
      const [peer] = await s.persistent("kept", { properties });
      await peer.subscribe(s.topic(), { qos: 1 });
      const source = await s.connect("source");
      for (const payload of ["1", "2", "3"]) await source.publish(s.topic(), payload, { qos: 1 });
      await s.quiet();
      same("open are", peer.deliveries().length, 1);
      peer.drop();
      const [back] = await s.persistent("kept", { properties });
      await s.quiet();
      same("open are", back.deliveries().length, 1);
      await back.receives(...["1", "2", "3"].map((each) => `${s.topic()}=${each}`));
    }),
  ],
};
