import { describe, expect, test } from "bun:test";
import { auditAtEnd } from "../support/will-audit.ts";
import { endOf, mortal, watcherOf } from "../support/mortal.ts";
import { World } from "../support/world.ts";

describe("a will is delivered with the lesser of its QoS and the subscription's", () => {
  for (const willQos of [0, 1, 2] as const) {
    for (const subscribed of [0, 1, 2] as const) {
      test(`F: will QoS ${willQos}, subscribed with ${subscribed}`, () => {
        const world = new World();
        const watcher = world.open();
        watcher.connect({ clientId: "watcher" });
        watcher.subscribe({ topic: "wills/+", qos: subscribed });
        mortal(world, { will: { qos: willQos } }).drop("reset");
        expect(watcher.take("publish")).toMatchObject([
          {
            topic: "wills/mortal",
            qos: Math.min(willQos, subscribed),
            retain: false,
            dup: false,
          },
        ]);
        auditAtEnd(world);
      });
    }
  }
});

describe("a will waits for an offline subscriber with a persistent session", () => {
  for (const version of [4, 5] as const) {
    for (const qos of [1, 2] as const) {
      test(`B3: QoS ${qos} (v${version})`, () => {
        const world = new World();
        const connect = {
          clientId: "monitor",
          protocolVersion: version,
          clean: false,
          ...(version === 5 && { properties: { sessionExpiryInterval: 3600 } }),
        };
        const monitor = world.open();
        monitor.connect(connect);
        monitor.subscribe({ topic: "wills/#", qos });
        monitor.drop("reset");
        const client = mortal(world, { version, will: { qos } });
        client.drop("reset");
        expect(endOf(world, client).will).toMatchObject({
          fate: "published",
          reach: { delivered: 0, queued: 1, dropped: 0 },
        });
        world.advance(600_000);
        const back = world.open();
        back.connect(connect);
        expect(back.messages()).toEqual(["wills/mortal=gone"]);
        auditAtEnd(world);
      });
    }
  }
});

test("a QoS 0 will is not queued", () => {
  const world = new World();
  const monitor = world.open();
  monitor.connect({ clientId: "monitor", clean: false });
  monitor.subscribe({ topic: "wills/#", qos: 2 });
  monitor.drop("reset");
  const client = mortal(world);
  client.drop("reset");
  expect(endOf(world, client).will).toMatchObject({ reach: { delivered: 0, queued: 0 } });
  const back = world.open();
  back.connect({ clientId: "monitor", clean: false });
  expect(back.messages()).toEqual([]);
  auditAtEnd(world);
});

test("B2: a will without delay does not wait for the end of a persistent session", () => {
  const world = new World();
  const watcher = watcherOf(world);
  for (const version of [3, 4] as const) {
    mortal(world, { id: `v${version}`, version, clean: false }).drop("reset");
    expect(watcher.messages()).toEqual([`wills/v${version}=gone`]);
  }
  mortal(world, { id: "v5", clean: false, expiry: 0xffff_ffff }).drop("reset");
  expect(watcher.messages()).toEqual(["wills/v5=gone"]);
  const sessions = world.broker.view().sessions.map(({ clientId }) => clientId);
  expect(sessions.toSorted()).toEqual(["v3", "v4", "v5", "watcher"]);
  auditAtEnd(world);
});

test("a shared subscription gets one copy, and its members take turns", () => {
  const world = new World();
  const members = ["a", "b", "c"].map((clientId) => {
    const member = world.open();
    member.connect({ clientId, protocolVersion: 5 });
    member.subscribe({ topic: "$share/group/wills/#", qos: 1 });
    return member;
  });
  const alone = watcherOf(world, "wills/#", "alone");
  for (let index = 0; index < 3; index++) mortal(world, { id: `m${index}` }).drop("reset");
  const got = members.map((member) => member.messages());
  expect(got.map(({ length }) => length)).toEqual([1, 1, 1]);
  expect(got.flat().toSorted()).toEqual(["wills/m0=gone", "wills/m1=gone", "wills/m2=gone"]);
  expect(alone.messages()).toHaveLength(3);
  auditAtEnd(world);
});

test("a group's copy goes to a member whose session continues, not to the one that ends", () => {
  for (const first of ["monitor", "mortal"]) {
    for (const end of ["reset", "takenOver"]) {
      const world = new World();
      const monitor = world.open();
      monitor.connect({ clientId: "monitor", clean: false });
      const client = mortal(world, { version: 4, will: { qos: 1 } });
      const members = first === "monitor" ? [monitor, client] : [client, monitor];
      for (const member of members) member.subscribe({ topic: "$share/g/wills/#", qos: 1 });
      monitor.drop("reset");
      if (end === "reset") client.drop("reset");
      else world.open().connect({ clientId: "mortal", clean: true });
      expect(endOf(world, client).will).toMatchObject({ reach: { delivered: 0, queued: 1 } });
      const back = world.open();
      back.connect({ clientId: "monitor", clean: false });
      expect(back.messages()).toEqual(["wills/mortal=gone"]);
      auditAtEnd(world);
    }
  }
});

test("a session that ends with its connection gets no copy of its own will, and none is counted", () => {
  const world = new World();
  const client = mortal(world, { version: 4, will: { qos: 1 } });
  client.subscribe({ topic: "#", qos: 1 });
  client.drop("reset");
  expect(endOf(world, client).will).toMatchObject({
    fate: "published",
    reach: { delivered: 0, queued: 0, dropped: 0 },
  });
  auditAtEnd(world);
});

test("nor does a session that expires when its will is due", () => {
  for (const delay of [10, 30]) {
    const world = new World();
    const client = mortal(world, { delay, expiry: 10, will: { qos: 1 } });
    client.subscribe({ topic: "#", qos: 1 });
    client.drop("reset");
    world.advance(10_000);
    expect(world.noted("will")).toMatchObject([
      { by: "session ended", will: { fate: "published", reach: { delivered: 0, queued: 0 } } },
    ]);
    auditAtEnd(world);
  }
});

test("nor does a session that is replaced while its will waits", () => {
  const world = new World();
  const client = mortal(world, { delay: 30, expiry: 60, will: { qos: 1 } });
  client.subscribe({ topic: "#", qos: 1 });
  client.drop("reset");
  world.open().connect({ clientId: "mortal", protocolVersion: 5, clean: true });
  expect(world.noted("will")).toMatchObject([
    { by: "session ended", will: { fate: "published", reach: { delivered: 0, queued: 0 } } },
  ]);
  auditAtEnd(world);
});

test("No Local keeps a client's own will from that client alone", () => {
  const world = new World();
  const client = mortal(world, { expiry: 60, will: { qos: 1 } });
  client.subscribe({ topic: "wills/#", qos: 1, nl: true });
  const other = world.open();
  other.connect({ clientId: "other", protocolVersion: 5 });
  other.subscribe({ topic: "wills/#", qos: 1, nl: true });
  client.drop("reset");
  const back = world.open();
  back.connect({ clientId: "mortal", protocolVersion: 5, clean: false });
  expect(back.messages()).toEqual([]);
  expect(other.messages()).toEqual(["wills/mortal=gone"]);
  auditAtEnd(world);
});

test("a will stays within the mount point of its listener", () => {
  const world = new World();
  const outside = watcherOf(world);
  const inside = world.open({ mountPoint: "site/" });
  inside.connect({ clientId: "inside" });
  inside.subscribe("wills/#");
  const client = mortal(world, { listener: { mountPoint: "site/" } });
  client.drop("reset");
  expect(outside.messages()).toEqual(["site/wills/mortal=gone"]);
  expect(inside.messages()).toEqual(["wills/mortal=gone"]);
  expect(endOf(world, client).will?.topic).toBe("site/wills/mortal");
  auditAtEnd(world);
});

test("the event of a will counts its reach: delivered, queued, dropped, retained", () => {
  const world = new World({ limits: { queuedMessages: 1 } });
  watcherOf(world, "wills/#", "here");
  for (const clientId of ["offline", "full"]) {
    const monitor = world.open();
    monitor.connect({ clientId, clean: false });
    monitor.subscribe({ topic: "wills/#", qos: 1 }, { topic: `fill/${clientId}`, qos: 1 });
    monitor.drop("reset");
  }
  const filler = world.open();
  filler.connect({ clientId: "filler" });
  filler.publish("fill/full", "x", { qos: 1 });
  const client = mortal(world, { will: { qos: 1, retain: true } });
  client.drop("reset");
  expect(endOf(world, client).will).toMatchObject({
    fate: "published",
    reach: { delivered: 1, dropped: 1, retained: "stored" },
  });
  auditAtEnd(world);
});
