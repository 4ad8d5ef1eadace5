import { expect, test } from "bun:test";
import { World } from "../support/world.ts";

test("v4-3.1.4-2: a second client with the same id ends the first one's connection, without a packet", () => {
  const world = new World();
  const first = world.open();
  const second = world.open();
  first.connect({ clientId: "a" });
  second.connect({ clientId: "a" });
  expect(first.closedBy).toBe("end");
  expect(first.received).toEqual([]);
  expect(second.closedBy).toBeNull();
  expect(world.noted("ended")).toMatchObject([{ cause: "takenOver", peer: { clientId: "a" } }]);
});

test("v5-3.1.4-3: the first one gets 0x8E", () => {
  const world = new World();
  const first = world.open();
  const second = world.open();
  first.connect({ clientId: "a", protocolVersion: 5 });
  second.connect({ clientId: "a" });
  expect(first.take("disconnect")).toMatchObject([{ reasonCode: 0x8e }]);
  expect(first.closedBy).toBe("end");
});

test("the new connection gets the old one's subscriptions, and the old one gets nothing more", () => {
  const world = new World();
  const first = world.open();
  first.connect({ clientId: "a", clean: false });
  first.subscribe("t");
  const source = world.open();
  source.connect({ clientId: "p" });
  source.publish("t", "1");
  const second = world.open();
  expect(second.connect({ clientId: "a", clean: false })?.sessionPresent).toBe(true);
  source.publish("t", "2");
  expect(first.messages()).toEqual(["t=1"]);
  expect(second.messages()).toEqual(["t=2"]);
});

test("a session that ends with its connection is not resumed", () => {
  const world = new World();
  const first = world.open();
  first.connect({ clientId: "a", clean: true });
  first.subscribe("t");
  const second = world.open();
  expect(second.connect({ clientId: "a", clean: false })?.sessionPresent).toBe(false);
  second.publish("t", "x");
  expect(second.messages()).toEqual([]);
});

test("v5: an interval of 0 in force ends the session at the takeover, although Clean Start is 0", () => {
  const world = new World();
  const properties = { sessionExpiryInterval: 60 };
  const first = world.open();
  first.connect({ clientId: "a", protocolVersion: 5 });
  const second = world.open();
  const connack = second.connect({ clientId: "a", protocolVersion: 5, clean: false, properties });
  expect(connack?.sessionPresent).toBe(false);
  const third = world.open();
  expect(
    third.connect({ clientId: "a", protocolVersion: 5, clean: false, properties })?.sessionPresent,
  ).toBe(true);
});

test("a refused CONNECT takes nothing over", () => {
  const world = new World({
    authenticate: ({ username }, answer) =>
      answer(
        username === "me"
          ? null
          : { reason: 0x86, statement: "v5-3.1.4-2", detail: "wrong password" },
      ),
  });
  const first = world.open();
  first.connect({ clientId: "a", username: "me" });
  const second = world.open();
  expect(second.connect({ clientId: "a", username: "you" })?.returnCode).toBe(4);
  expect(first.closedBy).toBeNull();
});

test("consecutive takeovers leave one connection and one session", () => {
  const world = new World();
  const clients = Array.from({ length: 50 }, () => {
    const client = world.open();
    client.connect({ clientId: "a", clean: false });
    client.subscribe("t");
    return client;
  });
  const last = clients.pop();
  expect(clients.every(({ closedBy }) => closedBy === "end")).toBe(true);
  last?.publish("t", "x");
  expect(last?.messages()).toEqual(["t=x"]);
  expect(world.broker.view()).toMatchObject({ subscriptions: 1, sessions: [{ connected: true }] });
});
