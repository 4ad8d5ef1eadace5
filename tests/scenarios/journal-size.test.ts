import { expect, test } from "bun:test";
import type { TestClient } from "../support/client.ts";
import { stateOfBroker, stateOfStore } from "../support/durable-state.ts";
import { connected, StoredWorld } from "../support/held-store.ts";

/**
 * While a commit is under way, or a store fails for hours, the journal has no more keys than there is
 * to keep, or to delete in the store: what came and went meanwhile leaves it. Nothing else holds a
 * publisher of v4, which has no Receive Maximum, or one of QoS 0.
 */

const times = 2000;
const lasting = { clientId: "p", clean: false, protocolVersion: 4 } as const;
const will = { topic: "w", payload: Buffer.from("x"), qos: 1, retain: false } as const;

const rows: Record<string, (client: TestClient, number: number) => void> = {
  "retained messages that are deleted again, QoS 0": (client, number) => {
    client.publish(`r/${number}`, "x", { retain: true });
    client.publish(`r/${number}`, "", { retain: true });
  },
  "retained messages that are deleted again, QoS 1": (client, number) => {
    client.publish(`r/${number}`, "x", { retain: true, qos: 1, messageId: number * 2 + 1 });
    client.publish(`r/${number}`, "", { retain: true, qos: 1, messageId: number * 2 + 2 });
  },
  "subscriptions that end again": (client, number) => {
    client.subscribe(`s/${number}`);
    client.send({ cmd: "unsubscribe", messageId: 1, unsubscriptions: [`s/${number}`] });
  },
  "QoS 2 that is released": (client, number) => {
    const messageId = number + 1;
    client.publish("t", "x", { qos: 2, messageId });
    client.send({ cmd: "pubrel", messageId });
  },
};

for (const [what, act] of Object.entries(rows)) {
  test(`what came and went leaves the journal: ${what}`, () => {
    const world = new StoredWorld();
    const client = connected(world, lasting);
    // What a commit is under way for, and the store has.
    client.publish("kept", "x", { retain: true });
    client.publish("kept", "", { retain: true });
    client.publish("kept", "x", { retain: true });
    for (let number = 0; number < times; number++) act(client, number);
    expect(world.store.waiting).not.toBeNull();
    expect(world.broker.journal?.size).toBeLessThan(50);
    client.publish("kept", "", { retain: true });
    world.keep();
    expect(stateOfStore(world.store.kept.load())).toEqual(stateOfBroker(world.broker));
    expect(world.store.kept.retained.size).toBe(0);
    expect(client.closedBy).toBeNull();
  });
}

test("what came and went leaves the journal: clients with a will that say DISCONNECT", () => {
  const world = new StoredWorld();
  connected(world, lasting).publish("kept", "x", { retain: true });
  world.check();
  // Their records alone would fill the next batch, behind which others wait.
  for (let number = 0; number < times / 2; number++) {
    const client = world.open();
    client.connect({ clientId: `c${number}`, clean: true, will });
    client.send({ cmd: "disconnect" });
    client.end();
  }
  expect(world.store.waiting).not.toBeNull();
  expect(world.broker.sessions.size).toBe(1);
  const keys = (world.broker.journal?.size ?? 0) - (world.broker.journal?.remembered?.urgent ?? 0);
  expect(keys).toBeLessThan(50);
  world.keep();
  expect(stateOfStore(world.store.kept.load())).toEqual(stateOfBroker(world.broker));
});
