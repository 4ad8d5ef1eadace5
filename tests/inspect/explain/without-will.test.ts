import { expect, test } from "bun:test";
import { standardRules } from "../../../src/core/quirks/rules.ts";
import { accessBy } from "../../support/access.ts";
import { mortal } from "../../support/mortal.ts";
import { World } from "../../support/world.ts";
import { brief, told } from "./explained.ts";

test("explained: a client without a will", () => {
  const world = new World();
  world.open().connect({ clientId: "mortal", keepalive: 10 });
  world.advance(1_000);
  expect(brief(world)).toMatchInlineSnapshot(`
    "mortal set no will when it connected, so nothing can fire.

    What happened
      08:00:00.000  Nothing has come after CONNECT, for 1.00 s.

    What to change
      - <noWill>
    "
  `);
});

test("explained: a client without a will on all of its connections", () => {
  const world = new World();
  for (let round = 0; round < 3; round++) {
    const client = world.open();
    client.connect({ clientId: "mortal", keepalive: 10 });
    world.advance(1_000);
    client.drop();
  }
  world.advance(1_000);
  expect(brief(world)).toMatchInlineSnapshot(`
    "mortal set no will on any of its 3 connections, so nothing can fire.

    What happened
      08:00:02.000  No packet came after CONNECT until the end, 1.00 s later.
      08:00:03.000  The connection ended: its connection was reset without a
                    DISCONNECT (RST).

    What to change
      - <noWill>

    Its other connections
      08:00:01.000  127.0.0.1:50002, MQTT 3.1.1, open for 1.00 s. Connection reset
                    (RST); no will
      08:00:00.000  127.0.0.1:50001, MQTT 3.1.1, open for 1.00 s. Connection reset
                    (RST); no will
    "
  `);
});

test("explained: a client whose will may not be published", () => {
  const world = new World({ access: accessBy({ mayPublish: () => false }) });
  world.open().connect({
    clientId: "mortal",
    protocolVersion: 5,
    will: { topic: "secret", payload: Buffer.from("x"), qos: 0, retain: false },
  });
  expect(told(world)).toMatchInlineSnapshot(`
    "mortal was refused: the client may not publish on its will topic: test.acl:1
    'topic deny it'. A refused CONNECT arms no will, so nothing can fire.
    [v5-3.1.4-2]

    What happened
      08:00:00.000  A connection came from 127.0.0.1:50001 with MQTT 5.0 (listener:
                    tcp test).
      08:00:00.000  It asked for a will on secret (QoS 0, not retained, 1 byte, no
                    delay).
      08:00:00.000  It was closed, because its CONNECT was refused: the client may
                    not publish on its will topic: test.acl:1 'topic deny it'.
                    Nothing was armed. [v5-3.1.4-2]

    What to change
      - <refused> [v5-3.1.4-2]

    What a statement says: mqttd rule v5-3.1.4-2
    "
  `);
});

test("explained: a bridge whose state may not be where it publishes it", () => {
  for (const [mountPoint, topic] of [
    ["", "$SYS/broker/connection/host.a/b/state"],
    ["lab/", "$SYS/broker/connection/host.a/state"],
  ] as const) {
    const world = new World();
    const bridge = world.open({ mountPoint });
    bridge.connect({
      clientId: "mortal",
      will: { topic, payload: Buffer.from("0"), qos: 1, retain: true },
    });
    expect(told(world).split("What to change")[1]).toMatchInlineSnapshot(`
      "
        - <refused 2> [v4-3.1.4]
      "
    `);
  }
});

test("explained: a client whose will exceeds this broker's QoS", () => {
  const world = new World({ limits: { qos: 0 } });
  world.open().connect({
    clientId: "mortal",
    protocolVersion: 5,
    will: { topic: "a", payload: Buffer.from("x"), qos: 1, retain: false },
  });
  expect(told(world)).toMatchInlineSnapshot(`
    "mortal was refused: Will QoS 1 exceeds the maximum of 0 (limits.qos). A refused
    CONNECT arms no will, so nothing can fire. [v5-3.2.2-12]

    What happened
      08:00:00.000  A connection came from 127.0.0.1:50001 with MQTT 5.0 (listener:
                    tcp test).
      08:00:00.000  It asked for a will on a (QoS 1, not retained, 1 byte, no
                    delay).
      08:00:00.000  It was closed, because its CONNECT was refused: Will QoS 1
                    exceeds the maximum of 0 (limits.qos). Nothing was armed.
                    [v5-3.2.2-12]

    What to change
      - <refused 3> [v5-3.2.2-12]

    What a statement says: mqttd rule v5-3.2.2-12
    "
  `);
});

test("explained: a client that is refused while it is connected elsewhere", () => {
  const world = new World({
    access: accessBy({ mayPublish: (_, topic) => topic !== "secret" }),
  });
  mortal(world, { keepalive: 10 });
  world.open().connect({
    clientId: "mortal",
    protocolVersion: 5,
    will: { topic: "secret", payload: Buffer.from("x"), qos: 0, retain: false },
  });
  expect(brief(world)).toMatchInlineSnapshot(`
    "The will of mortal is armed and has not fired: mortal is connected and was last
    heard 0 ms ago. If nothing more comes, the will fires in 15.0 s. [v5-3.1.2-7]

    What happened
      08:00:00.000  Nothing has come after CONNECT, for 0 ms.

    Its other connections
      08:00:00.000  127.0.0.1:50002, MQTT 5.0, refused: the client may not publish
                    on its will topic: test.acl:1 'topic deny it' [v5-3.1.4-2]
    "
  `);
});

test("explained: a will that would be discarded by now", () => {
  let asked = 0;
  const world = new World({ access: accessBy({ mayPublish: () => asked++ === 0 }) });
  const client = mortal(world, { delay: 30, expiry: 60 });
  const first = (): string => brief(world).split("\n\n")[0]?.replace(/\s+/g, " ") ?? "";
  const denied =
    "But it would be discarded, not published: its client may not publish on wills/mortal now: " +
    "test.acl:1 'topic deny it'";
  expect(first()).toContain(denied);
  client.drop();
  expect(first()).toContain(denied);
});

test("explained: a revoked right", () => {
  let asked = 0;
  const world = new World({
    access: accessBy({ mayPublish: () => asked++ === 0 }),
  });
  mortal(world, { keepalive: 10 }).drop();
  expect(brief(world)).toMatchInlineSnapshot(`
    "The will of mortal did not fire: when it was due, mortal was not allowed to
    publish on wills/mortal, though it had been when it connected: test.acl:1 'topic
    deny it'. [v5-3.1.4-2]

    What happened
      08:00:00.000  The connection ended: its connection was reset without a
                    DISCONNECT (RST).
      08:00:00.000  The will was discarded: the client may not publish on
                    wills/mortal, test.acl:1 'topic deny it'. [v5-3.1.4-2]

    What to change
      - <denied> [v5-3.1.4-2]
    "
  `);
});

test("explained: a broker that loses wills on purpose", () => {
  const world = new World({ rules: { ...standardRules, willOnEnd: { closedByPeer: "discard" } } });
  mortal(world, { keepalive: 10 }).drop("eof");
  expect(brief(world)).toMatchInlineSnapshot(`
    "The will of mortal did not fire: mortal, or something between, closed the
    connection without a DISCONNECT (FIN), and this broker loses it then on purpose,
    since it was started to misbehave.

    What happened
      08:00:00.000  The connection ended: it, or something between, closed the
                    connection without a DISCONNECT (FIN).
      08:00:00.000  The will was discarded on purpose.

    What to change
      - <onPurpose>
    "
  `);
});
