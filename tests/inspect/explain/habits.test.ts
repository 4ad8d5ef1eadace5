import { expect, test } from "bun:test";
import { mortal, watcherOf } from "../../support/mortal.ts";
import { World } from "../../support/world.ts";
import { brief, flatPage, pageOf, told, topicsOf, watched } from "./explained.ts";

test("explained: a keepalive of hours", () => {
  const world = watched();
  mortal(world, { keepalive: 7200 });
  world.advance(20_000);
  expect(brief(world)).toMatchInlineSnapshot(`
    "The will of mortal is armed and has not fired: mortal is connected and was last
    heard 20.0 s ago. If nothing more comes, the will fires in 3 h. [v5-3.1.2-7]

    What happened
      08:00:00.000  Nothing has come after CONNECT, for 20.0 s.

    What to change
      - <longKeepAlive>
    "
  `);
});

test("explained: a client that subscribed in the moment of its CONNECT has sent a packet", () => {
  const world = new World();
  const pipelined = mortal(world, { id: "pipelined", keepalive: 10 });
  pipelined.subscribe("commands");
  mortal(world, { id: "mute", keepalive: 10 });
  world.advance(20_000);
  expect(pageOf(world, "pipelined")).toContain("The last packet was SUBSCRIBE");
  expect(topicsOf(world, "pipelined")).not.toContain("neverPinged");
  expect(topicsOf(world, "mute")).toContain("neverPinged");
});

test("explained: a keepalive of minutes", () => {
  const world = watched();
  mortal(world, { keepalive: 300 });
  world.advance(500_000);
  expect(brief(world)).toMatchInlineSnapshot(`
    "The will of mortal fired 7 min 30 s after its last packet, because its keepalive
    of 5 min allows 7 min 30 s of silence. 1 subscriber got it. [v5-3.1.2-8]

    What happened
      08:00:00.000  No packet came after CONNECT until the end, 7 min 30 s later.
      08:07:30.000  The connection ended: nothing came from it for 7 min 30 s, and
                    its keepalive of 5 min allows 7 min 30 s of silence.
                    [v5-3.1.2-22]
      08:07:30.000  The will was published on wills/mortal, on time. 1 subscriber
                    got it. [v5-3.1.2-8]

    What to change
      - <neverPinged> [v5-3.1.2-20]
      - <longKeepAlive 2>
    "
  `);
});

test("explained: a delay longer than the session", () => {
  const world = watched();
  mortal(world, { keepalive: 10, delay: 11, expiry: 10 });
  expect(brief(world)).toMatchInlineSnapshot(`
    "The will of mortal is armed and has not fired: mortal is connected and was last
    heard 0 ms ago. If nothing more comes, its connection ends in 15.0 s, and the
    will fires 10 s later, unless it is back by then. [v5-3.1.2-7]

    What happened
      08:00:00.000  Nothing has come after CONNECT, for 0 ms.

    What to change
      - <delayBeyondSession> [v5-3.1.2-8]
    "
  `);
});

test("explained: a new client id each time", () => {
  const world = watched();
  mortal(world, { id: "esp-9f31", keepalive: 10, will: { topic: "wills/esp" } }).drop();
  mortal(world, { id: "esp-07ac", keepalive: 10, will: { topic: "wills/esp" } }).drop();
  expect(brief(world, "esp-07ac")).toMatchInlineSnapshot(`
    "The will of esp-07ac fired at once, because esp-07ac's connection was reset
    without a DISCONNECT (RST). 1 subscriber got it. [v5-3.1.2-8]

    What happened
      08:00:00.000  The connection ended: its connection was reset without a
                    DISCONNECT (RST).
      08:00:00.000  The will was published on wills/esp, on time. 1 subscriber got
                    it. [v5-3.1.2-8]

    What to change
      - <randomClientId>
    "
  `);
});

test("explained: an id that a library generated", () => {
  const world = watched();
  mortal(world, { id: "mqttjs_0a1b2c3d", keepalive: 10 }).drop();
  expect(brief(world, "mqttjs_0a1b2c3d")).toMatchInlineSnapshot(`
    "The will of mqttjs_0a1b2c3d fired at once, because mqttjs_0a1b2c3d's connection
    was reset without a DISCONNECT (RST). 1 subscriber got it. [v5-3.1.2-8]

    What happened
      08:00:00.000  The connection ended: its connection was reset without a
                    DISCONNECT (RST).
      08:00:00.000  The will was published on wills/mqttjs_0a1b2c3d, on time.
                    1 subscriber got it. [v5-3.1.2-8]

    What to change
      - <randomClientId 2>
    "
  `);
});

test("explained: a retained will without a retained birth", () => {
  const world = watched();
  const retained = { keepalive: 10, will: { retain: true } } as const;
  mortal(world, retained).drop();
  world.advance(1_000);
  mortal(world, retained).drop();
  expect(told(world)).toMatchInlineSnapshot(`
    "The will of mortal fired at once, because mortal's connection was reset without
    a DISCONNECT (RST). 1 subscriber got it, and it is kept as the topic's retained
    message. [v5-3.1.2-8]

    What happened
      08:00:01.000  It connected from 127.0.0.1:50003 with MQTT 5.0 (listener: tcp
                    test).
      08:00:01.000  It asked for a keepalive of 10 s: its connection ends after
                    15.0 s of silence. [v5-3.1.2-22]
      08:00:01.000  With Clean Start 1 it began a new session, which ends with the
                    connection. [v5-3.1.2-4]
      08:00:01.000  It set a will on wills/mortal (QoS 0, retained, 4 bytes, 'gone',
                    no delay), the same bytes as its previous will. [v5-3.1.2-7]
      08:00:01.000  The connection ended: its connection was reset without a
                    DISCONNECT (RST).
      08:00:01.000  The will was published on wills/mortal, on time. 1 subscriber
                    got it, and it is kept as the topic's retained message.
                    [v5-3.1.2-8]

    What to change
      - <retainedWillWithoutBirth>

    Its other connections
      08:00:00.000  127.0.0.1:50002, MQTT 5.0, open for 0 ms. Connection reset
                    (RST); will fired, 1 got it

    What a statement says: mqttd rule v5-3.1.2-8
    "
  `);
});

test("explained: a birth on another topic", () => {
  const world = watched();
  const client = mortal(world, { keepalive: 30, will: { retain: true } });
  client.publish("wills/birth", "online", { retain: true });
  world.advance(11_000);
  client.drop();
  expect(told(world)).toMatchInlineSnapshot(`
    "The will of mortal fired at once, because mortal's connection was reset without
    a DISCONNECT (RST). 1 subscriber got it, and it is kept as the topic's retained
    message. [v5-3.1.2-8]

    What happened
      08:00:00.000  It connected from 127.0.0.1:50002 with MQTT 5.0 (listener: tcp
                    test).
      08:00:00.000  It asked for a keepalive of 30 s: its connection ends after
                    45.0 s of silence. [v5-3.1.2-22]
      08:00:00.000  With Clean Start 1 it began a new session, which ends with the
                    connection. [v5-3.1.2-4]
      08:00:00.000  It set a will on wills/mortal (QoS 0, retained, 4 bytes, 'gone',
                    no delay). [v5-3.1.2-7]
      08:00:00.000  The last packet was PUBLISH, 11.0 s before the end.
      08:00:11.000  The connection ended: its connection was reset without a
                    DISCONNECT (RST).
      08:00:11.000  The will was published on wills/mortal, on time. 1 subscriber
                    got it, and it is kept as the topic's retained message.
                    [v5-3.1.2-8]

    What to change
      - <birthElsewhere>

    What a statement says: mqttd rule v5-3.1.2-8
    "
  `);
});

test("explained: a will without subscribers", () => {
  const world = new World();
  watcherOf(world, "wills/other");
  mortal(world, { keepalive: 10 }).drop();
  expect(brief(world)).toMatchInlineSnapshot(`
    "The will of mortal fired at once, because mortal's connection was reset without
    a DISCONNECT (RST). Nobody had subscribed to wills/mortal. [v5-3.1.2-8]

    What happened
      08:00:00.000  The connection ended: its connection was reset without a
                    DISCONNECT (RST).
      08:00:00.000  The will was published on wills/mortal, on time. Nobody had
                    subscribed to wills/mortal. [v5-3.1.2-8]

    What to change
      - <willUnheard>
    "
  `);
});

test("explained: an empty retained will", () => {
  const world = new World();
  mortal(world, { keepalive: 10, will: { payload: "", retain: true } }).drop();
  expect(told(world)).toMatchInlineSnapshot(`
    "The will of mortal fired at once, because mortal's connection was reset without
    a DISCONNECT (RST). Nobody had subscribed to wills/mortal. [v5-3.1.2-8]

    What happened
      08:00:00.000  It connected from 127.0.0.1:50001 with MQTT 5.0 (listener: tcp
                    test).
      08:00:00.000  It asked for a keepalive of 10 s: its connection ends after
                    15.0 s of silence. [v5-3.1.2-22]
      08:00:00.000  With Clean Start 1 it began a new session, which ends with the
                    connection. [v5-3.1.2-4]
      08:00:00.000  It set a will on wills/mortal (QoS 0, retained, no payload, no
                    delay). [v5-3.1.2-7]
      08:00:00.000  The connection ended: its connection was reset without a
                    DISCONNECT (RST).
      08:00:00.000  The will was published on wills/mortal, on time. Nobody had
                    subscribed to wills/mortal. [v5-3.1.2-8]

    What to change
      - <emptyRetainedWill> [v5-3.3.1-6]

    What a statement says: mqttd rule v5-3.1.2-8
    "
  `);
});

test("explained: two hosts with one client id", () => {
  const world = watched();
  for (const host of ["10.0.0.1", "10.0.0.2", "10.0.0.1"]) {
    mortal(world, { keepalive: 10, host });
    world.advance(1_000);
  }
  expect(brief(world)).toMatchInlineSnapshot(`
    "The will of mortal is armed and has not fired: mortal is connected and was last
    heard 1.00 s ago. If nothing more comes, the will fires in 14.0 s. [v5-3.1.2-7]

    The will before it fired at once, because another connection came with the same
    client id, from 10.0.0.1:50004. The connection that came has another address
    (10.0.0.1, before: 10.0.0.2): the client's network may have changed, or another
    program may be using the client id. 1 subscriber got it. [v5-3.1.2-8]

    What happened
      08:00:02.000  Nothing has come after CONNECT, for 1.00 s.

    What to change
      - <sharedClientId>

    Its other connections
      08:00:01.000  10.0.0.2:50003, MQTT 5.0, open for 1.00 s. Taken over; will
                    fired, 1 got it
      08:00:00.000  10.0.0.1:50002, MQTT 5.0, open for 1.00 s. Taken over; will
                    fired, 1 got it
    "
  `);
});

test("explained: pings on the edge", () => {
  const world = watched();
  const client = mortal(world, { keepalive: 10 });
  for (const wait of [10_000, 10_000, 14_600, 9_000]) {
    world.advance(wait);
    client.ping();
  }
  client.drop();
  expect(brief(world)).toMatchInlineSnapshot(`
    "The will of mortal fired at once, because mortal's connection was reset without
    a DISCONNECT (RST). 1 subscriber got it. [v5-3.1.2-8]

    What happened
      08:00:43.600  It sent 4 PINGREQs, one every 10.0 s, 14.6 s at the longest;
                    once only 400 ms were left of the 15.0 s allowed.
      08:00:43.600  The connection ended: its connection was reset without a
                    DISCONNECT (RST).
      08:00:43.600  The will was published on wills/mortal, on time. 1 subscriber
                    got it. [v5-3.1.2-8]

    What to change
      - <closeCall> [v5-3.1.2-20]
    "
  `);
});

test("explained: a session that is discarded each time", () => {
  const world = watched();
  const kept = { keepalive: 10, expiry: 3600, clean: true } as const;
  mortal(world, kept).drop();
  world.advance(1_000);
  mortal(world, kept).drop();
  expect(brief(world)).toMatchInlineSnapshot(`
    "The will of mortal fired at once, because mortal's connection was reset without
    a DISCONNECT (RST). 1 subscriber got it. [v5-3.1.2-8]

    What happened
      08:00:01.000  The connection ended: its connection was reset without a
                    DISCONNECT (RST).
      08:00:01.000  The will was published on wills/mortal, on time. 1 subscriber
                    got it. [v5-3.1.2-8]

    What to change
      - <cleanStartEachTime> [v5-3.1.2-4]

    Its other connections
      08:00:00.000  127.0.0.1:50002, MQTT 5.0, open for 0 ms. Connection reset
                    (RST); will fired, 1 got it
    "
  `);
});

test("explained: a session that is believed to be kept", () => {
  const world = watched();
  mortal(world, { keepalive: 10, clean: false }).drop();
  expect(brief(world)).toMatchInlineSnapshot(`
    "The will of mortal fired at once, because mortal's connection was reset without
    a DISCONNECT (RST). 1 subscriber got it. [v5-3.1.2-8]

    What happened
      08:00:00.000  The connection ended: its connection was reset without a
                    DISCONNECT (RST).
      08:00:00.000  The will was published on wills/mortal, on time. 1 subscriber
                    got it. [v5-3.1.2-8]

    What to change
      - <sessionNotKept> [v5-3.1.2-23]
    "
  `);
});

test("explained: an ignored Server Keep Alive", () => {
  const world = watched({ limits: { keepAliveMaxSeconds: 60 } });
  const client = mortal(world, { keepalive: 600 });
  world.advance(1_000);
  client.ping();
  world.advance(100_000);
  expect(brief(world)).toMatchInlineSnapshot(`
    "The will of mortal fired 1 min 30 s after its last packet, because its keepalive
    of 1 min allows 1 min 30 s of silence. Nobody had subscribed to wills/mortal.
    [v5-3.1.2-8]

    What happened
      08:00:01.000  The last packet was PINGREQ, 1 min 30 s before the end.
      08:01:31.000  The connection ended: nothing came from it for 1 min 30 s, and
                    its keepalive of 1 min allows 1 min 30 s of silence.
                    [v5-3.1.2-22]
      08:01:31.000  The will was published on wills/mortal, on time. Nobody had
                    subscribed to wills/mortal. [v5-3.1.2-8]

    What to change
      - <serverKeepAlive> [v5-3.1.2-21]
      - <willUnheard>
    "
  `);
});

test("explained: a will that waits for an offline subscriber", () => {
  const world = new World();
  const away = world.open();
  away.connect({ clientId: "away", clean: false });
  away.subscribe({ topic: "wills/#", qos: 1 });
  away.drop();
  mortal(world, { keepalive: 10, will: { qos: 1, retain: true } }).drop();
  expect(told(world)).toMatchInlineSnapshot(`
    "The will of mortal fired at once, because mortal's connection was reset without
    a DISCONNECT (RST). It waits in the queue of 1 subscriber, and it is kept as the
    topic's retained message. [v5-3.1.2-8]

    What happened
      08:00:00.000  It connected from 127.0.0.1:50002 with MQTT 5.0 (listener: tcp
                    test).
      08:00:00.000  It asked for a keepalive of 10 s: its connection ends after
                    15.0 s of silence. [v5-3.1.2-22]
      08:00:00.000  With Clean Start 1 it began a new session, which ends with the
                    connection. [v5-3.1.2-4]
      08:00:00.000  It set a will on wills/mortal (QoS 1, retained, 4 bytes, 'gone',
                    no delay). [v5-3.1.2-7]
      08:00:00.000  The connection ended: its connection was reset without a
                    DISCONNECT (RST).
      08:00:00.000  The will was published on wills/mortal, on time. It waits in the
                    queue of 1 subscriber, and it is kept as the topic's retained
                    message. [v5-3.1.2-8]

    What a statement says: mqttd rule v5-3.1.2-8
    "
  `);
});

test("explained: a will with QoS 0 that an offline subscriber missed", () => {
  const world = new World();
  const monitor = world.open();
  monitor.connect({ clientId: "monitor", clean: false });
  monitor.subscribe({ topic: "wills/+", qos: 1 });
  monitor.drop();
  mortal(world, { keepalive: 10 }).drop();
  expect(world.noted("clientFault").map(({ fault }) => fault)).toEqual([]);
  expect(brief(world)).toMatchInlineSnapshot(`
    "The will of mortal fired at once, because mortal's connection was reset without
    a DISCONNECT (RST). 1 subscriber missed it, being away with QoS 0, for which
    nothing waits. [v5-3.1.2-8]

    What happened
      08:00:00.000  The connection ended: its connection was reset without a
                    DISCONNECT (RST).
      08:00:00.000  The will was published on wills/mortal, on time. 1 subscriber
                    missed it, being away with QoS 0, for which nothing waits.
                    [v5-3.1.2-8]

    What to change
      - <awaySubscribers>
    "
  `);
});

test("explained: a reconnect loop of milliseconds", () => {
  const world = new World();
  for (let at = 0; at < 8; at++) {
    mortal(world, { version: 4, keepalive: 10 }).drop("eof");
    world.advance(20);
  }
  expect(flatPage(world)).toContain("It connected 8 times within 140 ms, one every 20 ms.");
});

test("explained: some reconnects in a minute are no loop", () => {
  const world = new World();
  for (let at = 0; at < 8; at++) {
    mortal(world, { version: 4, keepalive: 10 }).drop("eof");
    world.advance(5_000);
  }
  expect(topicsOf(world)).not.toContain("reconnectLoop");
});

test.each([
  ["$status/mortal", true],
  ["status/$mortal", false],
])("explained: a will that nobody got, on %s", (topic, isDollar) => {
  const world = new World();
  watcherOf(world, isDollar ? "#" : "other/#");
  mortal(world, { keepalive: 10, will: { topic } }).drop("eof");
  expect(topicsOf(world).includes("dollarTopic")).toBe(isDollar);
});

test("explained: a loop of takeovers comes before what became of one will in it", () => {
  const world = new World();
  for (let start = 0; start < 4; start++) mortal(world, { keepalive: 10, version: 4 });
  expect(topicsOf(world)).toEqual(["takeoverLoop", "willUnheard"]);
});
