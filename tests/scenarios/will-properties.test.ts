import { expect, test } from "bun:test";
import {
  connectBytes,
  connectFlag,
  counted,
  userProperty,
  willQosFlag,
} from "../support/connect-bytes.ts";
import type { TestClient } from "../support/client.ts";
import { auditAtEnd } from "../support/will-audit.ts";
import { mortal, watcherOf } from "../support/mortal.ts";
import { World } from "../support/world.ts";

/** Collects the bytes that the broker writes to this client. */
function tap(client: TestClient): number[] {
  const written: number[] = [];
  const write = client.write.bind(client);
  client.write = (bytes, start, end) => {
    const taken = write(bytes, start, end);
    written.push(...bytes.subarray(start, start + Math.max(0, taken)));
    return taken;
  };
  return written;
}

test("F: all properties of a will reach a v5 subscriber unchanged", () => {
  const world = new World();
  const watcher = watcherOf(world);
  const properties = {
    payloadFormatIndicator: true,
    messageExpiryInterval: 600,
    contentType: "text/plain; charset=utf-8",
    responseTopic: "answers/here",
    correlationData: Buffer.from([0, 1, 2, 255]),
    userProperties: { reason: "power", site: "münchen" },
  };
  mortal(world, { will: { payload: "weg", qos: 1, properties } }).drop("reset");
  const [got] = watcher.take("publish");
  expect(got).toMatchObject({ topic: "wills/mortal", qos: 1 });
  expect(got?.properties).toEqual(properties);
  auditAtEnd(world);
});

test("F: the order of user properties is kept, whatever the order of the others", () => {
  const world = new World();
  const watcher = watcherOf(world);
  const written = tap(watcher);
  const kept = [
    ...userProperty("b", "1"),
    ...userProperty("a", "2"),
    ...[0x03, ...counted("text/plain")],
    ...userProperty("b", "3"),
    ...userProperty("a", ""),
    ...[0x08, ...counted("answers")],
    ...userProperty("b", "1"),
  ];
  const client = world.open();
  client.sendBytes(
    connectBytes({
      version: 5,
      flags: connectFlag.clean | connectFlag.will | willQosFlag(0),
      // The Will Delay Interval is for the broker; here it stands between the others.
      willProperties: [...kept.slice(0, 7), 0x18, 0, 0, 0, 0, ...kept.slice(7)],
      willTopic: "t",
      willPayload: "gone",
    }),
  );
  client.drop("reset");
  expect(watcher.take("publish")).toHaveLength(1);
  const body = [...counted("t"), kept.length, ...kept, ...Buffer.from("gone")];
  expect(written).toEqual([0x30, body.length, ...body]);
  auditAtEnd(world);
});

test("F: the Will Delay Interval is the broker's own and is not forwarded", () => {
  const world = new World();
  const watcher = watcherOf(world);
  mortal(world, { delay: 5, expiry: 60 }).drop("reset");
  world.advance(5000);
  expect(watcher.take("publish").map(({ properties }) => properties ?? {})).toEqual([{}]);
  auditAtEnd(world);
});

test("F: a v4 subscriber gets the message without its properties", () => {
  const world = new World();
  const watcher = world.open();
  watcher.connect({ clientId: "watcher" });
  watcher.subscribe("wills/#");
  const properties = { contentType: "x", messageExpiryInterval: 60 };
  mortal(world, { will: { properties } }).drop("reset");
  expect(watcher.messages()).toEqual(["wills/mortal=gone"]);
  auditAtEnd(world);
});

test("F: the properties of a retained will are kept with it", () => {
  const world = new World();
  const properties = { contentType: "text/plain", userProperties: { why: "dead" } };
  mortal(world, { will: { retain: true, properties } }).drop("reset");
  world.advance(60_000);
  const late = world.open();
  late.connect({ clientId: "late", protocolVersion: 5 });
  late.subscribe("wills/#");
  expect(late.take("publish").map(({ properties: got }) => got)).toEqual([properties]);
  auditAtEnd(world);
});

test("F: payload bytes are kept as they are", () => {
  const world = new World();
  const watcher = watcherOf(world);
  const payload = Buffer.from(Array.from({ length: 5000 }, (_, index) => (index * 7) & 0xff));
  const client = mortal(world, { version: 4, will: { payload, qos: 2, retain: true } });
  // Bytes that the client sends later do not overwrite it.
  client.publish("noise", Buffer.alloc(6000, 0xaa));
  watcher.received.length = 0;
  client.drop("reset");
  const [got] = watcher.take("publish");
  expect(Buffer.from(got?.payload ?? "").equals(payload)).toBe(true);
  auditAtEnd(world);
});
