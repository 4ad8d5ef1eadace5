import { expect, test } from "bun:test";
import { World } from "../support/world.ts";
import { clientOf } from "../../src/core/queries/clients.ts";

const long = "x".repeat(60_000);

/** Characters of all texts in a value. */
function characters(value: unknown): number {
  if (typeof value === "string") return value.length;
  if (typeof value !== "object" || value === null) return 0;
  return Object.values(value).reduce((sum: number, one) => sum + characters(one), 0);
}

test("the records of a client are small, however long its texts are", () => {
  const world = new World();
  for (let round = 0; round < 20; round++) {
    const client = world.open();
    client.connect({
      clientId: "a",
      protocolVersion: 5,
      username: long,
      will: { topic: `${long}/${round}`, payload: Buffer.from("gone"), qos: 0, retain: true },
    });
    for (let count = 0; count < 3; count++) client.subscribe(`${long}/${count}`);
    client.publish(`${long}/${round}`, "birth");
    client.send({ cmd: "disconnect", reasonCode: 0x80, properties: { reasonString: long } });
  }
  const account = clientOf(world.broker, "a");
  expect(account?.connections).toHaveLength(16);
  expect(account?.events).toHaveLength(50);
  // 16 connections, 16 wills and 50 events, each with at most four texts.
  expect(characters(account)).toBeLessThan(82 * 4 * 520);
  expect(account?.wills[0]?.topic).toBe(`${"x".repeat(512)}...`);
});

test("long client ids take the places of several", () => {
  const world = new World({ limits: { ledger: 1000 } });
  const will = { topic: "t", payload: Buffer.from("gone"), qos: 0, retain: false } as const;
  for (let count = 0; count < 20; count++) {
    const client = world.open();
    client.connect({ clientId: `${count}${"i".repeat(60_000)}`, will });
    client.drop();
  }
  const { clients: histories, wills: ledger } = world.broker.records;
  // 256 characters for each of 1,000 places.
  expect(histories.size).toBe(4);
  expect(ledger.settled).toBe(4);
  for (let count = 0; count < 200; count++) {
    const client = world.open();
    client.connect({ clientId: `short ${count}`, will });
    client.drop();
  }
  expect(histories.size).toBe(204);
  expect([...histories.ids()].filter((id) => id.length > 100)).toHaveLength(4);
});

test("the record of a will has no long ids of the clients that lost it", () => {
  const world = new World();
  for (let count = 0; count < 10; count++) {
    const narrow = world.open();
    const properties = { maximumPacketSize: 40 };
    narrow.connect({ clientId: `${count}${long}`, protocolVersion: 5, properties });
    narrow.subscribe("t");
  }
  const client = world.open();
  const will = { topic: "t", payload: Buffer.from(long), qos: 0, retain: false } as const;
  client.connect({ clientId: "a", will });
  client.drop();
  const account = clientOf(world.broker, "a");
  expect(account?.wills[0]?.fate).toMatchObject({ reach: { dropped: 10 } });
  expect(characters(account)).toBeLessThan(4 * 10 * 520);
});

test("long will topics and ids are not examined for changing ids", () => {
  const world = new World();
  for (let count = 0; count < 20; count++) {
    const client = world.open();
    const will = {
      topic: `${long}/${count}`,
      payload: Buffer.from("x"),
      qos: 0,
      retain: false,
    } as const;
    client.connect({ clientId: "a", will });
    client.drop();
  }
  expect(world.broker.records.topics.size).toBe(0);
});

test("of a topic that a client published to beside its will, the beginning is kept until the fate", () => {
  const world = new World();
  const client = world.open();
  const will = { topic: "a/will", payload: Buffer.from("gone"), qos: 0, retain: true } as const;
  client.connect({ clientId: "a", will });
  client.publish(`a/${long}`, "birth", { retain: true });
  const records = () => [...world.broker.records.wills.records()];
  expect(clientOf(world.broker, "a")?.wills[0]?.own?.elsewhere).toStartWith("a/xxx");
  expect(characters(records())).toBeLessThan(2_000);
  world.advance(10_000);
  client.drop();
  expect(clientOf(world.broker, "a")?.faults.map(({ fault }) => fault)).toContain("birthElsewhere");
  expect(characters(records())).toBeLessThan(1_000);
});

test("the record of a Sparkplug will has no long topic", () => {
  const world = new World();
  const client = world.open();
  const topic = `spBv1.0/${long}/NDEATH/node`;
  client.connect({
    clientId: "a",
    will: { topic, payload: Buffer.from("gone"), qos: 0, retain: false },
  });
  expect(characters([...world.broker.records.wills.records()])).toBeLessThan(1_000);
});
