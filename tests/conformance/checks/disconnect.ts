import { block, connect, frame, property, publish, subscribe, text, twoBytes } from "../bytes.ts";
import { check, type Group } from "../check.ts";
import { holds, same, Skip } from "../disagreement.ts";

export const disconnecting: Group = {
  name: "DISCONNECT, AUTH and errors",
  checks: [
    check("v4-3.14.1-1", "DISCONNECT with reserved bits set closes the connection", async (s) => {
      for (const first of [0xe1, 0xe2, 0xef]) await s.closedBy(frame(first));
    }),
    check("v5-3.14.1-1", "DISCONNECT with reserved bits set is answered by 0x81", async (s) => {
      for (const first of [0xe1, 0xe2, 0xef]) {
        const peer = await s.connect();
        peer.bytes(frame(first));
        holds((await peer.closes(0x81)) !== null, "DISCONNECT 0x81", "none");
      }
    }),
    check("v5-3.14.0-1", "there is no DISCONNECT before a good CONNACK", async (s) => {
      for (const first of [
        frame(0xc0),
        connect(5, s.id("r"), { flags: 0x03 }),
        connect(5, s.id("r"), { level: 6 }),
        connect(5, s.id("r"), { properties: property.authenticationMethod("none-such") }),
        frame(0xe0),
      ]) {
        await s.refused(first);
      }
    }),
    check(
      "v5-3.14.2-1 v5-3.14.2-2 v5-3.14.4-1 v5-3.14.4-2",
      "the broker's DISCONNECT has a code of its table, is its last packet, and closes",
      async (s) => {
        const peer = await s.connect("a", { properties: { sessionExpiryInterval: 60 } });
        await peer.subscribe(s.topic());
        const source = await s.connect("source");
        await source.publish(s.topic(), "before");
        peer.bytes(connect(5, s.id("a")), frame(0xc0));
        if ((await peer.closes()) === null) throw new Skip("the broker sends no DISCONNECT");
        await source.publish(s.topic(), "after");
        await s.quiet();
        same("the last packet is", peer.history.at(-1)?.packet.cmd, "disconnect");
        const { version } = s;
        for (const wrong of [frame(0x00), frame(0xf0), publish(version, "a/#"), frame(0xe1)]) {
          await s.closedBy(wrong);
        }
      },
    ),
    check(
      "v5-3.14.2-3 v5-3.14.2-4",
      "the broker's DISCONNECT fits the client's Maximum Packet Size",
      async (s) => {
        const peer = await s.connect("a", { properties: { maximumPacketSize: 24 } });
        peer.bytes(connect(5, s.id("a")));
        await peer.closes();
        const largest = Math.max(...peer.history.map(({ bytes }) => bytes.length));
        holds(largest <= 24, "packets of up to 24 B", `${largest} B`);
      },
    ),
    check("v5-3.15.1-1", "AUTH with flags closes the connection", async (s) => {
      for (const first of [0xf1, 0xf2, 0xf8]) await s.closedBy(frame(first, [0x18, 0x00]));
    }),
    check("v5-4.12.0-7", "AUTH without an Authentication Method is closed", async (s) => {
      const properties = [...property.authenticationMethod("none-such")];
      await s.closedBy(frame(0xf0, [0x19, properties.length], properties));
    }),
    check(
      "v4-4.8.0-1 v5-4.13.1-1",
      "what no client may send closes the connection, and no other",
      async (s) => {
        const bystander = await s.connect("bystander");
        const id = twoBytes(1);
        const wrong = [
          frame(0x00),
          frame(0x20, [0, 0]),
          frame(0x90, id, [0]),
          frame(0xb0, id),
          frame(0xd0),
          frame(0x40),
          frame(0x62, [0]),
          frame(0x82, id),
          frame(0xc0, [0]),
          Uint8Array.from([0x30, 0xff, 0xff, 0xff, 0xff, 0x01]),
          publish(s.version, ""),
        ];
        if (s.version === 4) wrong.push(frame(0xf0), frame(0xe0, [0]), frame(0x40, id, [0]));
        for (const each of wrong) await s.closedBy(each);
        await bystander.lives();
      },
    ),
    check("v5-4.13.1-1", "what breaks the rules of properties closes the connection", async (s) => {
      const twice = [...property.contentType("a"), ...property.contentType("b")];
      for (const properties of [
        [0x7f, 0],
        [0x26, 0, 1],
        twice,
        property.payloadFormat(2),
        property.authenticationMethod("x"),
        [0x11, 0, 0, 0, 1],
      ]) {
        await s.closedBy(publish(5, s.topic(), { properties }));
      }
      await s.closedBy(frame(0x30, text(s.topic()), [0x05]));
      await s.closedBy(frame(0x40, twoBytes(1), [0x42]));
      const identifiers = [1, 2].flatMap((each) => [...property.subscriptionIdentifier(each)]);
      const filter = [...text(s.topic()), 0];
      await s.closedBy(frame(0x82, twoBytes(1), block(5, identifiers), filter));
      await s.closedBy(subscribe(5, s.topic(), 0x30));
      await s.closedBy(subscribe(5, s.topic(), 0x03));
      for (const properties of [
        [0x21, 0, 0],
        [0x27, 0, 0, 0, 0],
        [0x17, 2],
        [0x16, 0, 1, 0x61],
        [0x11, 0, 0, 0, 1, 0x11, 0, 0, 0, 1],
      ]) {
        await s.refused(connect(5, s.id("r"), { properties }));
      }
    }),
    check("v5-4.13.2-1", "a code from 0x80 closes, whichever side sends it", async (s) => {
      const peer = await s.connect();
      peer.send({ cmd: "disconnect", reasonCode: 0x80 });
      await peer.closes();
      const method = property.authenticationMethod("none-such");
      await s.refused(connect(5, s.id("r"), { properties: method }));
      await s.closedBy(frame(0x00));
    }),
  ],
};
