import { expect, test } from "bun:test";
import type { TestClient } from "../support/client.ts";
import { World } from "../support/world.ts";

const versions = [4, 5] as const;

function resume(world: World, protocolVersion: 4 | 5, properties = {}): TestClient {
  const client = world.open();
  client.connect({
    clientId: "s",
    clean: false,
    protocolVersion,
    properties: { sessionExpiryInterval: 1000, ...properties },
  });
  return client;
}

function publisher(world: World): TestClient {
  const client = world.open();
  client.connect({ clientId: "p" });
  return client;
}

/** `payload` of each PUBLISH, with DUP as an exclamation mark. */
function sent(client: TestClient): string[] {
  return client.take("publish").map(({ payload, dup }) => `${payload.toString()}${dup ? "!" : ""}`);
}

test.each(versions)(
  "v%d-4.4.0-1: unacknowledged messages are resent with DUP and their ids, in order",
  (version) => {
    const world = new World();
    const first = resume(world, version);
    first.subscribe({ topic: "t/#", qos: 2 });
    const source = publisher(world);
    source.publish("t", "a", { qos: 1 });
    source.publish("t", "b", { qos: 2 });
    source.publish("t", "c", { qos: 1 });
    source.publish("t", "d", { qos: 2 });
    const ids = first.take("publish").map(({ messageId }) => messageId);
    first.drop();
    source.publish("t", "e", { qos: 1 });
    const second = resume(world, version);
    const again = second.take("publish");
    expect(again.map(({ payload, dup, qos }) => [payload.toString(), dup, qos])).toEqual([
      ["a", true, 1],
      ["b", true, 2],
      ["c", true, 1],
      ["d", true, 2],
      ["e", false, 1],
    ]);
    expect(again.slice(0, 4).map(({ messageId }) => messageId)).toEqual(ids);
  },
);

test.each(versions)("v%d-4.4.0-1: after PUBREC, PUBREL is resent", (version) => {
  const world = new World();
  const first = resume(world, version);
  first.subscribe({ topic: "t", qos: 2 });
  const source = publisher(world);
  source.publish("t", "a", { qos: 2 });
  source.publish("t", "b", { qos: 2 });
  first.send({ cmd: "pubrec", messageId: 1 });
  first.drop();
  for (let time = 0; time < 2; time++) {
    const client = resume(world, version);
    expect(client.take("pubrel")).toMatchObject([{ messageId: 1 }]);
    expect(sent(client)).toEqual(["b!"]);
    client.drop();
  }
  const last = resume(world, version);
  last.send({ cmd: "pubcomp", messageId: 1 });
  last.send({ cmd: "pubrec", messageId: 2 });
  last.send({ cmd: "pubcomp", messageId: 2 });
  last.drop();
  expect(resume(world, version).received).toEqual([]);
});

test("an acknowledged message is not resent", () => {
  const world = new World();
  const first = resume(world, 4);
  first.subscribe({ topic: "t", qos: 1 });
  const source = publisher(world);
  for (const payload of ["a", "b", "c"]) source.publish("t", payload, { qos: 1 });
  first.send({ cmd: "puback", messageId: 2 });
  first.drop();
  expect(sent(resume(world, 4))).toEqual(["a!", "c!"]);
});

test("nothing is resent while the connection is open, however long the client is silent", () => {
  const world = new World();
  const client = resume(world, 4);
  client.subscribe({ topic: "t", qos: 1 });
  publisher(world).publish("t", "a", { qos: 1 });
  expect(sent(client)).toEqual(["a"]);
  world.advance(24 * 3_600_000);
  expect(client.received).toEqual([]);
});

test("a takeover that resumes the session resends as well", () => {
  const world = new World();
  const first = resume(world, 5);
  first.subscribe({ topic: "t", qos: 1 });
  publisher(world).publish("t", "a", { qos: 1 });
  expect(sent(first)).toEqual(["a"]);
  expect(sent(resume(world, 5))).toEqual(["a!"]);
});

test("a session continues when its client changes the protocol version", () => {
  const world = new World();
  const first = resume(world, 4);
  first.subscribe({ topic: "t", qos: 1 });
  const source = world.open();
  source.connect({ clientId: "p", protocolVersion: 5 });
  const properties = { contentType: "text/plain", messageExpiryInterval: 100 };
  source.publish("t", "a", { qos: 1, properties });
  first.drop();
  world.advance(10_000);
  const second = resume(world, 5);
  expect(second.take("publish")).toMatchObject([
    {
      dup: true,
      messageId: 1,
      properties: { contentType: "text/plain", messageExpiryInterval: 90 },
    },
  ]);
  second.drop();
  expect(sent(resume(world, 4))).toEqual(["a!"]);
});

test("v5-3.3.4-9: a smaller Receive Maximum holds for resends, too", () => {
  const world = new World();
  const first = resume(world, 5);
  first.subscribe({ topic: "t", qos: 2 });
  const source = publisher(world);
  const payloads = Array.from({ length: 10 }, (_, index) => String(index));
  for (const payload of payloads) {
    source.publish("t", payload, { qos: Number(payload) % 2 === 0 ? 1 : 2 });
  }
  first.drop();
  const second = resume(world, 5, { receiveMaximum: 3 });
  source.publish("t", "new", { qos: 1 });
  const got: string[] = [];
  for (;;) {
    const arrived = second.take("publish");
    if (arrived.length === 0) break;
    expect(arrived.length).toBeLessThanOrEqual(3);
    for (const { payload, dup, qos, messageId = 0 } of arrived) {
      got.push(`${payload.toString()}${dup ? "!" : ""}`);
      if (qos === 1) second.send({ cmd: "puback", messageId });
      else {
        second.send({ cmd: "pubrec", messageId });
        second.send({ cmd: "pubcomp", messageId });
      }
    }
  }
  expect(got).toEqual([...payloads.map((payload) => `${payload}!`), "new"]);
  expect(world.broker.view().sessions).toMatchObject([{ inflight: 0, queue: { messages: 0 } }, {}]);
});

test("a message that is acknowledged before its resend is not resent", () => {
  const world = new World();
  const first = resume(world, 5);
  first.subscribe({ topic: "t", qos: 1 });
  const source = publisher(world);
  for (const payload of ["a", "b", "c", "d"]) source.publish("t", payload, { qos: 1 });
  first.drop();
  const second = resume(world, 5, { receiveMaximum: 1 });
  second.send({ cmd: "puback", messageId: 3 });
  second.send({ cmd: "puback", messageId: 2 });
  expect(sent(second)).toEqual(["a!"]);
  second.send({ cmd: "puback", messageId: 1 });
  expect(sent(second)).toEqual(["d!"]);
  second.send({ cmd: "puback", messageId: 4 });
  source.publish("t", "e", { qos: 1 });
  expect(sent(second)).toEqual(["e"]);
});

test("v5-3.1.2-24, v5-3.1.2-25: a message too large for the new connection counts as acknowledged", () => {
  const world = new World();
  const first = resume(world, 5);
  first.subscribe({ topic: "t", qos: 2 });
  const source = publisher(world);
  for (const payload of ["a", "b".repeat(200), "c"]) source.publish("t", payload, { qos: 1 });
  first.drop();
  const second = resume(world, 5, { maximumPacketSize: 100 });
  expect(sent(second)).toEqual(["a!", "c!"]);
  expect(world.noted("dropping")).toMatchObject([{ clientId: "s", why: "packet too large" }]);
  expect(world.broker.view().sessions).toMatchObject([{ inflight: 2 }, {}]);
});

test("a message whose expiry passed after it was first sent is still resent", () => {
  // v5-3.3.2-5 deletes only copies whose delivery has not started.
  const world = new World();
  const first = resume(world, 5);
  first.subscribe({ topic: "t", qos: 1 });
  const source = world.open();
  source.connect({ clientId: "p", protocolVersion: 5 });
  source.publish("t", "a", { qos: 1, properties: { messageExpiryInterval: 5 } });
  first.drop();
  world.advance(10_000);
  expect(resume(world, 5).take("publish")).toMatchObject([
    { dup: true, properties: { messageExpiryInterval: 0 } },
  ]);
});

test("what is in flight is kept only for a session that may be resumed, or share it", () => {
  const world = new World();
  const properties = { sessionExpiryInterval: 10 };
  const connects = {
    clean: { clean: true },
    persistent: { clean: false },
    v5: { protocolVersion: 5, clean: true },
    "v5 that expires": { protocolVersion: 5, clean: true, properties },
    member: { clean: true },
  } as const;
  for (const [clientId, connect] of Object.entries(connects)) {
    const client = world.open();
    client.connect({ clientId, ...connect });
    client.subscribe({ topic: clientId === "member" ? "$share/g/t" : "t", qos: 1 });
  }
  publisher(world).publish("t", "x", { qos: 1 });
  const kept = [...world.broker.sessions.values()].flatMap(({ clientId, outgoing }) =>
    outgoing.inOrder().map(({ message }): [string, boolean] => [clientId, message !== null]),
  );
  expect(Object.fromEntries(kept)).toEqual({
    ...{ clean: false, persistent: true },
    ...{ v5: false, "v5 that expires": true },
    member: true,
  });
});

test("a quirk by which DISCONNECT raises the expiry of 0 finds what was in flight", () => {
  const world = new World({ rules: { expiryMayBeRaised: true } });
  const client = world.open();
  client.connect({ clientId: "s", protocolVersion: 5, clean: true });
  client.subscribe({ topic: "t", qos: 1 });
  publisher(world).publish("t", "x", { qos: 1 });
  client.send({ cmd: "disconnect", properties: { sessionExpiryInterval: 100 } });
  expect(sent(resume(world, 5))).toEqual(["x!"]);
});
