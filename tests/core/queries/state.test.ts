import { expect, test } from "bun:test";
import { clientOf } from "../../../src/core/queries/clients.ts";
import { mortal } from "../../support/mortal.ts";
import { World } from "../../support/world.ts";

/** Needed by checkers only. */
const ofConnections = ["connection", "clientId", "state", "waitingSince", "pausedAt"];

/**
 * Connections with a session and a will, one that reads nothing, one offline, one without a
 * CONNECT.
 */
function busy(): World {
  const world = new World({ outputBytes: 200 });
  const will = { qos: 1, retain: true } as const;
  mortal(world, { id: "lives", keepalive: 10, delay: 5, expiry: 60, will }).subscribe({
    topic: "a/#",
    qos: 1,
  });
  const slow = mortal(world, { id: "slow", keepalive: 60, expiry: 60 });
  slow.subscribe({ topic: "flood", qos: 1 });
  slow.room = 0;
  mortal(world, { id: "away", keepalive: 10, delay: 30, expiry: 60, will }).drop();
  const publisher = world.open();
  publisher.connect({ clientId: "publisher", protocolVersion: 4 });
  for (let count = 0; count < 4; count++)
    publisher.publish("flood", Buffer.alloc(1000), { qos: 1 });
  world.open();
  world.advance(1000);
  return world;
}

test("each fact has one name and one value, in the view and in the accounts", () => {
  const world = busy();
  const view = world.broker.view();
  expect(view.connections.map(({ clientId }) => clientId)).toEqual([
    ...["lives", "slow", "publisher"],
    null,
  ]);
  for (const connection of view.connections) {
    if (connection.clientId === null) continue;
    const account = clientOf(world.broker, connection.clientId)?.connections[0];
    const told = Object.entries(connection).filter(([name]) => !ofConnections.includes(name));
    expect(account).toMatchObject(Object.fromEntries(told));
    expect(connection.pausedAt !== null).toBe(account?.paused ?? false);
  }
  for (const { will, ...session } of view.sessions) {
    const account = clientOf(world.broker, session.clientId);
    expect<unknown>(session).toEqual(account?.session);
    if (will !== null) expect(account?.wills[0]).toMatchObject(will);
  }
  const states = view.sessions.map(({ will }) => will?.state ?? null);
  expect(states).toEqual(["armed", "armed", "delayed", null]);
});

test("a connection has no protocol before its CONNECT", () => {
  const [last] = busy().broker.view().connections.toReversed();
  expect(last).toMatchObject({ state: "opened", protocol: null, deadlineCause: "connectTimeout" });
});
