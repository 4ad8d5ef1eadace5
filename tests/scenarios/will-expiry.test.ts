import { expect, test } from "bun:test";
import { auditAtEnd } from "../support/will-audit.ts";
import { mortal, watcherOf } from "../support/mortal.ts";
import { World } from "../support/world.ts";

const will = { qos: 1, properties: { messageExpiryInterval: 60 } } as const;

test("F: the Message Expiry Interval of a will starts at its publication", () => {
  const world = new World();
  const watcher = watcherOf(world);
  const client = mortal(world, { delay: 30, expiry: 600, will });
  world.advance(3_600_000);
  client.drop("reset");
  world.advance(30_000);
  expect(watcher.take("publish")).toMatchObject([{ properties: { messageExpiryInterval: 60 } }]);
  auditAtEnd(world);
});

test("F: time in a queue is subtracted, and an expired will is not delivered", () => {
  for (const [waited, left] of [
    [0, 60],
    [20, 40],
    [59, 1],
    [60, null],
    [100, null],
  ] as const) {
    const world = new World();
    const connect = {
      clientId: "monitor",
      protocolVersion: 5,
      clean: false,
      properties: { sessionExpiryInterval: 3600 },
    } as const;
    const monitor = world.open();
    monitor.connect(connect);
    monitor.subscribe({ topic: "wills/#", qos: 1 });
    monitor.drop("reset");
    mortal(world, { delay: 10, expiry: 600, will }).drop("reset");
    world.advance(10_000 + waited * 1000);
    const back = world.open();
    back.connect(connect);
    const got = back.take("publish").map(({ properties }) => properties?.messageExpiryInterval);
    expect(got).toEqual(left === null ? [] : [left]);
    auditAtEnd(world);
  }
});

test("F: a retained will stays until it expires", () => {
  const world = new World();
  mortal(world, { will: { ...will, retain: true } }).drop("reset");
  world.advance(59_000);
  const early = world.open();
  early.connect({ clientId: "early", protocolVersion: 5 });
  early.subscribe("wills/#");
  expect(early.take("publish")).toMatchObject([{ properties: { messageExpiryInterval: 1 } }]);
  world.advance(1000);
  const late = world.open();
  late.connect({ clientId: "late", protocolVersion: 5 });
  late.subscribe("wills/#");
  expect(late.messages()).toEqual([]);
  auditAtEnd(world);
});

test("F: an expiry shorter than the delay does not prevent publication", () => {
  const world = new World();
  const watcher = watcherOf(world);
  mortal(world, {
    delay: 100,
    expiry: 600,
    will: { properties: { messageExpiryInterval: 1 } },
  }).drop("reset");
  world.advance(100_000);
  expect(watcher.take("publish")).toMatchObject([{ properties: { messageExpiryInterval: 1 } }]);
  auditAtEnd(world);
});
