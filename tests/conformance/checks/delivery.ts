import { frame, publish, twoBytes } from "../bytes.ts";
import { check, type Group, type Needs } from "../check.ts";
import { holds, same } from "../disagreement.ts";
import { codeOf } from "../frame.ts";
import type { Peer } from "../peer.ts";
import type { Scene } from "../scene.ts";
import { accessBy } from "../../support/access.ts";

const guarded: Needs = {
  what: "topics where nobody may publish",
  options: {
    access: accessBy({ mayPublish: (_, topic) => !topic.endsWith("denied") }),
  },
};

/** A subscriber with a persistent session, and a publisher. */
async function pair(s: Scene, qos: 0 | 1 | 2 = 2): Promise<[Peer, Peer]> {
  const [peer] = await s.persistent("kept");
  await peer.subscribe(s.topic(), { qos });
  return [peer, await s.connect("source")];
}

/** The subscriber's next connection. */
async function back(s: Scene, peer: Peer): Promise<Peer> {
  peer.drop();
  const [again] = await s.persistent("kept");
  return again;
}

const numbers = Array.from({ length: 15 }, (_, index) => String(index));

export const delivery: Group = {
  name: "delivery and its acknowledgements",
  checks: [
    check(
      "v4-4.3.2-1 v5-4.3.2-2 v5-4.3.2-3",
      "QoS 1 is sent with DUP 0, and open until PUBACK",
      async (s) => {
        const [peer, source] = await pair(s, 1);
        await source.publish(s.topic(), "open", { qos: 1 });
        await source.publish(s.topic(), "done", { qos: 1 });
        const open = await peer.next("publish");
        const done = await peer.next("publish");
        same("QoS and DUP are", [open.qos, open.dup, done.dup], [1, false, false]);
        holds(open.messageId !== done.messageId, "different packet ids", String(open.messageId));
        await peer.acknowledge(done);
        await peer.lives();
        const again = await back(s, peer);
        const [message] = await again.receives(`${s.topic()}=open`);
        same("packet id is", message?.messageId, open.messageId);
        await again.silent();
      },
    ),
    check("v4-4.3.2-1 v5-4.3.2-1", "a packet id is used again once it is free", async (s) => {
      const [peer, source] = await pair(s, 1);
      const open = await deliveredId(s, peer, source, "open");
      const ids = new Set<number>();
      for (let sent = 0; sent < 5; sent++) {
        await source.publish(s.topic(), "m", { qos: 1 });
        const message = await peer.next("publish");
        ids.add(message.messageId ?? 0);
        await peer.acknowledge(message);
      }
      same("the open one was used again:", ids.has(open), false);
    }),
    check(
      "v4-4.3.2-2 v5-4.3.2-4 v5-4.3.2-5",
      "after PUBACK the packet id means a new message, DUP or not",
      async (s) => {
        const [peer, source] = await pair(s, 1);
        for (const dup of [false, true]) {
          await source.publish(s.topic(), "m", { qos: 1, messageId: 9, dup });
          await peer.receives(`${s.topic()}=m`);
        }
      },
    ),
    check(
      "v4-4.3.3-1 v5-4.3.3-2 v5-4.3.3-3",
      "QoS 2 is sent with DUP 0, and open until PUBREC",
      async (s) => {
        const [peer, source] = await pair(s);
        await source.publish(s.topic(), "m", { qos: 2 });
        const first = await peer.next("publish");
        same("QoS and DUP are", [first.qos, first.dup], [2, false]);
        const again = await back(s, peer);
        const [message] = await again.receives(`${s.topic()}=m`);
        same("packet id is", message?.messageId, first.messageId);
      },
    ),
    check(
      "v4-4.3.3-1 v5-4.3.3-4 v5-4.3.3-5 v5-4.3.3-6",
      "after PUBREC it is PUBREL that is open, and no PUBLISH any more",
      async (s) => {
        const [peer, source] = await pair(s);
        await source.publish(s.topic(), "m", { qos: 2 });
        const { messageId = 0 } = await peer.next("publish");
        peer.send({ cmd: "pubrec", messageId });
        same("packet id is", (await peer.next("pubrel")).messageId, messageId);
        const again = await back(s, peer);
        same("packet id is", (await again.next("pubrel")).messageId, messageId);
        again.send({ cmd: "pubcomp", messageId });
        await again.silent();
        const last = await back(s, again);
        await last.silent();
      },
    ),
    check("v5-4.3.3-7", "a QoS 2 message that was sent does not expire", async (s) => {
      const [peer, source] = await pair(s);
      const properties = { messageExpiryInterval: 1 };
      await source.publish(s.topic(), "m", { qos: 2, properties });
      await peer.next("publish");
      peer.drop();
      await s.pass(2500);
      const again = await back(s, peer);
      await again.receives(`${s.topic()}=m`);
    }),
    check(
      "v4-4.3.3-2 v5-4.3.3-8 v5-4.3.3-10 v5-4.3.3-11",
      "until PUBREL a QoS 2 message is passed on once, and each copy gets a PUBREC",
      async (s) => {
        const [peer, source] = await pair(s, 0);
        for (const dup of [false, true, true]) {
          source.publishOnly(s.topic(), "m", { qos: 2, messageId: 9, dup });
          same("PUBREC with packet id", (await source.next("pubrec")).messageId, 9);
        }
        source.send({ cmd: "pubrel", messageId: 9 });
        same("PUBCOMP with packet id", (await source.next("pubcomp")).messageId, 9);
        await peer.receives(`${s.topic()}=m`);
        await peer.silent();
      },
    ),
    check(
      "v4-4.3.3-2 v5-4.3.3-10",
      "a QoS 2 message is passed on once, also over two connections of a session",
      async (s) => {
        const watcher = await s.connect("watcher");
        await watcher.subscribe(s.topic());
        const [source] = await s.persistent("source");
        source.publishOnly(s.topic(), "m", { qos: 2, messageId: 9 });
        await source.next("pubrec");
        source.drop();
        const [again] = await s.persistent("source");
        again.publishOnly(s.topic(), "m", { qos: 2, messageId: 9, dup: true });
        await again.next("pubrec");
        again.send({ cmd: "pubrel", messageId: 9 });
        await again.next("pubcomp");
        await watcher.receives(`${s.topic()}=m`);
        await watcher.silent();
      },
    ),
    check(
      "v4-4.3.3-2 v5-4.3.3-10",
      "a QoS 2 message is passed on once, also where a connection is taken over",
      async (s) => {
        const watcher = await s.connect("watcher");
        await watcher.subscribe(s.topic());
        const [source] = await s.persistent("source");
        source.publishOnly(s.topic(), "m", { qos: 2, messageId: 9 });
        await source.next("pubrec");
        const [again] = await s.persistent("source");
        again.publishOnly(s.topic(), "m", { qos: 2, messageId: 9, dup: true });
        await again.next("pubrec");
        again.send({ cmd: "pubrel", messageId: 9 });
        await again.next("pubcomp");
        await watcher.receives(`${s.topic()}=m`);
        await watcher.silent();
      },
    ),
    check(
      "v4-4.3.3-2 v5-4.3.3-12",
      "after PUBCOMP the packet id means a new message",
      async (s) => {
        const [peer, source] = await pair(s, 1);
        for (const dup of [false, true]) {
          await source.publish(s.topic(), "m", { qos: 2, messageId: 9, dup });
          await peer.receives(`${s.topic()}=m`);
        }
      },
    ),
    check(
      "v5-4.3.3-9",
      "after a failing PUBREC the packet id means a new message",
      async (s) => {
        const [peer, source] = await pair(s, 1);
        const refused = await source.publish(s.topic("denied"), "m", { qos: 2, messageId: 9 });
        same("PUBREC has", refused, 0x87);
        await source.publish(s.topic(), "m", { qos: 2, messageId: 9 });
        await peer.receives(`${s.topic()}=m`);
      },
      guarded,
    ),
    check("v5-4.3.3-13", "a QoS 2 exchange continues though its message has expired", async (s) => {
      const source = await s.connect("source");
      const properties = { messageExpiryInterval: 1 };
      const messageId = source.publishOnly(s.topic(), "m", { qos: 2, properties });
      await source.next("pubrec");
      await s.pass(2500);
      source.send({ cmd: "pubrel", messageId });
      const pubcomp = await source.next("pubcomp");
      same("id and code are", [pubcomp.messageId, codeOf(pubcomp)], [messageId, 0]);
    }),
    check(
      "v4-4.4.0-1 v5-4.4.0-1 v4-4.6.0-6",
      "what is open is sent again, with its packet ids and in its order",
      async (s) => {
        const [peer, source] = await pair(s);
        const ids: number[] = [];
        for (const qos of [1, 2, 2, 1] as const) {
          await source.publish(s.topic(), `q${ids.length}`, { qos });
          ids.push((await peer.next("publish")).messageId ?? 0);
        }
        peer.send({ cmd: "pubrec", messageId: ids[1] ?? 0 });
        await peer.next("pubrel");
        const again = await back(s, peer);
        same("PUBREL with id", (await again.next("pubrel")).messageId, ids[1]);
        const came = [];
        for (let count = 0; count < 3; count++) came.push(await again.next("publish"));
        same(
          "ids are",
          came.map(({ messageId }) => messageId),
          [ids[0], ids[2], ids[3]],
        );
        const payloads = came.map(({ payload }) => payload.toString());
        same("payloads are", payloads, ["q0", "q2", "q3"]);
      },
    ),
    check("v5-4.4.0-1", "nothing is sent again while the connection lasts", async (s) => {
      const [peer, source] = await pair(s);
      await source.publish(s.topic(), "m", { qos: 1 });
      await peer.next("publish");
      await s.pass(4000);
      await peer.silent();
    }),
    check("v5-4.4.0-2", "a failing PUBACK or PUBREC ends its delivery", async (s) => {
      const [peer, source] = await pair(s);
      await source.publish(s.topic(), "1", { qos: 1 });
      await source.publish(s.topic(), "2", { qos: 2 });
      const first = await peer.next("publish");
      const second = await peer.next("publish");
      peer.send({ cmd: "puback", messageId: first.messageId ?? 0, reasonCode: 0x83 });
      peer.send({ cmd: "pubrec", messageId: second.messageId ?? 0, reasonCode: 0x99 });
      await peer.lives();
      const again = await back(s, peer);
      await again.silent();
    }),
    check(
      "v4-4.6.0-5 v4-4.6.0-6 v5-4.6.0-5 v5-4.6.0-6",
      "messages arrive in the order of their publisher",
      async (s) => {
        for (const qos of [0, 1, 2] as const) {
          const peer = await s.connect(`p${qos}`);
          await peer.subscribe(s.topic(`q${qos}`), { qos });
          const source = await s.connect("source");
          for (const each of numbers) await source.publish(s.topic(`q${qos}`), each, { qos });
          await peer.receives(...numbers.map((each) => `${s.topic(`q${qos}`)}=${each}`));
        }
      },
    ),
    check("v4-4.6.0-6 v5-4.6.0-5", "messages queued for a session keep their order", async (s) => {
      const [peer, source] = await pair(s, 1);
      peer.drop();
      for (const each of numbers) await source.publish(s.topic(), each, { qos: 1 });
      const again = await back(s, peer);
      await again.receives(...numbers.map((each) => `${s.topic()}=${each}`));
    }),
    check("v4-3.6.1-1 v5-3.6.1-1", "PUBREL with other flags closes the connection", async (s) => {
      for (const first of [0x60, 0x61, 0x63, 0x6a, 0x66]) {
        await s.closedBy(frame(first, twoBytes(1)));
      }
    }),
    check("v5-3.4.2-1 v5-3.5.2-1", "PUBACK and PUBREC have codes of their tables", async (s) => {
      const peer = await s.connect();
      for (const qos of [1, 2] as const) {
        const code = await peer.publish(s.topic(), "m", { qos });
        holds(code === 0 || code === 0x10, "0x00 or 0x10 without subscribers", String(code));
        const system = await peer.publish("$SYS/conformance", "m", { qos });
        holds(system !== 0x01, "a code of the table", String(system));
      }
    }),
    check("v5-3.6.2-1 v5-3.7.2-1", "PUBREL and PUBCOMP have codes of their tables", async (s) => {
      const peer = await s.connect();
      peer.send({ cmd: "pubrel", messageId: 77 });
      const code = codeOf(await peer.next("pubcomp"));
      holds(code === 0x92 || code === 0, "0x92 or 0x00 for an unknown id", String(code));
      await peer.subscribe(s.topic(), { qos: 2 });
      await peer.publish(s.topic(), "m", { qos: 2 });
      const { messageId = 0 } = await peer.next("publish");
      peer.send({ cmd: "pubrec", messageId });
      same("PUBREL has", codeOf(await peer.next("pubrel")), 0);
    }),
    check(
      "v5-3.4.2-2 v5-3.4.2-3 v5-3.5.2-2 v5-3.5.2-3 v5-3.7.2-2 v5-3.7.2-3 v5-3.6.2-2 v5-3.6.2-3",
      "acknowledgements fit the client's Maximum Packet Size",
      async (s) => {
        const peer = await s.connect("a", { properties: { maximumPacketSize: 24 } });
        await peer.publish("$SYS/conformance", "m", { qos: 1 });
        await peer.publish("$SYS/conformance", "m", { qos: 2 });
        peer.send({ cmd: "pubrel", messageId: 77 });
        await peer.next("pubcomp");
        const other = await s.connect("b", { properties: { maximumPacketSize: 40 } });
        await other.subscribe(s.topic(), { qos: 2 });
        await other.publish(s.topic(), "m", { qos: 2 });
        await other.receives(`${s.topic()}=m`);
        for (const [each, limit] of [
          [peer, 24],
          [other, 40],
        ] as const) {
          const largest = Math.max(...each.history.map(({ bytes }) => bytes.length));
          holds(largest <= limit, `packets of up to ${limit} B`, `${largest} B`);
        }
      },
    ),
    check(
      "v5-3.1.2-24 v5-3.1.2-25",
      "what is larger than the client takes is left out, as if it had been sent",
      async (s) => {
        const properties = { maximumPacketSize: 60, receiveMaximum: 1 };
        const peer = await s.connect("small", { properties });
        await peer.subscribe(s.topic(), { qos: 1 });
        const source = await s.connect("source");
        await source.publish(s.topic(), "x".repeat(80), { qos: 1 });
        await source.publish(s.topic(), "y".repeat(80), { qos: 0 });
        await source.publish(s.topic(), "fits", { qos: 1 });
        await peer.receives(`${s.topic()}=fits`);
        await peer.silent();
      },
    ),
    check("v5-3.1.2-24", "a SUBACK or UNSUBACK that is too large is not sent", async (s) => {
      const peer = await s.connect("small", { properties: { maximumPacketSize: 24 } });
      const filters = Array.from({ length: 30 }, (_, index) => s.topic(`f${index}`));
      const subscriptions = filters.map((topic) => ({ topic, qos: 0 as const }));
      peer.send({ cmd: "subscribe", messageId: 1, subscriptions });
      await s.quiet();
      const other = await s.connect("other", { properties: { maximumPacketSize: 24 } });
      other.send({ cmd: "unsubscribe", messageId: 2, unsubscriptions: filters });
      await s.quiet();
      for (const each of [peer, other]) {
        const largest = Math.max(...each.history.map(({ bytes }) => bytes.length));
        holds(largest <= 24, "packets of up to 24 B", `${largest} B`);
      }
    }),
    check("v5-3.1.2-24", "a CONNACK that is too large is not sent", async (s) => {
      for (const maximumPacketSize of [4, 5, 8, 11, 15, 20]) {
        const peer = await s.open();
        s.sendConnect(peer, s.id("small"), { properties: { maximumPacketSize } });
        await s.quiet();
        const largest = Math.max(0, ...peer.history.map(({ bytes }) => bytes.length));
        const limit = `packets of up to ${maximumPacketSize} B`;
        holds(largest <= maximumPacketSize, limit, `${largest} B`);
      }
    }),
    check(
      "v5-3.1.2-29",
      "Request Problem Information 0: neither Reason String nor User Properties",
      async (s) => {
        const properties = { requestProblemInformation: false };
        const peer = await s.connect("a", { properties });
        await peer.publish(s.topic(), "m", { qos: 1 });
        await peer.publish("$SYS/conformance", "m", { qos: 2 });
        await peer.subscribe(`$share/g/${s.topic()}`);
        await peer.unsubscribe(s.topic("never"));
        await peer.subscribe(s.topic("mine"), { qos: 2 });
        await peer.publish(s.topic("mine"), "m", { qos: 2 });
        await peer.receives(`${s.topic("mine")}=m`);
        peer.send({ cmd: "pubrel", messageId: 77 });
        await peer.next("pubcomp");
        peer.bytes(publish(5, s.topic(), { flags: 0x04, packetId: 78 }));
        await peer.next("pubrec");
        const said = peer.history.flatMap(({ packet }) => {
          if (packet.cmd === "publish" || packet.cmd === "connack") return [];
          const { properties: with_ } = packet as { properties?: object };
          return Object.keys(with_ ?? {});
        });
        same("properties are", said, []);
      },
    ),
  ],
};

/** The packet id of a delivery that stays open. */
async function deliveredId(s: Scene, peer: Peer, source: Peer, payload: string): Promise<number> {
  await source.publish(s.topic(), payload, { qos: 1 });
  return (await peer.next("publish")).messageId ?? 0;
}
