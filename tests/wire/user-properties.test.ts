import { expect, test } from "bun:test";
import { connect, properties, publish, read, readFirst, text } from "./frames.ts";

/** In an order and with repetitions that a map of names to values would lose. */
const first = [0x26, ...text("b"), ...text("1")];
const again = [0x26, ...text("a"), ...text("2")];
const third = [0x26, ...text("b"), ...text("3")];
const contentType = [0x03, ...text("text/plain")];
const expiry = [0x02, 0, 0, 0, 60];
const alias = [0x23, 0, 5];
const delay = [0x18, 0, 0, 0, 30];

test("a PUBLISH's keep their order; alias and expiry are removed (v5-3.3.2-17, v5-3.3.2-18)", () => {
  const parts = [expiry, first, again, alias, contentType, third];
  expect(read(5, publish(5, { properties: parts }))).toMatchObject({
    properties: Uint8Array.from([first, again, contentType, third].flat()),
    expirySeconds: 60,
    topicAlias: 5,
  });
});

test("a PUBLISH's with nothing to remove are not copied", () => {
  const packet = read(5, publish(5, { properties: [first, third, again] }));
  if (packet.type !== "publish") throw new Error(packet.type);
  expect(packet.properties).toEqual(Uint8Array.from([first, third, again].flat()));
  expect(packet.properties?.buffer).toBe(packet.payload.buffer);
});

test("a PUBLISH with nothing but alias and expiry has none left", () => {
  const packet = read(5, publish(5, { topic: "", properties: [alias, expiry] }));
  expect(packet).toMatchObject({ topic: "", properties: null, topicAlias: 5, expirySeconds: 60 });
});

test("a PUBLISH's may be removed at either end", () => {
  expect(read(5, publish(5, { properties: [first, alias] }))).toMatchObject({
    properties: Uint8Array.from(first),
  });
  expect(read(5, publish(5, { properties: [alias, first] }))).toMatchObject({
    properties: Uint8Array.from(first),
  });
});

test("a will's keep their order; delay and expiry are removed (v5-3.1.3-10)", () => {
  const will = properties(5, third, delay, first, expiry, contentType, again);
  const rest = [will, text("status"), text("gone")];
  const packet = readFirst(connect(5, { flags: 0x06, rest }));
  if (packet.type !== "connect") throw new Error(packet.type);
  expect(packet.will).toEqual({
    topic: "status",
    payload: new TextEncoder().encode("gone"),
    qos: 0,
    retain: false,
    delayIntervalSeconds: 30,
    expirySeconds: 60,
    properties: Uint8Array.from([third, first, contentType, again].flat()),
  });
});
