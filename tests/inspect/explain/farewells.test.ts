import { expect, test } from "bun:test";
import { mortal, watcherOf } from "../../support/mortal.ts";
import type { TestClient } from "../../support/client.ts";
import { World } from "../../support/world.ts";
import { pageOf, told, topicsOf } from "./explained.ts";

// Planned ends: who published a farewell before DISCONNECT is not told to do so.

const topic = "spBv1.0/plant/NDEATH/press";

function node(world: World, will: object = { topic, payload: "bdSeq 4" }): TestClient {
  watcherOf(world, "#");
  const client = mortal(world, { id: "press", version: 4, keepalive: 30, will });
  client.publish("spBv1.0/plant/NBIRTH/press", "metrics");
  client.publish("spBv1.0/plant/NDATA/press", "21.5");
  return client;
}

function warnings(world: World): string[] {
  return world.noted("clientFault").map(({ fault }) => fault);
}

test("explained: a Sparkplug node that stops as planned: NDEATH, then DISCONNECT", () => {
  const world = new World();
  const client = node(world);
  client.publish(topic, "bdSeq 4");
  client.send({ cmd: "disconnect" });
  expect(told(world, "press")).toMatchInlineSnapshot(`
    "The will of press did not fire: press sent a clean DISCONNECT, which discards
    the will; its subscribers know its own last message on
    spBv1.0/plant/NDEATH/press. [v4-3.14.4-3]

    What happened
      08:00:00.000  It connected from 127.0.0.1:50002 with MQTT 3.1.1 (listener: tcp
                    test).
      08:00:00.000  It asked for a keepalive of 30 s: its connection ends after
                    45.0 s of silence. [v4-3.1.2-24]
      08:00:00.000  With Clean Session 1 it began a new session, which ends with the
                    connection. [v4-3.1.2-6]
      08:00:00.000  It set a will on spBv1.0/plant/NDEATH/press (QoS 0, not
                    retained, 7 bytes, 'bdSeq 4'). [v4-3.1.2-8]
      08:00:00.000  The connection ended: it sent a clean DISCONNECT.
      08:00:00.000  The will was discarded. [v4-3.14.4-3]

    What a statement says: mqttd rule v4-3.14.4-3
    "
  `);
  expect(warnings(world)).toEqual([]);
});

test("an NDEATH that is no copy of the will is a farewell too", () => {
  const world = new World();
  const client = node(world);
  client.publish(topic, "bdSeq 4, at 14:36");
  client.send({ cmd: "disconnect" });
  expect(topicsOf(world, "press")).toEqual([]);
  expect(warnings(world)).toEqual([]);
});

test("a farewell that is the only message of its client, equal to the will", () => {
  const world = new World();
  watcherOf(world, "#");
  const client = mortal(world, { keepalive: 30 });
  client.publish("wills/mortal", "gone");
  client.send({ cmd: "disconnect", reasonCode: 0 });
  expect(topicsOf(world)).toEqual([]);
  expect(warnings(world)).toEqual([]);
});

test("a Sparkplug node that sends DISCONNECT without its NDEATH is told so", () => {
  const world = new World();
  node(world).send({ cmd: "disconnect" });
  expect(topicsOf(world, "press")).toEqual(["cleanDisconnect"]);
  expect(warnings(world)).toEqual(["cleanDisconnect"]);
});

test("a birth is no farewell", () => {
  const world = new World();
  watcherOf(world, "#");
  const client = mortal(world, { keepalive: 30 });
  client.publish("wills/mortal", "online");
  client.publish("temperature", "21.5");
  client.send({ cmd: "disconnect", reasonCode: 0 });
  expect(topicsOf(world)).toEqual(["cleanDisconnect"]);
  expect(pageOf(world)).not.toContain("its own last message");
});

test("online, then offline, then DISCONNECT: nothing to change", () => {
  const world = new World();
  watcherOf(world, "#");
  const client = mortal(world, { version: 4, keepalive: 30, will: { retain: true } });
  client.publish("wills/mortal", "online", { retain: true });
  client.publish("wills/mortal", "offline", { retain: true });
  client.send({ cmd: "disconnect" });
  expect(topicsOf(world)).toEqual([]);
});
