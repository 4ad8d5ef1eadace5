import { describe, expect, test } from "bun:test";
import { accessBy } from "../support/access.ts";
import type { TestClient } from "../support/client.ts";
import { auditAtEnd } from "../support/will-audit.ts";
import { endOf, isOpen, mortal } from "../support/mortal.ts";
import { World, type WorldOptions } from "../support/world.ts";

interface Row {
  readonly packet: string;
  /** What must happen, at the start of the silence, for the packet to be legal. */
  readonly before?: (client: TestClient, world: World) => void;
  readonly send: (client: TestClient) => void;
  readonly world?: WorldOptions;
}

/** A client publishes a message that the mortal must acknowledge; its packet id is 1. */
function deliver(qos: 1 | 2): (client: TestClient, world: World) => void {
  return (client, world) => {
    client.subscribe({ topic: "in", qos });
    const publisher = world.open();
    publisher.connect({ clientId: "publisher" });
    publisher.publish("in", "x", { qos });
    expect(client.take("publish").map(({ messageId }) => messageId)).toEqual([1]);
  };
}

const denied: WorldOptions = {
  access: accessBy({ mayPublish: (_who, topic) => topic !== "denied", maySubscribe: () => false }),
};

const rows: readonly Row[] = [
  { packet: "PINGREQ", send: (client) => client.ping() },
  { packet: "PUBLISH QoS 0", send: (client) => void client.publish("a", "x") },
  { packet: "PUBLISH QoS 1", send: (client) => void client.publish("a", "x", { qos: 1 }) },
  { packet: "PUBLISH QoS 2", send: (client) => void client.publish("a", "x", { qos: 2 }) },
  {
    packet: "PUBLISH QoS 2 sent again",
    before: (client) => void client.publish("a", "x", { qos: 2, messageId: 9 }),
    send: (client) => void client.publish("a", "x", { qos: 2, messageId: 9, dup: true }),
  },
  {
    packet: "PUBLISH that is refused",
    send: (client) => void client.publish("denied", "x", { qos: 1 }),
    world: denied,
  },
  {
    packet: "PUBACK",
    before: deliver(1),
    send: (client) => client.send({ cmd: "puback", messageId: 1 }),
  },
  {
    packet: "PUBREC",
    before: deliver(2),
    send: (client) => client.send({ cmd: "pubrec", messageId: 1 }),
  },
  {
    packet: "PUBCOMP",
    before: (client, world) => {
      deliver(2)(client, world);
      client.send({ cmd: "pubrec", messageId: 1 });
    },
    send: (client) => client.send({ cmd: "pubcomp", messageId: 1 }),
  },
  {
    packet: "PUBREL",
    before: (client) => void client.publish("a", "x", { qos: 2, messageId: 9 }),
    send: (client) => client.send({ cmd: "pubrel", messageId: 9 }),
  },
  {
    packet: "an acknowledgement that nobody waits for",
    send: (client) => client.send({ cmd: "puback", messageId: 77 }),
  },
  { packet: "SUBSCRIBE", send: (client) => void client.subscribe("b") },
  {
    packet: "SUBSCRIBE that is refused",
    send: (client) => void client.subscribe("b"),
    world: denied,
  },
  { packet: "UNSUBSCRIBE", send: (client) => void client.unsubscribe("b") },
  {
    packet: "a packet in pieces, with its last byte",
    before: (client) => client.sendBytes(Uint8Array.of(0xc0)),
    send: (client) => client.sendBytes(Uint8Array.of(0x00)),
  },
  {
    packet: "a whole packet before a part of another one",
    send: (client) => client.sendBytes(Uint8Array.of(0xc0, 0x00, 0x30)),
  },
];

describe("every complete packet from the client resets the deadline", () => {
  for (const { packet, before, send, world: options } of rows) {
    for (const version of [3, 4, 5] as const) {
      test(`A4: ${packet} (v${version})`, () => {
        const world = new World(options);
        const client = mortal(world, { version, keepalive: 10 });
        before?.(client, world);
        world.advance(14_999);
        send(client);
        world.advance(14_999);
        expect(isOpen(world, client)).toBe(true);
        world.advance(1);
        expect(endOf(world, client)).toMatchObject({ cause: "keepAliveExpired", silentMs: 15_000 });
        auditAtEnd(world);
      });
    }
  }
});

test("the deadline starts at CONNECT, not when the connection opens", () => {
  const world = new World();
  const client = world.open();
  world.advance(9000);
  client.connect({ clientId: "slow", keepalive: 10 });
  world.advance(14_999);
  expect(isOpen(world, client)).toBe(true);
  world.advance(1);
  expect(endOf(world, client).cause).toBe("keepAliveExpired");
  auditAtEnd(world);
});
