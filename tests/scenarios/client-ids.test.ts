import { expect, test } from "bun:test";
import { World } from "../support/world.ts";
import { connect } from "../wire/frames.ts";

test("v5-3.1.3-6, v5-3.1.3-7: the broker replaces an empty client id by one of its own, and announces it", () => {
  const world = new World();
  const first = world.open().connect({ clientId: "", protocolVersion: 5 });
  const second = world.open().connect({ clientId: "", protocolVersion: 5 });
  const ids = [first, second].map((connack) => connack?.properties?.assignedClientIdentifier);
  expect(ids[0]).toStartWith("auto-");
  expect(ids[1]).toStartWith("auto-");
  expect(ids[0]).not.toBe(ids[1]);
  expect(world.broker.view().sessions.map(({ clientId }): unknown => clientId)).toEqual(ids);
});

test("v5-3.1.3-7: an empty client id with Clean Start 0 is accepted too", () => {
  const world = new World();
  const client = world.open();
  client.sendBytes(Uint8Array.from(connect(5, { clientId: "", flags: 0 })));
  expect(client.closedBy).toBeNull();
  expect(world.broker.view().sessions).toMatchObject([
    { clientId: expect.stringMatching(/^auto-/), connected: true },
  ]);
});

test("a client can resume a session under its assigned client id", () => {
  const world = new World();
  const client = world.open();
  const properties = { sessionExpiryInterval: 60 };
  const assigned =
    client.connect({ clientId: "", protocolVersion: 5, properties })?.properties
      ?.assignedClientIdentifier ?? "";
  client.drop();
  const back = world
    .open()
    .connect({ clientId: assigned, protocolVersion: 5, clean: false, properties });
  expect(back?.sessionPresent).toBe(true);
  expect(back?.properties?.assignedClientIdentifier).toBeUndefined();
});

test("v4-3.1.3-6: an empty client id with Clean Session 1 is accepted", () => {
  const world = new World();
  const first = world.open();
  const second = world.open();
  expect(first.connect({ clientId: "" })?.returnCode).toBe(0);
  expect(second.connect({ clientId: "" })?.returnCode).toBe(0);
  expect(first.closedBy).toBeNull();
  expect(world.broker.view().sessions).toHaveLength(2);
});

test("v4-3.1.3-8, v4-3.1.3-9: an empty client id with Clean Session 0 is answered with 0x02", () => {
  const world = new World();
  const client = world.open();
  client.sendBytes(Uint8Array.from(connect(4, { clientId: "", flags: 0 })));
  expect(client.take("connack")).toMatchObject([{ returnCode: 2 }]);
  expect(client.closedBy).toBe("end");
  expect(world.broker.view().sessions).toEqual([]);
});

test("v4-3.1.3-5: client ids of 1 to 23 characters are accepted, and longer ones too", () => {
  const world = new World();
  for (const clientId of [
    "0",
    "abcdefghijklmnopqrstuvwxyz0123456789",
    "ключ/+#$ 🔑",
    "x".repeat(60_000),
  ]) {
    expect(world.open().connect({ clientId })?.returnCode).toBe(0);
  }
  expect(world.broker.view().sessions).toHaveLength(4);
});

test("ids that differ in case or in form of Unicode are different clients", () => {
  const world = new World();
  const clients = ["a", "A", "é", "e\u0301"].map((clientId) => {
    const client = world.open();
    client.connect({ clientId });
    return client;
  });
  expect(clients.map(({ closedBy }) => closedBy)).toEqual([null, null, null, null]);
});
