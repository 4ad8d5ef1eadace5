import { expect, test } from "bun:test";
import { World } from "../support/world.ts";

test("CONNACK of v5 announces what the broker's defaults restrict, and nothing more", () => {
  const connack = new World().open().connect({ clientId: "a", protocolVersion: 5 });
  expect(connack?.reasonCode).toBe(0);
  expect(connack?.sessionPresent).toBe(false);
  expect(connack?.properties).toEqual({
    receiveMaximum: 100,
    maximumPacketSize: 25 * 1024 * 1024,
    topicAliasMaximum: 100,
  });
});

test("CONNACK of v5 announces every limit that a client has to know", () => {
  const world = new World({
    limits: {
      receiveMaximum: 7,
      qos: 1,
      retain: false,
      packetSize: 4096,
      topicAliases: 3,
      keepAliveMaxSeconds: 30,
      sessionExpiryMaxSeconds: 100,
    },
  });
  const connack = world.open().connect({
    clientId: "",
    protocolVersion: 5,
    keepalive: 60,
    properties: { sessionExpiryInterval: 500 },
  });
  expect(connack?.properties).toEqual({
    sessionExpiryInterval: 100,
    receiveMaximum: 7,
    maximumQoS: 1,
    retainAvailable: false,
    maximumPacketSize: 4096,
    assignedClientIdentifier: expect.stringMatching(/^auto-/),
    topicAliasMaximum: 3,
    serverKeepAlive: 30,
  });
});

test("a limit that equals the standard's default is not written", () => {
  const world = new World({
    limits: { receiveMaximum: 65_535, packetSize: Infinity, topicAliases: 0 },
  });
  const connack = world.open().connect({ clientId: "a", protocolVersion: 5 });
  expect(connack?.properties ?? {}).toEqual({});
});

test("v5-3.2.2-11: Maximum QoS 0 is announced", () => {
  const connack = new World({ limits: { qos: 0 } })
    .open()
    .connect({ clientId: "a", protocolVersion: 5 });
  expect(connack?.properties?.maximumQoS).toBe(0);
});

test("v5-3.2.2-21: Server Keep Alive replaces a keepalive of 0, and is sent only where it differs", () => {
  const world = new World({ limits: { keepAliveMaxSeconds: 30 } });
  const keepAliveFor = (keepalive: number) =>
    world.open().connect({ clientId: "a", protocolVersion: 5, keepalive })?.properties
      ?.serverKeepAlive;
  expect(keepAliveFor(0)).toBe(30);
  expect(keepAliveFor(31)).toBe(30);
  expect(keepAliveFor(30)).toBeUndefined();
  expect(keepAliveFor(5)).toBeUndefined();
});

test("an endless session is cut to the broker's maximum, and CONNACK announces that", () => {
  const expiryFor = (sessionExpiryMax: number, sessionExpiryInterval: number) =>
    new World({ limits: { sessionExpiryMaxSeconds: sessionExpiryMax } })
      .open()
      .connect({ clientId: "a", protocolVersion: 5, properties: { sessionExpiryInterval } })
      ?.properties?.sessionExpiryInterval;
  expect(expiryFor(60, 0xffff_ffff)).toBe(60);
  expect(expiryFor(Infinity, 0xffff_ffff)).toBeUndefined();
  expect(expiryFor(60, 60)).toBeUndefined();
  expect(expiryFor(0, 60)).toBe(0);
});

test("v4 gets a CONNACK of four bytes", () => {
  const world = new World({
    limits: { keepAliveMaxSeconds: 30, sessionExpiryMaxSeconds: 1, qos: 1 },
  });
  const connack = world.open().connect({ clientId: "a", keepalive: 60 });
  expect(connack).toMatchObject({ returnCode: 0, sessionPresent: false, length: 2 });
});
