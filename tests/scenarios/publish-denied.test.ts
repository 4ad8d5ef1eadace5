import { expect, test } from "bun:test";
import type { Access } from "../../src/core/access.ts";
import { accessBy } from "../support/access.ts";
import { World } from "../support/world.ts";

const access: Access = accessBy({
  mayPublish: ({ username }, topic) => username === "boss" || !topic.startsWith("secret/"),
});

test("v5-3.4.2-1, v5-3.5.2-1: PUBLISH that the access list denies is answered with 0x87", () => {
  const world = new World({ access });
  const watcher = world.open();
  watcher.connect({ clientId: "w" });
  watcher.subscribe("#");
  const client = world.open();
  client.connect({ clientId: "a", protocolVersion: 5 });
  for (const qos of [0, 1, 2] as const) client.publish("secret/t", "x", { qos, retain: true });
  client.publish("open/t", "x", { qos: 1 });
  expect(client.take("puback").map(({ reasonCode }) => reasonCode ?? 0)).toEqual([0x87, 0]);
  expect(client.take("pubrec").map(({ reasonCode }) => reasonCode ?? 0)).toEqual([0x87]);
  expect(client.closedBy).toBeNull();
  expect(watcher.messages()).toEqual(["open/t=x"]);
  expect(world.broker.view().retained.messages).toBe(0);
  expect(world.noted("publishRefused").map(({ topic, reason }) => [topic, reason])).toEqual([
    ["secret/t", 0x87],
  ]);
});

test("a denied PUBLISH is logged once for each topic, and for the first 20 topics of a connection", () => {
  const world = new World({ access });
  const client = world.open();
  client.connect({ clientId: "a" });
  for (let turn = 0; turn < 3; turn++) {
    for (let topic = 0; topic < 30; topic++) client.publish(`secret/${topic}`, "x");
  }
  const logged = world.noted("publishRefused");
  expect(logged.map(({ topic }) => topic)).toEqual(
    Array.from({ length: 20 }, (_, index) => `secret/${index}`),
  );
  expect(logged.map(({ isLast }) => isLast === true)).toEqual([...Array(19).fill(false), true]);
  expect(world.broker.statistics.publishDropped).toBe(90);
});

test("v4-3.3.5-2: v4 has no code for a refusal, so the message is acknowledged, and reaches nobody", () => {
  const world = new World({ access });
  const client = world.open();
  client.connect({ clientId: "a" });
  client.subscribe("#");
  client.publish("secret/t", "x", { qos: 1 });
  const messageId = client.publish("secret/t", "x", { qos: 2 });
  client.send({ cmd: "pubrel", messageId });
  expect(client.received.map(({ cmd }) => cmd)).toEqual(["puback", "pubrec", "pubcomp"]);
});

test("the topic behind an alias is checked as well", () => {
  const world = new World({ access });
  const client = world.open();
  client.connect({ clientId: "a", protocolVersion: 5 });
  client.subscribe("#");
  client.publish("secret/t", "x", { qos: 1, properties: { topicAlias: 1 } });
  client.publish("", "x", { qos: 1, properties: { topicAlias: 1 } });
  expect(client.take("puback").map(({ reasonCode }) => reasonCode)).toEqual([0x87, 0x87]);
  expect(client.messages()).toEqual([]);
});

test("the user name decides, where the access list uses it", () => {
  const world = new World({ access });
  const boss = world.open();
  boss.connect({ clientId: "b", username: "boss" });
  boss.subscribe("#");
  boss.publish("secret/t", "x");
  expect(boss.messages()).toEqual(["secret/t=x"]);
});
