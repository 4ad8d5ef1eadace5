import { expect, test } from "bun:test";
import { mortal } from "../../support/mortal.ts";
import { brief, watched } from "./explained.ts";

// The page for a silence that includes a standstill of the broker.

test("explained: a client that was silent while the broker stood still", () => {
  const world = watched();
  mortal(world, { version: 4, keepalive: 2 });
  world.advance(1_000);
  world.standStill(4_000);
  world.advance(2_000);
  expect(brief(world)).toMatchInlineSnapshot(`
    "The will of mortal fired 5.00 s after its last packet (2.00 s late: the broker
    itself stood still for 4.00 s), because its keepalive of 2 s allows 3.00 s of
    silence. 1 subscriber got it. [v4-3.1.2-8]

    What happened
      08:00:00.000  No packet came after CONNECT until the end, 5.00 s later. In
                    those 5.00 s the broker itself stood still for 4.00 s.
      08:00:05.000  The connection ended: nothing came from it for 5.00 s (of which
                    the broker itself stood still for 4.00 s), and its keepalive of
                    2 s allows 3.00 s of silence. [v4-3.1.2-24]
      08:00:05.000  The will was published on wills/mortal, 2.00 s late: the broker
                    itself stood still for 4.00 s. 1 subscriber got it. [v4-3.1.2-8]

    What to change
      - <neverPinged 3> [v4-3.1.2-23]
    "
  `);
});

test("explained: a client that sent meanwhile, and stays connected", () => {
  const world = watched();
  const client = mortal(world, { version: 4, keepalive: 2 });
  for (let ping = 0; ping < 3; ping++) {
    world.advance(1_900);
    client.ping();
  }
  world.standStill(4_000, () => client.ping());
  world.advance(1_000);
  world.standStill(1_000);
  expect(brief(world)).toMatchInlineSnapshot(`
    "The will of mortal is armed and has not fired: mortal is connected and was last
    heard 2.00 s ago. If nothing more comes, the will fires in 1.00 s. [v4-3.1.2-8]

    What happened
      08:00:09.700  It sent 4 PINGREQs, one every 1.90 s (not counting 5.00 s in
                    which the broker itself stood still).
      08:00:09.700  The last packet was PINGREQ, 2.00 s ago. Its last packet may
                    have come up to 4.00 s before the broker read it, which stood
                    still meanwhile. In those 2.00 s the broker itself stood still
                    for 1.00 s.
    "
  `);
});

test("explained: a delayed will that was due while the broker stood still", () => {
  const world = watched();
  mortal(world, { delay: 5, expiry: 60 }).drop("reset");
  world.advance(1_000);
  world.standStill(8_000);
  expect(brief(world)).toMatchInlineSnapshot(`
    "The will of mortal fired 9.00 s after its connection ended (4.00 s late: the
    broker itself stood still for 8.00 s): mortal's connection was reset without a
    DISCONNECT (RST), and the delay of 5 s was over. 1 subscriber got it.
    [v5-3.1.2-8]

    What happened
      08:00:00.000  The connection ended: its connection was reset without a
                    DISCONNECT (RST).
      08:00:00.000  The delay of the will began: it asked for a delay of 5 s.
                    [v5-3.1.2-8]
      08:00:09.000  The will was published on wills/mortal, 4.00 s late: the broker
                    itself stood still for 8.00 s. 1 subscriber got it. [v5-3.1.2-8]

    What to change
      - <noKeepAlive>
    "
  `);
});

test("explained: a client that gave up while the broker stood still", () => {
  const world = watched();
  const client = mortal(world, { version: 4, keepalive: 5 });
  world.advance(1_000);
  world.standStill(7_000, () => client.drop("eof"));
  expect(brief(world)).toMatchInlineSnapshot(`
    "The will of mortal fired at once, because mortal, or something between, closed
    the connection without a DISCONNECT (FIN), while the broker itself stood still
    for 7.0 s and sent no answers. 1 subscriber got it. [v4-3.1.2-8]

    What happened
      08:00:00.000  No packet came after CONNECT until the end, 8.00 s later. In
                    those 8.00 s the broker itself stood still for 7.00 s.
      08:00:08.000  The connection ended: it, or something between, closed the
                    connection without a DISCONNECT (FIN), while the broker itself
                    stood still for 7.0 s and sent no answers.
      08:00:08.000  The will was published on wills/mortal, on time. 1 subscriber
                    got it. [v4-3.1.2-8]
    "
  `);
});

test("explained: a client that sent meanwhile, and was silent afterwards", () => {
  const world = watched();
  const client = mortal(world, { version: 4, keepalive: 2 });
  client.ping();
  world.standStill(10_000, () => {
    for (let ping = 0; ping < 3; ping++) client.ping();
  });
  world.advance(4_000);
  expect(brief(world)).toMatchInlineSnapshot(`
    "The will of mortal fired 3.00 s after its last packet (up to 10.0 s late: its
    last packet may have come up to 10.0 s before the broker read it, which stood
    still meanwhile), because its keepalive of 2 s allows 3.00 s of silence.
    1 subscriber got it. [v4-3.1.2-8]

    What happened
      08:00:10.000  It sent 4 PINGREQs; how often is not known, since the broker
                    itself stood still meanwhile.
      08:00:10.000  The last packet was PINGREQ, 3.00 s before the end. Its last
                    packet may have come up to 10.0 s before the broker read it,
                    which stood still meanwhile.
      08:00:13.000  The connection ended: nothing came from it for 3.00 s, and its
                    keepalive of 2 s allows 3.00 s of silence. [v4-3.1.2-24]
      08:00:13.000  The will was published on wills/mortal, up to 10.0 s late: its
                    last packet may have come up to 10.0 s before the broker read
                    it, which stood still meanwhile. 1 subscriber got it.
                    [v4-3.1.2-8]
    "
  `);
});
