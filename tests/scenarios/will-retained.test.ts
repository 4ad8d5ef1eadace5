import { expect, test } from "bun:test";
import { auditAtEnd } from "../support/will-audit.ts";
import { endOf, mortal, watcherOf } from "../support/mortal.ts";
import { World } from "../support/world.ts";

for (const version of [3, 4, 5] as const) {
  test(`F: later subscribers get a retained will (v${version})`, () => {
    const world = new World();
    const watcher = watcherOf(world);
    const client = mortal(world, { version, will: { qos: 1, retain: true } });
    client.drop("reset");
    expect(watcher.take("publish")).toMatchObject([{ topic: "wills/mortal", retain: true }]);
    expect(endOf(world, client).will).toMatchObject({ reach: { retained: "stored" } });
    world.advance(3_600_000);
    const late = world.open();
    late.connect({ clientId: "late", protocolVersion: version });
    late.subscribe({ topic: "wills/#", qos: 2 });
    const [got] = late.take("publish");
    expect(got).toMatchObject({ topic: "wills/mortal", qos: 1, retain: true });
    expect(got?.payload.toString()).toBe("gone");
    auditAtEnd(world);
  });

  test(`F: a will without RETAIN leaves nothing behind (v${version})`, () => {
    const world = new World();
    mortal(world, { version }).drop("reset");
    expect(watcherOf(world).messages()).toEqual([]);
    expect(world.broker.view().retained.messages).toBe(0);
    auditAtEnd(world);
  });

  test(`F: an empty retained will clears the topic, and is delivered (v${version})`, () => {
    const world = new World();
    const watcher = watcherOf(world);
    const client = mortal(world, { version, will: { payload: "", retain: true } });
    client.publish("wills/mortal", "online", { retain: true });
    client.drop("reset");
    expect(watcher.messages()).toEqual(["wills/mortal=online", "wills/mortal="]);
    expect(endOf(world, client).will).toMatchObject({ reach: { retained: "cleared" } });
    expect(world.broker.view().retained.messages).toBe(0);
    const late = world.open();
    late.connect({ clientId: "late", protocolVersion: version });
    late.subscribe("wills/#");
    expect(late.messages()).toEqual([]);
    auditAtEnd(world);
  });

  test(`F: an empty will is published (v${version})`, () => {
    const world = new World();
    const watcher = watcherOf(world);
    mortal(world, { version, will: { payload: "" } }).drop("reset");
    expect(watcher.messages()).toEqual(["wills/mortal="]);
    auditAtEnd(world);
  });
}

test("F: a will replaces the retained birth of its client", () => {
  const world = new World();
  const client = mortal(world, { version: 4, will: { topic: "status", retain: true } });
  client.publish("status", "online", { retain: true });
  client.drop("reset");
  const late = world.open();
  late.connect({ clientId: "late" });
  late.subscribe("status");
  expect(late.messages()).toEqual(["status=gone"]);
  auditAtEnd(world);
});

test("F: a discarded or cancelled will is not retained", () => {
  const world = new World();
  mortal(world, { id: "a", will: { retain: true } }).send({ cmd: "disconnect" });
  mortal(world, { id: "b", delay: 30, expiry: 60, will: { retain: true } }).drop("reset");
  world.open().connect({ clientId: "b", protocolVersion: 5, clean: false });
  world.advance(3_600_000);
  expect(world.broker.view().retained.messages).toBe(0);
  auditAtEnd(world);
});

test("F: a delayed retained will is retained when it is published, not before", () => {
  const world = new World();
  mortal(world, { delay: 30, expiry: 60, will: { retain: true } }).drop("reset");
  world.advance(29_999);
  expect(world.broker.view().retained.messages).toBe(0);
  world.advance(1);
  expect(world.broker.view().retained.messages).toBe(1);
  auditAtEnd(world);
});
