import { expect, test } from "bun:test";
import type { TestClient } from "../support/client.ts";
import { World } from "../support/world.ts";

function connect(
  world: World,
  clientId: string,
  clean: boolean,
): { client: TestClient; present: boolean | undefined } {
  const client = world.open();
  const connack = client.connect({ clientId, clean });
  return { client, present: connack?.sessionPresent };
}

test("v4-3.2.2-1 to 3: Session Present tells whether a session is resumed", () => {
  const world = new World();
  expect(connect(world, "a", false).present).toBe(false);
  expect(connect(world, "a", false).present).toBe(true);
  expect(connect(world, "a", true).present).toBe(false);
  expect(connect(world, "a", false).present).toBe(false);
});

test("v4-3.1.2-4: Clean Session 0 keeps subscriptions and messages of QoS 1 and 2", () => {
  const world = new World();
  const { client } = connect(world, "a", false);
  client.subscribe({ topic: "t", qos: 2 });
  client.send({ cmd: "disconnect" });
  const source = connect(world, "p", true).client;
  for (const qos of [0, 1, 2] as const) source.publish("t", `q${qos}`, { qos });
  const back = connect(world, "a", false).client;
  expect(back.messages()).toEqual(["t=q1", "t=q2"]);
  source.publish("t", "live");
  expect(back.messages()).toEqual(["t=live"]);
});

test("v4-3.1.2-6: Clean Session 1 discards the earlier session, and leaves none behind", () => {
  const world = new World();
  const { client } = connect(world, "a", false);
  client.subscribe({ topic: "t", qos: 1 });
  client.drop();
  const clean = connect(world, "a", true).client;
  connect(world, "p", true).client.publish("t", "x", { qos: 1 });
  expect(clean.messages()).toEqual([]);
  clean.subscribe({ topic: "t", qos: 1 });
  clean.drop();
  expect(world.broker.view().sessions.map(({ clientId }) => clientId)).toEqual(["p"]);
  expect(world.broker.view().subscriptions).toBe(0);
  expect(world.noted("sessionEnded")).toMatchObject([{ clientId: "a", why: "replaced" }]);
});

test("a v4 session is kept for the configured time, and no longer", () => {
  const world = new World({ limits: { sessionExpiryMaxSeconds: 3600 } });
  connect(world, "a", false).client.drop();
  world.advance(3_599_999);
  expect(world.broker.view().sessions).toHaveLength(1);
  world.advance(1);
  expect(world.broker.view().sessions).toHaveLength(0);
  expect(world.noted("sessionEnded")).toMatchObject([{ clientId: "a", why: "expired" }]);
});

test("without a limit a v4 session never expires", () => {
  const world = new World();
  connect(world, "a", false).client.drop();
  world.advance(10 * 365 * 86_400_000);
  expect(connect(world, "a", false).present).toBe(true);
});

test("v5-3.1.2-5: Clean Start 0 without a session creates one", () => {
  const client = new World().open();
  const connack = client.connect({ clientId: "a", protocolVersion: 5, clean: false });
  expect(connack).toMatchObject({ reasonCode: 0, sessionPresent: false });
});

test("v5-3.1.2-4: Clean Start 1 creates a new session, which may last", () => {
  const world = new World();
  const properties = { sessionExpiryInterval: 100 };
  const first = world.open();
  first.connect({ clientId: "a", protocolVersion: 5, properties });
  first.subscribe({ topic: "t", qos: 1 });
  first.drop();
  const second = world.open();
  const connack = second.connect({ clientId: "a", protocolVersion: 5, properties });
  expect(connack?.sessionPresent).toBe(false);
  expect(world.broker.view().subscriptions).toBe(0);
  second.drop();
  const third = world.open();
  expect(third.connect({ clientId: "a", protocolVersion: 5, clean: false })?.sessionPresent).toBe(
    true,
  );
});

test("the options and identifiers of subscriptions last with the session", () => {
  const world = new World();
  const connectAgain = () => {
    const client = world.open();
    client.connect({
      clientId: "a",
      protocolVersion: 5,
      clean: false,
      properties: { sessionExpiryInterval: 100 },
    });
    return client;
  };
  const first = connectAgain();
  first.subscribeWith({ subscriptionIdentifier: 3 }, { topic: "t", qos: 1, nl: true, rap: true });
  first.drop();
  const source = world.open();
  source.connect({ clientId: "p", protocolVersion: 5 });
  source.publish("t", "x", { qos: 2, retain: true });
  const second = connectAgain();
  expect(second.take("publish")).toMatchObject([
    { qos: 1, retain: true, properties: { subscriptionIdentifier: 3 } },
  ]);
  second.publish("t", "own");
  expect(second.messages()).toEqual([]);
});
