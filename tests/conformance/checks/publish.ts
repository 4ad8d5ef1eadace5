import { frame, property, publish, text, twoBytes } from "../bytes.ts";
import { check, type Group, type Needs } from "../check.ts";
import { holds, same, Skip } from "../disagreement.ts";
import type { Scene } from "../scene.ts";
import { accessBy } from "../../support/access.ts";

const guarded: Needs = {
  what: "topics where nobody may publish",
  options: {
    access: accessBy({ mayPublish: (_, topic) => !topic.endsWith("denied") }),
  },
};

export const publishing: Group = {
  name: "PUBLISH",
  checks: [
    check("v4-3.3.1-1 v5-3.3.1-1", "DUP is set when a PUBLISH is sent again", async (s) => {
      const [peer] = await s.persistent("kept");
      await peer.subscribe(s.topic(), { qos: 2 });
      await peer.publish(s.topic(), "1", { qos: 1 });
      await peer.publish(s.topic(), "2", { qos: 2 });
      const first = [await peer.next("publish"), await peer.next("publish")];
      same(
        "DUP is at first",
        first.map(({ dup }) => dup),
        [false, false],
      );
      peer.drop();
      const [back] = await s.persistent("kept");
      const again = [await back.next("publish"), await back.next("publish")];
      same(
        "DUP is then",
        again.map(({ dup }) => dup),
        [true, true],
      );
    }),
    check(
      "v4-3.3.1-2 v5-3.3.1-2 v4-4.3.1-1 v5-4.3.1-1",
      "QoS 0 comes once, with DUP 0",
      async (s) => {
        const [peer] = await s.persistent("kept");
        await peer.subscribe(s.topic(), { qos: 0 });
        await peer.publish(s.topic(), "m", { qos: 1 });
        const message = await peer.next("publish");
        same("QoS and DUP are", [message.qos, message.dup], [0, false]);
        peer.drop();
        const [back] = await s.persistent("kept");
        await back.silent();
      },
    ),
    check("v4-3.3.1-3 v5-3.3.1-3", "the publisher's DUP reaches nobody", async (s) => {
      const peer = await s.connect();
      await peer.subscribe(s.topic(), { qos: 2 });
      await peer.publish(s.topic(), "1", { qos: 1, dup: true });
      await peer.publish(s.topic(), "2", { qos: 2, dup: true });
      const messages = await peer.receives(`${s.topic()}=1`, `${s.topic()}=2`);
      same(
        "DUP is",
        messages.map(({ dup }) => dup),
        [false, false],
      );
    }),
    check("v4-3.3.1-4 v5-3.3.1-4", "QoS 3 closes the connection", async (s) => {
      await s.closedBy(publish(s.version, s.topic(), { flags: 0x06 }));
    }),
    check("v4-3.3.2-1 v5-3.3.2-1", "a PUBLISH whose name does not fit is closed", async (s) => {
      await s.closedBy(frame(0x30, [0x00, 0x05, 0x61]));
      await s.closedBy(frame(0x30));
      await s.closedBy(publish(s.version, [0x61, 0xff]));
    }),
    check(
      "v4-3.3.2-2 v5-3.3.2-2 v4-4.7.1-1 v5-4.7.0-1",
      "a wildcard in a Topic Name closes the connection",
      async (s) => {
        for (const name of ["+", "#", "a/+/b", "a/#", "a+", "a#b"]) {
          await s.closedBy(publish(s.version, s.topic(name)));
        }
      },
    ),
    check("v4-3.3.2-3 v5-3.3.2-3", "a delivered message has the publisher's topic", async (s) => {
      const peer = await s.connect();
      await peer.subscribe(s.topic("+/x/#"), { qos: 1 });
      for (const name of ["a/x", "b/x/y/z", "c/y"]) await peer.publish(s.topic(name), "m");
      await peer.receives(`${s.topic("a/x")}=m`, `${s.topic("b/x/y/z")}=m`);
      await peer.silent();
    }),
    check("v4-3.3.4-1 v5-3.3.4-1", "PUBLISH is answered by its QoS", async (s) => {
      const peer = await s.connect();
      peer.publishOnly(s.topic(), "0");
      await peer.silent();
      peer.publishOnly(s.topic(), "1", { qos: 1 });
      await peer.next("puback");
      peer.publishOnly(s.topic(), "2", { qos: 2 });
      await peer.next("pubrec");
      await peer.silent();
    }),
    check(
      "v4-3.3.5-1 v5-3.3.4-2",
      "overlapping subscriptions: the highest QoS among them arrives",
      async (s) => {
        const peer = await s.connect();
        await peer.subscribe(s.topic("#"), { qos: 0 });
        await peer.subscribe(s.topic("+"), { qos: 2 });
        await peer.subscribe(s.topic("x"), { qos: 1 });
        await peer.publish(s.topic("x"), "m", { qos: 2 });
        await s.quiet();
        const qos = peer.deliveries().map((message) => message.qos);
        same("the highest QoS is", Math.max(...qos), 2);
      },
    ),
    check(
      "v4-3.3.5-2",
      "a PUBLISH that is not allowed is acknowledged or closed, and reaches nobody",
      async (s) => {
        const watcher = await s.connect("watcher");
        await watcher.subscribe(s.topic("#"));
        const peer = await s.connect();
        peer.publishOnly(s.topic("denied"), "m", { qos: 1 });
        await peer.next("puback");
        peer.publishOnly(s.topic("denied"), "m", { qos: 2 });
        await peer.next("pubrec");
        await watcher.silent();
      },
      guarded,
    ),
    check(
      "v5-3.3.2-4 v5-3.3.2-15 v5-3.3.2-16 v5-3.3.2-17 v5-3.3.2-18 v5-3.3.2-20",
      "properties are passed on as they came",
      async (s) => {
        const peer = await s.connect();
        await peer.subscribe(s.topic(), { qos: 1 });
        const properties = {
          payloadFormatIndicator: true,
          responseTopic: s.topic("answer"),
          correlationData: Buffer.from([0, 1, 2, 255]),
          contentType: "text/plain; charset=utf-8",
          userProperties: { z: ["1", "2", "1"], a: "3" },
        };
        await peer.publish(s.topic(), "m", { qos: 1, properties });
        const [message] = await peer.receives(`${s.topic()}=m`);
        const { userProperties = {}, ...came } = message?.properties ?? {};
        const { userProperties: sent, ...others } = properties;
        same("properties are", came, others);
        same("User Properties are", Object.entries(userProperties), Object.entries(sent));
      },
    ),
    check("v5-3.3.2-18", "User Properties keep their order, names mixed", async (s) => {
      const peer = await s.connect();
      await peer.subscribe(s.topic());
      const properties = [
        ...property.user("b", "1"),
        ...property.user("a", "2"),
        ...property.user("b", "3"),
      ];
      const bytes = publish(5, s.topic(), { properties, payload: "m" });
      peer.bytes(bytes);
      const came = await peer.nextFrame("publish");
      same("PUBLISH of bytes", [...came.bytes], [...bytes]);
    }),
    check("v5-3.3.2-5", "what expires before it is sent is deleted", async (s) => {
      const [peer] = await s.persistent("kept");
      await peer.subscribe(s.topic(), { qos: 1 });
      peer.drop();
      const source = await s.connect("source");
      await source.publish(s.topic(), "brief", {
        qos: 1,
        properties: { messageExpiryInterval: 1 },
      });
      await source.publish(s.topic(), "stays", { qos: 1 });
      await s.pass(2500);
      const [back] = await s.persistent("kept");
      await back.receives(`${s.topic()}=stays`);
      await back.silent();
    }),
    check("v5-3.3.2-6", "Message Expiry Interval is less by the time waited", async (s) => {
      const [peer] = await s.persistent("kept");
      await peer.subscribe(s.topic(), { qos: 1 });
      const source = await s.connect("source");
      const properties = { messageExpiryInterval: 100 };
      await source.publish(s.topic(), "m", { qos: 1, properties });
      const [now] = await peer.receives(`${s.topic()}=m`);
      same("at once it is", now?.properties?.messageExpiryInterval, 100);
      peer.drop();
      await source.publish(s.topic(), "m", { qos: 1, properties });
      await s.pass(2000);
      const [back] = await s.persistent("kept");
      const [later] = await back.receives(`${s.topic()}=m`);
      const left = later?.properties?.messageExpiryInterval ?? 0;
      holds(left >= 97 && left <= 98, "98 s left, or 97", `${left} s`);
    }),
    check("v5-3.3.2-13", "a Response Topic that is no UTF-8 closes the connection", async (s) => {
      const properties = property.responseTopic([0xff]);
      await s.closedBy(publish(5, s.topic(), { properties }));
    }),
    check("v5-3.3.2-14", "a wildcard in a Response Topic closes the connection", async (s) => {
      for (const name of ["a/#", "+"]) {
        await s.closedBy(publish(5, s.topic(), { properties: property.responseTopic(name) }));
      }
    }),
    check("v5-3.3.2-19", "a Content Type that is no UTF-8 closes the connection", async (s) => {
      const properties = property.contentType([0xff]);
      await s.closedBy(publish(5, s.topic(), { properties }));
    }),
    check("v5-3.3.4-6", "a client's Subscription Identifier closes the connection", async (s) => {
      const properties = property.subscriptionIdentifier(1);
      await s.closedBy(publish(5, s.topic(), { properties }));
    }),
    check("v5-3.3.2-7", "an alias is unknown on the next connection", async (s) => {
      await aliasMaximum(s);
      const [peer] = await s.persistent("kept");
      peer.bytes(publish(5, s.topic(), { properties: property.topicAlias(1) }));
      await peer.lives();
      peer.drop();
      const [back] = await s.persistent("kept");
      back.bytes(publish(5, "", { properties: property.topicAlias(1) }));
      await back.closes();
    }),
    check(
      "v5-3.1.2-27 v5-3.3.2-6 v5-3.3.2-17",
      "the publisher's alias is its own, and what surrounds it is passed on",
      async (s) => {
        await aliasMaximum(s);
        const peer = await s.connect();
        for (const qos of [0, 1] as const) await peer.subscribe(s.topic(`q${qos}`), { qos });
        const properties = [
          ...property.contentType("a"),
          ...property.topicAlias(1),
          ...property.user("n", "1"),
          ...property.messageExpiry(100),
          ...property.user("n", "2"),
        ];
        for (const qos of [0, 1] as const) {
          const topic = s.topic(`q${qos}`);
          const flags = qos << 1;
          peer.bytes(publish(5, topic, { properties, payload: "named", flags }));
          const known = [...property.user("m", "3"), ...property.topicAlias(1)];
          peer.bytes(publish(5, "", { properties: known, payload: "known", flags, packetId: 2 }));
          const [first, second] = await peer.receives(`${topic}=named`, `${topic}=known`);
          same("properties are", first?.properties, {
            contentType: "a",
            userProperties: { n: ["1", "2"] },
            messageExpiryInterval: 100,
          });
          same("properties are", second?.properties, { userProperties: { m: "3" } });
        }
      },
    ),
    check("v5-3.3.2-8", "alias 0 closes the connection", async (s) => {
      await s.closedBy(publish(5, s.topic(), { properties: property.topicAlias(0) }));
    }),
    check(
      "v5-3.3.2-9 v5-3.2.2-17",
      "an alias above the maximum closes the connection",
      async (s) => {
        const [peer, connack] = await s.enter("a");
        const maximum = connack.properties?.topicAliasMaximum ?? 0;
        if (maximum === 65_535) throw new Skip("the broker takes every alias");
        peer.bytes(publish(5, s.topic(), { properties: property.topicAlias(maximum + 1) }));
        await peer.closes();
      },
    ),
    check("v5-3.3.2-12", "all aliases up to the maximum are taken", async (s) => {
      const maximum = await aliasMaximum(s);
      const peer = await s.connect();
      await peer.subscribe(s.topic("+"));
      for (const alias of new Set([1, maximum])) {
        const properties = property.topicAlias(alias);
        peer.bytes(
          publish(5, s.topic(String(alias)), { properties, payload: "named" }),
          publish(5, "", { properties, payload: "known" }),
        );
        const topic = s.topic(String(alias));
        await peer.receives(`${topic}=named`, `${topic}=known`);
      }
      peer.bytes(publish(5, s.topic("other"), { properties: property.topicAlias(1) }));
      peer.bytes(publish(5, "", { properties: property.topicAlias(1), payload: "moved" }));
      await peer.receives(`${s.topic("other")}=`, `${s.topic("other")}=moved`);
    }),
    check("v5-3.1.2-27", "without a Topic Alias Maximum there are no aliases", async (s) => {
      for (const properties of [{}, { topicAliasMaximum: 0 }]) {
        const peer = await s.connect("a", { properties });
        await peer.subscribe(s.topic());
        for (let sent = 0; sent < 3; sent++) await peer.publish(s.topic(), "m");
        const messages = await peer.receives(...Array<string>(3).fill(`${s.topic()}=m`));
        const aliases = messages.map((message) => message.properties?.topicAlias ?? 0);
        same("aliases are", aliases, [0, 0, 0]);
      }
    }),
    check(
      "v5-3.1.2-26 v5-3.3.2-11",
      "the broker's aliases keep within the client's maximum",
      async (s) => {
        const peer = await s.connect("a", { properties: { topicAliasMaximum: 2 } });
        await peer.subscribe(s.topic("+"));
        const known = new Map<number, string>();
        for (const name of ["1", "2", "3", "1", "2", "3"]) {
          await peer.publish(s.topic(name), "m");
          const { topic, properties } = await peer.next("publish");
          const alias = properties?.topicAlias ?? 0;
          holds(alias <= 2, "an alias up to 2", String(alias));
          if (topic !== "" && alias > 0) known.set(alias, topic);
          same("the topic is", topic === "" ? known.get(alias) : topic, s.topic(name));
        }
      },
    ),
    check("v5-3.3.2-11", "the broker's aliases start afresh on each connection", async (s) => {
      const properties = { topicAliasMaximum: 5 };
      const [peer] = await s.persistent("kept", { properties });
      await peer.subscribe(s.topic());
      await peer.publish(s.topic(), "1");
      await peer.receives(`${s.topic()}=1`);
      peer.drop();
      const [back] = await s.persistent("kept", { properties });
      await back.publish(s.topic(), "2");
      await back.receives(`${s.topic()}=2`);
    }),
    check(
      "v5-3.3.4-7",
      "more open messages than Receive Maximum close the connection",
      async (s) => {
        const [peer, connack] = await s.enter("a");
        const maximum = connack.properties?.receiveMaximum ?? 65_535;
        if (maximum > 5000) throw new Skip(`the broker's Receive Maximum is ${maximum}`);
        for (let id = 1; id <= maximum; id++) {
          peer.bytes(frame(0x34, text(s.topic()), twoBytes(id), [0]));
        }
        await peer.lives();
        peer.bytes(frame(0x34, text(s.topic()), twoBytes(maximum + 1), [0]));
        await peer.closes();
      },
    ),
  ],
};

/** The broker's Topic Alias Maximum. */
async function aliasMaximum(s: Scene): Promise<number> {
  const [, connack] = await s.enter("aliases");
  const maximum = connack.properties?.topicAliasMaximum ?? 0;
  if (maximum === 0) throw new Skip("the broker takes no aliases");
  return maximum;
}
