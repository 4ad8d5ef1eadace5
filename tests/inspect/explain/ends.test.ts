import { expect, test } from "bun:test";
import type { TestClient } from "../../support/client.ts";
import { mortal, type MortalOptions } from "../../support/mortal.ts";
import { World, type WorldOptions } from "../../support/world.ts";
import { brief, told, watched } from "./explained.ts";

// One client for each row of the table of ends: the page for a user who asks why its will was
// published.

/** The world 2 s after what ended it, which happened 3 s after CONNECT. Its keepalive is 10 s. */
function worldAfter(
  end: (client: TestClient, world: World) => unknown,
  { limits = {}, ...options }: MortalOptions & Pick<WorldOptions, "limits"> = {},
): World {
  const world = watched({ limits });
  const client = mortal(world, { keepalive: 10, ...options });
  world.advance(3_000);
  end(client, world);
  world.advance(2_000);
  return world;
}

test("explained: a clean DISCONNECT", () => {
  const world = worldAfter((client) => client.send({ cmd: "disconnect", reasonCode: 0 }));
  expect(brief(world)).toMatchInlineSnapshot(`
    "The will of mortal did not fire: mortal sent a clean DISCONNECT, which discards
    the will. [v5-3.14.4-3]

    What happened
      08:00:03.000  The connection ended: it sent a clean DISCONNECT.
      08:00:03.000  The will was discarded. [v5-3.14.4-3]

    What to change
      - <cleanDisconnect 2> [v5-3.14.4-3]
    "
  `);
});

test("explained: a DISCONNECT of MQTT 3.1.1", () => {
  const world = worldAfter((client) => client.send({ cmd: "disconnect" }), { version: 4 });
  expect(brief(world)).toMatchInlineSnapshot(`
    "The will of mortal did not fire: mortal sent a clean DISCONNECT, which discards
    the will. [v4-3.14.4-3]

    What happened
      08:00:03.000  The connection ended: it sent a clean DISCONNECT.
      08:00:03.000  The will was discarded. [v4-3.14.4-3]

    What to change
      - <cleanDisconnect 3> [v4-3.14.4-3]
    "
  `);
});

test("explained: a DISCONNECT of MQTT 3.1", () => {
  const world = worldAfter((client) => client.send({ cmd: "disconnect" }), { version: 3 });
  expect(told(world)).toMatchInlineSnapshot(`
    "The will of mortal did not fire: mortal sent a clean DISCONNECT, which discards
    the will. [v4-3.14.4-3]

    What happened
      08:00:00.000  It connected from 127.0.0.1:50002 with MQTT 3.1 (listener: tcp
                    test).
      08:00:00.000  It asked for a keepalive of 10 s: its connection ends after
                    15.0 s of silence. [v4-3.1.2-24]
      08:00:00.000  With Clean Session 1 it began a new session, which ends with the
                    connection. [v4-3.1.2-6]
      08:00:00.000  It set a will on wills/mortal (QoS 0, not retained, 4 bytes,
                    'gone'). [v4-3.1.2-8]
      08:00:03.000  The connection ended: it sent a clean DISCONNECT.
      08:00:03.000  The will was discarded. [v4-3.14.4-3]

    What to change
      - <cleanDisconnect 3> [v4-3.14.4-3]

    What a statement says: mqttd rule v4-3.14.4-3
    "
  `);
});

test("explained: DISCONNECT 0x04", () => {
  const world = worldAfter((client) => client.send({ cmd: "disconnect", reasonCode: 4 }));
  expect(brief(world)).toMatchInlineSnapshot(`
    "The will of mortal fired at once, because mortal sent DISCONNECT with reason
    code 0x04, which asks for the will. 1 subscriber got it. [v5-3.1.2-8]

    What happened
      08:00:03.000  The connection ended: it sent DISCONNECT with reason code 0x04,
                    which asks for the will.
      08:00:03.000  The will was published on wills/mortal, on time. 1 subscriber
                    got it. [v5-3.1.2-8]
    "
  `);
});

test("explained: DISCONNECT with an error", () => {
  const world = worldAfter((client) =>
    client.send({
      cmd: "disconnect",
      reasonCode: 0x80,
      properties: { reasonString: "fan is on fire" },
    }),
  );
  expect(brief(world)).toMatchInlineSnapshot(`
    "The will of mortal fired at once, because mortal sent DISCONNECT with an error:
    unspecified error (0x80): fan is on fire. 1 subscriber got it. [v5-3.1.2-8]

    What happened
      08:00:03.000  The connection ended: it sent DISCONNECT with an error:
                    unspecified error (0x80): fan is on fire.
      08:00:03.000  The will was published on wills/mortal, on time. 1 subscriber
                    got it. [v5-3.1.2-8]
    "
  `);
});

test("explained: a DISCONNECT that is itself invalid", () => {
  const world = worldAfter((client) => client.sendBytes(Uint8Array.of(0xe1, 0x00)));
  expect(brief(world)).toMatchInlineSnapshot(`
    "The will of mortal fired at once, because mortal sent a malformed packet:
    reserved flags of DISCONNECT are wrong. 1 subscriber got it. [v5-3.1.2-8]

    What happened
      08:00:00.000  No valid packet came after CONNECT until the end, 3.00 s later.
      08:00:03.000  The connection ended: it sent a malformed packet: reserved flags
                    of DISCONNECT are wrong. [v5-3.14.1-1]
      08:00:03.000  The will was published on wills/mortal, on time. 1 subscriber
                    got it. [v5-3.1.2-8]

    What to change
      - <brokenRule> [v5-3.14.1-1]
    "
  `);
});

test("explained: FIN", () => {
  const world = worldAfter((client) => client.drop("eof"));
  expect(brief(world)).toMatchInlineSnapshot(`
    "The will of mortal fired at once, because mortal, or something between, closed
    the connection without a DISCONNECT (FIN). 1 subscriber got it. [v5-3.1.2-8]

    What happened
      08:00:00.000  No packet came after CONNECT until the end, 3.00 s later.
      08:00:03.000  The connection ended: it, or something between, closed the
                    connection without a DISCONNECT (FIN).
      08:00:03.000  The will was published on wills/mortal, on time. 1 subscriber
                    got it. [v5-3.1.2-8]
    "
  `);
});

test("explained: RST of MQTT 3.1.1", () => {
  const world = worldAfter((client) => client.drop("reset"), { version: 4 });
  expect(brief(world)).toMatchInlineSnapshot(`
    "The will of mortal fired at once, because mortal's connection was reset without
    a DISCONNECT (RST). 1 subscriber got it. [v4-3.1.2-8]

    What happened
      08:00:00.000  No packet came after CONNECT until the end, 3.00 s later.
      08:00:03.000  The connection ended: its connection was reset without a
                    DISCONNECT (RST).
      08:00:03.000  The will was published on wills/mortal, on time. 1 subscriber
                    got it. [v4-3.1.2-8]
    "
  `);
});

test("explained: the keepalive's deadline", () => {
  const world = worldAfter((client, world) => {
    client.ping();
    world.advance(9_000);
    client.ping();
    world.advance(20_000);
  });
  expect(brief(world)).toMatchInlineSnapshot(`
    "The will of mortal fired 15.0 s after its last packet, because its keepalive of
    10 s allows 15.0 s of silence. 1 subscriber got it. [v5-3.1.2-8]

    What happened
      08:00:12.000  It sent 2 PINGREQs, one every 9.00 s.
      08:00:12.000  The last packet was PINGREQ, 15.0 s before the end.
      08:00:27.000  The connection ended: nothing came from it for 15.0 s, and its
                    keepalive of 10 s allows 15.0 s of silence. [v5-3.1.2-22]
      08:00:27.000  The will was published on wills/mortal, on time. 1 subscriber
                    got it. [v5-3.1.2-8]
    "
  `);
});

test("explained: the keepalive's deadline of a client that never pinged", () => {
  const world = worldAfter((_, world) => world.advance(20_000), { version: 4 });
  expect(brief(world)).toMatchInlineSnapshot(`
    "The will of mortal fired 15.0 s after its last packet, because its keepalive of
    10 s allows 15.0 s of silence. 1 subscriber got it. [v4-3.1.2-8]

    What happened
      08:00:00.000  No packet came after CONNECT until the end, 15.0 s later.
      08:00:15.000  The connection ended: nothing came from it for 15.0 s, and its
                    keepalive of 10 s allows 15.0 s of silence. [v4-3.1.2-24]
      08:00:15.000  The will was published on wills/mortal, on time. 1 subscriber
                    got it. [v4-3.1.2-8]

    What to change
      - <neverPinged 2> [v4-3.1.2-23]
    "
  `);
});

test("explained: TCP's own detectors", () => {
  const world = worldAfter(
    (client, world) => {
      world.advance(4_000);
      client.drop("timeout");
    },
    { keepalive: 0 },
  );
  expect(told(world)).toMatchInlineSnapshot(`
    "The will of mortal fired 7.00 s after its last packet, because TCP found that
    mortal's machine does not answer any more. 1 subscriber got it. [v5-3.1.2-8]

    What happened
      08:00:00.000  It connected from 127.0.0.1:50002 with MQTT 5.0 (listener: tcp
                    test).
      08:00:00.000  It asked for no keepalive: MQTT itself never detects its
                    silence. [v5-3.1.2.10]
      08:00:00.000  With Clean Start 1 it began a new session, which ends with the
                    connection. [v5-3.1.2-4]
      08:00:00.000  It set a will on wills/mortal (QoS 0, not retained, 4 bytes,
                    'gone', no delay). [v5-3.1.2-7]
      08:00:00.000  No packet came after CONNECT until the end, 7.00 s later.
      08:00:07.000  The connection ended: TCP found that its machine does not answer
                    any more.
      08:00:07.000  The will was published on wills/mortal, on time. 1 subscriber
                    got it. [v5-3.1.2-8]

    What to change
      - <noKeepAlive>

    What a statement says: mqttd rule v5-3.1.2-8
    "
  `);
});

test("explained: a stalled write", () => {
  const world = worldAfter(
    (client, world) => {
      client.room = 0;
      client.ping();
      world.advance(5_000);
    },
    { limits: { stallTimeoutMs: 5000 } },
  );
  expect(brief(world)).toMatchInlineSnapshot(`
    "The will of mortal fired at once, because mortal took no data of what the broker
    had for it: nothing for 5 s. 1 subscriber got it. [v5-3.1.2-8]

    What happened
      08:00:03.000  The last packet was PINGREQ, 5.00 s before the end.
      08:00:08.000  The connection ended: it took no data of what the broker had for
                    it: nothing for 5 s.
      08:00:08.000  The will was published on wills/mortal, on time. 1 subscriber
                    got it. [v5-3.1.2-8]

    What to change
      - <stalled>
    "
  `);
});

test("explained: a protocol error", () => {
  const world = worldAfter((client) => client.sendBytes(Uint8Array.of(0xd0, 0x00)));
  expect(brief(world)).toMatchInlineSnapshot(`
    "The will of mortal fired at once, because mortal broke a rule of MQTT: PINGRESP
    comes only from a server. 1 subscriber got it. [v5-3.1.2-8]

    What happened
      08:00:00.000  No valid packet came after CONNECT until the end, 3.00 s later.
      08:00:03.000  The connection ended: it broke a rule of MQTT: PINGRESP comes
                    only from a server. [v5-2.1.2]
      08:00:03.000  The will was published on wills/mortal, on time. 1 subscriber
                    got it. [v5-3.1.2-8]

    What to change
      - <brokenRule> [v5-2.1.2]
    "
  `);
});

test("explained: a malformed packet", () => {
  const world = worldAfter((client) =>
    client.sendBytes(Uint8Array.of(0x36, 0x03, 0x00, 0x01, 0x61)),
  );
  expect(brief(world)).toMatchInlineSnapshot(`
    "The will of mortal fired at once, because mortal sent a malformed packet: QoS of
    a PUBLISH is 3. 1 subscriber got it. [v5-3.1.2-8]

    What happened
      08:00:00.000  No valid packet came after CONNECT until the end, 3.00 s later.
      08:00:03.000  The connection ended: it sent a malformed packet: QoS of a
                    PUBLISH is 3. [v5-3.3.1-4]
      08:00:03.000  The will was published on wills/mortal, on time. 1 subscriber
                    got it. [v5-3.1.2-8]

    What to change
      - <brokenRule> [v5-3.3.1-4]
    "
  `);
});

test("explained: a packet above the limit", () => {
  const world = worldAfter((client) => client.publish("large", Buffer.alloc(2000)), {
    limits: { packetSize: 1000 },
  });
  expect(brief(world)).toMatchInlineSnapshot(`
    "The will of mortal fired at once, because mortal sent a packet of 2011 B, and
    the maximum is 1000 B (limits.packetSize). 1 subscriber got it. [v5-3.1.2-8]

    What happened
      08:00:00.000  No valid packet came after CONNECT until the end, 3.00 s later.
      08:00:03.000  The connection ended: it sent a packet of 2011 B, and the
                    maximum is 1000 B (limits.packetSize). [v5-3.2.2-15]
      08:00:03.000  The will was published on wills/mortal, on time. 1 subscriber
                    got it. [v5-3.1.2-8]

    What to change
      - <packetTooLarge 2> [v5-3.2.2-15]
    "
  `);
});

test("explained: a packet above the limit other than PUBLISH", () => {
  const world = new World({ limits: { controlPacketSize: 1000 } });
  const client = mortal(world, { keepalive: 10 });
  client.subscribe("f".repeat(2000));
  const [verdict, _, change] = told(world).split("\n\n");
  expect([verdict, change].join("\n\n")).toMatchInlineSnapshot(`
    "The will of mortal fired at once, because mortal sent a packet of 2009 B other
    than PUBLISH, and the maximum for these is 1000 B (limits.controlPacketSize).
    Nobody had subscribed to wills/mortal. [v5-3.1.2-8]

    What to change
      - <packetTooLarge 3> [v5-4.13.2]
      - <willUnheard>"
  `);
});

test("explained: an UNSUBSCRIBE of too many filters", () => {
  const world = new World({ limits: { filters: 2 } });
  const client = mortal(world, { keepalive: 10 });
  client.unsubscribe("a", "b", "c");
  const [verdict, _, change] = told(world).split("\n\n");
  expect([verdict, change].join("\n\n")).toMatchInlineSnapshot(`
    "The will of mortal fired at once, because mortal sent an UNSUBSCRIBE of more
    than 2 filters (limits.filters). Nobody had subscribed to wills/mortal.
    [v5-3.1.2-8]

    What to change
      - <quotaExceeded 3> [v5-4.13.2]
      - <willUnheard>"
  `);
});

test("explained: a CONNECT above the limit", () => {
  const world = new World({ limits: { connectSize: 256 } });
  const payload = Buffer.alloc(300);
  const will = { topic: "wills/mortal", payload, qos: 0, retain: false } as const;
  world.open().connect({ clientId: "mortal", protocolVersion: 5, will });
  const [verdict, _, change] = told(world).split("\n\n");
  expect([verdict, change].join("\n\n")).toMatchInlineSnapshot(`
    "mortal was refused: a CONNECT of 339 B, and the maximum is 256 B
    (limits.connectSize). A refused CONNECT arms no will, so nothing can fire.
    [v5-4.13.2]

    What to change
      - <refused 9> [v5-4.13.2]
    "
  `);
});

test("explained: a packet that found no room beside others", () => {
  const world = new World({ limits: { unfinishedBytes: 100_000 } });
  const client = mortal(world, { keepalive: 10 });
  client.sendBytes(Buffer.concat([Buffer.of(0x30, 0xff, 0xff, 0x7f), Buffer.alloc(100_000)]));
  const [verdict, _, change] = told(world).split("\n\n");
  expect([verdict, change].join("\n\n")).toMatchInlineSnapshot(`
    "The will of mortal fired at once, because the broker had no memory left for an
    incomplete packet: all incomplete packets together may take 100000 B
    (limits.unfinishedBytes). Nobody had subscribed to wills/mortal. [v5-3.1.2-8]

    What to change
      - <quotaExceeded> [v5-4.13.2]
      - <willUnheard>"
  `);
});

test("explained: a QoS above what the broker allows", () => {
  const world = watched({ limits: { qos: 0 } });
  const client = mortal(world, { version: 4, keepalive: 10 });
  client.publish("one", "", { qos: 1 });
  const [verdict, _, change] = told(world).split("\n\n");
  expect([verdict, change].join("\n\n")).toMatchInlineSnapshot(`
    "The will of mortal fired at once, because mortal broke a rule of MQTT: PUBLISH
    QoS 1 exceeds the maximum of 0 (limits.qos). 1 subscriber got it. [v4-3.1.2-8]

    What to change
      - <brokenRule 2> [v4-3.3.5-2]"
  `);
});

test("explained: more unfinished messages than it may send", () => {
  const world = worldAfter(
    (client) => {
      client.publish("one", "", { qos: 2 });
      client.publish("two", "", { qos: 2 });
    },
    { limits: { receiveMaximum: 1 } },
  );
  expect(brief(world)).toMatchInlineSnapshot(`
    "The will of mortal fired at once, because mortal sent more than it may: more
    than 1 unfinished QoS 2 messages (limits.receiveMaximum). 1 subscriber got it.
    [v5-3.1.2-8]

    What happened
      08:00:03.000  The connection ended: it sent more than it may: more than 1
                    unfinished QoS 2 messages (limits.receiveMaximum). [v5-3.3.4-7]
      08:00:03.000  The will was published on wills/mortal, on time. 1 subscriber
                    got it. [v5-3.1.2-8]

    What to change
      - <quotaExceeded 2> [v5-3.3.4-7]
    "
  `);
});

test("explained: a takeover that resumes the session", () => {
  const world = worldAfter(
    (_, world) => mortal(world, { keepalive: 10, expiry: 60, clean: false }),
    {
      expiry: 60,
    },
  );
  expect(told(world)).toMatchInlineSnapshot(`
    "The will of mortal is armed and has not fired: mortal is connected and was last
    heard 2.00 s ago. If nothing more comes, the will fires in 13.0 s. [v5-3.1.2-7]

    The will before it fired at once, because another connection came with the same
    client id, from 127.0.0.1:50003. 1 subscriber got it. [v5-3.1.2-8]

    What happened
      08:00:03.000  It connected from 127.0.0.1:50003 with MQTT 5.0 (listener: tcp
                    test).
      08:00:03.000  It asked for a keepalive of 10 s: its connection ends after
                    15.0 s of silence. [v5-3.1.2-22]
      08:00:03.000  With Clean Start 0 it resumed its session, which is kept for
                    1 min after the connection. [v5-3.1.2-5]
      08:00:03.000  It set a will on wills/mortal (QoS 0, not retained, 4 bytes,
                    'gone', no delay), the same bytes as its previous will.
                    [v5-3.1.2-7]
      08:00:03.000  Nothing has come after CONNECT, for 2.00 s.

    What can happen now
      - If nothing comes from it for another 13.0 s, the will fires. [v5-3.1.2-22]
      - If its connection breaks (FIN, RST) or it breaks a rule of MQTT, the will
        fires. [v5-3.1.2-8]
      - If it sends a clean DISCONNECT, the will is discarded. [v5-3.14.4-3]
      - If its DISCONNECT has another reason code, as 0x04, the will fires.
        [v5-3.1.2-8]
      - If another connection comes with the same client id, the will fires at once.
        [v5-3.1.2-8]

    What to change
      - <takeover> [v5-3.1.2-8]

    Its other connections
      08:00:00.000  127.0.0.1:50002, MQTT 5.0, open for 3.00 s. Taken over; will
                    fired, 1 got it

    What a statement says: mqttd rule v5-3.1.2-7
    "
  `);
});

test("explained: a takeover with Clean Session 1", () => {
  const world = worldAfter((_, world) => mortal(world, { version: 4, keepalive: 10 }), {
    version: 4,
  });
  expect(told(world)).toMatchInlineSnapshot(`
    "The will of mortal is armed and has not fired: mortal is connected and was last
    heard 2.00 s ago. If nothing more comes, the will fires in 13.0 s. [v4-3.1.2-8]

    The will before it fired at once, because another connection came with the same
    client id, from 127.0.0.1:50003. 1 subscriber got it. [v4-3.1.2-8]

    What happened
      08:00:03.000  It connected from 127.0.0.1:50003 with MQTT 3.1.1 (listener: tcp
                    test).
      08:00:03.000  It asked for a keepalive of 10 s: its connection ends after
                    15.0 s of silence. [v4-3.1.2-24]
      08:00:03.000  With Clean Session 1 it began a new session, which ends with the
                    connection. [v4-3.1.2-6]
      08:00:03.000  It set a will on wills/mortal (QoS 0, not retained, 4 bytes,
                    'gone'), the same bytes as its previous will. [v4-3.1.2-8]
      08:00:03.000  Nothing has come after CONNECT, for 2.00 s.

    What can happen now
      - If nothing comes from it for another 13.0 s, the will fires. [v4-3.1.2-24]
      - If its connection breaks (FIN, RST) or it breaks a rule of MQTT, the will
        fires. [v4-3.1.2-8]
      - If it sends a clean DISCONNECT, the will is discarded. [v4-3.14.4-3]
      - If another connection comes with the same client id, the will fires at once.
        [v4-3.1.2-8]

    What to change
      - <takeover 2> [v4-3.1.2-8]

    Its other connections
      08:00:00.000  127.0.0.1:50002, MQTT 3.1.1, open for 3.00 s. Taken over; will
                    fired, 1 got it

    What a statement says: mqttd rule v4-3.1.2-8
    "
  `);
});

test("explained: the operator's kick", () => {
  const world = worldAfter((_, world) =>
    world.driver.order({ type: "kicked", clientId: "mortal" }),
  );
  expect(brief(world)).toMatchInlineSnapshot(`
    "The will of mortal fired at once, because the operator closed the connection,
    and the client had sent no DISCONNECT. 1 subscriber got it. [v5-3.1.2-8]

    What happened
      08:00:00.000  No packet came after CONNECT until the end, 3.00 s later.
      08:00:03.000  The connection ended: the operator closed the connection, and
                    the client had sent no DISCONNECT.
      08:00:03.000  The will was published on wills/mortal, on time. 1 subscriber
                    got it. [v5-3.1.2-8]

    What to change
      - <kicked>
    "
  `);
});

test("explained: the broker's stop", () => {
  const world = worldAfter((_, world) => world.driver.order({ type: "stopping" }));
  expect(brief(world)).toMatchInlineSnapshot(`
    "The will of mortal fired at once, because the broker was stopped, and the client
    had sent no DISCONNECT. 1 subscriber got it. [v5-3.1.2-8]

    What happened
      08:00:00.000  No packet came after CONNECT until the end, 3.00 s later.
      08:00:03.000  The connection ended: the broker was stopped, and the client had
                    sent no DISCONNECT.
      08:00:03.000  The will was published on wills/mortal, on time. 1 subscriber
                    got it. [v5-3.1.2-8]
    "
  `);
});

test("explained: a reset that the operator ordered", () => {
  const world = watched();
  mortal(world, { keepalive: 10 });
  world.advance(3_000);
  world.driver.drop(connectionOf(world), "rst");
  expect(brief(world)).toMatchInlineSnapshot(`
    "The will of mortal fired at once, because the operator broke mortal's connection
    (\`mqttd inspect drop\`) as a network does, with a reset (RST). 1 subscriber got
    it. [v5-3.1.2-8]

    What happened
      08:00:00.000  No packet came after CONNECT until the end, 3.00 s later.
      08:00:03.000  The connection ended: the operator broke its connection (\`mqttd
                    inspect drop\`) as a network does, with a reset (RST).
      08:00:03.000  The will was published on wills/mortal, on time. 1 subscriber
                    got it. [v5-3.1.2-8]
    "
  `);
});

test("explained: a link that the operator made silent", () => {
  const world = watched();
  const client = mortal(world, { keepalive: 10 });
  world.advance(3_000);
  world.driver.drop(connectionOf(world), "silent");
  for (let second = 0; second < 20; second++) {
    world.advance(1_000);
    client.ping();
  }
  expect(brief(world)).toMatchInlineSnapshot(`
    "The will of mortal fired 15.0 s after its last packet, because its keepalive of
    10 s allows 15.0 s of silence, and the operator had made its link silent.
    1 subscriber got it. [v5-3.1.2-8]

    What happened
      08:00:00.000  No packet came after CONNECT until the end, 15.0 s later.
      08:00:03.000  The operator made its link silent (\`mqttd inspect drop\`): from
                    then on nothing was heard of it, whatever it sent.
      08:00:15.000  The connection ended: nothing came from it for 15.0 s, and its
                    keepalive of 10 s allows 15.0 s of silence. [v5-3.1.2-22]
      08:00:15.000  The will was published on wills/mortal, on time. 1 subscriber
                    got it. [v5-3.1.2-8]
    "
  `);
});

function connectionOf(world: World): number {
  const id = world.broker.sessions.get("mortal")?.connection?.id;
  if (id === undefined) throw new Error("mortal is not connected");
  return id;
}
