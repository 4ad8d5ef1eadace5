import { check, type Group } from "../check.ts";
import { holds, same } from "../disagreement.ts";
import type { Peer } from "../peer.ts";
import type { Scene } from "../scene.ts";

/** A new subscriber gets exactly these retained messages. */
async function finds(s: Scene, filter: string, ...expected: string[]): Promise<void> {
  const peer = await s.connect("finder");
  await peer.subscribe(filter, { qos: 2 });
  const messages = await peer.receives(...expected);
  same(
    "RETAIN is",
    messages.map(({ retain }) => retain),
    expected.map(() => true),
  );
  await peer.silent();
}

/** A message is retained. */
async function kept(s: Scene, payload = "kept", qos: 0 | 1 | 2 = 1): Promise<Peer> {
  const source = await s.connect("source");
  await source.publish(s.topic(), payload, { qos, retain: true });
  return source;
}

export const retained: Group = {
  name: "RETAIN",
  checks: [
    check(
      "v4-3.3.1-5 v4-3.3.1-6 v4-3.3.1-8",
      "a retained message is sent to each later subscriber, with its QoS and RETAIN 1",
      async (s) => {
        await kept(s, "kept", 2);
        for (const name of ["one", "two"]) {
          const peer = await s.connect(name);
          await peer.subscribe(s.topic("#"), { qos: 2 });
          const [message] = await peer.receives(`${s.topic()}=kept`);
          same("QoS and RETAIN are", [message?.qos, message?.retain], [2, true]);
        }
      },
    ),
    check("v4-3.3.1-6", "the last retained message of each topic is sent", async (s) => {
      const source = await kept(s, "1");
      await source.publish(s.topic(), "2", { qos: 1, retain: true });
      await source.publish(s.topic("u"), "3", { qos: 1, retain: true });
      const peer = await s.connect();
      await peer.subscribe(s.topic("+"));
      const came = [await peer.next("publish"), await peer.next("publish")];
      const texts = came.map(({ topic, payload }) => `${topic}=${payload.toString()}`);
      same("messages are", texts.sort(), [`${s.topic()}=2`, `${s.topic("u")}=3`].sort());
      await peer.silent();
    }),
    check(
      "v4-3.3.1-5 v4-3.3.1-7 v5-3.3.1-5",
      "RETAIN 1 replaces the retained message",
      async (s) => {
        const source = await kept(s, "old", 1);
        await source.publish(s.topic(), "new", { qos: 0, retain: true });
        await finds(s, s.topic(), `${s.topic()}=new`);
      },
    ),
    check("v4-3.3.1-9 v5-3.3.1-12", "RETAIN is 0 for a subscription that stood", async (s) => {
      const peer = await s.connect();
      await peer.subscribe(s.topic(), { qos: 1 });
      await kept(s);
      const [message] = await peer.receives(`${s.topic()}=kept`);
      same("RETAIN is", message?.retain, false);
    }),
    check("v5-3.3.1-13", "Retain As Published: RETAIN is the publisher's", async (s) => {
      const peer = await s.connect();
      await peer.subscribe(s.topic(), { qos: 1, rap: true });
      const source = await kept(s);
      await source.publish(s.topic(), "passing", { qos: 1 });
      const messages = await peer.receives(`${s.topic()}=kept`, `${s.topic()}=passing`);
      same(
        "RETAIN is",
        messages.map(({ retain }) => retain),
        [true, false],
      );
    }),
    check(
      "v5-3.3.1-12 v5-3.3.1-13",
      "RETAIN of shared deliveries is by Retain As Published, too",
      async (s) => {
        const source = await s.connect("source");
        for (const rap of [false, true]) {
          const peer = await s.connect(`rap${rap}`);
          await peer.subscribe(`$share/g/${s.topic(String(rap))}`, { qos: 1, rap });
          for (const retain of [true, false]) {
            await source.publish(s.topic(String(rap)), "m", { qos: 1, retain });
            const [message] = await peer.receives(`${s.topic(String(rap))}=m`);
            same("RETAIN is", message?.retain, rap && retain);
          }
        }
      },
    ),
    check(
      "v4-3.3.1-10 v5-3.3.1-6",
      "RETAIN 1 without payload is passed on, and deletes what is kept",
      async (s) => {
        const source = await kept(s);
        const peer = await s.connect();
        await peer.subscribe(s.topic(), { qos: 1 });
        await peer.receives(`${s.topic()}=kept`);
        await source.publish(s.topic(), "", { qos: 1, retain: true });
        const [message] = await peer.receives(`${s.topic()}=`);
        same("RETAIN is", message?.retain, false);
        await finds(s, s.topic());
      },
    ),
    check("v4-3.3.1-11 v5-3.3.1-7", "no message without payload is retained", async (s) => {
      const source = await s.connect("source");
      await source.publish(s.topic(), "", { qos: 1, retain: true });
      await finds(s, s.topic());
    }),
    check("v4-3.3.1-12 v5-3.3.1-8", "RETAIN 0 changes nothing that is kept", async (s) => {
      const source = await s.connect("source");
      await source.publish(s.topic(), "passing", { qos: 1 });
      await finds(s, s.topic());
      await source.publish(s.topic(), "kept", { qos: 1, retain: true });
      await source.publish(s.topic(), "passing", { qos: 1 });
      await source.publish(s.topic(), "", { qos: 1 });
      await finds(s, s.topic(), `${s.topic()}=kept`);
    }),
    check("v5-3.3.1-9", "Retain Handling 0: retained messages at every SUBSCRIBE", async (s) => {
      await kept(s);
      const peer = await s.connect();
      for (let times = 0; times < 2; times++) {
        await peer.subscribe(s.topic(), { rh: 0 });
        await peer.receives(`${s.topic()}=kept`);
      }
    }),
    check(
      "v5-3.3.1-10",
      "Retain Handling 1: retained messages at a new subscription only",
      async (s) => {
        await kept(s);
        const peer = await s.connect();
        await peer.subscribe(s.topic(), { rh: 1 });
        await peer.receives(`${s.topic()}=kept`);
        await peer.subscribe(s.topic(), { rh: 1 });
        await peer.silent();
        await peer.unsubscribe(s.topic());
        await peer.subscribe(s.topic(), { rh: 1 });
        await peer.receives(`${s.topic()}=kept`);
      },
    ),
    check(
      "v5-3.3.1-10",
      "Retain Handling 1: a subscription of a session that goes on is not new",
      async (s) => {
        const [peer] = await s.persistent("kept");
        await peer.subscribe(s.topic(), { rh: 1 });
        peer.drop();
        await kept(s);
        const [back] = await s.persistent("kept");
        await back.subscribe(s.topic(), { rh: 1 });
        await back.silent();
      },
    ),
    check("v5-3.3.2-5 v5-3.3.2-6", "a retained message expires like any other", async (s) => {
      const source = await s.connect("source");
      const retain = { qos: 1, retain: true } as const;
      const brief = { messageExpiryInterval: 2 };
      const long = { messageExpiryInterval: 100 };
      await source.publish(s.topic("brief"), "m", { ...retain, properties: brief });
      await source.publish(s.topic("long"), "m", { ...retain, properties: long });
      await finds(s, s.topic("brief"), `${s.topic("brief")}=m`);
      await s.pass(3000);
      await finds(s, s.topic("brief"));
      const peer = await s.connect();
      await peer.subscribe(s.topic("long"));
      const [message] = await peer.receives(`${s.topic("long")}=m`);
      const left = message?.properties?.messageExpiryInterval ?? 0;
      holds(left >= 95 && left <= 97, "about 97 s left", `${left} s`);
    }),
    check("v5-3.3.1-11", "Retain Handling 2: no retained messages", async (s) => {
      await kept(s);
      const peer = await s.connect();
      await peer.subscribe(s.topic(), { rh: 2 });
      await peer.silent();
    }),
  ],
};
