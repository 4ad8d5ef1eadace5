import { expect, test } from "bun:test";
import { mortal } from "../../support/mortal.ts";
import { brief, told, topicsOf, watched } from "./explained.ts";

const delayed = { keepalive: 10, delay: 30, expiry: 60, clean: false } as const;

test("explained: a waiting delayed will", () => {
  const world = watched();
  mortal(world, delayed).drop();
  world.advance(17_700);
  expect(told(world)).toMatchInlineSnapshot(`
    "The will of mortal has not fired yet: its connection ended 17.7 s ago, and the
    will is due in 12.3 s, unless mortal reconnects and resumes its session first.
    [v5-3.1.2-8]

    What happened
      08:00:00.000  It connected from 127.0.0.1:50002 with MQTT 5.0 (listener: tcp
                    test).
      08:00:00.000  It asked for a keepalive of 10 s: its connection ends after
                    15.0 s of silence. [v5-3.1.2-22]
      08:00:00.000  With Clean Start 0 it began a new session, because there was
                    none to resume, which is kept for 1 min after the connection.
                    [v5-3.1.2-6]
      08:00:00.000  It set a will on wills/mortal (QoS 0, not retained, 4 bytes,
                    'gone', delay 30 s). [v5-3.1.2-7]
      08:00:00.000  The connection ended: its connection was reset without a
                    DISCONNECT (RST).
      08:00:00.000  The delay of the will began: it asked for a delay of 30 s.
                    [v5-3.1.2-8]

    What can happen now
      - If it does not come back, the will is published in 12.3 s: its delay is over
        then. [v5-3.1.2-8]
      - If it comes back with Clean Start 0 before that, the will is cancelled.
        [v5-3.1.3-9]
      - If it comes back with Clean Start 1, its old session ends, and the will is
        published at once. [v5-3.1.2-8]
      - If the broker is stopped before that, the will is published then.

    What to change
      - <willDelay> [v5-3.1.2-8]

    What a statement says: mqttd rule v5-3.1.2-8
    "
  `);
});

test("explained: a due delayed will", () => {
  const world = watched();
  mortal(world, delayed).drop();
  world.advance(40_000);
  expect(brief(world)).toMatchInlineSnapshot(`
    "The will of mortal fired 30.0 s after its connection ended: mortal's connection
    was reset without a DISCONNECT (RST), and the delay of 30 s was over.
    1 subscriber got it. [v5-3.1.2-8]

    What happened
      08:00:00.000  The connection ended: its connection was reset without a
                    DISCONNECT (RST).
      08:00:00.000  The delay of the will began: it asked for a delay of 30 s.
                    [v5-3.1.2-8]
      08:00:30.000  The will was published on wills/mortal, on time. 1 subscriber
                    got it. [v5-3.1.2-8]
    "
  `);
});

test("explained: a delayed will after the keepalive", () => {
  const world = watched();
  mortal(world, delayed);
  world.advance(60_000);
  expect(brief(world)).toMatchInlineSnapshot(`
    "The will of mortal fired 30.0 s after its connection ended: nothing came from
    mortal for 15.0 s, and its keepalive of 10 s allows 15.0 s of silence, and the
    delay of 30 s was over. 1 subscriber got it. [v5-3.1.2-8]

    What happened
      08:00:00.000  No packet came after CONNECT until the end, 15.0 s later.
      08:00:15.000  The connection ended: nothing came from it for 15.0 s, and its
                    keepalive of 10 s allows 15.0 s of silence. [v5-3.1.2-22]
      08:00:15.000  The delay of the will began: it asked for a delay of 30 s.
                    [v5-3.1.2-8]
      08:00:45.000  The will was published on wills/mortal, on time. 1 subscriber
                    got it. [v5-3.1.2-8]

    What to change
      - <neverPinged 2> [v5-3.1.2-20]
    "
  `);
});

test("explained: a delayed will whose session ends before it", () => {
  const world = watched();
  mortal(world, { ...delayed, expiry: 5 }).drop();
  world.advance(2_000);
  expect(told(world)).toMatchInlineSnapshot(`
    "The will of mortal has not fired yet: its connection ended 2.00 s ago, and the
    will is due in 3.00 s, unless mortal reconnects and resumes its session first.
    [v5-3.1.2-8]

    What happened
      08:00:00.000  It connected from 127.0.0.1:50002 with MQTT 5.0 (listener: tcp
                    test).
      08:00:00.000  It asked for a keepalive of 10 s: its connection ends after
                    15.0 s of silence. [v5-3.1.2-22]
      08:00:00.000  With Clean Start 0 it began a new session, because there was
                    none to resume, which is kept for 5 s after the connection.
                    [v5-3.1.2-6]
      08:00:00.000  It set a will on wills/mortal (QoS 0, not retained, 4 bytes,
                    'gone', delay 30 s). [v5-3.1.2-7]
      08:00:00.000  The connection ended: its connection was reset without a
                    DISCONNECT (RST).
      08:00:00.000  The delay of the will began: its session ends after 5 s, before
                    the delay of 30 s is over. [v5-3.1.2-8]

    What can happen now
      - If it does not come back, the will is published in 3.00 s: its session ends
        then. [v5-3.1.2-8]
      - If it comes back with Clean Start 0 before that, the will is cancelled.
        [v5-3.1.3-9]
      - If it comes back with Clean Start 1, its old session ends, and the will is
        published at once. [v5-3.1.2-8]
      - If the broker is stopped before that, the will is published then.

    What to change
      - <willDelay> [v5-3.1.2-8]
      - <delayBeyondSession 2> [v5-3.1.2-8]

    What a statement says: mqttd rule v5-3.1.2-8
    "
  `);
});

test("explained: a delayed will published at the end of its session", () => {
  const world = watched();
  mortal(world, { ...delayed, expiry: 5 }).drop();
  world.advance(7_000);
  expect(brief(world)).toMatchInlineSnapshot(`
    "The will of mortal fired 5.00 s after its connection ended: mortal's connection
    was reset without a DISCONNECT (RST), and its session ended before the delay of
    30 s was over. 1 subscriber got it. [v5-3.1.2-8]

    What happened
      08:00:00.000  The connection ended: its connection was reset without a
                    DISCONNECT (RST).
      08:00:00.000  The delay of the will began: its session ends after 5 s, before
                    the delay of 30 s is over. [v5-3.1.2-8]
      08:00:05.000  The will was published on wills/mortal, on time. 1 subscriber
                    got it. [v5-3.1.2-8]

    What to change
      - <delayBeyondSession 2> [v5-3.1.2-8]
    "
  `);
});

test("explained: a delayed will whose session ends with the connection", () => {
  const world = watched();
  mortal(world, { ...delayed, expiry: 0 }).drop();
  expect(told(world)).toMatchInlineSnapshot(`
    "The will of mortal fired at once, because mortal's connection was reset without
    a DISCONNECT (RST). Its delay of 30 s was not waited for: its session ended with
    the connection. 1 subscriber got it. [v5-3.1.2-8]

    What happened
      08:00:00.000  It connected from 127.0.0.1:50002 with MQTT 5.0 (listener: tcp
                    test).
      08:00:00.000  It asked for a keepalive of 10 s: its connection ends after
                    15.0 s of silence. [v5-3.1.2-22]
      08:00:00.000  With Clean Start 0 it began a new session, because there was
                    none to resume, which ends with the connection. [v5-3.1.2-6]
      08:00:00.000  It set a will on wills/mortal (QoS 0, not retained, 4 bytes,
                    'gone', delay 30 s). [v5-3.1.2-7]
      08:00:00.000  The connection ended: its connection was reset without a
                    DISCONNECT (RST).
      08:00:00.000  Its delay of 30 s was not waited for: its session ended with the
                    connection. [v5-3.1.2-8]
      08:00:00.000  The will was published on wills/mortal, on time. 1 subscriber
                    got it. [v5-3.1.2-8]

    What to change
      - <delayBeyondSession 3> [v5-3.1.2-8]
      - <sessionNotKept> [v5-3.1.2-23]

    What a statement says: mqttd rule v5-3.1.2-8
    "
  `);
});

test("explained: a return within the delay", () => {
  const world = watched();
  mortal(world, delayed).drop();
  world.advance(5_000);
  mortal(world, delayed);
  world.advance(3_200);
  expect(brief(world)).toMatchInlineSnapshot(`
    "The will of mortal is armed and has not fired: mortal is connected and was last
    heard 3.20 s ago. If nothing more comes, its connection ends in 11.8 s, and the
    will fires 30 s later, unless it is back by then. [v5-3.1.2-7]

    The will before it did not fire: mortal came back after 5.00 s and resumed its
    session before the delay of 30 s was over. [v5-3.1.3-9]

    What happened
      08:00:05.000  Nothing has come after CONNECT, for 3.20 s.

    What to change
      - <quickReturn> [v5-3.1.3-9]

    Its other connections
      08:00:00.000  127.0.0.1:50002, MQTT 5.0, open for 0 ms. Connection reset
                    (RST); will cancelled 5.00 s later
    "
  `);
});

test("explained: a return with Clean Start 1 within the delay", () => {
  const world = watched();
  mortal(world, delayed).drop();
  world.advance(5_000);
  mortal(world, { ...delayed, clean: true });
  world.advance(1_000);
  expect(brief(world)).toMatchInlineSnapshot(`
    "The will of mortal is armed and has not fired: mortal is connected and was last
    heard 1.00 s ago. If nothing more comes, its connection ends in 14.0 s, and the
    will fires 30 s later, unless it is back by then. [v5-3.1.2-7]

    The will before it fired 5.00 s after its connection ended: mortal's connection
    was reset without a DISCONNECT (RST), and its return with Clean Start 1 ended
    the session before the delay of 30 s was over. 1 subscriber got it. [v5-3.1.2-8]

    What happened
      08:00:05.000  Nothing has come after CONNECT, for 1.00 s.

    What to change
      - <cleanStartReturn> [v5-3.1.3-9]

    Its other connections
      08:00:00.000  127.0.0.1:50002, MQTT 5.0, open for 0 ms. Connection reset
                    (RST); will fired 5.00 s later, 1 got it
    "
  `);
});

test("explained: a return after the delay", () => {
  const world = watched();
  mortal(world, delayed).drop();
  world.advance(35_000);
  mortal(world, delayed);
  expect(brief(world)).toMatchInlineSnapshot(`
    "The will of mortal is armed and has not fired: mortal is connected and was last
    heard 0 ms ago. If nothing more comes, its connection ends in 15.0 s, and the
    will fires 30 s later, unless it is back by then. [v5-3.1.2-7]

    The will before it fired 30.0 s after its connection ended: mortal's connection
    was reset without a DISCONNECT (RST), and the delay of 30 s was over.
    1 subscriber got it. [v5-3.1.2-8]

    What happened
      08:00:35.000  Nothing has come after CONNECT, for 0 ms.

    Its other connections
      08:00:00.000  127.0.0.1:50002, MQTT 5.0, open for 0 ms. Connection reset
                    (RST); will fired 30.0 s later, 1 got it
    "
  `);
});

test("explained: a takeover that resumes the session of a delayed will", () => {
  const world = watched();
  mortal(world, delayed);
  world.advance(5_000);
  mortal(world, delayed);
  expect(told(world)).toMatchInlineSnapshot(`
    "The will of mortal is armed and has not fired: mortal is connected and was last
    heard 0 ms ago. If nothing more comes, its connection ends in 15.0 s, and the
    will fires 30 s later, unless it is back by then. [v5-3.1.2-7]

    The will before it did not fire: mortal took over its own connection and resumed
    its session before the delay of 30 s was over. [v5-3.1.3-9]

    What happened
      08:00:05.000  It connected from 127.0.0.1:50003 with MQTT 5.0 (listener: tcp
                    test).
      08:00:05.000  It asked for a keepalive of 10 s: its connection ends after
                    15.0 s of silence. [v5-3.1.2-22]
      08:00:05.000  With Clean Start 0 it resumed its session, which is kept for
                    1 min after the connection. [v5-3.1.2-5]
      08:00:05.000  It set a will on wills/mortal (QoS 0, not retained, 4 bytes,
                    'gone', delay 30 s), the same bytes as its previous will.
                    [v5-3.1.2-7]
      08:00:05.000  Nothing has come after CONNECT, for 0 ms.

    What can happen now
      - If nothing comes from it for another 15.0 s, the will fires 30 s later,
        unless it is back by then. [v5-3.1.2-22]
      - If its connection breaks (FIN, RST) or it breaks a rule of MQTT, the will
        fires 30 s later, unless it is back by then. [v5-3.1.2-8]
      - If it sends a clean DISCONNECT, the will is discarded. [v5-3.14.4-3]
      - If its DISCONNECT has another reason code, as 0x04, the will fires 30 s
        later, unless it is back by then. [v5-3.1.2-8]
      - If another connection comes with the same client id, the will is cancelled
        if that resumes the session (Clean Start 0), and fires at once if not.
        [v5-3.1.3-9]

    What to change
      - <quickReturn> [v5-3.1.3-9]

    Its other connections
      08:00:00.000  127.0.0.1:50002, MQTT 5.0, open for 5.00 s. Taken over; will
                    cancelled

    What a statement says: mqttd rule v5-3.1.2-7
    "
  `);
});

test("explained: the broker's stop while a will waits", () => {
  const world = watched();
  mortal(world, delayed).drop();
  world.advance(5_000);
  world.driver.order({ type: "stopping" });
  expect(brief(world)).toMatchInlineSnapshot(`
    "The will of mortal fired 5.00 s after its connection ended: mortal's connection
    was reset without a DISCONNECT (RST), and the broker was stopped before the
    delay of 30 s was over. 1 subscriber got it. [v5-3.1.2-8]

    What happened
      08:00:00.000  The connection ended: its connection was reset without a
                    DISCONNECT (RST).
      08:00:00.000  The delay of the will began: it asked for a delay of 30 s.
                    [v5-3.1.2-8]
      08:00:05.000  The will was published on wills/mortal, on time. 1 subscriber
                    got it. [v5-3.1.2-8]
    "
  `);
});

test("explained: for a return without a will while the old one waits, the page shows both", () => {
  const world = watched();
  mortal(world, delayed).drop();
  world.advance(5_000);
  world.open().connect({ clientId: "mortal", protocolVersion: 5, clean: false, keepalive: 10 });
  expect(told(world)).toMatchInlineSnapshot(`
    "mortal set no will on its latest connection, so nothing can fire. It did on an
    earlier one.

    The will before it did not fire: mortal came back after 5.00 s and resumed its
    session before the delay of 30 s was over. [v5-3.1.3-9]

    What happened
      08:00:05.000  It connected from 127.0.0.1:50003 with MQTT 5.0 (listener: tcp
                    test).
      08:00:05.000  It asked for a keepalive of 10 s: its connection ends after
                    15.0 s of silence. [v5-3.1.2-22]
      08:00:05.000  With Clean Start 0 it resumed its session, which ends with the
                    connection. [v5-3.1.2-5]
      08:00:05.000  It set no will.
      08:00:05.000  Nothing has come after CONNECT, for 0 ms.

    What to change
      - <noWill>
      - <quickReturn> [v5-3.1.3-9]
      - <sessionNotKept> [v5-3.1.2-23]

    Its other connections
      08:00:00.000  127.0.0.1:50002, MQTT 5.0, open for 0 ms. Connection reset
                    (RST); will cancelled 5.00 s later

    What a statement says: mqttd rule v5-3.1.3-9
    "
  `);
});

test("explained: a DISCONNECT that ends the session of a delayed will", () => {
  const world = watched();
  const client = mortal(world, delayed);
  world.advance(3_000);
  const properties = { sessionExpiryInterval: 0 };
  client.send({ cmd: "disconnect", reasonCode: 4, properties });
  expect(brief(world)).toMatchInlineSnapshot(`
    "The will of mortal fired at once, because mortal sent DISCONNECT with reason
    code 0x04, which asks for the will. Its delay of 30 s was not waited for: that
    DISCONNECT set its Session Expiry Interval to 0, which ended the session.
    1 subscriber got it. [v5-3.1.2-8]

    What happened
      08:00:03.000  The connection ended: it sent DISCONNECT with reason code 0x04,
                    which asks for the will.
      08:00:03.000  Its delay of 30 s was not waited for: that DISCONNECT set its
                    Session Expiry Interval to 0, which ended the session.
                    [v5-3.1.2-8]
      08:00:03.000  The will was published on wills/mortal, on time. 1 subscriber
                    got it. [v5-3.1.2-8]

    What to change
      - <sessionCutByDisconnect> [v5-3.1.3-9]
    "
  `);
});

test("explained: a DISCONNECT that makes the session of a delayed will shorter", () => {
  const world = watched();
  const client = mortal(world, delayed);
  world.advance(3_000);
  const properties = { sessionExpiryInterval: 5, reasonString: "battery is low" };
  client.send({ cmd: "disconnect", reasonCode: 4, properties });
  world.advance(7_000);
  expect(brief(world)).toMatchInlineSnapshot(`
    "The will of mortal fired 5.00 s after its connection ended: mortal sent
    DISCONNECT with reason code 0x04, which asks for the will (it says: battery is
    low), and its session ended before the delay of 30 s was over. 1 subscriber got
    it. [v5-3.1.2-8]

    What happened
      08:00:03.000  The connection ended: it sent DISCONNECT with reason code 0x04,
                    which asks for the will (it says: battery is low).
      08:00:03.000  The delay of the will began: its session ends after 5 s, before
                    the delay of 30 s is over. [v5-3.1.2-8]
      08:00:08.000  The will was published on wills/mortal, on time. 1 subscriber
                    got it. [v5-3.1.2-8]

    What to change
      - <sessionCutByDisconnect 2> [v5-3.1.3-9]
    "
  `);
});

test("explained: a takeover with Clean Start 1 of a delayed will", () => {
  const world = watched();
  mortal(world, delayed);
  world.advance(3_000);
  mortal(world, { ...delayed, clean: true });
  const [verdict, before] = told(world).split("\n\n");
  expect({ verdict, before }).toMatchInlineSnapshot(`
    {
      "before": 
    "The will before it fired at once, because another connection came with the same
    client id, from 127.0.0.1:50003. Its delay of 30 s was not waited for: the new
    connection's Clean Start 1 ended the session. 1 subscriber got it. [v5-3.1.2-8]"
    ,
      "verdict": 
    "The will of mortal is armed and has not fired: mortal is connected and was last
    heard 0 ms ago. If nothing more comes, its connection ends in 15.0 s, and the
    will fires 30 s later, unless it is back by then. [v5-3.1.2-7]"
    ,
    }
  `);
  expect(topicsOf(world)).toEqual(["cleanStartReturn"]);
});
