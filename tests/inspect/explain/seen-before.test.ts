import { expect, test } from "bun:test";
import { mortal } from "../../support/mortal.ts";
import { brief, watched } from "./explained.ts";

// What an earlier connection showed, and what no connection of the client can know.

test("explained: a birth on another topic, seen on an earlier connection", () => {
  const world = watched();
  for (let time = 1; time <= 2; time++) {
    const client = mortal(world, { keepalive: 30, will: { retain: true } });
    client.publish("wills/birth", "online", { retain: true });
    client.subscribe("commands");
    world.advance(11_000);
    client.drop("eof");
    world.advance(1_000);
  }
  expect(brief(world)).toMatchInlineSnapshot(`
    "The will of mortal fired at once, because mortal, or something between, closed
    the connection without a DISCONNECT (FIN). 1 subscriber got it, and it is kept
    as the topic's retained message. [v5-3.1.2-8]

    What happened
      08:00:12.000  The last packet was SUBSCRIBE, 11.0 s before the end.
      08:00:23.000  The connection ended: it, or something between, closed the
                    connection without a DISCONNECT (FIN).
      08:00:23.000  The will was published on wills/mortal, on time. 1 subscriber
                    got it, and it is kept as the topic's retained message.
                    [v5-3.1.2-8]

    What to change
      - <birthElsewhere 2>

    Its other connections
      08:00:00.000  127.0.0.1:50002, MQTT 5.0, open for 11.0 s. Closed without
                    DISCONNECT (FIN); will fired, 1 got it
    "
  `);
});

test("explained: a retained will without a retained birth, seen on an earlier connection", () => {
  const world = watched();
  for (let time = 1; time <= 3; time++) {
    const client = mortal(world, { keepalive: 30, will: { retain: true } });
    world.advance(1_000);
    client.drop("eof");
    world.advance(1_000);
  }
  expect(brief(world)).toMatchInlineSnapshot(`
    "The will of mortal fired at once, because mortal, or something between, closed
    the connection without a DISCONNECT (FIN). 1 subscriber got it, and it is kept
    as the topic's retained message. [v5-3.1.2-8]

    What happened
      08:00:04.000  No packet came after CONNECT until the end, 1.00 s later.
      08:00:05.000  The connection ended: it, or something between, closed the
                    connection without a DISCONNECT (FIN).
      08:00:05.000  The will was published on wills/mortal, on time. 1 subscriber
                    got it, and it is kept as the topic's retained message.
                    [v5-3.1.2-8]

    What to change
      - <retainedWillWithoutBirth 2>

    Its other connections
      08:00:02.000  127.0.0.1:50003, MQTT 5.0, open for 1.00 s. Closed without
                    DISCONNECT (FIN); will fired, 1 got it
      08:00:00.000  127.0.0.1:50002, MQTT 5.0, open for 1.00 s. Closed without
                    DISCONNECT (FIN); will fired, 1 got it
    "
  `);
});

test("explained: a client without a client id", () => {
  const world = watched();
  const client = world.open();
  const will = { topic: "wills/nameless", payload: Buffer.from("gone"), qos: 0 as const };
  const connack = client.connect({
    ...{ clientId: "", protocolVersion: 5, keepalive: 30 },
    will: { ...will, retain: false },
  });
  const drawn = connack?.properties?.assignedClientIdentifier ?? "";
  client.drop();
  expect(brief(world, drawn).replaceAll(drawn, "<drawn id>")).toMatchInlineSnapshot(`
    "The will of <drawn id> fired at once, because
    <drawn id>'s connection was reset without a
    DISCONNECT (RST). 1 subscriber got it. [v5-3.1.2-8]

    What happened
      08:00:00.000  The connection ended: its connection was reset without a
                    DISCONNECT (RST).
      08:00:00.000  The will was published on wills/nameless, on time. 1 subscriber
                    got it. [v5-3.1.2-8]

    What to change
      - <randomClientId 3>
    "
  `);
});

test("explained: a clean DISCONNECT after an earlier one that the log warned of", () => {
  const world = watched();
  for (let time = 1; time <= 2; time++) {
    const client = mortal(world, { keepalive: 30 });
    world.advance(1_000);
    client.send({ cmd: "disconnect", reasonCode: 0 });
    world.advance(1_000);
  }
  expect(brief(world)).toMatchInlineSnapshot(`
    "The will of mortal did not fire: mortal sent a clean DISCONNECT, which discards
    the will. [v5-3.14.4-3]

    What happened
      08:00:03.000  The connection ended: it sent a clean DISCONNECT.
      08:00:03.000  The will was discarded. [v5-3.14.4-3]

    What to change
      - <cleanDisconnect> [v5-3.14.4-3]

    Its other connections
      08:00:00.000  127.0.0.1:50002, MQTT 5.0, open for 1.00 s. DISCONNECT; will
                    discarded
    "
  `);
});

test("explained: a packet above the limit of a client that can't know it", () => {
  const world = watched({ limits: { packetSize: 1024 } });
  const client = mortal(world, { version: 4, keepalive: 30 });
  client.publish("large", "x".repeat(2048));
  expect(brief(world)).toMatchInlineSnapshot(`
    "The will of mortal fired at once, because mortal sent a packet of 2058 B, and
    the maximum is 1024 B (limits.packetSize). 1 subscriber got it. [v4-3.1.2-8]

    What happened
      08:00:00.000  The connection ended: it sent a packet of 2058 B, and the
                    maximum is 1024 B (limits.packetSize).
      08:00:00.000  The will was published on wills/mortal, on time. 1 subscriber
                    got it. [v4-3.1.2-8]

    What to change
      - <packetTooLarge>
    "
  `);
});
