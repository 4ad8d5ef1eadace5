import { expect, test } from "bun:test";
import { World } from "../support/world.ts";

test("a v5 client that the operator disconnects gets 0x98, and its will is published", () => {
  const world = new World();
  const watcher = world.open();
  watcher.connect({ clientId: "w" });
  watcher.subscribe("wills");
  const client = world.open();
  client.connect({
    clientId: "a",
    protocolVersion: 5,
    will: { topic: "wills", payload: Buffer.from("gone"), qos: 0, retain: false },
  });
  world.driver.order({ type: "kicked", clientId: "a" });
  expect(client.take("disconnect")).toMatchObject([{ reasonCode: 0x98 }]);
  expect(client.closedBy).toBe("end");
  expect(watcher.messages()).toEqual(["wills=gone"]);
  expect(world.noted("ended")).toMatchObject([{ cause: "kicked" }]);
});

test("a v4 client is closed without a packet, and its session stays", () => {
  const world = new World();
  const client = world.open();
  client.connect({ clientId: "a", clean: false });
  world.driver.order({ type: "kicked", clientId: "a" });
  expect(client.received).toEqual([]);
  expect(client.closedBy).toBe("end");
  expect(world.open().connect({ clientId: "a", clean: false })?.sessionPresent).toBe(true);
});

test("an unknown or offline id disconnects nobody", () => {
  const world = new World();
  const client = world.open();
  client.connect({ clientId: "a", clean: false });
  world.driver.order({ type: "kicked", clientId: "b" });
  expect(client.closedBy).toBeNull();
  client.drop();
  world.driver.order({ type: "kicked", clientId: "a" });
  expect(world.noted("ended")).toHaveLength(1);
});
