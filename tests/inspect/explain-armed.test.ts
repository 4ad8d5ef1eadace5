import { expect, test } from "bun:test";
import { mortal, watcherOf } from "../support/mortal.ts";
import { World } from "../support/world.ts";
import { told } from "./explained.ts";

test("explained: a will that is armed", () => {
  const world = new World();
  watcherOf(world, "wills/#");
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
      08:00:00.000  It set a will on wills/mortal (QoS 0, not retained, 4 bytes, no
                    delay). [v5-3.1.2-7]
      08:00:38.000  It sent 4 PINGREQs, one every 9.50 s.
      08:00:38.000  The last packet was PINGREQ, 3.20 s ago.

    What can happen now
      - If nothing comes from it for another 11.8 s, the will fires. [v5-3.1.2-22]
      - If its connection breaks (FIN, RST) or it breaks a rule of MQTT, the will
        fires. [v5-3.1.2-8]
      - If it says a clean DISCONNECT, the will is discarded. [v5-3.14.4-3]
      - If its DISCONNECT has another reason code, as 0x04, the will fires.
        [v5-3.1.2-8]
      - If another connection comes with the same client id, the will fires at once.
        [v5-3.1.2-8]
    "
  `);
});

test("explained: an armed will of MQTT 3.1.1 without keepalive", () => {
  const world = new World();
  watcherOf(world, "wills/#");
  mortal(world, { version: 4, keepalive: 0 });
  world.advance(90_000);
  expect(told(world)).toMatchInlineSnapshot(`
    "The will of mortal is armed and has not fired: mortal is connected and was last
    heard 1 min 30 s ago. With its keepalive of 0, silence alone never makes it
    fire. [v4-3.1.2-8]

    What happened
      08:00:00.000  It connected from 127.0.0.1:50002 with MQTT 3.1.1 (listener: tcp
                    test).
      08:00:00.000  It asked for no keepalive: MQTT itself never finds that it is
                    silent. [v4-3.1.2.10]
      08:00:00.000  With Clean Session 1 it began a new session, which ends with the
                    connection. [v4-3.1.2-6]
      08:00:00.000  It set a will on wills/mortal (QoS 0, not retained, 4 bytes).
                    [v4-3.1.2-8]
      08:00:00.000  Nothing has come after CONNECT, for 1 min 30 s.

    What can happen now
      - If it falls silent, only TCP can find that: in minutes, or never. Then the
        will fires.
      - If its connection breaks (FIN, RST) or it breaks a rule of MQTT, the will
        fires. [v4-3.1.2-8]
      - If it says a clean DISCONNECT, the will is discarded. [v4-3.14.4-3]
      - If another connection comes with the same client id, the will fires at once.
        [v4-3.1.2-8]

    What to change
      - It has a will on wills/mortal, and a keepalive of 0: a link that goes silent
        is found by TCP only, or never. Ask for a keepalive; the will comes one and
        a half times that after the last packet.
    "
  `);
});

test("explained: an armed will with a delay, and a Server Keep Alive", () => {
  const world = new World({ limits: { keepAliveMax: 60 } });
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
                    1 min (Server Keep Alive): its connection ends after 1 min 30 s
                    of silence. [v5-3.2.2-22]
      08:00:00.000  With Clean Start 1 it began a new session, which is kept for 1 h
                    after the connection. [v5-3.1.2-4]
      08:00:00.000  It set a will on wills/mortal (QoS 1, retained, 4 bytes, delay
                    30 s). [v5-3.1.2-7]
      08:00:00.000  Nothing has come after CONNECT, for 1.00 s.

    What can happen now
      - If nothing comes from it for another 1 min 29 s, the will fires 30 s later,
        unless it is back by then. [v5-3.1.2-22]
      - If its connection breaks (FIN, RST) or it breaks a rule of MQTT, the will
        fires 30 s later, unless it is back by then. [v5-3.1.2-8]
      - If it says a clean DISCONNECT, the will is discarded. [v5-3.14.4-3]
      - If its DISCONNECT has another reason code, as 0x04, the will fires 30 s
        later, unless it is back by then. [v5-3.1.2-8]
      - If another connection comes with the same client id, the will is cancelled
        if that goes on with the session (Clean Start 0), and fires at once if not.
        [v5-3.1.3-9]
    "
  `);
});
