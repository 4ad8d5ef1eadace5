import { expect, test } from "bun:test";
import { sentence } from "../../../src/log/sentence.ts";
import { mortal, watcherOf } from "../../support/mortal.ts";
import { World } from "../../support/world.ts";
import { answerOf, brief, flatPage, pageOf, topicsOf, watched } from "./explained.ts";

// One will topic and more than one client on it: the will of one overwrites the birth of another.

const status = "home/status";
const retained = { topic: status, payload: "offline", retain: true } as const;

function device(world: World, id: string, keepalive = 10, will: object = retained) {
  const client = mortal(world, { id, version: 4, keepalive, will });
  client.publish(status, "online", { retain: true });
  return client;
}

/** A device freezes, and its second self is there before the first one's keepalive is over. */
function race(world: World): void {
  watcherOf(world, "home/#");
  device(world, "dev-1a2b");
  world.advance(5_000);
  const back = device(world, "dev-9c8d");
  for (let ping = 0; ping < 3; ping++) {
    world.advance(5_000);
    back.ping();
  }
}

function warningsOf(world: World): string[] {
  return world.noted("clientFault").map((event) =>
    sentence(event, world.broker.now)
      .map(({ text }) => text)
      .join(""),
  );
}

test("explained: a will that overwrote the birth of the device's next client id", () => {
  const world = new World();
  race(world);
  expect(brief(world, "dev-1a2b")).toMatchInlineSnapshot(`
    "The will of dev-1a2b fired 15.0 s after its last packet, because its keepalive
    of 10 s allows 15.0 s of silence. 1 subscriber got it, and it is kept as the
    topic's retained message. It overwrote what dev-9c8d, which was connected, had
    published on home/status 10.0 s before. [v4-3.1.2-8]

    What happened
      08:00:00.000  The last packet was PUBLISH, 15.0 s before the end.
      08:00:15.000  The connection ended: nothing came from it for 15.0 s, and its
                    keepalive of 10 s allows 15.0 s of silence. [v4-3.1.2-24]
      08:00:15.000  The will was published on home/status, on time. 1 subscriber got
                    it, and it is kept as the topic's retained message. It overwrote
                    what dev-9c8d, which was connected, had published on home/status
                    10.0 s before. [v4-3.1.2-8]

    What to change
      - <willOverwroteOther>
    "
  `);
});

test("explained: a client whose birth another client's will overwrote", () => {
  const world = new World();
  race(world);
  expect(brief(world, "dev-9c8d")).toMatchInlineSnapshot(`
    "The will of dev-9c8d is armed and has not fired: dev-9c8d is connected and was
    last heard 0 ms ago. If nothing more comes, the will fires in 15.0 s. Yet the
    will of dev-1a2b overwrote 5.00 s ago what it had published on home/status,
    which now holds 'offline'. [v4-3.1.2-8]

    What happened
      08:00:15.000  The will of dev-1a2b overwrote 5.00 s ago what it had published
                    on home/status, which now holds 'offline'.
      08:00:20.000  It sent 3 PINGREQs, one every 5.00 s.
      08:00:20.000  The last packet was PINGREQ, 0 ms ago.

    What to change
      - <birthOverwritten>
    "
  `);
});

test("the log warns of a will that overwrote another client's birth", () => {
  const world = new World();
  race(world);
  expect(warningsOf(world)).toMatchInlineSnapshot(`
    [
      "dev-9c8d has a retained will on home/status, as dev-1a2b has, which is connected too: the will of the first to die overwrites what the other published there · give each client a will topic of its own; if both are one device that came back under another client id, give it one client id and keep it",
      "dev-9c8d has lost its retained message on home/status to the will of dev-1a2b: who subscribes there is told that it is gone, though it is connected · if both are one device that came back under another client id, give it one client id and keep it; if not, a will topic for each; publishing the birth again mends the topic",
    ]
  `);
});

test("a birth that came again ends the contradiction", () => {
  const world = new World();
  race(world);
  const back = mortal(world, { id: "dev-9c8d", version: 4, keepalive: 10, will: retained });
  back.publish(status, "online", { retain: true });
  expect(pageOf(world, "dev-9c8d")).not.toContain("Yet");
});

test("explained: a delayed will that overwrote the birth of the device's next client id", () => {
  const world = new World();
  watcherOf(world, "home/#");
  const old = { keepalive: 10, will: retained, delay: 8, expiry: 60 };
  mortal(world, { id: "dev-1a2b", ...old }).drop();
  world.advance(2_000);
  device(world, "dev-9c8d", 60);
  world.advance(7_000);
  expect(answerOf(world, "dev-1a2b").wills[0]?.fate).toMatchObject({
    fate: "published",
    overwrote: { clientId: "dev-9c8d" },
  });
  expect(topicsOf(world, "dev-9c8d")).toEqual(["randomClientId", "birthOverwritten"]);
});

test("an empty retained will that deletes another client's birth is named", () => {
  const world = new World();
  watcherOf(world, "home/#");
  device(world, "one", 10, { ...retained, payload: "" });
  device(world, "two", 60);
  world.advance(15_000);
  expect(pageOf(world, "one")).toContain("It overwrote what two, which was connected");
  expect(topicsOf(world, "two")).toContain("birthOverwritten");
});

test("two living clients with one retained will topic are both told, and logged once", () => {
  const world = new World();
  watcherOf(world, "home/#");
  device(world, "kitchen");
  device(world, "garage");
  expect(warningsOf(world)).toMatchInlineSnapshot(`
    [
      "garage has a retained will on home/status, as kitchen has, which is connected too: the will of the first to die overwrites what the other published there · give each client a will topic of its own; if both are one device that came back under another client id, give it one client id and keep it",
    ]
  `);
  expect(topicsOf(world, "kitchen")).toEqual(["sharedWillTopic"]);
  expect(topicsOf(world, "garage")).toEqual(["sharedWillTopic"]);
});

test("a will that overwrites what nobody alive published accuses nobody", () => {
  const world = new World();
  watcherOf(world, "home/#");
  // Its own birth, what a script without a will set, and what a client that has gone published.
  const own = device(world, "own");
  world.open().connect({ clientId: "script" });
  own.drop();
  const gone = device(world, "gone");
  gone.send({ cmd: "disconnect" });
  const script = world.open();
  script.connect({ clientId: "script", clean: true });
  script.publish(status, "maintenance", { retain: true });
  const last = mortal(world, { id: "last", version: 4, keepalive: 10, will: retained });
  last.publish(status, "online", { retain: true });
  script.publish(status, "maintenance", { retain: true });
  last.drop();
  const said = world.noted("clientFault").map(({ fault }) => fault);
  expect(said).not.toContain("sharedWillTopic");
  expect(said).not.toContain("birthOverwritten");
  expect(answerOf(world, "last").wills[0]?.fate).not.toHaveProperty("overwrote");
});

test("clients that tell of their deaths on one topic without RETAIN are not blamed", () => {
  const world = watched();
  const will = { topic: "wills/all" };
  for (const id of ["one", "two", "three"]) mortal(world, { id, version: 4, keepalive: 10, will });
  world.advance(15_000);
  expect(warningsOf(world)).toEqual([]);
});

test("explained: connected, and its will topic still holds its own will", () => {
  const world = new World();
  watcherOf(world, "home/#");
  device(world, "bridge").drop();
  world.advance(60_000);
  // Its program goes on, only its connection is new: the birth is not repeated.
  const back = mortal(world, { id: "bridge", version: 4, keepalive: 30, will: retained });
  back.publish("home/lamp", "on");
  world.advance(20_000);
  expect(flatPage(world, "bridge")).toContain(
    "It set a will on home/status (QoS 0, retained, 7 bytes, 'offline'), the same bytes as its " +
      "previous will. [v4-3.1.2-8]",
  );
  expect(brief(world, "bridge")).toMatchInlineSnapshot(`
    "The will of bridge is armed and has not fired: bridge is connected and was last
    heard 20.0 s ago. If nothing more comes, the will fires in 25.0 s. Yet the topic
    home/status still holds its own will of 1 min 20 s ago ('offline'): it has
    published nothing there since it connected. [v4-3.1.2-8]

    The will before it fired at once, because bridge's connection was reset without
    a DISCONNECT (RST). 1 subscriber got it, and it is kept as the topic's retained
    message. [v4-3.1.2-8]

    What happened
      08:01:00.000  The last packet was PUBLISH, 20.0 s ago.
      08:01:20.000  The topic home/status still holds its own will of 1 min 20 s ago
                    ('offline'): it has published nothing there since it connected.

    What to change
      - <retainedWillWithoutBirth 3>

    Its other connections
      08:00:00.000  127.0.0.1:50002, MQTT 3.1.1, open for 0 ms. Connection reset
                    (RST); will fired, 1 got it
    "
  `);
});

test("a client that has just connected may still be about to publish its birth", () => {
  const world = new World();
  watcherOf(world, "home/#");
  device(world, "bridge").drop();
  world.advance(60_000);
  mortal(world, { id: "bridge", version: 4, keepalive: 30, will: retained });
  world.advance(1_000);
  expect(flatPage(world, "bridge")).toContain("Yet the topic home/status still holds its own will");
  expect(topicsOf(world, "bridge")).toEqual([]);
});

test("a birth without RETAIN does not replace the retained will", () => {
  const world = new World();
  watcherOf(world, "home/#");
  device(world, "bridge").drop();
  const back = mortal(world, { id: "bridge", version: 4, keepalive: 30, will: retained });
  back.publish(status, "online");
  world.advance(20_000);
  const page = flatPage(world, "bridge");
  expect(page).toContain("what it has published there since it connected was not retained");
  expect(page).toContain("Let it publish its birth on home/status retained");
});

test("a client that came back without a will, and whose last will is still retained", () => {
  const world = new World();
  watcherOf(world, "home/#");
  device(world, "bridge").drop();
  world.open().connect({ clientId: "bridge", keepalive: 30 });
  world.advance(20_000);
  expect(pageOf(world, "bridge")).toContain("still holds its own will");
  expect(topicsOf(world, "bridge")).toContain("retainedWillWithoutBirth");
});

test("a retained will that has expired, or was deleted, contradicts nobody", () => {
  const world = new World();
  watcherOf(world, "home/#");
  const will = { ...retained, properties: { messageExpiryInterval: 5 } };
  mortal(world, { id: "short", keepalive: 10, will }).drop();
  mortal(world, { id: "short", keepalive: 60, will });
  expect(pageOf(world, "short")).toContain("still holds");
  world.advance(6_000);
  expect(pageOf(world, "short")).not.toContain("still holds");
});

for (const [before, after] of [
  ["esp-beef", "esp-cafe"],
  ["esp-abcd", "esp-12ef"],
  ["ESP_DEADBEEF", "ESP_FEEDFACE"],
] as const) {
  test(`${before} and ${after} look as if they were drawn`, () => {
    const world = new World();
    device(world, before).drop();
    device(world, after);
    expect(topicsOf(world, after)).toContain("randomClientId");
  });
}
