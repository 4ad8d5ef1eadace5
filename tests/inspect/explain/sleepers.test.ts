import { expect, test } from "bun:test";
import { habitsOf } from "../../../src/inspect/explain/lint.ts";
import { mortal } from "../../support/mortal.ts";
import type { World } from "../../support/world.ts";
import { answerOf, brief, flatPage, pageOf, topicsOf, watched } from "./explained.ts";

// A device that sleeps without DISCONNECT takes over its own connection when it wakes.

function sleeper(world: World, version: 4 | 5 = 4) {
  const client = mortal(world, { version, keepalive: 60, will: { retain: true } });
  client.publish("wills/mortal", "online", { retain: true });
  return client;
}

test("explained: a device that slept, took over its connection, and published its birth", () => {
  const world = watched();
  sleeper(world);
  world.advance(45_000);
  sleeper(world);
  expect(brief(world)).toMatchInlineSnapshot(`
    "The will of mortal is armed and has not fired: mortal is connected and was last
    heard 0 ms ago. If nothing more comes, the will fires in 1 min 30 s.
    [v4-3.1.2-8]

    The will before it fired at once, because another connection came with the same
    client id, from 127.0.0.1:50003. 1 subscriber got it, and it was kept as the
    topic's retained message until 0 ms ago, when mortal published 'online' there.
    [v4-3.1.2-8]

    What happened
      08:00:45.000  The last packet was PUBLISH, 0 ms ago.

    What to change
      - <takeover 4> [v4-3.1.2-8]

    Its other connections
      08:00:00.000  127.0.0.1:50002, MQTT 3.1.1, open for 45.0 s. Taken over; will
                    fired, 1 got it
    "
  `);
});

test("explained: the same with MQTT 5.0", () => {
  const world = watched();
  sleeper(world, 5);
  world.advance(45_000);
  sleeper(world, 5);
  expect(brief(world)).toMatchInlineSnapshot(`
    "The will of mortal is armed and has not fired: mortal is connected and was last
    heard 0 ms ago. If nothing more comes, the will fires in 1 min 30 s.
    [v5-3.1.2-7]

    The will before it fired at once, because another connection came with the same
    client id, from 127.0.0.1:50003. 1 subscriber got it, and it was kept as the
    topic's retained message until 0 ms ago, when mortal published 'online' there.
    [v5-3.1.2-8]

    What happened
      08:00:45.000  The last packet was PUBLISH, 0 ms ago.

    What to change
      - <takeover 3> [v5-3.1.2-8]

    Its other connections
      08:00:00.000  127.0.0.1:50002, MQTT 5.0, open for 45.0 s. Taken over; will
                    fired, 1 got it
    "
  `);
});

test("a takeover that follows a packet at once is no sleep", () => {
  const world = watched();
  sleeper(world);
  sleeper(world);
  expect(flatPage(world)).toContain("so the old one died. Its new connection has published");
});

test("a device that has not published its birth again yet is not told to begin with it", () => {
  const world = watched();
  sleeper(world);
  world.advance(45_000);
  mortal(world, { version: 4, keepalive: 60, will: { retain: true } });
  expect(flatPage(world)).not.toContain("publish a birth");
});

test("a device that never publishes a birth is told to", () => {
  const world = watched();
  mortal(world, { version: 4, keepalive: 60 });
  world.advance(45_000);
  mortal(world, { version: 4, keepalive: 60 });
  expect(flatPage(world)).toContain("let it send DISCONNECT before it sleeps");
  expect(flatPage(world)).toContain("publish a birth on the same topic");
});

test("a device that sends DISCONNECT before it sleeps has nothing to change", () => {
  const world = watched();
  const client = sleeper(world);
  client.publish("wills/mortal", "asleep", { retain: true });
  client.send({ cmd: "disconnect" });
  world.advance(45_000);
  sleeper(world);
  expect(pageOf(world)).not.toContain("What to change");
});

test("explained: a device in a crash loop is not taken for two", () => {
  const world = watched();
  for (let start = 0; start < 4; start++) {
    sleeper(world);
    world.advance(1_000);
  }
  expect(brief(world)).toMatchInlineSnapshot(`
    "The will of mortal is armed and has not fired: mortal is connected and was last
    heard 1.00 s ago. If nothing more comes, the will fires in 1 min 29 s.
    [v4-3.1.2-8]

    The will before it fired at once, because another connection came with the same
    client id, from 127.0.0.1:50005. 1 subscriber got it, and it was kept as the
    topic's retained message until 1.00 s ago, when mortal published 'online' there.
    [v4-3.1.2-8]

    What happened
      08:00:03.000  The last packet was PUBLISH, 1.00 s ago.

    What to change
      - <takeoverLoop>

    Its other connections
      08:00:02.000  127.0.0.1:50004, MQTT 3.1.1, open for 1.00 s. Taken over; will
                    fired, 1 got it
      08:00:01.000  127.0.0.1:50003, MQTT 3.1.1, open for 1.00 s. Taken over; will
                    fired, 1 got it
      08:00:00.000  127.0.0.1:50002, MQTT 3.1.1, open for 1.00 s. Taken over; will
                    fired, 1 got it
    "
  `);
});

function silentAgain(times: number, pings: number): World {
  const world = watched();
  for (let time = 0; time < times; time++) {
    const client = mortal(world, { version: 4, keepalive: 15 });
    client.publish("soil", "41", { retain: true });
    for (let ping = 0; ping < pings; ping++) {
      world.advance(10_000);
      client.ping();
    }
    world.advance(30_000);
  }
  return world;
}

test("a client that falls silent on each connection without a PINGREQ may sleep", () => {
  const world = silentAgain(3, 0);
  expect(topicsOf(world)).toContain("sleepsWithoutDisconnect");
  const found = habitsOf(answerOf(world)).find(({ topic }) => topic === "sleepsWithoutDisconnect");
  expect(found?.mark).toBe("likely");
  expect(found?.rule).toBe("v4-3.1.2-23");
});

test("twice is no habit, and a client that pinged does not sleep so", () => {
  expect(topicsOf(silentAgain(2, 0))).not.toContain("sleepsWithoutDisconnect");
  expect(topicsOf(silentAgain(3, 2))).not.toContain("sleepsWithoutDisconnect");
});
