import { describe, expect, test } from "bun:test";
import { generate, type Packet } from "mqtt-packet";
import { auditAtEnd } from "../support/will-audit.ts";
import { endOf, mortal, watcherOf } from "../support/mortal.ts";
import { World } from "../support/world.ts";

function publishBytes(payload: string, version: 4 | 5, qos: 0 | 1 | 2 = 0): Uint8Array {
  const packet: Packet = {
    cmd: "publish",
    topic: "status",
    payload,
    qos,
    dup: false,
    retain: false,
    messageId: 1,
  };
  return generate(packet, { protocolVersion: version });
}

describe("the client's last messages arrive before its will", () => {
  for (const version of [4, 5] as const) {
    for (const qos of [0, 1, 2] as const) {
      for (const how of ["eof", "reset"] as const) {
        test(`B3: PUBLISH QoS ${qos} and ${how} in one chunk (v${version})`, () => {
          const world = new World();
          const watcher = watcherOf(world);
          const client = mortal(world, { version, will: { topic: "status", qos } });
          client.sendBytes(publishBytes("last", version, qos));
          client.drop(how);
          expect(watcher.messages()).toEqual(["status=last", "status=gone"]);
          auditAtEnd(world);
        });
      }
    }
  }
});

test("B3: many packets and a FIN in one chunk are all handled, in order", () => {
  const world = new World();
  const watcher = watcherOf(world);
  const client = mortal(world, { version: 4, will: { topic: "status" } });
  const payloads = Array.from({ length: 500 }, (_, index) => `${index}`);
  client.sendBytes(Buffer.concat(payloads.map((payload) => publishBytes(payload, 4))));
  client.drop("eof");
  expect(watcher.messages()).toEqual([...payloads, "gone"].map((payload) => `status=${payload}`));
  auditAtEnd(world);
});

test("B3: a PUBLISH cut off by the end is not delivered, and the will is", () => {
  const world = new World();
  const watcher = watcherOf(world);
  const client = mortal(world, { version: 4, will: { topic: "status" } });
  const bytes = publishBytes("last", 4);
  client.sendBytes(bytes.subarray(0, bytes.length - 1));
  client.drop("eof");
  expect(watcher.messages()).toEqual(["status=gone"]);
  auditAtEnd(world);
});

test("B3: CONNECT, PUBLISH and FIN in one chunk", () => {
  const world = new World();
  const watcher = watcherOf(world);
  const client = world.open();
  const connect: Packet = {
    cmd: "connect",
    clientId: "brief",
    protocolId: "MQTT",
    protocolVersion: 4,
    clean: true,
    keepalive: 0,
    will: { topic: "status", payload: "gone", qos: 0, retain: false },
  };
  client.sendBytes(Buffer.concat([generate(connect), publishBytes("hello", 4)]));
  client.drop("eof");
  expect(watcher.messages()).toEqual(["status=hello", "status=gone"]);
  expect(endOf(world, client).cause).toBe("closedByPeer");
  auditAtEnd(world);
});

test("B3: the last messages and the DISCONNECT 0x04 in one chunk", () => {
  const world = new World();
  const watcher = watcherOf(world);
  const client = mortal(world, { will: { topic: "status" } });
  client.sendBytes(Buffer.concat([publishBytes("last", 5), Uint8Array.of(0xe0, 0x01, 0x04)]));
  expect(watcher.messages()).toEqual(["status=last", "status=gone"]);
  auditAtEnd(world);
});

test("B3: the last messages before a violation are delivered", () => {
  const world = new World();
  const watcher = watcherOf(world);
  const client = mortal(world, { version: 4, will: { topic: "status" } });
  client.sendBytes(Buffer.concat([publishBytes("last", 4), Uint8Array.of(0xff, 0xff)]));
  expect(watcher.messages()).toEqual(["status=last", "status=gone"]);
  auditAtEnd(world);
});

test("B3: a slow subscriber gets the last messages before the will", () => {
  const world = new World({ limits: { inflight: 1 } });
  const watcher = watcherOf(world);
  const client = mortal(world, { will: { topic: "status", qos: 1 } });
  for (const payload of ["a", "b", "c"]) client.publish("status", payload, { qos: 1 });
  client.drop("reset");
  const got: string[] = [];
  for (let times = 0; times < 10; times++) {
    for (const { messageId, payload } of watcher.take("publish")) {
      got.push(payload.toString());
      watcher.send({ cmd: "puback", messageId: messageId ?? 0 });
    }
  }
  expect(got).toEqual(["a", "b", "c", "gone"]);
  auditAtEnd(world);
});
