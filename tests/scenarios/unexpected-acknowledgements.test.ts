import { expect, test } from "bun:test";
import type { TestClient } from "../support/client.ts";
import { World } from "../support/world.ts";

/** A subscriber with one message of that QoS in flight, packet id 1. */
function subscriberWith(world: World, qos: 1 | 2, protocolVersion: 4 | 5 = 5): TestClient {
  const client = world.open();
  client.connect({ clientId: "a", protocolVersion });
  client.subscribe({ topic: "t", qos });
  const id = client.publish("t", "x", { qos });
  if (qos === 2) client.send({ cmd: "pubrel", messageId: id });
  expect(client.take("publish")).toMatchObject([{ messageId: 1, qos }]);
  client.received.length = 0;
  return client;
}

test("PUBACK and PUBCOMP with an unknown id are ignored", () => {
  for (const protocolVersion of [4, 5] as const) {
    const client = new World().open();
    client.connect({ clientId: "a", protocolVersion });
    client.send({ cmd: "puback", messageId: 77 });
    client.send({ cmd: "pubcomp", messageId: 77 });
    expect(client.received).toEqual([]);
    expect(client.closedBy).toBeNull();
  }
});

test("PUBREC with an unknown id is answered with PUBREL, in v5 with 0x92", () => {
  for (const [protocolVersion, reason] of [
    [4, 0],
    [5, 0x92],
  ] as const) {
    const client = new World().open();
    client.connect({ clientId: "a", protocolVersion });
    client.send({ cmd: "pubrec", messageId: 77 });
    const [pubrel] = client.take("pubrel");
    expect(pubrel?.messageId).toBe(77);
    expect(pubrel?.reasonCode ?? 0).toBe(reason);
  }
});

test("v5-4.3.3-4: PUBREC with an error and an unknown id is not answered", () => {
  const client = new World().open();
  client.connect({ clientId: "a", protocolVersion: 5 });
  for (const reasonCode of [0x80, 0x97]) client.send({ cmd: "pubrec", messageId: 77, reasonCode });
  expect(client.received).toEqual([]);
  expect(client.closedBy).toBeNull();
});

test("PUBREL with an unknown id is answered with PUBCOMP, in v5 with 0x92", () => {
  for (const [protocolVersion, reason] of [
    [4, 0],
    [5, 0x92],
  ] as const) {
    const client = new World().open();
    client.connect({ clientId: "a", protocolVersion });
    client.send({ cmd: "pubrel", messageId: 77 });
    const [pubcomp] = client.take("pubcomp");
    expect(pubcomp?.messageId).toBe(77);
    expect(pubcomp?.reasonCode ?? 0).toBe(reason);
  }
});

test("v5-4.3.3-4: PUBREC with an error ends the exchange without PUBREL, and frees the id", () => {
  const world = new World();
  const client = subscriberWith(world, 2);
  client.send({ cmd: "pubrec", messageId: 1, reasonCode: 0x97 });
  expect(client.received).toEqual([]);
  expect(world.broker.view().sessions).toMatchObject([{ inflight: 0 }]);
});

test("PUBACK with an error ends the exchange: the message is not resent", () => {
  const world = new World();
  const client = world.open();
  const session = { clientId: "a", protocolVersion: 5, clean: false } as const;
  const properties = { sessionExpiryInterval: 60 };
  client.connect({ ...session, properties });
  client.subscribe({ topic: "t", qos: 1 });
  client.publish("t", "x", { qos: 1 });
  client.send({ cmd: "puback", messageId: 1, reasonCode: 0x80 });
  client.drop();
  const back = world.open();
  back.connect({ ...session, properties });
  expect(back.messages()).toEqual([]);
});

test("a repeated PUBREC is answered with PUBREL again", () => {
  const client = subscriberWith(new World(), 2);
  client.send({ cmd: "pubrec", messageId: 1 });
  client.send({ cmd: "pubrec", messageId: 1 });
  expect(client.take("pubrel")).toMatchObject([{ messageId: 1 }, { messageId: 1 }]);
});

test("an acknowledgement of the wrong kind is a protocol error", () => {
  const wrong = [
    [1, "pubrec"],
    [1, "pubcomp"],
    [2, "puback"],
    [2, "pubcomp"],
  ] as const;
  for (const [qos, cmd] of wrong) {
    const world = new World();
    const client = subscriberWith(world, qos);
    client.send({ cmd, messageId: 1 });
    expect(client.take("disconnect")).toMatchObject([{ reasonCode: 0x82 }]);
    expect(client.closedBy).toBe("end");
  }
});
