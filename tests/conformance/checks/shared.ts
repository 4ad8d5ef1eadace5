import { subscribe } from "../bytes.ts";
import { check, type Group } from "../check.ts";
import { same } from "../disagreement.ts";
import type { Peer } from "../peer.ts";
import type { ConnectOptions, Scene } from "../scene.ts";

const messages = ["1", "2", "3", "4", "5", "6"];

/** A member of a share. */
async function member(
  s: Scene,
  name: string,
  qos: 0 | 1 | 2,
  options: ConnectOptions = {},
): Promise<Peer> {
  const peer = await s.connect(name, options);
  await peer.subscribe(`$share/group/${s.topic()}`, { qos });
  return peer;
}

/** One member has an open delivery; then another one joins. */
async function begun(s: Scene, options: ConnectOptions): Promise<[Peer, Peer]> {
  const first = await member(s, "first", 2, options);
  const source = await s.connect("source");
  await source.publish(s.topic(), "m", { qos: 2 });
  await first.next("publish");
  return [first, await member(s, "second", 2)];
}

export const shared: Group = {
  name: "shared subscriptions",
  checks: [
    check(
      "v5-4.8.2-1",
      "each message is sent to one member of each shared subscription",
      async (s) => {
        const members = [await member(s, "a", 1), await member(s, "b", 1)];
        const alone = await s.connect("alone");
        await alone.subscribe(`$share/other/${s.topic()}`, { qos: 1 });
        const plain = await s.connect("plain");
        await plain.subscribe(s.topic(), { qos: 1 });
        const source = await s.connect("source");
        for (const each of messages) await source.publish(s.topic(), each, { qos: 1 });
        await s.quiet();
        const came = members.flatMap((peer) =>
          peer.deliveries().map(({ payload }) => String(payload)),
        );
        same("the group's messages are", came.sort(), messages);
        for (const peer of [alone, plain]) {
          await peer.receives(...messages.map((each) => `${s.topic()}=${each}`));
        }
      },
    ),
    check("v5-4.8.2-1", "an empty share name is refused", async (s) => {
      for (const filter of ["$share/", `$share//${s.topic()}`]) await s.filterRefused(filter);
    }),
    check("v5-4.8.2-2", "a share name with + or #, or without a filter, is refused", async (s) => {
      for (const filter of [
        "$share/a+b/t",
        "$share/a#/t",
        "$share/+/t",
        "$share/name",
        "$share/name/",
      ]) {
        await s.filterRefused(filter);
      }
    }),
    check(
      "v5-4.8.2-3",
      "each member of a shared subscription gets its own QoS at the most",
      async (s) => {
        const members = [
          [0, await member(s, "q0", 0)],
          [1, await member(s, "q1", 1)],
        ] as const;
        const source = await s.connect("source");
        for (const each of messages) await source.publish(s.topic(), each, { qos: 2 });
        await s.quiet();
        for (const [granted, peer] of members) {
          const qos = new Set(peer.deliveries().map((message) => message.qos));
          same("QoS is", [...qos], [granted]);
        }
      },
    ),
    check("v5-4.8.2-4", "a QoS 2 delivery that has begun waits for its member", async (s) => {
      const kept = { clean: false, properties: { sessionExpiryInterval: 60 } };
      const [first, second] = await begun(s, kept);
      first.drop();
      await second.silent();
      const back = await s.connect("first", kept);
      await back.receives(`${s.topic()}=m`);
      await second.silent();
    }),
    check(
      "v5-4.8.2-5",
      "a QoS 2 delivery that has begun goes to nobody else when its session ends",
      async (s) => {
        const [first, second] = await begun(s, {});
        first.drop();
        await second.silent();
      },
    ),
    check(
      "v5-4.8.2-6",
      "a shared delivery that its member refuses goes to nobody else",
      async (s) => {
        const first = await member(s, "first", 2);
        const source = await s.connect("source");
        await source.publish(s.topic(), "1", { qos: 1 });
        await source.publish(s.topic(), "2", { qos: 2 });
        const one = await first.next("publish");
        const two = await first.next("publish");
        const second = await member(s, "second", 2);
        first.send({ cmd: "puback", messageId: one.messageId ?? 0, reasonCode: 0x80 });
        first.send({ cmd: "pubrec", messageId: two.messageId ?? 0, reasonCode: 0x97 });
        await first.lives();
        await second.silent();
        first.drop();
        await second.silent();
      },
    ),
    check("v5-4.8.2-2", "a share name of other characters works", async (s) => {
      const peer = await s.connect();
      const filter = `$share/a b-\u00e9$/${s.topic("+")}`;
      peer.bytes(subscribe(5, filter));
      await peer.next("suback");
      await peer.publish(s.topic("x"), "m");
      await peer.receives(`${s.topic("x")}=m`);
    }),
  ],
};
