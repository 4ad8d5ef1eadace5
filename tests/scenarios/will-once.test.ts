import { expect, test } from "bun:test";
import { auditAtEnd } from "../support/will-audit.ts";
import { mortal, watcherOf } from "../support/mortal.ts";
import { World } from "../support/world.ts";

test("F: a will is published once, whatever happens to its connection afterwards", () => {
  const world = new World();
  const watcher = watcherOf(world);
  const client = mortal(world, { keepalive: 10 });
  world.advance(15_000);
  client.drop("timeout");
  client.drop("reset");
  client.send({ cmd: "disconnect", reasonCode: 4 });
  world.driver.order({ type: "kicked", clientId: "mortal" });
  mortal(world, { id: "mortal" }).send({ cmd: "disconnect" });
  world.advance(3_600_000);
  expect(watcher.messages()).toEqual(["wills/mortal=gone"]);
  auditAtEnd(world);
});

test("F: a published will is not published again at the session's end", () => {
  const world = new World();
  const watcher = watcherOf(world);
  mortal(world, { expiry: 60 }).drop("reset");
  mortal(world, { id: "waited", delay: 30, expiry: 60 }).drop("reset");
  world.advance(3_600_000);
  expect(watcher.messages()).toEqual(["wills/mortal=gone", "wills/waited=gone"]);
  expect(world.noted("sessionEnded")).toHaveLength(2);
  auditAtEnd(world);
});

test("F: a published will is not published again when the session is resumed or replaced", () => {
  for (const clean of [true, false]) {
    const world = new World();
    const watcher = watcherOf(world);
    mortal(world, { delay: 5, expiry: 600 }).drop("reset");
    world.advance(5000);
    const back = world.open();
    back.connect({ clientId: "mortal", protocolVersion: 5, clean });
    back.drop("reset");
    world.advance(3_600_000);
    expect(watcher.messages()).toEqual(["wills/mortal=gone"]);
    auditAtEnd(world);
  }
});

test("F: a discarded will is not published at the session's end", () => {
  const world = new World();
  const watcher = watcherOf(world);
  mortal(world, { delay: 5, expiry: 60 }).send({ cmd: "disconnect" });
  world.advance(3_600_000);
  mortal(world, { version: 4, clean: false }).send({ cmd: "disconnect" });
  world.open().connect({ clientId: "mortal", clean: true });
  expect(watcher.messages()).toEqual([]);
  auditAtEnd(world);
});

test("F: overlapping subscriptions get a will like any message", () => {
  const world = new World();
  const watcher = world.open();
  watcher.connect({ clientId: "watcher", protocolVersion: 5 });
  watcher.subscribe({ topic: "wills/#", qos: 1 }, { topic: "wills/+", qos: 2 });
  const control = world.open();
  control.connect({ clientId: "control", protocolVersion: 5 });
  control.publish("wills/control", "x", { qos: 2 });
  const copies = watcher.take("publish").length;
  mortal(world, { will: { qos: 2 } }).drop("reset");
  expect(watcher.take("publish")).toHaveLength(copies);
  auditAtEnd(world);
});
