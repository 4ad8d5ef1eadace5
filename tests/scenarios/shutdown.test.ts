import { expect, test } from "bun:test";
import { World } from "../support/world.ts";

const will = { topic: "wills/a", payload: Buffer.from("gone"), qos: 1, retain: false } as const;

test("wills reach their subscribers before these are disconnected with 0x8B", () => {
  const world = new World();
  // The subscriber connected first, so it would be the first to be disconnected.
  const watcher = world.open();
  watcher.connect({ clientId: "w", protocolVersion: 5 });
  watcher.subscribe({ topic: "wills/#", qos: 1 });
  const client = world.open();
  client.connect({ clientId: "a", protocolVersion: 5, will });
  const last = world.open();
  last.connect({ clientId: "z", will: { ...will, topic: "wills/z" } });
  world.driver.order({ type: "stopping" });
  expect(watcher.received).toMatchObject([
    { cmd: "publish", topic: "wills/a" },
    { cmd: "publish", topic: "wills/z" },
    { cmd: "disconnect", reasonCode: 0x8b },
  ]);
  expect(client.received).toMatchObject([{ cmd: "disconnect", reasonCode: 0x8b }]);
  expect(last.received).toEqual([]);
  expect([watcher, client, last].map(({ closedBy }) => closedBy)).toEqual(["end", "end", "end"]);
  expect(world.noted("ended").map(({ cause }) => cause)).toEqual([
    "shuttingDown",
    "shuttingDown",
    "shuttingDown",
  ]);
});

test("delayed wills are published, in the order of their due times", () => {
  const world = new World();
  const watcher = world.open();
  watcher.connect({ clientId: "w" });
  watcher.subscribe("wills/#");
  for (const [clientId, willDelayInterval] of [
    ["late", 60],
    ["soon", 30],
  ] as const) {
    const client = world.open();
    client.connect({
      clientId,
      protocolVersion: 5,
      properties: { sessionExpiryInterval: 100 },
      will: { ...will, topic: `wills/${clientId}`, properties: { willDelayInterval } },
    });
    client.drop();
  }
  world.driver.order({ type: "stopping" });
  expect(watcher.messages()).toEqual(["wills/soon=gone", "wills/late=gone"]);
  expect(world.noted("will").map(({ by }) => by)).toEqual(["broker stopped", "broker stopped"]);
});

test("a connection that opens while the broker stops is closed at once", () => {
  const world = new World();
  world.driver.order({ type: "stopping" });
  const client = world.open();
  expect(client.closedBy).toBe("end");
  expect(world.noted("ended")).toMatchObject([{ cause: "shuttingDown", wasConnected: false }]);
});

test("a client whose verdict is pending while the broker stops is not accepted", () => {
  let answer: ((refused: null) => void) | null = null;
  const world = new World({ authenticate: (_, verdict) => void (answer = verdict) });
  const client = world.open();
  client.connect({ clientId: "a", will });
  world.driver.order({ type: "stopping" });
  // The compiler does not see that the call above has set it.
  (answer as ((refused: null) => void) | null)?.(null);
  world.check();
  expect(client.received).toEqual([]);
  expect(client.closedBy).toBe("end");
  expect(world.broker.view().sessions).toEqual([]);
});

test("nothing is left but persistent sessions", () => {
  const world = new World();
  for (const [clientId, clean] of [
    ["stays", false],
    ["goes", true],
  ] as const) {
    const client = world.open();
    client.connect({ clientId, clean });
    client.subscribe("t");
  }
  world.driver.order({ type: "stopping" });
  expect(world.broker.view()).toMatchObject({
    connections: [],
    sessions: [{ clientId: "stays", connected: false }],
    subscriptions: 1,
    deadlines: 0,
  });
});
