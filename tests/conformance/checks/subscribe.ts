import { block, frame, property, subscribe, text, twoBytes } from "../bytes.ts";
import { check, type Group, type Needs } from "../check.ts";
import { holds, same } from "../disagreement.ts";
import type { Peer } from "../peer.ts";
import { accessBy } from "../../support/access.ts";

const guarded: Needs = {
  what: "filters that nobody may subscribe to",
  options: {
    access: accessBy({ maySubscribe: (_, filter) => !filter.endsWith("denied") }),
  },
};

export const subscribing: Group = {
  name: "SUBSCRIBE and SUBACK",
  checks: [
    check(
      "v4-3.8.1-1 v5-3.8.1-1",
      "SUBSCRIBE with other flags closes the connection",
      async (s) => {
        for (const first of [0x80, 0x81, 0x83, 0x8a, 0x86]) {
          const parts = [twoBytes(1), block(s.version), text(s.topic()), [0]];
          await s.closedBy(frame(first, ...parts));
        }
      },
    ),
    check(
      "v4-3.8.3-1 v5-3.8.3-1",
      "SUBSCRIBE with a filter that is no UTF-8 closes the connection",
      async (s) => {
        for (const filter of [
          [0x61, 0xff],
          [0x61, 0x00],
          [0xed, 0xa0, 0x80],
        ]) {
          await s.closedBy(subscribe(s.version, filter));
        }
      },
    ),
    check(
      "v4-3.8.3-3 v5-3.8.3-2",
      "SUBSCRIBE without a filter closes the connection",
      async (s) => {
        await s.closedBy(frame(0x82, twoBytes(1), block(s.version)));
      },
    ),
    check(
      "v4-3.8.3-4",
      "SUBSCRIBE with reserved bits or QoS 3 closes the connection",
      async (s) => {
        for (const qos of [3, 0x04, 0x80, 0x41]) await s.closedBy(subscribe(4, s.topic(), qos));
      },
    ),
    check("v5-3.8.3-5", "reserved bits of Subscription Options close the connection", async (s) => {
      for (const options of [0x40, 0x80, 0xc1]) await s.closedBy(subscribe(5, s.topic(), options));
    }),
    check("v5-3.8.3-3", "No Local: one's own messages do not come back", async (s) => {
      const peer = await s.connect();
      const other = await s.connect("other");
      await peer.subscribe(s.topic(), { qos: 1, nl: true });
      await peer.publish(s.topic(), "own", { qos: 1 });
      await other.publish(s.topic(), "other", { qos: 1 });
      await peer.receives(`${s.topic()}=other`);
      await peer.silent();
    }),
    check("v5-3.8.4-3", "the same filter again brings other options", async (s) => {
      const peer = await s.connect();
      await peer.subscribe(s.topic(), { qos: 1, nl: true });
      await peer.subscribe(s.topic(), { qos: 1, nl: false, rap: true });
      await peer.publish(s.topic(), "own", { qos: 1, retain: true });
      const [message] = await peer.receives(`${s.topic()}=own`);
      same("RETAIN is", message?.retain, true);
    }),
    check("v5-3.8.3-4", "No Local on a shared subscription closes the connection", async (s) => {
      await s.closedBy(subscribe(5, `$share/g/${s.topic()}`, 0x04));
    }),
    check(
      "v4-3.8.4-1 v4-3.8.4-2 v4-3.8.4-5 v5-3.8.4-1 v5-3.8.4-2 v5-3.8.4-6 v5-3.8.4-7",
      "SUBACK has the packet id, and a code for each filter",
      async (s) => {
        const peer = await s.connect();
        const filters = ([0, 1, 2] as const).map((qos) => [s.topic(`q${qos}`), { qos }] as const);
        same("granted are", await peer.subscribeMany(filters), [0, 1, 2]);
      },
    ),
    check("v4-3.9.3-1 v5-3.9.3-1", "codes of SUBACK are in the order of the filters", async (s) => {
      const peer = await s.connect();
      const filters = ([2, 0, 1, 1, 0, 2] as const).map(
        (qos, index) => [s.topic(`f${index}`), { qos }] as const,
      );
      same("granted are", await peer.subscribeMany(filters), [2, 0, 1, 1, 0, 2]);
    }),
    check(
      "v4-3.8.4-5 v4-3.9.3-2 v5-3.8.4-7 v5-3.9.3-2",
      "a filter that is not granted has a code of failure",
      async (s) => {
        const peer = await s.connect();
        const denied = s.version === 4 ? 0x80 : 0x87;
        const filters = [
          [s.topic("a"), { qos: 1 }],
          [s.topic("denied"), {}],
        ] as const;
        same("granted are", await peer.subscribeMany(filters), [1, denied]);
        await peer.publish(s.topic("denied"), "m");
        await peer.silent();
      },
      guarded,
    ),
    check("v4-3.8.4-3 v5-3.8.4-3", "the same filter again replaces the subscription", async (s) => {
      const peer = await s.connect();
      await peer.subscribe(s.topic(), { qos: 2 }, s.version === 5 ? 7 : 0);
      await peer.subscribe(s.topic(), { qos: 0 });
      await peer.publish(s.topic(), "m", { qos: 2 });
      const [message] = await peer.receives(`${s.topic()}=m`);
      same("QoS is", message?.qos, 0);
      same("identifier is", message?.properties?.subscriptionIdentifier, undefined);
      await peer.silent();
    }),
    check(
      "v4-3.8.4-3 v5-3.8.4-4",
      "replacing a subscription sends retained messages again and loses nothing",
      async (s) => {
        const source = await s.connect("source");
        await source.publish(s.topic("kept"), "kept", { qos: 1, retain: true });
        const peer = await s.connect();
        await peer.subscribe(s.topic("#"), { qos: 1 });
        await peer.receives(`${s.topic("kept")}=kept`);
        await source.publish(s.topic("x"), "before", { qos: 1 });
        await peer.subscribe(s.topic("#"), { qos: 1 });
        await source.publish(s.topic("x"), "after", { qos: 1 });
        await peer.receives(
          `${s.topic("x")}=before`,
          `${s.topic("kept")}=kept`,
          `${s.topic("x")}=after`,
        );
      },
    ),
    check(
      "v4-3.8.4-4 v5-3.8.4-5",
      "many filters in one SUBSCRIBE are many subscriptions, with one SUBACK",
      async (s) => {
        const peer = await s.connect();
        await peer.subscribeMany([
          [s.topic("a"), { qos: 1 }],
          [s.topic("b"), { qos: 0 }],
        ]);
        for (const name of ["a", "b", "c"]) await peer.publish(s.topic(name), "m", { qos: 1 });
        const messages = await peer.receives(`${s.topic("a")}=m`, `${s.topic("b")}=m`);
        same(
          "QoS is",
          messages.map(({ qos }) => qos),
          [1, 0],
        );
        await peer.silent();
      },
    ),
    check(
      "v4-3.8.4-6 v5-3.8.4-8",
      "delivered with the lower of published and granted QoS",
      async (s) => {
        for (const granted of [0, 1, 2] as const) {
          const peer = await s.connect(`g${granted}`);
          await peer.subscribe(s.topic(String(granted)), { qos: granted });
          for (const qos of [0, 1, 2] as const) {
            await peer.publish(s.topic(String(granted)), "m", { qos });
            const [message] = await peer.receives(`${s.topic(String(granted))}=m`);
            same("QoS is", message?.qos, Math.min(qos, granted));
          }
        }
      },
    ),
    check(
      "v5-3.3.4-3 v5-3.3.4-4 v5-3.3.4-5",
      "Subscription Identifiers come with what they brought",
      async (s) => {
        const peer = await s.connect();
        await peer.subscribe(s.topic("+"), {}, 1);
        await peer.subscribe(s.topic("x"), {}, 268_435_455);
        await peer.subscribe(s.topic("#"), {});
        await peer.publish(s.topic("x"), "m");
        await s.quiet();
        const came = peer.deliveries().flatMap(({ properties }) => {
          const identifiers = properties?.subscriptionIdentifier ?? [];
          return Array.isArray(identifiers) ? identifiers : [identifiers];
        });
        same(
          "identifiers are",
          came.sort((a, b) => a - b),
          [1, 268_435_455],
        );
      },
    ),
    check(
      "v5-3.3.4-3",
      "Subscription Identifiers come with QoS 1 and 2, too, and when sent again",
      async (s) => {
        const [peer] = await s.persistent("kept");
        await peer.subscribe(s.topic(), { qos: 2 }, 300);
        for (const qos of [1, 2] as const) await peer.publish(s.topic(), "m", { qos });
        await s.quiet();
        peer.drop();
        const [back] = await s.persistent("kept");
        await back.receives(`${s.topic()}=m`, `${s.topic()}=m`);
        const came = [...peer.deliveries(), ...back.deliveries()];
        const identifiers = came.map(({ properties }) => properties?.subscriptionIdentifier);
        same("identifiers are", identifiers, [300, 300, 300, 300]);
      },
    ),
    check(
      "v5-3.3.4-3",
      "each of many clients gets its own Subscription Identifier, or none",
      async (s) => {
        const identifiers = [0, 1, 200, 0];
        for (const qos of [0, 1] as const) {
          const peers: Peer[] = [];
          for (const [index, identifier] of identifiers.entries()) {
            const peer = await s.connect(`p${index}`);
            await peer.subscribe(s.topic(), { qos }, identifier);
            peers.push(peer);
          }
          const source = await s.connect("source");
          await source.publish(s.topic(), "m", { qos, retain: true });
          const late = await s.connect("late");
          await late.subscribe(s.topic(), { qos }, 5);
          const came: number[] = [];
          for (const peer of [...peers, late]) {
            const [message] = await peer.receives(`${s.topic()}=m`);
            came.push(Number(message?.properties?.subscriptionIdentifier ?? 0));
          }
          same("identifiers are", came, [...identifiers, 5]);
          await source.publish(s.topic(), "", { retain: true });
        }
      },
    ),
    check(
      "v5-3.3.4-3",
      "a shared subscription has a Subscription Identifier of its own",
      async (s) => {
        const peer = await s.connect();
        await peer.subscribe(`$share/g/${s.topic()}`, { qos: 1 }, 9);
        await peer.publish(s.topic(), "m", { qos: 1 });
        const [message] = await peer.receives(`${s.topic()}=m`);
        same("identifier is", message?.properties?.subscriptionIdentifier, 9);
      },
    ),
    check("v5-3.3.4-3", "Subscription Identifier 0 closes the connection", async (s) => {
      const identifier = property.subscriptionIdentifier(0);
      const parts = [block(5, identifier), text(s.topic()), [0]];
      await s.closedBy(frame(0x82, twoBytes(1), ...parts));
    }),
    check("v5-3.9.2-1 v5-3.9.2-2", "SUBACK fits the client's Maximum Packet Size", async (s) => {
      const properties = { maximumPacketSize: 40 };
      const peer = await s.connect("a", { properties });
      const filters = ["+", "#", "x", "denied"].map((name) => [s.topic(name), {}] as const);
      await peer.subscribeMany(filters);
      const sizes = peer.history.map(({ bytes }) => bytes.length);
      holds(Math.max(...sizes) <= 40, "packets of up to 40 B", `${Math.max(...sizes)} B`);
    }),
  ],
};
