import { expect, test } from "bun:test";
import { clientOf } from "../../src/core/queries/clients.ts";
import type { ClientHabit } from "../../src/core/events.ts";
import { mortal, watcherOf } from "../support/mortal.ts";
import { World } from "../support/world.ts";

const hour = 3600;
const retained = { payload: "gone", retain: true } as const;

/** The logged habits, in order. */
function habitsOf(world: World): { clientId: string | null; fault: ClientHabit["fault"] }[] {
  return world.noted("clientFault").map(({ peer, fault }) => ({ clientId: peer.clientId, fault }));
}

interface Case {
  readonly title: string;
  readonly fault: ClientHabit["fault"];
  /** Has the habit, which must be logged once. */
  readonly wrong: (world: World) => void;
  /** Looks similar and is correct; nothing must be logged. */
  readonly right: (world: World) => void;
}

const cases: readonly Case[] = [
  {
    title: "a keepalive of 0 with a will",
    fault: "noKeepAlive",
    wrong: (world) => void mortal(world, { keepalive: 0 }),
    right: (world) => {
      mortal(world, { keepalive: 10 });
      world.open().connect({ clientId: "no will", keepalive: 0 });
    },
  },
  {
    title: "a keepalive of hours with a will",
    fault: "longKeepAlive",
    wrong: (world) => void mortal(world, { keepalive: hour }),
    right: (world) => void mortal(world, { keepalive: hour - 1 }),
  },
  {
    title: "a delay longer than the session",
    fault: "delayBeyondSession",
    wrong: (world) => void mortal(world, { keepalive: 10, delay: 11, expiry: 10 }),
    right: (world) => void mortal(world, { keepalive: 10, delay: 10, expiry: 10 }),
  },
  {
    title: "a new client id each time",
    fault: "randomClientId",
    wrong: (world) => {
      watcherOf(world);
      mortal(world, { id: "esp-9f31", keepalive: 10, will: { topic: "dev/status" } }).drop();
      mortal(world, { id: "esp-07ac", keepalive: 10, will: { topic: "dev/status" } }).drop();
    },
    right: (world) => {
      watcherOf(world);
      const same = { keepalive: 10, will: { topic: "dev/status" } };
      mortal(world, { id: "esp-9f31", ...same }).drop();
      // Another host, then ids made of words, then one whose predecessor is still connected.
      mortal(world, { id: "esp-07ac", host: "10.0.0.9", ...same }).drop();
      mortal(world, { id: "esp-blue", host: "10.0.0.9", ...same });
      mortal(world, { id: "esp-55aa", host: "10.0.0.9", ...same });
    },
  },
  {
    title: "a retained will without a retained birth",
    fault: "retainedWillWithoutBirth",
    wrong: (world) => {
      mortal(world, { keepalive: 10, will: retained }).drop();
      mortal(world, { keepalive: 10, will: retained }).drop();
    },
    right: (world) => {
      // Once, gone before it could publish; then with a birth message.
      mortal(world, { keepalive: 10, will: retained }).drop();
      const client = mortal(world, { keepalive: 10, will: retained });
      client.publish("wills/mortal", "online", { retain: true });
      client.drop();
      mortal(world, { id: "empty", keepalive: 10, will: { payload: "", retain: true } }).drop();
    },
  },
  {
    title: "a retained birth and a will that is not retained",
    fault: "willNotRetained",
    wrong: (world) => {
      const client = mortal(world, { keepalive: 10, will: { payload: "offline" } });
      client.publish("wills/mortal", "online", { retain: true });
      client.drop();
    },
    right: (world) => {
      // Both retained; a position (OwnTracks); values that change; a birth that is not retained.
      const both = mortal(world, { id: "both", keepalive: 10, will: retained });
      both.publish("wills/both", "here", { retain: true });
      both.drop();
      const lwt = { payload: '{"_type":"lwt","tst":1700000000}' };
      const phone = mortal(world, { id: "phone", keepalive: 10, will: lwt });
      phone.publish("wills/phone", '{"_type":"location","lat":1,"lon":2}', { retain: true });
      phone.drop();
      const meter = mortal(world, { id: "meter", keepalive: 10 });
      meter.publish("wills/meter", "21.5", { retain: true });
      meter.publish("wills/meter", "21.6", { retain: true });
      meter.drop();
      const plain = mortal(world, { id: "plain", keepalive: 10 });
      plain.publish("wills/plain", "here");
      plain.drop();
    },
  },
  {
    title: "a birth on another topic",
    fault: "birthElsewhere",
    wrong: (world) => {
      const client = mortal(world, { keepalive: 10, will: retained });
      client.publish("wills/birth", "online", { retain: true });
      client.drop();
    },
    right: (world) => {
      const client = mortal(world, { keepalive: 10, will: retained });
      client.publish("elsewhere/temperature", "21", { retain: true });
      client.publish("wills/mortal", "online", { retain: true });
      client.publish("wills/other", "x", { retain: true });
      client.drop();
    },
  },
  {
    title: "a will that nobody hears",
    fault: "willUnheard",
    wrong: (world) => mortal(world, { keepalive: 10 }).drop(),
    right: (world) => {
      watcherOf(world, "wills/+");
      mortal(world, { keepalive: 10 }).drop();
    },
  },
  {
    title: "a clean DISCONNECT where others wait for the will",
    fault: "cleanDisconnect",
    wrong: (world) => {
      watcherOf(world, "wills/+");
      const client = mortal(world, { keepalive: 10 });
      client.publish("wills/mortal", "online");
      client.send({ cmd: "disconnect", reasonCode: 0 });
    },
    right: (world) => {
      mortal(world, { id: "nobody listens", keepalive: 10 }).send({ cmd: "disconnect" });
      watcherOf(world, "wills/+");
      const client = mortal(world, { keepalive: 10 });
      client.publish("wills/mortal", "online");
      client.publish("wills/mortal", "offline");
      client.send({ cmd: "disconnect", reasonCode: 0 });
    },
  },
  {
    title: "takeovers in a row from one address",
    fault: "takeoverLoop",
    wrong: (world) => {
      watcherOf(world);
      for (let start = 0; start < 4; start++) mortal(world, { keepalive: 10 });
    },
    right: (world) => {
      watcherOf(world);
      for (let start = 0; start < 4; start++) {
        mortal(world, { keepalive: 10 });
        world.advance(6_000);
      }
    },
  },
  {
    title: "two hosts with one client id",
    fault: "sharedClientId",
    wrong: (world) => {
      watcherOf(world);
      mortal(world, { keepalive: 10, host: "10.0.0.1" });
      mortal(world, { keepalive: 10, host: "10.0.0.2" });
      mortal(world, { keepalive: 10, host: "10.0.0.1" });
      mortal(world, { keepalive: 10, host: "10.0.0.2" });
    },
    right: (world) => {
      watcherOf(world);
      // A client that moves, and one that returns from its earlier address.
      mortal(world, { keepalive: 600, host: "10.0.0.1" });
      mortal(world, { keepalive: 600, host: "10.0.0.2" });
      mortal(world, { keepalive: 600, host: "10.0.0.2" });
      world.advance(61_000);
      mortal(world, { keepalive: 600, host: "10.0.0.1" });
    },
  },
];

test("a device in a crash loop is not told that two devices share its id", () => {
  const world = new World();
  watcherOf(world);
  for (let start = 0; start < 6; start++) {
    mortal(world, { keepalive: 10 });
    world.advance(1_000);
  }
  expect(world.noted("clientFault")).toMatchObject([
    { fault: "takeoverLoop", takeovers: 3, hosts: ["127.0.0.1"], peer: { clientId: "mortal" } },
  ]);
});

for (const { title, fault, wrong, right } of cases) {
  test(`${title} is logged once, and remembered`, () => {
    const world = new World();
    wrong(world);
    wrong(world);
    const said = world.noted("clientFault").filter((event) => event.fault === fault);
    expect(said).toHaveLength(1);
    const clientId = said[0]?.peer.clientId ?? "";
    const remembered = clientOf(world.broker, clientId)?.faults.map((known) => known.fault);
    expect(remembered).toContain(fault);
  });

  test(`${title}: a lookalike is not blamed`, () => {
    const world = new World();
    right(world);
    expect(habitsOf(world).filter((said) => said.fault === fault)).toEqual([]);
  });
}

test("a delayed retained will is judged at its publication", () => {
  const world = new World();
  const options = { keepalive: 10, delay: 5, expiry: 60, will: retained };
  const client = mortal(world, options);
  world.advance(9_000);
  client.ping();
  world.advance(3_000);
  client.drop();
  expect(habitsOf(world)).toEqual([]);
  world.advance(5_000);
  expect(habitsOf(world)).toEqual([{ clientId: "mortal", fault: "retainedWillWithoutBirth" }]);
});

test("each habit of a device with a new client id each time is logged once", () => {
  const world = new World();
  const ids = ["esp-9f31", "esp-07ac", "esp-55aa", "esp-c0de1"];
  for (const id of ids) {
    mortal(world, { id, keepalive: 0, will: { topic: "dev/status" } }).drop();
  }
  expect(habitsOf(world)).toEqual([
    { clientId: "esp-9f31", fault: "noKeepAlive" },
    { clientId: "esp-9f31", fault: "willUnheard" },
    { clientId: "esp-07ac", fault: "randomClientId" },
  ]);
  // An explanation of the latest id lists them all the same.
  const remembered = clientOf(world.broker, "esp-c0de1")?.faults.map(({ fault }) => fault);
  expect(remembered).toEqual(["randomClientId", "noKeepAlive", "willUnheard"]);
});

test("the memory of a client id that follows others on many topics is bounded", () => {
  const world = new World();
  for (let round = 0; round < 50; round++) {
    const will = { topic: `dev/${round}` };
    mortal(world, { id: "esp-9f31", keepalive: 10, will }).drop();
    mortal(world, { id: "esp-07ac", keepalive: 10, will }).drop();
  }
  expect(clientOf(world.broker, "esp-07ac")?.faults).toHaveLength(2);
});
