import { expect, test } from "bun:test";
import type { TestClient } from "../support/client.ts";
import { World } from "../support/world.ts";

function watch(world: World, filter = "$SYS/#"): TestClient {
  const client = world.open();
  client.connect({ clientId: "watcher" });
  client.subscribe(filter);
  return client;
}

/** The latest values, by topic. */
function values(client: TestClient): Map<string, string> {
  return new Map(
    client
      .take("publish")
      .map(({ topic, payload }) => [topic.replace("$SYS/broker/", ""), payload.toString()]),
  );
}

test("the first subscriber gets the values, retained, under mosquitto's names", () => {
  const world = new World({ sysIntervalMs: 10_000, version: "1.2.3" });
  world.advance(0);
  const client = watch(world);
  const got = client.take("publish");
  expect(got.every(({ retain, qos }) => retain && qos === 0)).toBe(true);
  const topics = new Map(got.map(({ topic, payload }) => [topic, payload.toString()]));
  expect(topics.get("$SYS/broker/version")).toBe("mqttd version 1.2.3");
  expect(topics.get("$SYS/broker/uptime")).toBe("0 seconds");
  for (const name of [
    "clients/connected",
    "clients/disconnected",
    "clients/total",
    "clients/maximum",
    "clients/expired",
    "messages/received",
    "messages/sent",
    "publish/messages/received",
    "publish/messages/sent",
    "publish/messages/dropped",
    "bytes/received",
    "bytes/sent",
    "subscriptions/count",
    "retained messages/count",
    "load/messages/received/1min",
    "load/sockets/15min",
  ]) {
    expect([...topics.keys()]).toContain(`$SYS/broker/${name}`);
  }
});

test("values are published at the interval, and only those that have changed", () => {
  const world = new World({ sysIntervalMs: 10_000 });
  const client = watch(world, "$SYS/broker/clients/#");
  world.advance(0);
  expect(values(client).get("clients/connected")).toBe("1");
  world.open().connect({ clientId: "other" });
  world.advance(9999);
  expect(client.messages()).toEqual([]);
  world.advance(1);
  expect(Object.fromEntries(values(client))).toEqual({
    "clients/connected": "2",
    "clients/maximum": "2",
    "clients/total": "2",
  });
  world.advance(100_000);
  expect(client.messages()).toEqual([]);
});

test("the values count what happened", () => {
  const world = new World({ sysIntervalMs: 10_000, limits: { sessionExpiryMaxSeconds: 5 } });
  const client = watch(world);
  const away = world.open();
  away.connect({ clientId: "away", clean: false });
  away.subscribe({ topic: "t", qos: 1 });
  away.drop();
  const source = world.open();
  source.connect({ clientId: "p" });
  for (let time = 0; time < 3; time++) source.publish("t", "x", { qos: 1 });
  source.publish("kept", "x", { retain: true });
  client.subscribe("kept");
  values(client);
  world.driver.heartbeat();
  world.advance(10_000);
  const got = values(client);
  expect(got.get("clients/total")).toBe("2");
  expect(got.get("clients/expired")).toBe("1");
  expect(got.get("clients/maximum")).toBe("2");
  expect(got.get("publish/messages/received")).toBe("4");
  expect(Number(got.get("bytes/received"))).toBeGreaterThan(100);
  expect(Number(got.get("bytes/sent"))).toBeGreaterThan(20);
  expect(got.get("subscriptions/count")).toBe("2");
  expect(got.get("uptime")).toBe("10 seconds");
});

test("loads are moving averages per minute", () => {
  const world = new World({ sysIntervalMs: 60_000 });
  world.advance(0);
  const client = watch(world, "$SYS/broker/load/publish/received/+");
  values(client);
  for (let time = 0; time < 60; time++) client.publish("t", "x");
  world.advance(60_000);
  const rise = values(client);
  expect(Number(rise.get("load/publish/received/1min"))).toBeCloseTo(60 * (1 - Math.exp(-1)), 1);
  expect(Number(rise.get("load/publish/received/5min"))).toBeCloseTo(60 * (1 - Math.exp(-0.2)), 1);
  world.advance(60_000);
  const fall = values(client);
  expect(Number(fall.get("load/publish/received/1min"))).toBeCloseTo(
    60 * (1 - Math.exp(-1)) * Math.exp(-1),
    1,
  );
});

test("switched off, $SYS has no topics and no deadline", () => {
  const world = new World({ sysIntervalMs: null });
  world.advance(3_600_000);
  const client = watch(world);
  expect(client.messages()).toEqual([]);
  expect(world.broker.view().deadlines).toBe(0);
});
