import { check, type Group, type Needs } from "../check.ts";
import { holds, same } from "../disagreement.ts";

const shortKeepAlive: Needs = {
  what: "a broker with a Server Keep Alive of 2 s",
  options: { limits: { keepAliveMaxSeconds: 2 } },
};

export const session: Group = {
  name: "Keep Alive and session state",
  checks: [
    check(
      "v4-3.1.2-24 v5-3.1.2-22 v5-3.2.2-22",
      "the connection is closed at 1.5 times the Keep Alive",
      async (s) => {
        const [peer, connack] = await s.enter("a", { keepalive: 2 });
        const seconds = connack.properties?.serverKeepAlive ?? 2;
        await s.passAlmost(seconds * 1500);
        same("closed before it is due:", peer.isClosed, false);
        await peer.closes();
      },
    ),
    check("v4-3.1.2-24 v5-3.1.2-22", "every packet restarts the silence", async (s) => {
      const peer = await s.connect("a", { keepalive: 2 });
      await peer.lives();
      await s.pass(2400);
      await peer.publish(s.topic(), "m");
      await s.pass(2400);
      await peer.lives();
      await s.pass(2400);
      await peer.subscribe(s.topic());
      await s.pass(2400);
      await peer.lives();
    }),
    check(
      "v4-3.1.2-24 v5-3.1.2-22",
      "what the broker sends does not keep a silent client alive",
      async (s) => {
        const peer = await s.connect("a", { keepalive: 2 });
        await peer.subscribe(s.topic());
        const source = await s.connect("source");
        for (let waited = 0; waited < s.patienceMs && !peer.isClosed; waited += 300) {
          await source.publish(s.topic(), "m");
          await s.pass(300);
        }
        same("it was closed:", peer.isClosed, true);
        holds(peer.deliveries().length > 3, "deliveries meanwhile", "too few");
      },
    ),
    check("v4-3.1.2-24 v5-3.1.2-22", "Keep Alive 0 ends nothing", async (s) => {
      const peer = await s.connect("a", { keepalive: 0 });
      await s.pass(4000);
      await peer.lives();
    }),
    check(
      "v5-3.2.2-22",
      "a Server Keep Alive takes the place of the client's",
      async (s) => {
        const [peer, connack] = await s.enter("a", { keepalive: 60 });
        same("Server Keep Alive is", connack.properties?.serverKeepAlive, 2);
        await s.passAlmost(3000);
        same("closed before it is due:", peer.isClosed, false);
        await peer.closes();
      },
      shortKeepAlive,
    ),
    check(
      "v5-3.2.2-22",
      "a Server Keep Alive is sent to the clients it concerns",
      async (s) => {
        for (const [keepalive, told] of [
          [0, 2],
          [1, undefined],
          [2, undefined],
          [3, 2],
        ] as const) {
          const [, connack] = await s.enter("a", { keepalive });
          same("Server Keep Alive is", connack.properties?.serverKeepAlive, told);
        }
      },
      shortKeepAlive,
    ),
    check(
      "v4-3.1.2-4 v4-3.1.4-3 v5-3.1.2-5 v5-3.1.2-6 v5-3.1.2-23 v5-3.1.4-4",
      "a resumed session: its subscriptions work without a new SUBSCRIBE",
      async (s) => {
        const [peer, first] = await s.persistent("kept");
        same("Session Present is", first.sessionPresent, false);
        await peer.subscribe(s.topic(), { qos: 1 });
        peer.drop();
        const [back, second] = await s.persistent("kept");
        same("Session Present is", second.sessionPresent, true);
        await back.publish(s.topic(), "m", { qos: 1 });
        await back.receives(`${s.topic()}=m`);
      },
    ),
    check(
      "v4-3.1.2-5 v4-4.1.0-1 v4-4.5.0-1 v5-3.1.2-23 v5-4.5.0-1",
      "QoS 1 and 2 are kept for a session that is away",
      async (s) => {
        const [peer] = await s.persistent("kept");
        await peer.subscribe(s.topic(), { qos: 2 });
        peer.leave();
        const source = await s.connect("source");
        await source.publish(s.topic(), "1", { qos: 1 });
        await source.publish(s.topic(), "2", { qos: 2 });
        const [back] = await s.persistent("kept");
        const [one, two] = await back.receives(`${s.topic()}=1`, `${s.topic()}=2`);
        same("their QoS is", [one?.qos, two?.qos], [1, 2]);
        await back.silent();
      },
    ),
    check(
      "v4-3.1.2-6 v4-3.1.4-3 v5-3.1.2-4 v5-3.1.4-4",
      "a clean start discards subscriptions and queued messages",
      async (s) => {
        const [peer] = await s.persistent("kept");
        await peer.subscribe(s.topic(), { qos: 1 });
        peer.drop();
        const source = await s.connect("source");
        await source.publish(s.topic(), "waits", { qos: 1 });
        const [fresh] = await s.persistent("kept", { clean: true });
        await source.publish(s.topic(), "new", { qos: 1 });
        await fresh.silent();
      },
    ),
    check("v4-3.1.2-6", "a clean session ends with its connection", async (s) => {
      const peer = await s.connect("brief");
      await peer.subscribe(s.topic(), { qos: 1 });
      peer.drop();
      const [back, connack] = await s.persistent("brief");
      same("Session Present is", connack.sessionPresent, false);
      await back.publish(s.topic(), "m", { qos: 1 });
      await back.silent();
    }),
    check(
      "v5-3.1.2-6 v5-4.1.0-2",
      "without an expiry a session ends with its connection",
      async (s) => {
        const peer = await s.connect("brief", { clean: false });
        await peer.subscribe(s.topic(), { qos: 1 });
        peer.drop();
        const [, connack] = await s.persistent("brief");
        same("Session Present is", connack.sessionPresent, false);
      },
    ),
    check("v5-4.1.0-2", "a session ends with its Session Expiry Interval", async (s) => {
      const properties = { sessionExpiryInterval: 1 };
      const [peer] = await s.persistent("kept", { properties });
      peer.drop();
      await s.pass(500);
      const [back, early] = await s.persistent("kept", { properties });
      same("before that Session Present is", early.sessionPresent, true);
      back.drop();
      await s.pass(3000);
      const [, late] = await s.persistent("kept", { properties });
      same("after that Session Present is", late.sessionPresent, false);
    }),
    check("v5-4.1.0-2 v5-3.1.2-23", "DISCONNECT can set another expiry", async (s) => {
      const [peer] = await s.persistent("kept");
      peer.leave(0, { sessionExpiryInterval: 0 });
      await s.pass(100);
      const [, connack] = await s.persistent("kept");
      same("Session Present is", connack.sessionPresent, false);
    }),
    check(
      "v4-4.1.0-2 v5-4.1.0-1",
      "state lives as long as the connection, whatever its expiry",
      async (s) => {
        const peer = await s.connect("a", { properties: { sessionExpiryInterval: 1 } });
        await peer.subscribe(s.topic(), { qos: 1 });
        await s.pass(3000);
        await peer.publish(s.topic(), "m", { qos: 1 });
        await peer.receives(`${s.topic()}=m`);
      },
    ),
    check("v4-3.1.2-7", "retained messages outlive their publisher's session", async (s) => {
      const source = await s.connect("source");
      await source.publish(s.topic(), "kept", { qos: 1, retain: true });
      source.leave();
      const again = await s.connect("source");
      await again.subscribe(s.topic());
      await again.receives(`${s.topic()}=kept`);
    }),
    check(
      "v4-4.8.0-2",
      "a client beyond the server's capacity is closed",
      async (s) => {
        const first = await s.connect("first");
        const second = await s.open();
        s.sendConnect(second, s.id("second"));
        await second.refused();
        await first.lives();
      },
      { what: "a broker that is full", options: { limits: { sessions: 1 } } },
    ),
  ],
};
