import type { IConnectPacket } from "mqtt-packet";
import { connect, flag, text, will as willFields } from "../bytes.ts";
import { check, type Group } from "../check.ts";
import { same } from "../disagreement.ts";
import type { Peer } from "../peer.ts";
import type { ConnectOptions, Scene } from "../scene.ts";

type WillOptions = Partial<NonNullable<IConnectPacket["will"]>>;

const { clean, will, willQos1, willQos3, willRetain } = flag;

async function watcher(s: Scene): Promise<Peer> {
  const peer = await s.connect("watcher");
  await peer.subscribe(s.topic(), { qos: 2, rap: true });
  return peer;
}

async function mortal(
  s: Scene,
  options: WillOptions = {},
  connecting: ConnectOptions = {},
): Promise<Peer> {
  return s.connect("mortal", {
    ...connecting,
    will: {
      topic: s.topic(),
      payload: Buffer.from("gone"),
      qos: 0,
      retain: false,
      ...options,
    },
  });
}

/** A CONNECT with flags and fields of a will that contradict each other. */
async function refusedWith(s: Scene, flags: number, withFields: boolean): Promise<void> {
  const fields = withFields ? [willFields(s.version, s.topic(), "gone")] : [];
  await s.refused(connect(s.version, s.id("m"), { flags: clean | flags, fields }));
}

export const wills: Group = {
  name: "will",
  checks: [
    check(
      "v4-3.1.2-8 v5-3.1.2-7 v5-3.1.2-8",
      "a will is published when the connection ends without DISCONNECT",
      async (s) => {
        const seen = await watcher(s);
        const peer = await mortal(s);
        await seen.silent();
        peer.drop();
        await seen.receives(`${s.topic()}=gone`);
        await seen.silent();
      },
    ),
    check(
      "v4-3.1.2-8 v4-3.1.2-24 v5-3.1.2-8 v5-3.1.2-22",
      "a will is published when the Keep Alive is over",
      async (s) => {
        const seen = await watcher(s);
        await mortal(s, {}, { keepalive: 2 });
        await s.passAlmost(3000);
        same("came before it is due:", seen.history.length > 2, false);
        await seen.receives(`${s.topic()}=gone`);
      },
    ),
    check(
      "v4-3.1.2-8 v5-3.1.2-8",
      "a will is published when the broker closes because of an error",
      async (s) => {
        const seen = await watcher(s);
        const peer = await mortal(s);
        peer.bytes(connect(s.version, s.id("mortal")));
        await peer.closes();
        await seen.receives(`${s.topic()}=gone`);
      },
    ),
    check(
      "v4-3.1.2-8 v5-3.1.2-8",
      "a will is published when its connection is taken over",
      async (s) => {
        const seen = await watcher(s);
        await mortal(s);
        await s.connect("mortal");
        await seen.receives(`${s.topic()}=gone`);
        const kept = { clean: false, properties: { sessionExpiryInterval: 60 } };
        await mortal(s, {}, kept);
        await s.connect("mortal", kept);
        await seen.receives(`${s.topic()}=gone`);
      },
    ),
    check("v5-3.1.2-8", "DISCONNECT 0x04 and error codes publish the will", async (s) => {
      const seen = await watcher(s);
      for (const reason of [0x04, 0x80, 0x98]) {
        const peer = await mortal(s);
        peer.leave(reason);
        await seen.receives(`${s.topic()}=gone`);
      }
    }),
    check("v5-3.1.2-8 v5-3.1.2-7", "a will waits for its Will Delay Interval", async (s) => {
      const seen = await watcher(s);
      const properties = { sessionExpiryInterval: 60 };
      const peer = await mortal(s, { properties: { willDelayInterval: 2 } }, { properties });
      peer.drop();
      await s.passAlmost(2000);
      same("came before it is due:", seen.history.length > 2, false);
      await seen.receives(`${s.topic()}=gone`);
    }),
    check("v5-3.1.2-8", "the session's end cuts the delay short", async (s) => {
      const seen = await watcher(s);
      const brief = { properties: { sessionExpiryInterval: 1 } };
      const long = { properties: { willDelayInterval: 600 } };
      (await mortal(s, long, brief)).drop();
      await seen.receives(`${s.topic()}=gone`);
      (await mortal(s, long)).drop();
      await seen.receives(`${s.topic()}=gone`);
      (await mortal(s, long, { properties: { sessionExpiryInterval: 600 } })).drop();
      await s.connect("mortal");
      await seen.receives(`${s.topic()}=gone`);
    }),
    check("v5-3.1.3-9", "back before the delay is over: no will", async (s) => {
      const seen = await watcher(s);
      const properties = { sessionExpiryInterval: 60 };
      const peer = await mortal(s, { properties: { willDelayInterval: 1 } }, { properties });
      peer.drop();
      const [back] = await s.persistent("mortal");
      await s.pass(2500);
      await seen.silent();
      await back.lives();
    }),
    check("v5-3.1.2-8", "a will has what it was given, less its delay", async (s) => {
      const seen = await watcher(s);
      const given = { contentType: "text", messageExpiryInterval: 60, userProperties: { a: "1" } };
      const properties = { ...given, willDelayInterval: 1 };
      const kept = { properties: { sessionExpiryInterval: 60 } };
      (await mortal(s, { properties }, kept)).drop();
      const [message] = await seen.receives(`${s.topic()}=gone`);
      same("properties are", message?.properties, given);
    }),
    check("v5-3.1.3-10", "User Properties of a will keep their order", async (s) => {
      const seen = await watcher(s);
      const userProperties = { b: ["1", "2"], a: "3" };
      (await mortal(s, { properties: { userProperties } })).drop();
      const [message] = await seen.receives(`${s.topic()}=gone`);
      const came = message?.properties?.userProperties ?? {};
      same("User Properties are", Object.entries(came), Object.entries(userProperties));
    }),
    check(
      "v4-3.1.2-9 v5-3.1.2-9",
      "a Will Flag without the will's fields is refused",
      async (s) => {
        await refusedWith(s, will, false);
        const topicOnly = [...willFields(s.version, s.topic(), "").slice(0, -2)];
        await s.refused(
          connect(s.version, s.id("m"), { flags: clean | will, fields: [topicOnly] }),
        );
      },
    ),
    check("v4-3.1.2-9 v4-3.1.2-14 v5-3.1.2-12", "a will is published with its QoS", async (s) => {
      const seen = await watcher(s);
      for (const qos of [0, 1, 2] as const) {
        (await mortal(s, { qos })).drop();
        const [message] = await seen.receives(`${s.topic()}=gone`);
        same("QoS is", message?.qos, qos);
      }
    }),
    check("v4-3.1.2-14 v5-3.1.2-12", "Will QoS 3 is refused", async (s) => {
      await refusedWith(s, will | willQos3, true);
    }),
    check(
      "v4-3.1.2-10 v5-3.1.2-10",
      "a will that was published is gone, and so is one that was discarded",
      async (s) => {
        const seen = await watcher(s);
        const kept = { clean: false, properties: { sessionExpiryInterval: 60 } };
        (await mortal(s, {}, kept)).drop();
        await seen.receives(`${s.topic()}=gone`);
        (await s.connect("mortal", kept)).drop();
        await seen.silent();
        (await mortal(s, {}, kept)).leave();
        (await s.connect("mortal", kept)).drop();
        await seen.silent();
      },
    ),
    check("v4-3.14.4-3 v5-3.14.4-3 v5-3.1.2-10", "DISCONNECT discards the will", async (s) => {
      const seen = await watcher(s);
      (await mortal(s)).leave();
      await seen.silent();
    }),
    check("v4-3.1.2-11", "fields of a will without the Will Flag are refused", async (s) => {
      await refusedWith(s, 0, true);
      await refusedWith(s, willQos1, true);
      await refusedWith(s, willRetain, true);
    }),
    check("v4-3.1.2-12", "without the Will Flag there is no will", async (s) => {
      const seen = await watcher(s);
      (await s.connect("mortal")).drop();
      await seen.silent();
    }),
    check(
      "v4-3.1.2-11 v4-3.1.2-13 v5-3.1.2-11",
      "a Will QoS without the Will Flag is refused",
      async (s) => refusedWith(s, willQos1, false),
    ),
    check(
      "v4-3.1.2-11 v4-3.1.2-15 v5-3.1.2-13",
      "a Will Retain without the Will Flag is refused",
      async (s) => refusedWith(s, willRetain, false),
    ),
    check("v4-3.1.2-17 v5-3.1.2-15", "a retained will without payload deletes", async (s) => {
      const seen = await watcher(s);
      const source = await s.connect("source");
      await source.publish(s.topic(), "kept", { qos: 1, retain: true });
      await seen.receives(`${s.topic()}=kept`);
      (await mortal(s, { retain: true, payload: Buffer.alloc(0) })).drop();
      await seen.receives(`${s.topic()}=`);
      const late = await s.connect("late");
      await late.subscribe(s.topic());
      await late.silent();
    }),
    check("v4-3.1.2-16 v5-3.1.2-14", "Will Retain 0: nothing is retained", async (s) => {
      const seen = await watcher(s);
      (await mortal(s)).drop();
      const [message] = await seen.receives(`${s.topic()}=gone`);
      same("RETAIN is", message?.retain, false);
      const late = await s.connect("late");
      await late.subscribe(s.topic());
      await late.silent();
    }),
    check("v4-3.1.2-17 v5-3.1.2-15", "Will Retain 1: the will is retained", async (s) => {
      const seen = await watcher(s);
      (await mortal(s, { retain: true })).drop();
      await seen.receives(`${s.topic()}=gone`);
      const late = await s.connect("late");
      await late.subscribe(s.topic());
      const [message] = await late.receives(`${s.topic()}=gone`);
      same("RETAIN is", message?.retain, true);
    }),
    check(
      "v4-3.1.2-18 v5-3.1.2-16",
      "a will takes no user name for a field of its own",
      async (s) => {
        const fields = [willFields(s.version, s.topic(), "gone"), text("name")];
        await s.refused(connect(s.version, s.id("m"), { flags: clean | will, fields }));
      },
    ),
  ],
};
