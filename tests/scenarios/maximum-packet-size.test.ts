import { expect, test } from "bun:test";
import { generate } from "mqtt-packet";
import type { TestClient } from "../support/client.ts";
import { World } from "../support/world.ts";

function subscriber(
  world: World,
  maximumPacketSize: number,
  more: { topicAliasMaximum?: number } = {},
): TestClient {
  const client = world.open();
  client.connect({ clientId: "s", protocolVersion: 5, properties: { maximumPacketSize, ...more } });
  return client;
}

/** Calls back with the bytes of each write to a client. */
function onWrite(client: TestClient, told: (bytes: number) => void): void {
  const write = client.write.bind(client);
  client.write = (bytes, start, end) => {
    told(end - start);
    return write(bytes, start, end);
  };
}

function publisher(world: World): TestClient {
  const client = world.open();
  client.connect({ clientId: "p", protocolVersion: 5 });
  return client;
}

/** Bytes of the PUBLISH as mqtt-packet writes it. */
function sizeOf(payload: string, qos: 0 | 1): number {
  return generate(
    { cmd: "publish", topic: "t", payload, qos, messageId: 1, dup: false, retain: false },
    { protocolVersion: 5 },
  ).length;
}

test("v5-3.1.2-24, v5-3.1.2-25: a message too large for a client is dropped, and logged", () => {
  const world = new World();
  const client = subscriber(world, 100);
  const other = world.open();
  other.connect({ clientId: "o" });
  for (const each of [client, other]) each.subscribe({ topic: "t", qos: 1 });
  const source = publisher(world);
  for (const [qos, size] of [
    [1, 10],
    [1, 100],
    [0, 100],
    [0, 10],
  ] as const) {
    source.publish("t", "x".repeat(size), { qos });
  }
  expect(client.take("publish").map(({ payload }) => payload.length)).toEqual([10, 10]);
  expect(other.take("publish").map(({ payload }) => payload.length)).toEqual([10, 100, 100, 10]);
  expect(world.noted("dropping")).toMatchObject([
    { clientId: "s", why: "packet too large", topic: "t" },
  ]);
  expect(world.broker.view().sessions).toMatchObject([{ inflight: 1 }, {}, {}]);
});

test("the limit holds to the byte, for every QoS of the copy", () => {
  for (const subscribed of [0, 1] as const) {
    for (const published of [0, 1] as const) {
      const qos = subscribed === 1 && published === 1 ? 1 : 0;
      for (const length of [50, 119, 120, 121, 122, 123, 200]) {
        const payload = "x".repeat(length);
        const size = sizeOf(payload, qos);
        const world = new World();
        const client = subscriber(world, size);
        client.subscribe({ topic: "t", qos: subscribed });
        const source = publisher(world);
        source.publish("t", `${payload}y`, { qos: published });
        expect(client.messages()).toEqual([]);
        source.publish("t", payload, { qos: published });
        expect(client.messages()).toEqual([`t=${payload}`]);
      }
    }
  }
});

test("no packet exceeds the client's maximum, even where a Topic Alias would make it larger", () => {
  // Around 128 bytes the length fields within the packet grow as well.
  for (const [size, contentType] of [
    [100, ""],
    [129, ""],
    [130, ""],
    [131, ""],
    [200, "c".repeat(123)],
    [200, "c".repeat(124)],
  ] as const) {
    for (let room = 0; room < 7; room++) {
      const world = new World();
      const client = subscriber(world, size, { topicAliasMaximum: 10 });
      const sizes: number[] = [];
      onWrite(client, (bytes) => void sizes.push(bytes));
      client.subscribe("t");
      sizes.length = 0;
      const properties = contentType === "" ? {} : { contentType };
      const packet = { cmd: "publish", topic: "t", qos: 0, dup: false, retain: false } as const;
      let payload = "x".repeat(size);
      while (
        generate({ ...packet, payload, properties }, { protocolVersion: 5 }).length >
        size - room
      ) {
        payload = payload.slice(1);
      }
      publisher(world).publish("t", payload, { properties });
      expect(sizes).toHaveLength(1);
      expect(Math.max(...sizes)).toBeLessThanOrEqual(size);
    }
  }
});

test("retained and queued messages that are too large are dropped", () => {
  const world = new World();
  const first = world.open();
  const session = { clientId: "s", protocolVersion: 5, clean: false } as const;
  first.connect({ ...session, properties: { sessionExpiryInterval: 60 } });
  first.subscribe({ topic: "q", qos: 1 });
  first.drop();
  const source = publisher(world);
  for (const topic of ["q", "r"]) {
    source.publish(topic, "x".repeat(100), { qos: 1, retain: true });
    source.publish(`${topic}/small`, "x", { qos: 1, retain: true });
  }
  source.publish("q", "small", { qos: 1 });
  const second = world.open();
  second.connect({
    ...session,
    properties: { sessionExpiryInterval: 60, maximumPacketSize: 50 },
  });
  expect(second.messages()).toEqual(["q=small"]);
  second.subscribe("r/#");
  expect(second.messages()).toEqual(["r/small=x"]);
});

test("v5-3.2.2-15: a packet larger than the broker announced ends the connection with 0x95", () => {
  const world = new World({ limits: { packetSize: 100 } });
  const client = publisher(world);
  client.publish("t", "x".repeat(94));
  expect(client.closedBy).toBeNull();
  client.publish("t", "x".repeat(95));
  expect(client.take("disconnect")).toMatchObject([{ reasonCode: 0x95 }]);
  expect(world.noted("ended")).toMatchObject([{ cause: "packetTooLarge" }]);
});

test("the connection ends as soon as the length is known, before the bytes arrive", () => {
  const world = new World({ limits: { packetSize: 100 } });
  const client = publisher(world);
  client.sendBytes(Uint8Array.from([0x30, 0xff, 0xff, 0xff, 0x7f]));
  expect(client.take("disconnect")).toMatchObject([{ reasonCode: 0x95 }]);
});

test("v5-3.14.2-3: DISCONNECT omits a Reason String that does not fit", () => {
  const world = new World();
  const sizes: number[] = [];
  for (const maximumPacketSize of [30, 1000]) {
    const client = world.open();
    client.connect({ clientId: "a", protocolVersion: 5, properties: { maximumPacketSize } });
    onWrite(client, (bytes) => void sizes.push(bytes));
    client.send({ cmd: "disconnect", reasonCode: 0, properties: { sessionExpiryInterval: 9 } });
    const [disconnect] = client.take("disconnect");
    expect(disconnect?.reasonCode).toBe(0x82);
    expect(disconnect?.properties?.reasonString === undefined).toBe(maximumPacketSize === 30);
  }
  expect(sizes[0]).toBeLessThanOrEqual(30);
});

test("v5-3.2.2-19: CONNACK omits a Reason String that does not fit", () => {
  const world = new World({ limits: { retain: false } });
  for (const maximumPacketSize of [20, 1000]) {
    const connack = world.open().connect({
      clientId: "a",
      protocolVersion: 5,
      properties: { maximumPacketSize },
      will: { topic: "t", payload: Buffer.from("x"), qos: 0, retain: true },
    });
    expect(connack?.reasonCode).toBe(0x9a);
    expect(connack?.properties?.reasonString === undefined).toBe(maximumPacketSize === 20);
  }
});

test("v5-3.1.2-24: a SUBACK or UNSUBACK that is too large is not sent, and logged", () => {
  const world = new World();
  const client = subscriber(world, 24);
  const filters = Array.from({ length: 19 }, (_, index) => `t/${index}`);
  // Two bytes of header, three before the codes.
  expect(client.subscribe(...filters)).toMatchObject({ granted: Array<number>(19).fill(0) });
  expect(client.unsubscribe(...filters)).toMatchObject({ granted: Array<number>(19).fill(0) });
  expect(world.noted("notSent")).toEqual([]);
  expect(client.subscribe(...filters, "t/19")).toBeUndefined();
  expect(client.unsubscribe(...filters, "t/18")).toBeUndefined();
  expect(world.noted("notSent")).toMatchObject([
    { packet: "suback", bytes: 25, maximum: 24 },
    { packet: "unsuback", bytes: 25, maximum: 24 },
  ]);
  publisher(world).publish("t/19", "m");
  expect(client.messages()).toEqual(["t/19=m"]);
});

test("v5-3.1.2-24: a client whose maximum leaves no room for the broker's limits is refused, and keeps its session", () => {
  const world = new World();
  const session = { clientId: "s", protocolVersion: 5, clean: false } as const;
  world.open().connect({ ...session, properties: { sessionExpiryInterval: 60 } });
  // Receive Maximum, Maximum Packet Size and Topic Alias Maximum.
  const sizes = [15, 5, 4, 16].map((maximumPacketSize) => {
    const client = world.open();
    const properties = { sessionExpiryInterval: 60, maximumPacketSize };
    const connack = client.connect({ ...session, properties });
    const answer = [connack?.reasonCode ?? null, connack?.sessionPresent ?? null];
    return [maximumPacketSize, ...answer, client.closedBy];
  });
  expect(sizes).toEqual([
    [15, 0x95, false, "end"],
    [5, 0x95, false, "end"],
    [4, null, null, "end"],
    [16, 0, true, null],
  ]);
});
