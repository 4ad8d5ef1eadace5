import { generate } from "mqtt-packet";
import {
  block,
  connect,
  flag,
  frame,
  property,
  publish,
  subscribe,
  text,
  twoBytes,
  unsubscribe,
  will,
  type Bytes,
} from "../bytes.ts";
import { check, type Group } from "../check.ts";
import { same } from "../disagreement.ts";
import type { Peer } from "../peer.ts";
import type { Scene } from "../scene.ts";

/** Overlong, a surrogate, no UTF-8 at all, cut short, above U+10FFFF. */
const illFormed: readonly Bytes[] = [
  [0x61, 0xc0, 0x80],
  [0x61, 0xed, 0xa0, 0x80],
  [0x61, 0xff],
  [0x61, 0xe2, 0x82],
  [0xf4, 0x90, 0x80, 0x80],
];

const withNull: Bytes = [0x61, 0x00, 0x62];

/** A string in each place of a connection that exists in both versions. */
async function closedWith(s: Scene, string: Bytes): Promise<void> {
  await s.closedBy(publish(s.version, string));
  await s.closedBy(subscribe(s.version, string));
  await s.closedBy(unsubscribe(s.version, string));
  await s.refused(connect(s.version, string));
}

/** Messages whose packets are just below and just above a step of their lengths' encoding. */
const steps = [127, 128, 16_383, 16_384];

export const data: Group = {
  name: "data representation and packet format",
  checks: [
    check("v4-1.5.3-1 v5-1.5.4-1", "ill-formed UTF-8 closes the connection", async (s) => {
      for (const string of illFormed) await closedWith(s, string);
      // The bytes after a name would complete the character that its last bytes start.
      await s.closedBy(frame(0x30, text([0x61, 0xe2, 0x82]), [0xac, 0x00]));
    }),
    check("v4-1.5.3-2 v5-1.5.4-2", "U+0000 closes the connection", async (s) => {
      await closedWith(s, withNull);
    }),
    check("v4-1.5.3-3 v5-1.5.4-3", "U+FEFF is kept in names and filters", async (s) => {
      const plain = await s.connect("plain");
      const marked = await s.connect("marked");
      await plain.subscribe(s.topic("x"));
      await marked.subscribe(s.topic("\uFEFFx"));
      await plain.publish(s.topic("\uFEFFx"), "m");
      await marked.receives(`${s.topic("\uFEFFx")}=m`);
      await plain.silent();
    }),
    check("v5-1.5.5-1", "the broker's lengths take as few bytes as they can", async (s) => {
      const peer = await s.connect();
      await peer.subscribe(s.topic());
      for (const step of steps) {
        const userProperties = { n: "x".repeat(step - 6) };
        const packet = {
          cmd: "publish" as const,
          topic: s.topic(),
          payload: "m",
          qos: 0 as const,
          dup: false,
          retain: false,
          properties: { userProperties },
        };
        peer.send(packet);
        const came = await peer.nextFrame("publish");
        const size = generate(packet, { protocolVersion: 5 }).length;
        same("PUBLISH of bytes", came.bytes.length, size);
      }
    }),
    check("v5-1.5.5-1", "a length in more bytes than it needs is malformed", async (s) => {
      await s.closedBy(Uint8Array.from([0xc0, 0x80, 0x00]));
      await s.closedBy(frame(0x30, text(s.topic()), [0x80, 0x00]));
    }),
    check("v5-1.5.7-1", "ill-formed strings of a pair close the connection", async (s) => {
      for (const bad of [[0xff], withNull]) {
        for (const properties of [property.user(bad, "v"), property.user("n", bad)]) {
          await s.closedBy(publish(5, s.topic(), { properties }));
        }
      }
    }),
    check(
      "v4-2.2.2-1 v5-2.1.3-1",
      "the broker's packets have the flags of the table",
      async (s) => {
        const peer = await s.connect();
        await peer.lives();
        await peer.subscribe(s.topic(), { qos: 2 });
        await peer.publish(s.topic(), "1", { qos: 1 });
        await peer.publish(s.topic(), "2", { qos: 2 });
        await peer.receives(`${s.topic()}=1`, `${s.topic()}=2`);
        await peer.unsubscribe(s.topic());
      },
    ),
    check(
      "v4-2.2.2-1 v4-2.2.2-2 v5-2.1.3-1",
      "reserved flags that are set close the connection",
      async (s) => {
        const id = twoBytes(1);
        const { version } = s;
        await s.closedBy(frame(0x41, id));
        await s.closedBy(frame(0x51, id));
        await s.closedBy(frame(0x71, id));
        await s.closedBy(frame(0xc1));
        await s.closedBy(frame(0x80, id, block(version), text(s.topic()), [0]));
        await s.closedBy(frame(0xa0, id, block(version), text(s.topic())));
        const wrong = connect(version, s.id("f"));
        wrong[0] = 0x11;
        await s.refused(wrong);
      },
    ),
    check("v4-2.3.1-1 v5-2.2.1-3", "packet id 0 closes the connection", async (s) => {
      await s.closedBy(subscribe(s.version, s.topic(), 0, 0));
      await s.closedBy(unsubscribe(s.version, s.topic(), 0));
      await s.closedBy(publish(s.version, s.topic(), { flags: 0x02, packetId: 0 }));
      await s.closedBy(publish(s.version, s.topic(), { flags: 0x04, packetId: 0 }));
    }),
    check(
      "v4-2.3.1-4 v5-2.2.1-4 v5-4.3.2-1 v5-4.3.3-1",
      "open deliveries have packet ids of their own, and none is 0",
      async (s) => {
        const peer = await s.connect();
        const source = await s.connect("source");
        await peer.subscribe(s.topic(), { qos: 2 });
        const ids = new Set<number>();
        for (const qos of [1, 2, 1, 2] as const) {
          await source.publish(s.topic(), "m", { qos });
          ids.add((await peer.next("publish")).messageId ?? 0);
        }
        same("number of ids is", ids.size, 4);
        same("an id that is 0 is there:", ids.has(0), false);
      },
    ),
    check(
      "v4-2.3.1-4 v5-2.2.1-4 v5-4.3.2-1 v5-4.3.3-1",
      "one message for many clients has another packet id for each",
      async (s) => {
        const source = await s.connect("source");
        const peers: Peer[] = [];
        for (const name of ["a", "b", "c"]) {
          const peer = await s.connect(name);
          await peer.subscribe(s.topic(name), { qos: 2 });
          await peer.subscribe(s.topic("all"), { qos: peers.length === 2 ? 1 : 2 });
          peers.push(peer);
          // Each is one delivery further than the previous one.
          for (const _ of peers) await source.publish(s.topic(name), "own", { qos: 2 });
        }
        await source.publish(s.topic("all"), "m", { qos: 2 });
        await s.quiet();
        for (const [index, peer] of peers.entries()) {
          const came = peer.deliveries();
          same("number of deliveries is", came.length, index + 2);
          same(
            "number of ids is",
            new Set(came.map(({ messageId }) => messageId)).size,
            came.length,
          );
          same(
            "the last is",
            [came.at(-1)?.topic, came.at(-1)?.payload.toString()],
            [s.topic("all"), "m"],
          );
        }
      },
    ),
    check(
      "v4-2.3.1-4 v5-2.2.1-4 v5-1.5.5-1",
      "one message for many clients arrives whole, at every step of its length",
      async (s) => {
        const peers = [await s.connect("a"), await s.connect("b")] as const;
        const topic = s.topic("length");
        for (const peer of peers) await peer.subscribe(topic, { qos: 1 });
        const source = await s.connect("source");
        for (const step of [128, 256, 16_384, 16_512]) {
          for (const size of [step - 1, step, step + 1]) {
            const packet = { topic, qos: 1, messageId: 9, dup: false, retain: false } as const;
            const parts = { cmd: "publish", ...packet, payload: "" } as const;
            const empty = generate(parts, { protocolVersion: s.version }).length - 2;
            const payload = "x".repeat(size - empty);
            await source.publish(topic, payload, packet);
            for (const peer of peers) {
              const frame = await peer.nextFrame("publish");
              same("Remaining Length is", frame.bytes.length - frame.body, size);
              if (frame.packet.cmd !== "publish") return;
              same("payload is as it was:", frame.packet.payload.toString() === payload, true);
              await peer.acknowledge(frame.packet);
            }
          }
        }
        for (const peer of peers) {
          const ids = peer.deliveries().map(({ messageId }) => messageId ?? 0);
          same("an id that is 0 is there:", ids.includes(0), false);
        }
      },
    ),
    check(
      "v4-2.3.1-5 v5-2.2.2-1",
      "a delivery is the same whatever version the publisher speaks",
      async (s) => {
        const other = await s.open(s.version === 4 ? 5 : 4);
        s.sendConnect(other, s.id("other"), { properties: {} });
        await other.next("connack");
        const peer = await s.connect();
        await peer.subscribe(s.topic());
        const properties = { contentType: "text", messageExpiryInterval: 60 };
        other.publishOnly(s.topic(), "m", { properties });
        const { bytes } = await peer.nextFrame("publish");
        same("PUBLISH of bytes", [...bytes], [...publish(s.version, s.topic(), { payload: "m" })]);
      },
    ),
    check("v4-2.3.1-5 v5-2.2.1-2", "a delivery with QoS 0 has no packet id", async (s) => {
      const peer = await s.connect();
      await peer.subscribe(s.topic());
      await peer.publish(s.topic(), "m");
      const { bytes } = await peer.nextFrame("publish");
      same("PUBLISH of bytes", [...bytes], [...publish(s.version, s.topic(), { payload: "m" })]);
    }),
    check("v4-2.3.1-6 v5-2.2.1-5", "acknowledgements carry the id of their PUBLISH", async (s) => {
      const peer = await s.connect();
      peer.publishOnly(s.topic(), "1", { qos: 1, messageId: 4711 });
      same("PUBACK with packet id", (await peer.next("puback")).messageId, 4711);
      peer.publishOnly(s.topic(), "2", { qos: 2, messageId: 65_535 });
      same("PUBREC with packet id", (await peer.next("pubrec")).messageId, 65_535);
      peer.send({ cmd: "pubrel", messageId: 65_535 });
      same("PUBCOMP with packet id", (await peer.next("pubcomp")).messageId, 65_535);
      await peer.subscribe(s.topic(), { qos: 2 });
      await peer.publish(s.topic(), "3", { qos: 2 });
      await peer.receives(`${s.topic()}=3`);
    }),
    check(
      "v4-2.3.1-7 v5-2.2.1-6",
      "SUBACK and UNSUBACK carry the id of their question",
      async (s) => {
        const peer = await s.connect();
        peer.bytes(
          subscribe(s.version, s.topic(), 0, 4711),
          unsubscribe(s.version, s.topic(), 258),
        );
        same("SUBACK with packet id", (await peer.next("suback")).messageId, 4711);
        same("UNSUBACK with packet id", (await peer.next("unsuback")).messageId, 258);
      },
    ),
    check(
      "v5-2.2.2-1",
      "where there are no properties there is a Property Length of 0",
      async (s) => {
        const peer = await s.connect();
        peer.bytes(subscribe(5, s.topic()), unsubscribe(5, s.topic()));
        for (const name of ["suback", "unsuback"] as const) {
          const { bytes, body } = await peer.nextFrame(name);
          same(`${name}'s Property Length is`, bytes[body + 2], 0);
          same(`${name}'s bytes behind the properties are`, bytes.length - body - 3, 1);
        }
        await peer.subscribe(s.topic());
        await peer.publish(s.topic(), "m");
        const { bytes, body } = await peer.nextFrame("publish");
        same("Property Length is", bytes[body + 2 + s.topic().length], 0);
      },
    ),
    check(
      "v4-7.0.0-2 v4-7.1.1-1 v5-4.2-1",
      "bytes are a stream: packets come in pieces, or many at once",
      async (s) => {
        const peer = await s.open();
        const { version } = s;
        for (const byte of connect(version, s.id("a"))) peer.bytes(Uint8Array.of(byte));
        await peer.next("connack");
        const many = ["1", "2", "3"].map((payload) => publish(version, s.topic(), { payload }));
        peer.bytes(subscribe(version, s.topic()), ...many, frame(0xc0));
        await peer.next("suback");
        await peer.receives(...["1", "2", "3"].map((payload) => `${s.topic()}=${payload}`));
        await peer.next("pingresp");
      },
    ),
    check("v4-3.1.3-10 v5-3.1.3-11", "a Will Topic that is no UTF-8 is refused", async (s) => {
      const { version } = s;
      for (const topic of [...illFormed, withNull]) {
        const parts = { flags: flag.clean | flag.will, fields: [will(version, topic, "gone")] };
        await s.refused(connect(version, s.id("w"), parts));
      }
    }),
    check("v4-3.1.3-11 v5-3.1.3-12", "a user name that is no UTF-8 is refused", async (s) => {
      for (const name of [...illFormed, withNull]) {
        const parts = { flags: flag.clean | flag.username, fields: [text(name)] };
        await s.refused(connect(s.version, s.id("u"), parts));
      }
    }),
  ],
};
