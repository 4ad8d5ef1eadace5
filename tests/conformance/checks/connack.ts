import { connect, property, publish, variable } from "../bytes.ts";
import { check, type Group, type Needs } from "../check.ts";
import { holds, same, Skip } from "../disagreement.ts";
import { codeOf } from "../frame.ts";

const qos0: Needs = { what: "a broker of Maximum QoS 0", options: { limits: { qos: 0 } } };
const qos1: Needs = { what: "a broker of Maximum QoS 1", options: { limits: { qos: 1 } } };
const noRetain: Needs = {
  what: "a broker without retained messages",
  options: { limits: { retain: false } },
};

export const connack: Group = {
  name: "CONNACK",
  checks: [
    check("v4-3.2.0-1 v5-3.2.0-1", "the first packet is CONNACK", async (s) => {
      const [peer] = await s.persistent("kept");
      await peer.subscribe(s.topic(), { qos: 1 });
      peer.drop();
      const source = await s.connect("source");
      await source.publish(s.topic(), "m", { qos: 1 });
      const [back] = await s.persistent("kept");
      await back.receives(`${s.topic()}=m`);
      same("the first packet is", back.history[0]?.packet.cmd, "connack");
    }),
    check("v5-3.2.0-2", "there is one CONNACK", async (s) => {
      const peer = await s.connect();
      await peer.lives();
      peer.bytes(connect(5, s.id("a")));
      await peer.closes();
      const connacks = peer.history.filter(({ packet }) => packet.cmd === "connack");
      same("number of CONNACKs is", connacks.length, 1);
    }),
    check("v5-3.2.2-1", "reserved bits of the Connect Acknowledge Flags are 0", async (s) => {
      for (const clean of [true, false, false]) {
        const [peer] = await s.persistent("kept", { clean });
        const first = peer.history[0];
        same("reserved bits are", (first?.bytes[first.body] ?? 0) & 0xfe, 0);
      }
    }),
    check("v4-3.2.2-1 v5-3.2.2-2", "a clean start: Session Present 0", async (s) => {
      await s.persistent("kept");
      const [, first] = await s.enter("kept");
      same("Session Present is", first.sessionPresent, false);
    }),
    check(
      "v4-3.2.2-2 v4-3.2.2-3 v5-3.2.2-3",
      "Session Present says whether there is a session",
      async (s) => {
        const [peer, first] = await s.persistent("kept");
        same("without a session it is", first.sessionPresent, false);
        peer.drop();
        const [, second] = await s.persistent("kept");
        same("with a session it is", second.sessionPresent, true);
        const [, taken] = await s.persistent("kept");
        same("with a session that is connected it is", taken.sessionPresent, true);
      },
    ),
    check("v5-3.2.2-8", "refusals have codes of the table", async (s) => {
      const method = { properties: property.authenticationMethod("none-such") };
      for (const parts of [method, { level: 6 }, { flags: 0x1e }, { name: "HTTP" }]) {
        await s.refused(connect(5, s.id("r"), parts));
      }
    }),
    check(
      "v5-3.2.2-9 v5-3.2.2-11",
      "what is not supported is announced, and closed: QoS 0",
      async (s) => {
        const [, { properties }] = await s.enter("a");
        same("Maximum QoS is", properties?.maximumQoS, 0);
        await s.closedBy(Uint8Array.from([0x32, 6, 0, 1, 0x61, 0, 1, 0]), 0x9b);
      },
      qos0,
    ),
    check(
      "v5-3.2.2-9 v5-3.2.2-11",
      "what is not supported is announced, and closed: QoS 1",
      async (s) => {
        const [, { properties }] = await s.enter("a");
        same("Maximum QoS is", properties?.maximumQoS, 1);
        await s.closedBy(Uint8Array.from([0x34, 6, 0, 1, 0x61, 0, 1, 0]), 0x9b);
      },
      qos1,
    ),
    check(
      "v5-3.2.2-10",
      "SUBSCRIBE with any QoS is taken where Maximum QoS is 0",
      async (s) => {
        const peer = await s.connect();
        for (const qos of [0, 1, 2] as const) {
          const [granted] = await peer.subscribe(s.topic(String(qos)), { qos });
          holds((granted ?? 0x80) < 0x80, "a subscription", String(granted));
        }
      },
      qos0,
    ),
    check(
      "v5-3.2.2-12",
      "a Will QoS that is not supported is refused",
      async (s) => {
        const peer = await s.open();
        s.sendConnect(peer, s.id("w"), {
          will: { topic: s.topic(), payload: Buffer.from("x"), qos: 2, retain: false },
        });
        const refusal = await peer.refused();
        same("code of CONNACK is", refusal === null ? null : codeOf(refusal.packet), 0x9b);
      },
      qos1,
    ),
    check(
      "v5-3.2.2-13",
      "a Will Retain that is not supported is refused",
      async (s) => {
        const [, { properties }] = await s.enter("a");
        same("Retain Available is", properties?.retainAvailable, false);
        const peer = await s.open();
        s.sendConnect(peer, s.id("w"), {
          will: { topic: s.topic(), payload: Buffer.from("x"), qos: 0, retain: true },
        });
        const refusal = await peer.refused();
        same("code of CONNACK is", refusal === null ? null : codeOf(refusal.packet), 0x9a);
      },
      noRetain,
    ),
    check(
      "v5-3.2.2-14",
      "RETAIN that is not supported closes the connection",
      async (s) => s.closedBy(publish(5, s.topic(), { flags: 0x01 }), 0x9a),
      noRetain,
    ),
    check("v5-3.2.2-15", "a packet above the Maximum Packet Size is closed", async (s) => {
      const [peer, { properties }] = await s.enter("a");
      const maximum = properties?.maximumPacketSize;
      if (maximum === undefined) throw new Skip("the broker takes packets of any size");
      peer.bytes(Uint8Array.from([0x30, ...variable(maximum), 0x00]));
      await peer.closes(0x95);
    }),
    check(
      "v5-3.2.2-18",
      "an alias where none are taken closes the connection",
      async (s) => {
        const [, { properties }] = await s.enter("a");
        same("Topic Alias Maximum is", properties?.topicAliasMaximum, undefined);
        await s.closedBy(publish(5, s.topic(), { properties: property.topicAlias(1) }), 0x94);
      },
      { what: "a broker without aliases", options: { limits: { topicAliases: 0 } } },
    ),
    check(
      "v5-3.2.2-19 v5-3.2.2-20",
      "a refusal fits the client's Maximum Packet Size",
      async (s) => {
        for (const size of [5, 12, 30]) {
          const properties = [0x27, 0, 0, 0, size, ...property.authenticationMethod("none-such")];
          const refusal = await s.refused(connect(5, s.id("r"), { properties }));
          const bytes = refusal?.bytes.length ?? 0;
          holds(bytes <= size, `a CONNACK of up to ${size} B`, `${bytes} B`);
        }
      },
    ),
    check("v5-3.1.2-28", "no Response Information unless it was asked for", async (s) => {
      for (const properties of [{}, { requestResponseInformation: false }]) {
        const [, first] = await s.enter("a", { properties });
        same("Response Information is", first.properties?.responseInformation, undefined);
      }
    }),
    check("v5-4.12.0-6", "without an Authentication Method there is none", async (s) => {
      const [peer, first] = await s.enter("a");
      same("Authentication Method is", first.properties?.authenticationMethod, undefined);
      await peer.lives();
      same(
        "the packets are",
        peer.history.map(({ packet }) => packet.cmd),
        ["connack", "pingresp"],
      );
    }),
  ],
};
