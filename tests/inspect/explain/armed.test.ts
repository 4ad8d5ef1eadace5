import { expect, test } from "bun:test";
import { clientLines } from "../../../src/inspect/views/client.ts";
import { explain } from "../../../src/inspect/explain/explain.ts";
import { mortal } from "../../support/mortal.ts";
import { World } from "../../support/world.ts";
import { answerOf, told, watched } from "./explained.ts";
import { plainStyle } from "../views/viewed.ts";

/** The verdict, and the first possible next event. */
function inBrief(world: World): string[] {
  const { verdict, next } = explain(answerOf(world));
  return [verdict, ...next.slice(0, 1)].map(({ text, rule }) => `${text} [${rule ?? ""}]`);
}

/** Connects a client that reads none of its output. */
function holdBack(world: World, keepalive: number): void {
  const client = mortal(world, { keepalive });
  client.subscribe("flood");
  world.advance(1_000);
  client.room = 0;
  const publisher = world.open();
  publisher.connect({ clientId: "publisher" });
  publisher.publish("flood", Buffer.alloc(1000));
}

test("explained: an armed will", () => {
  const world = watched();
  const client = mortal(world, { keepalive: 10 });
  for (let ping = 0; ping < 4; ping++) {
    world.advance(9_500);
    client.ping();
  }
  world.advance(3_200);
  expect(told(world)).toMatchInlineSnapshot(`
    "The will of mortal is armed and has not fired: mortal is connected and was last
    heard 3.20 s ago. If nothing more comes, the will fires in 11.8 s. [v5-3.1.2-7]

    What happened
      08:00:00.000  It connected from 127.0.0.1:50002 with MQTT 5.0 (listener: tcp
                    test).
      08:00:00.000  It asked for a keepalive of 10 s: its connection ends after
                    15.0 s of silence. [v5-3.1.2-22]
      08:00:00.000  With Clean Start 1 it began a new session, which ends with the
                    connection. [v5-3.1.2-4]
      08:00:00.000  It set a will on wills/mortal (QoS 0, not retained, 4 bytes,
                    'gone', no delay). [v5-3.1.2-7]
      08:00:38.000  It sent 4 PINGREQs, one every 9.50 s.
      08:00:38.000  The last packet was PINGREQ, 3.20 s ago.

    What can happen now
      - If nothing comes from it for another 11.8 s, the will fires. [v5-3.1.2-22]
      - If its connection breaks (FIN, RST) or it breaks a rule of MQTT, the will
        fires. [v5-3.1.2-8]
      - If it sends a clean DISCONNECT, the will is discarded. [v5-3.14.4-3]
      - If its DISCONNECT has another reason code, as 0x04, the will fires.
        [v5-3.1.2-8]
      - If another connection comes with the same client id, the will fires at once.
        [v5-3.1.2-8]

    What a statement says: mqttd rule v5-3.1.2-7
    "
  `);
});

test("explained: an armed will of MQTT 3.1.1 without keepalive", () => {
  const world = watched();
  mortal(world, { version: 4, keepalive: 0 });
  world.advance(90_000);
  expect(told(world)).toMatchInlineSnapshot(`
    "The will of mortal is armed and has not fired: mortal is connected and was last
    heard 1 min 30 s ago. With its keepalive of 0, silence alone never makes it
    fire. [v4-3.1.2-8]

    What happened
      08:00:00.000  It connected from 127.0.0.1:50002 with MQTT 3.1.1 (listener: tcp
                    test).
      08:00:00.000  It asked for no keepalive: MQTT itself never detects its
                    silence. [v4-3.1.2.10]
      08:00:00.000  With Clean Session 1 it began a new session, which ends with the
                    connection. [v4-3.1.2-6]
      08:00:00.000  It set a will on wills/mortal (QoS 0, not retained, 4 bytes,
                    'gone'). [v4-3.1.2-8]
      08:00:00.000  Nothing has come after CONNECT, for 1 min 30 s.

    What can happen now
      - If it falls silent, only TCP can find that: in minutes, or never. Then the
        will fires.
      - If its connection breaks (FIN, RST) or it breaks a rule of MQTT, the will
        fires. [v4-3.1.2-8]
      - If it sends a clean DISCONNECT, the will is discarded. [v4-3.14.4-3]
      - If another connection comes with the same client id, the will fires at once.
        [v4-3.1.2-8]

    What to change
      - <noKeepAlive>

    What a statement says: mqttd rule v4-3.1.2-8
    "
  `);
});

test("explained: an armed will with a delay, and a Server Keep Alive", () => {
  const world = new World({ limits: { keepAliveMaxSeconds: 60 } });
  mortal(world, { keepalive: 3600, delay: 30, expiry: 3600, will: { qos: 1, retain: true } });
  world.advance(1_000);
  expect(told(world)).toMatchInlineSnapshot(`
    "The will of mortal is armed and has not fired: mortal is connected and was last
    heard 1.00 s ago. If nothing more comes, its connection ends in 1 min 29 s, and
    the will fires 30 s later, unless it is back by then. [v5-3.1.2-7]

    What happened
      08:00:00.000  It connected from 127.0.0.1:50001 with MQTT 5.0 (listener: tcp
                    test).
      08:00:00.000  It asked for a keepalive of 1 h, the broker told it to keep
                    1 min (Server Keep Alive, limits.keepAliveMax): its connection
                    ends after 1 min 30 s of silence. [v5-3.2.2-22]
      08:00:00.000  With Clean Start 1 it began a new session, which is kept for 1 h
                    after the connection. [v5-3.1.2-4]
      08:00:00.000  It set a will on wills/mortal (QoS 1, retained, 4 bytes, 'gone',
                    delay 30 s). [v5-3.1.2-7]
      08:00:00.000  Nothing has come after CONNECT, for 1.00 s.

    What can happen now
      - If nothing comes from it for another 1 min 29 s, the will fires 30 s later,
        unless it is back by then. [v5-3.1.2-22]
      - If its connection breaks (FIN, RST) or it breaks a rule of MQTT, the will
        fires 30 s later, unless it is back by then. [v5-3.1.2-8]
      - If it sends a clean DISCONNECT, the will is discarded. [v5-3.14.4-3]
      - If its DISCONNECT has another reason code, as 0x04, the will fires 30 s
        later, unless it is back by then. [v5-3.1.2-8]
      - If another connection comes with the same client id, the will is cancelled
        if that resumes the session (Clean Start 0), and fires at once if not.
        [v5-3.1.3-9]

    What a statement says: mqttd rule v5-3.1.2-7
    "
  `);
});

test("explained: for a client that reads nothing, the page does not claim that its packets would help", () => {
  const world = new World({ outputBytes: 200 });
  holdBack(world, 0);
  world.advance(5_000);
  const [connection] = answerOf(world).connections;
  expect(connection).toMatchObject({ deadlineCause: "stalled" });
  expect(inBrief(world)).toMatchInlineSnapshot(`
    [
      "The will of mortal is armed and has not fired: mortal is connected and was last heard 6.00 s ago. If it takes nothing of what waits for it, the will fires in 25.0 s. [v5-3.1.2-7]",
      "If it takes nothing of what waits for it for another 25.0 s, whatever it sends, the will fires. []",
    ]
  `);
  const lines = clientLines(answerOf(world), plainStyle(1000)).map((line) => line.trim());
  expect(lines.filter((line) => /^(Connection|Keepalive)/.test(line))).toMatchInlineSnapshot(`
    [
      "Connection   connected, from 127.0.0.1:50001, since 08:00:00.000, MQTT 5.0, on tcp test, reads no data at the moment, ends in 25.0 s unless it reads the pending output",
      "Keepalive    none: silence does not end it",
    ]
  `);
});

test("explained: the keepalive's deadline is named as such where it is first", () => {
  const world = new World();
  mortal(world, { keepalive: 10 });
  expect(answerOf(world).connections[0]?.deadlineCause).toBe("keepAliveExpired");
});

test("explained: a paused deadline is not explained by a missing keepalive", () => {
  const world = new World();
  mortal(world, { keepalive: 60 });
  const connection = world.broker.sessions.get("mortal")?.connection ?? null;
  if (connection === null) throw new Error("it is not connected");
  world.broker.handle({ type: "paused", connection: connection.id }, world.broker.now);
  expect(inBrief(world)[0]).toMatchInlineSnapshot(
    `"The will of mortal is armed and has not fired: mortal is connected and was last heard 0 ms ago. The broker does not read from it at the moment, so silence does not make it fire now. [v5-3.1.2-7]"`,
  );
});

test("explained: a broker that was started to misbehave ends no client for silence", () => {
  const world = new World({ rules: { keepAliveFactor: Infinity } });
  mortal(world, { keepalive: 10 });
  expect(inBrief(world)[0]).toMatchInlineSnapshot(
    `"The will of mortal is armed and has not fired: mortal is connected and was last heard 0 ms ago. This broker disconnects no silent client, because it was started to misbehave. [v5-3.1.2-7]"`,
  );
});
