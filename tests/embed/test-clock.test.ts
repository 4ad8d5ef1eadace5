import { expect, test } from "bun:test";
import type { IClientOptions } from "mqtt";
import { startBroker } from "../../src/embed/mqttd.ts";
import { MqttJsClient } from "../support/mqttjs-client.ts";
import { problemOf } from "./problem.ts";

// Firmware tests with mqtt.js: what would take hours takes as long as the sockets need.

const will = {
  topic: "dev/42/status",
  payload: Buffer.from("gone"),
  qos: 1,
  retain: false,
} as const;
const delayed = (willDelayInterval: number) => ({ ...will, properties: { willDelayInterval } });

test("a keepalive expires at one and a half times its interval, to the millisecond", async () => {
  await using broker = await startBroker({ clock: "test" });
  await using watcher = await MqttJsClient.connect(broker.port, { keepalive: 0 });
  await watcher.mqtt.subscribeAsync("dev/+/status", { qos: 1 });
  await using client = await MqttJsClient.connect(broker.port, {
    ...{ clientId: "dev-42", keepalive: 60, will },
  });
  const connectedAt = broker.now();
  broker.drop("dev-42", "silent");
  client.mqtt.publish("t", "lost");
  await broker.advance("89s");
  await broker.advance("999ms");
  expect(broker.wills.list()).toMatchObject([{ state: "armed" }]);
  await broker.advance("1ms");
  const fate = await broker.wills.wait({ clientId: "dev-42" });
  expect(fate).toMatchObject({
    ...{ fate: "published", cause: "keepAliveExpired", recipients: { delivered: 1 } },
    ...{ endedAt: connectedAt + 90_000, at: connectedAt + 90_000 },
  });
  expect(broker.now()).toBe(connectedAt + 90_000);
  await watcher.message("dev/42/status");
  expect(await broker.messages("t")).toEqual([]);
});

test("a Will Delay Interval of hours passes at once, and what is written has arrived", async () => {
  await using broker = await startBroker({ clock: "test" });
  await using watcher = await MqttJsClient.connect(broker.port, { keepalive: 0 });
  await watcher.mqtt.subscribeAsync("dev/+/status", { qos: 1 });
  await using client = await MqttJsClient.connect(broker.port, {
    ...{ clientId: "dev-42", protocolVersion: 5, will: delayed(6 * 3600) },
    properties: { sessionExpiryInterval: 24 * 3600 },
  });
  await client.vanish();
  await broker.advance("5h");
  const [waiting] = broker.wills.list();
  expect(waiting).toMatchObject({ state: "delayed", cause: "closedByPeer", delaySeconds: 21_600 });
  expect(watcher.messages.items).toEqual([]);
  await broker.advance("2h");
  expect(watcher.texts()).toEqual(["dev/42/status=gone"]);
  const fate = await broker.wills.wait({ clientId: "dev-42" });
  expect(fate.at).toBe((waiting?.endedAt ?? 0) + 21_600_000);
});

test("a client that is back before its will is due cancels it", async () => {
  await using broker = await startBroker({ clock: "test" });
  const options: IClientOptions = {
    ...({ clientId: "dev-42", protocolVersion: 5, will: delayed(3600) } as const),
    ...{ keepalive: 0, clean: false, properties: { sessionExpiryInterval: 7200 } },
  };
  await using client = await MqttJsClient.connect(broker.port, options);
  await client.vanish();
  await broker.advance("59m");
  await using back = await MqttJsClient.connect(broker.port, options);
  expect(back.connacks.items).toMatchObject([{ sessionPresent: true }]);
  await broker.advance("30d");
  expect(broker.wills.list()).toMatchObject([
    { state: "armed" },
    { fate: "cancelled", why: "resumed" },
  ]);
  expect(await broker.messages()).toEqual([]);
});

test("what was sent before is read first, so that it postpones the keepalive", async () => {
  await using broker = await startBroker({ clock: "test" });
  await using client = await MqttJsClient.connect(broker.port, {
    ...{ clientId: "dev-42", keepalive: 60, will },
  });
  for (let round = 0; round < 20; round++) {
    await broker.advance("80s");
    client.mqtt.publish("t", String(round));
  }
  await broker.advance("89s");
  expect(broker.wills.list()).toMatchObject([{ state: "armed" }]);
  expect(await broker.messages("t")).toHaveLength(20);
  await broker.advance("1s");
  expect(broker.wills.list()).toMatchObject([{ cause: "keepAliveExpired" }]);
});

test("deadlines pass in their order, and clients answer in between", async () => {
  await using broker = await startBroker({ clock: "test" });
  const startedAt = broker.now();
  // Answers each will, so that its own keepalive of 30 s is postponed by it.
  await using answering = await MqttJsClient.connect(broker.port, {
    ...{ clientId: "answering", keepalive: 30, will: { ...will, topic: "last" } },
  });
  answering.mqtt.on("message", (topic) => answering.mqtt.publish("answers", topic));
  await answering.mqtt.subscribeAsync("wills/+");
  for (const keepalive of [60, 20, 40]) {
    await using client = await MqttJsClient.connect(broker.port, {
      ...{ clientId: `dev-${keepalive}`, keepalive },
      will: { ...will, topic: `wills/${keepalive}`, qos: 0 },
    });
    broker.drop(`dev-${keepalive}`, "silent");
    await client.mqtt.endAsync(true);
  }
  await broker.advance("1h");
  const at = (await broker.messages()).map((message) => [
    ...[message.topic, message.text],
    (message.at - startedAt) / 1000,
  ]);
  expect(at).toEqual([
    ["wills/20", "gone", 30],
    ["answers", "wills/20", 30],
    ["wills/40", "gone", 60],
    ["answers", "wills/40", 60],
    ["wills/60", "gone", 90],
    ["answers", "wills/60", 90],
    ["last", "gone", 135],
  ]);
});

test("calls that overlap add up, and time passes for one broker only", async () => {
  await using broker = await startBroker({ clock: "test" });
  await using other = await startBroker({ clock: "test" });
  const [startedAt, otherAt] = [broker.now(), other.now()];
  await Promise.all([broker.advance("1h"), broker.advance(500), broker.advance("2d")]);
  expect(broker.now() - startedAt).toBe(3_600_000 + 500 + 2 * 86_400_000);
  expect(other.now()).toBe(otherAt);
  expect(await problemOf(broker.advance(-1))).toContain("found -1, allowed: a duration");
  expect(await problemOf(broker.advance("never"))).toContain('found "never", allowed: a duration');
});

test("a wait in vain reminds of the clock", async () => {
  await using broker = await startBroker({ clock: "test" });
  expect(await problemOf(broker.wills.wait({ within: "1ms" }))).toContain(
    'no will came within 1ms; with clock: "test", time passes by advance() only',
  );
});

test("clients that answer each other without end are reported", async () => {
  await using broker = await startBroker({ clock: "test", keptMessages: 10 });
  await using one = await MqttJsClient.connect(broker.port, { keepalive: 0 });
  await using other = await MqttJsClient.connect(broker.port, { keepalive: 0 });
  for (const [{ mqtt }, from, to] of [
    [one, "a", "b"],
    [other, "b", "a"],
  ] as const) {
    await mqtt.subscribeAsync(from);
    mqtt.on("message", () => mqtt.publish(to, ""));
  }
  one.mqtt.publish("a", "");
  expect(await problemOf(broker.advance("1s"))).toContain(
    "packets still come and go after 20000 turns of the loop",
  );
}, 180_000);
