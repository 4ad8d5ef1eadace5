import { afterAll, beforeAll, expect, test } from "bun:test";
import { SocketClient } from "../support/socket-client.ts";
import { rowLimitMs, WillAccounts } from "../support/will-account.ts";

// The receivers of a will: the log's lines, and `mqttd inspect explain`.

let accounts: WillAccounts;
beforeAll(async () => {
  accounts = await WillAccounts.start();
}, rowLimitMs);
afterAll(async () => {
  await accounts[Symbol.asyncDispose]();
});

test(
  "no subscribers",
  async () => {
    const will = {
      topic: "elsewhere/unheard",
      payload: Buffer.from("gone"),
      qos: 0,
      retain: false,
    };
    const client = await accounts.mqttjs("unheard", { will: { ...will, qos: 0 } });
    await client.vanish();
    await accounts.ended("unheard");
    expect(await accounts.account("unheard")).toMatchInlineSnapshot(`
    "New client connected from 127.0.0.1:<port> as unheard (p5, c1, k30), will on elsewhere/unheard (q0)
    Client unheard disconnected: closed its connection without DISCONNECT (FIN) (silent <measured>, allowed 45.0 s) · will published on elsewhere/unheard (no subscribers)
    Warning: unheard <willUnheard> {"topic":"elsewhere/unheard"}

    The will of unheard fired at once, because unheard, or something between, closed
    the connection without a DISCONNECT (FIN). Nobody had subscribed to
    elsewhere/unheard. [v5-3.1.2-8]

    Advice: willUnheard"
  `);
  },
  rowLimitMs,
);

test(
  "a retained will without subscribers",
  async () => {
    const topic = "elsewhere/kept-will";
    const client = await accounts.mqttjs("kept-will", {
      will: { topic, payload: Buffer.from("gone"), qos: 1, retain: true },
    });
    client.mqtt.publish(topic, "online", { retain: true });
    await client.roundTrip();
    await client.vanish();
    await accounts.ended("kept-will");
    expect(await accounts.account("kept-will")).toMatchInlineSnapshot(`
    "New client connected from 127.0.0.1:<port> as kept-will (p5, c1, k30), will on elsewhere/kept-will (q1, retained)
    Client kept-will disconnected: closed its connection without DISCONNECT (FIN) (silent <measured>, allowed 45.0 s) · will published on elsewhere/kept-will (no subscribers, retained)

    The will of kept-will fired at once, because kept-will, or something between,
    closed the connection without a DISCONNECT (FIN). Nobody had subscribed to
    elsewhere/kept-will, and it is kept as the topic's retained message.
    [v5-3.1.2-8]

    Advice: none"
  `);
    await using late = await accounts.mqttjs("latecomer");
    await late.mqtt.subscribeAsync(topic);
    expect((await late.message(topic)).payload.toString()).toBe("gone");
  },
  rowLimitMs,
);

test(
  "an empty retained will clears the retained message",
  async () => {
    const topic = "elsewhere/clears";
    const client = await accounts.mqttjs("clears", {
      will: { topic, payload: Buffer.alloc(0), qos: 0, retain: true },
    });
    client.mqtt.publish(topic, "online", { retain: true });
    await client.roundTrip();
    await client.vanish();
    await accounts.ended("clears");
    expect(await accounts.account("clears")).toMatchInlineSnapshot(`
    "New client connected from 127.0.0.1:<port> as clears (p5, c1, k30), will on elsewhere/clears (q0, retained)
    Client clears disconnected: closed its connection without DISCONNECT (FIN) (silent <measured>, allowed 45.0 s) · will published on elsewhere/clears (no subscribers, retained message cleared)

    The will of clears fired at once, because clears, or something between, closed
    the connection without a DISCONNECT (FIN). Nobody had subscribed to
    elsewhere/clears, and being empty, it cleared the topic's retained message.
    [v5-3.1.2-8]

    Advice: emptyRetainedWill"
  `);
  },
  rowLimitMs,
);

test(
  "an offline subscriber with a session",
  async () => {
    const topic = "elsewhere/queued";
    const monitor = await accounts.mqttjs("monitor", {
      clean: false,
      properties: { sessionExpiryInterval: 60 },
    });
    await monitor.mqtt.subscribeAsync(topic, { qos: 1 });
    await monitor.mqtt.endAsync();
    const client = await accounts.mqttjs("queued-will", {
      will: { topic, payload: Buffer.from("gone"), qos: 1, retain: false },
    });
    await client.vanish();
    await accounts.ended("queued-will");
    expect(await accounts.account("queued-will")).toMatchInlineSnapshot(`
    "New client connected from 127.0.0.1:<port> as queued-will (p5, c1, k30), will on elsewhere/queued (q1)
    Client queued-will disconnected: closed its connection without DISCONNECT (FIN) (silent <measured>, allowed 45.0 s) · will published to 0 on elsewhere/queued (1 queued)

    The will of queued-will fired at once, because queued-will, or something
    between, closed the connection without a DISCONNECT (FIN). It waits in the queue
    of 1 subscriber. [v5-3.1.2-8]

    Advice: none"
  `);
  },
  rowLimitMs,
);

test(
  "a will above its subscriber's maximum",
  async () => {
    const topic = "elsewhere/too-large";
    using monitor = await accounts.raw("small-monitor", { properties: { maximumPacketSize: 40 } });
    await monitor.subscribe(topic, 1);
    const client = await accounts.mqttjs("too-large", {
      will: { topic, payload: Buffer.alloc(64, "x"), qos: 1, retain: false },
    });
    await client.vanish();
    await accounts.ended("too-large");
    expect(await accounts.account("too-large")).toMatchInlineSnapshot(`
    "New client connected from 127.0.0.1:<port> as too-large (p5, c1, k30), will on elsewhere/too-large (q1)
    Client too-large disconnected: closed its connection without DISCONNECT (FIN) (silent <measured>, allowed 45.0 s) · will published to 0 on elsewhere/too-large (1 dropped for small-monitor (larger than its Maximum Packet Size of 40 B))

    The will of too-large fired at once, because too-large, or something between,
    closed the connection without a DISCONNECT (FIN). It was dropped for
    small-monitor (larger than its Maximum Packet Size of 40 B). [v5-3.1.2-8]

    Advice: droppedCopies"
  `);
  },
  rowLimitMs,
);

test(
  "an offline subscriber with QoS 0",
  async () => {
    const topic = "elsewhere/missed";
    const monitor = await accounts.mqttjs("qos-0-monitor", {
      clean: false,
      properties: { sessionExpiryInterval: 60 },
    });
    await monitor.mqtt.subscribeAsync(topic, { qos: 0 });
    await monitor.mqtt.endAsync();
    const client = await accounts.mqttjs("missed", {
      will: { topic, payload: Buffer.from("gone"), qos: 1, retain: false },
    });
    await client.vanish();
    await accounts.ended("missed");
    expect(await accounts.account("missed")).toMatchInlineSnapshot(`
      "New client connected from 127.0.0.1:<port> as missed (p5, c1, k30), will on elsewhere/missed (q1)
      Client missed disconnected: closed its connection without DISCONNECT (FIN) (silent <measured>, allowed 45.0 s) · will published to 0 on elsewhere/missed (1 offline with QoS 0)

      The will of missed fired at once, because missed, or something between, closed
      the connection without a DISCONNECT (FIN). 1 subscriber missed it, being away
      with QoS 0, for which nothing waits. [v5-3.1.2-8]

      Advice: awaySubscribers"
    `);
  },
  rowLimitMs,
);

test(
  "a client without a will",
  async () => {
    using client = await SocketClient.connect(accounts.port, {
      clientId: "no-will",
      keepalive: 30,
    });
    client.reset();
    await accounts.ended("no-will");
    expect(await accounts.account("no-will")).toMatchInlineSnapshot(`
      "New client connected from 127.0.0.1:<port> as no-will (p5, c1, k30)
      Client no-will disconnected: connection reset (RST) (silent <measured>, allowed 45.0 s) · no will

      no-will set no will when it connected, so nothing can fire.

      Advice: noWill"
    `);
  },
  rowLimitMs,
);
