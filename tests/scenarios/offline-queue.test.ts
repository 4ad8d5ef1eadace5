import { expect, test } from "bun:test";
import type { TestClient } from "../support/client.ts";
import { World, type WorldOptions } from "../support/world.ts";

/** An offline session `s` with a subscription to `t/#` at QoS 2, and a publisher. */
function scene(options: WorldOptions = {}): { world: World; source: TestClient } {
  const world = new World(options);
  const away = back(world);
  away.subscribe({ topic: "t/#", qos: 2 });
  away.drop();
  const source = world.open();
  source.connect({ clientId: "p", protocolVersion: 5 });
  return { world, source };
}

function back(world: World): TestClient {
  const client = world.open();
  client.connect({ clientId: "s", clean: false });
  return client;
}

test("messages of QoS 1 and 2 wait in order, those of QoS 0 do not wait", () => {
  const { world, source } = scene();
  for (let index = 0; index < 9; index++) {
    source.publish(`t/${index}`, String(index), {
      qos: index % 3 === 0 ? 0 : index % 3 === 1 ? 1 : 2,
    });
  }
  expect(world.broker.view().sessions).toMatchObject([
    { clientId: "s", queue: { messages: 6 } },
    {},
  ]);
  expect(back(world).messages()).toEqual(["t/1=1", "t/2=2", "t/4=4", "t/5=5", "t/7=7", "t/8=8"]);
});

test("a queue holds a limited number of messages: later ones are dropped, and that is logged once", () => {
  const { world, source } = scene({ limits: { queuedMessages: 3 } });
  for (let index = 0; index < 6; index++) source.publish("t", String(index), { qos: 1 });
  expect(world.noted("dropping")).toEqual([
    { event: "dropping", clientId: "s", why: "queue full", topic: "t" },
  ]);
  const client = back(world);
  expect(client.messages()).toEqual(["t=0", "t=1", "t=2"]);
  for (const messageId of [1, 2, 3]) client.send({ cmd: "puback", messageId });
  client.drop();
  for (let index = 6; index < 10; index++) source.publish("t", String(index), { qos: 1 });
  expect(world.noted("dropping")).toHaveLength(2);
  expect(back(world).messages()).toEqual(["t=6", "t=7", "t=8"]);
});

test("a queue holds a limited number of bytes", () => {
  const { world, source } = scene({ limits: { queuedBytes: 1000 } });
  for (const payload of ["a", "b", "c", "d"]) source.publish("t", payload.repeat(400), { qos: 1 });
  source.publish("t", "small", { qos: 1 });
  expect(
    back(world)
      .messages()
      .map((message) => message.slice(0, 3)),
  ).toEqual(["t=a", "t=b", "t=s"]);
  expect(world.noted("dropping")).toHaveLength(1);
});

test("where QoS 0 waits too, it is dropped first when the queue is full", () => {
  const { world, source } = scene({ limits: { queuedMessages: 3, queueQos0: true } });
  source.publish("t", "a0");
  source.publish("t", "b1", { qos: 1 });
  source.publish("t", "c0");
  source.publish("t", "d1", { qos: 1 });
  source.publish("t", "e0");
  expect(world.noted("dropping")).toMatchObject([{ clientId: "s", why: "queue full" }]);
  source.publish("t", "f2", { qos: 2 });
  source.publish("t", "g1", { qos: 1 });
  expect(back(world).messages()).toEqual(["t=b1", "t=d1", "t=f2"]);
});

test("a message larger than the whole queue displaces no other message", () => {
  const { world, source } = scene({ limits: { queuedBytes: 1000, queueQos0: true } });
  source.publish("t", "a0");
  source.publish("t", "x".repeat(2000), { qos: 1 });
  expect(back(world).messages()).toEqual(["t=a0"]);
});

test("v4-4.6.0-6, v5-4.6.0-6: queued QoS 0 is not overtaken by later QoS 0", () => {
  const { world, source } = scene({ limits: { queueQos0: true } });
  for (let index = 0; index < 500; index++) source.publish("t", String(index));
  const client = back(world);
  // The queue leaves in pieces, and this message arrives between two of them.
  source.publish("t", "late");
  world.advance(100);
  source.publish("t", "last");
  const order = client.messages();
  expect(order).toHaveLength(502);
  expect(order.slice(-2)).toEqual(["t=late", "t=last"]);
});

test("v4-4.6.0-6, v5-4.6.0-6: nor is QoS 1", () => {
  const { world, source } = scene();
  for (let index = 0; index < 150; index++)
    source.publish("t", String(index), { qos: 1, messageId: 1 });
  const client = back(world);
  source.publish("t", "late", { qos: 1 });
  const order: string[] = [];
  while (client.received.length > 0) {
    for (const { payload, messageId = 0 } of client.take("publish")) {
      order.push(payload.toString());
      client.send({ cmd: "puback", messageId });
    }
    world.advance(1);
  }
  expect(order).toEqual([...Array.from({ length: 150 }, (_, index) => String(index)), "late"]);
});

test("PUBLISH is acknowledged although all its subscribers are offline", () => {
  const { source } = scene();
  source.publish("t", "x", { qos: 1 });
  expect(source.take("puback").map(({ reasonCode }) => reasonCode ?? 0)).toEqual([0]);
});

test("a long queue leaves in pieces", () => {
  const { world, source } = scene({ limits: { queueQos0: true, queuedMessages: 2000 } });
  for (let index = 0; index < 2000; index++) source.publish("t", String(index));
  const client = back(world);
  expect(client.received.length).toBeLessThanOrEqual(250);
  world.advance(100);
  expect(client.messages()).toHaveLength(2000);
});

test("UNSUBSCRIBE does not remove queued messages", () => {
  // v5-3.10.4-3 lets the server finish deliveries that it has started; queued messages are still
  // delivered.
  const world = new World();
  const client = world.open();
  client.connect({ clientId: "s", protocolVersion: 5, properties: { receiveMaximum: 1 } });
  client.subscribe({ topic: "t", qos: 1 });
  for (const payload of ["a", "b"]) client.publish("t", payload, { qos: 1 });
  client.unsubscribe("t");
  client.publish("t", "c", { qos: 1 });
  client.send({ cmd: "puback", messageId: 1 });
  expect(client.messages()).toEqual(["t=a", "t=b"]);
});

test("a will that displaces QoS 0 messages counts as queued, and as dropped for nobody", () => {
  const { world, source } = scene({ limits: { queueQos0: true, queuedMessages: 2 } });
  source.publish("t/0", "first");
  source.publish("t/0", "second");
  const mortal = world.open();
  mortal.connect({
    clientId: "m",
    will: { topic: "t/will", payload: Buffer.from("gone"), qos: 1, retain: false },
  });
  mortal.drop();
  expect(world.noted("ended").at(-1)?.will).toMatchObject({
    fate: "published",
    reach: { delivered: 0, queued: 1, dropped: 0 },
  });
  expect(back(world).messages()).toEqual(["t/0=second", "t/will=gone"]);
});
