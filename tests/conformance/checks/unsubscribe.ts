import { block, frame, text, twoBytes, unsubscribe } from "../bytes.ts";
import { check, type Group } from "../check.ts";
import { holds, same } from "../disagreement.ts";

export const unsubscribing: Group = {
  name: "UNSUBSCRIBE, UNSUBACK and PINGREQ",
  checks: [
    check(
      "v4-3.10.1-1 v5-3.10.1-1",
      "UNSUBSCRIBE with other flags closes the connection",
      async (s) => {
        for (const first of [0xa0, 0xa1, 0xa3, 0xaa, 0xa6]) {
          await s.closedBy(frame(first, twoBytes(1), block(s.version), text(s.topic())));
        }
      },
    ),
    check(
      "v4-3.10.3-1 v5-3.10.3-1",
      "UNSUBSCRIBE with a filter that is no UTF-8 closes the connection",
      async (s) => {
        for (const filter of [
          [0x61, 0xff],
          [0x61, 0x00],
          [0xed, 0xa0, 0x80],
        ]) {
          await s.closedBy(unsubscribe(s.version, filter));
        }
      },
    ),
    check(
      "v4-3.10.3-2 v5-3.10.3-2",
      "UNSUBSCRIBE without a filter closes the connection",
      async (s) => {
        await s.closedBy(frame(0xa2, twoBytes(1), block(s.version)));
      },
    ),
    check("v4-3.10.4-1 v5-3.10.4-1", "UNSUBSCRIBE deletes the very same filter only", async (s) => {
      const peer = await s.connect();
      await peer.subscribe(s.topic("a/+"));
      await peer.unsubscribe(s.topic("a/b"), s.topic("A/+"), s.topic("#"), s.topic("a/+/"));
      await peer.publish(s.topic("a/b"), "1");
      await peer.receives(`${s.topic("a/b")}=1`);
      await peer.unsubscribe(s.topic("a/+"));
      await peer.publish(s.topic("a/b"), "2");
      await peer.silent();
    }),
    check(
      "v5-3.10.4-1",
      "UNSUBSCRIBE takes a shared filter for another than the plain one",
      async (s) => {
        const peer = await s.connect();
        await peer.subscribe(s.topic());
        await peer.subscribe(`$share/g/${s.topic()}`);
        await peer.unsubscribe(s.topic(), `$share/h/${s.topic()}`);
        await peer.publish(s.topic(), "1");
        await peer.receives(`${s.topic()}=1`);
        await peer.unsubscribe(`$share/g/${s.topic()}`);
        await peer.publish(s.topic(), "2");
        await peer.silent();
      },
    ),
    check("v4-3.10.4-2 v5-3.10.4-2", "after UNSUBSCRIBE no new message is sent", async (s) => {
      const peer = await s.connect();
      await peer.subscribe(s.topic(), { qos: 1 });
      await peer.publish(s.topic(), "1", { qos: 1 });
      await peer.receives(`${s.topic()}=1`);
      await peer.unsubscribe(s.topic());
      await peer.publish(s.topic(), "2", { qos: 1 });
      await peer.silent();
    }),
    check(
      "v4-3.10.4-3 v5-3.10.4-3",
      "UNSUBSCRIBE lets deliveries finish, on this connection or the next",
      async (s) => {
        const [peer] = await s.persistent("kept");
        await peer.subscribe(s.topic(), { qos: 2 });
        const source = await s.connect("source");
        await source.publish(s.topic(), "1", { qos: 2 });
        const first = await peer.next("publish");
        await source.publish(s.topic(), "2", { qos: 1 });
        const second = await peer.next("publish");
        await peer.unsubscribe(s.topic());
        await peer.acknowledge(first);
        peer.drop();
        const [back] = await s.persistent("kept");
        const [again] = await back.receives(`${s.topic()}=2`);
        same("packet id is", again?.messageId, second.messageId);
        await back.silent();
      },
    ),
    check(
      "v4-3.10.4-4 v4-3.10.4-5 v5-3.10.4-4 v5-3.10.4-5",
      "UNSUBACK comes with the packet id, whether or not there was a subscription",
      async (s) => {
        const peer = await s.connect();
        await peer.subscribe(s.topic());
        await peer.unsubscribe(s.topic());
        await peer.unsubscribe(s.topic());
        await peer.unsubscribe(s.topic("never"));
      },
    ),
    check(
      "v4-3.10.4-6 v5-3.10.4-6",
      "many filters in one UNSUBSCRIBE are all deleted, with one UNSUBACK",
      async (s) => {
        const peer = await s.connect();
        for (const name of ["a", "b", "c"]) await peer.subscribe(s.topic(name));
        await peer.unsubscribe(s.topic("a"), s.topic("x"), s.topic("c"));
        for (const name of ["a", "b", "c"]) await peer.publish(s.topic(name), "m");
        await peer.receives(`${s.topic("b")}=m`);
        await peer.silent();
      },
    ),
    check(
      "v5-3.11.3-1 v5-3.11.3-2",
      "UNSUBACK has a code for each filter, in their order",
      async (s) => {
        const peer = await s.connect();
        await peer.subscribe(s.topic("b"));
        await peer.subscribe(s.topic("c"));
        const names = ["a", "b", "b", "c"];
        const { granted } = await peer.unsubscribe(...names.map((name) => s.topic(name)));
        same("codes are", granted, [0x11, 0, 0x11, 0]);
      },
    ),
    check(
      "v5-3.11.2-1 v5-3.11.2-2",
      "UNSUBACK fits the client's Maximum Packet Size",
      async (s) => {
        const peer = await s.connect("a", { properties: { maximumPacketSize: 40 } });
        await peer.unsubscribe(...["a", "b", "c"].map((name) => s.topic(name)));
        const sizes = peer.history.map(({ bytes }) => bytes.length);
        holds(Math.max(...sizes) <= 40, "packets of up to 40 B", `${Math.max(...sizes)} B`);
      },
    ),
    check("v4-3.12.4-1 v5-3.12.4-1", "each PINGREQ is answered by a PINGRESP", async (s) => {
      const peer = await s.connect();
      peer.bytes(frame(0xc0), frame(0xc0), frame(0xc0));
      for (let count = 0; count < 3; count++) await peer.next("pingresp");
      await peer.silent();
    }),
  ],
};
