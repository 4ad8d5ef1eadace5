import { expect, test } from "bun:test";
import type { TestClient } from "../support/client.ts";
import { World } from "../support/world.ts";

/** Resolves in the next turn. */
const nextTurn = () => new Promise<void>((resolve) => void setImmediate(resolve));

function flood(client: TestClient, pings: number): void {
  for (let time = 0; time < pings; time++) client.ping();
}

test("the broker stops reading a client that does not read its answers, until it does", async () => {
  const world = new World({ outputBytes: 1000 });
  const client = world.open();
  client.connect({ clientId: "a", keepalive: 10 });
  client.room = 0;
  flood(client, 1000);
  expect(client.paused).toBe(false);
  flood(client, 1);
  expect(client.paused).toBe(true);
  flood(client, 500);
  client.drain();
  expect(client.take("pingresp")).toHaveLength(1501);
  expect(client.paused).toBe(false);
});

test("acknowledgements count as well", () => {
  const world = new World({ outputBytes: 1000 });
  const client = world.open();
  client.connect({ clientId: "a" });
  client.room = 0;
  for (let messageId = 1; messageId < 600; messageId++) {
    client.publish("t", "x", { qos: 1, messageId });
  }
  expect(client.paused).toBe(true);
  expect(world.broker.statistics.publishReceived).toBe(501);
});

test("the keepalive pauses while the broker does not read the client; the stall limit does not", () => {
  const world = new World({ outputBytes: 1000 });
  const client = world.open();
  client.connect({ clientId: "a", keepalive: 10 });
  client.room = 0;
  flood(client, 1001);
  world.advance(29_999);
  expect(client.closedBy).toBeNull();
  world.advance(1);
  expect(client.closedBy).toBe("reset");
  expect(world.noted("ended")).toMatchObject([{ cause: "stalled" }]);
});

test("packets that a client sent before it closed count, although the broker was not reading", async () => {
  const world = new World({ outputBytes: 1000 });
  const watcher = world.open();
  watcher.connect({ clientId: "w" });
  watcher.subscribe("t");
  const client = world.open();
  client.connect({ clientId: "a" });
  client.room = 0;
  flood(client, 1001);
  client.publish("t", "last words");
  expect(watcher.messages()).toEqual([]);
  client.drop("eof");
  expect(watcher.messages()).toEqual(["t=last words"]);
  await nextTurn();
  world.check();
});

test("a client whose connection is ended gets the reason once it reads again", () => {
  const world = new World({ outputBytes: 1000 });
  const client = world.open();
  client.connect({ clientId: "a", protocolVersion: 5 });
  client.room = 0;
  client.ping();
  world.driver.order({ type: "kicked", clientId: "a" });
  expect(client.closedBy).toBeNull();
  client.drain();
  expect(client.received).toMatchObject([
    { cmd: "pingresp" },
    { cmd: "disconnect", reasonCode: 0x98 },
  ]);
  expect(client.closedBy).toBe("end");
});

test("the connection number of an ended client that still reads can belong to another client already", () => {
  const world = new World({ outputBytes: 1000 });
  const first = world.open();
  first.connect({ clientId: "a", protocolVersion: 5 });
  first.room = 0;
  first.ping();
  world.driver.order({ type: "kicked", clientId: "a" });
  const second = world.open();
  second.connect({ clientId: "b", protocolVersion: 5 });
  second.subscribe("t");
  first.drain();
  second.publish("t", "x");
  expect(second.messages()).toEqual(["t=x"]);
  expect(first.received.map(({ cmd }) => cmd)).toEqual(["pingresp", "disconnect"]);
  first.drop();
  expect(second.closedBy).toBeNull();
});
