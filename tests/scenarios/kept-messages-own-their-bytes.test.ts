import { expect, test } from "bun:test";
import { generate, type IPublishPacket } from "mqtt-packet";
import type { Link, LinkEvents } from "../../src/transport/transport.ts";
import { World } from "../support/world.ts";

/** A publisher whose chunks are all overwritten once the broker has handled them. */
class Overwriting implements Link {
  readonly isLocal = true;
  readonly descriptor = null;
  readonly remote = "127.0.0.1:1";
  owner: unknown = null;
  readonly #events: LinkEvents;

  constructor(world: World) {
    this.#events = world.driver.eventsFor({
      name: "tcp test",
      mountPoint: "",
      connections: Infinity,
      allowAnonymous: true,
    });
    this.#events.opened(this);
    this.#hand(
      generate({
        cmd: "connect",
        clientId: "overwriting",
        protocolId: "MQTT",
        protocolVersion: 5,
        clean: true,
        keepalive: 0,
        will: {
          topic: "t",
          payload: Buffer.from("will"),
          qos: 1,
          retain: false,
          properties: { contentType: "c" },
        },
      }),
    );
  }

  publish(packet: Partial<IPublishPacket>): void {
    const defaults = { topic: "t", qos: 0, dup: false, retain: false } as const;
    const whole: IPublishPacket = { cmd: "publish", payload: "message", ...defaults, ...packet };
    const properties = { contentType: "c" };
    this.#hand(generate({ ...whole, properties }, { protocolVersion: 5 }));
  }

  drop(): void {
    this.#events.closed(this, "reset");
  }

  #hand(bytes: Uint8Array): void {
    const chunk = Uint8Array.from(bytes);
    this.#events.data(this, chunk);
    chunk.fill(0x21);
  }

  write(_bytes: Uint8Array, start: number, end: number): number {
    return end - start;
  }
  pause(): void {}
  resume(): void {}
  end(): void {}
  reset(): void {}
  watch(): void {}
}

const lasting = { clientId: "s", protocolVersion: 5, clean: false } as const;
const properties = { sessionExpiryInterval: 60 };
const intact = { topic: "t", payload: Buffer.from("message"), properties: { contentType: "c" } };

test("a retained message", () => {
  const world = new World();
  new Overwriting(world).publish({ retain: true });
  const client = world.open();
  client.connect({ clientId: "s", protocolVersion: 5 });
  client.subscribe("t");
  expect(client.take("publish")).toMatchObject([intact]);
});

test("a message in the queue of an offline session", () => {
  const world = new World();
  const first = world.open();
  first.connect({ ...lasting, properties });
  first.subscribe({ topic: "t", qos: 1 });
  first.drop();
  new Overwriting(world).publish({ qos: 1, messageId: 1 });
  const second = world.open();
  second.connect({ ...lasting, properties });
  expect(second.take("publish")).toMatchObject([intact]);
});

test("a message in flight that is resent", () => {
  const world = new World();
  const first = world.open();
  first.connect({ ...lasting, properties });
  first.subscribe({ topic: "t", qos: 1 });
  new Overwriting(world).publish({ qos: 1, messageId: 1 });
  expect(first.take("publish")).toMatchObject([intact]);
  const second = world.open();
  second.connect({ ...lasting, properties });
  expect(second.take("publish")).toMatchObject([{ ...intact, dup: true }]);
});

test("a message that waits for a slow consumer", () => {
  for (const qos of [0, 1] as const) {
    const world = new World();
    const client = world.open();
    client.connect({ clientId: "s", protocolVersion: 5 });
    client.subscribe({ topic: "t", qos });
    client.room = 3;
    const source = new Overwriting(world);
    source.publish({ qos, messageId: 1 });
    source.publish({ qos, messageId: 2 });
    client.drain();
    expect(client.take("publish")).toMatchObject([intact, intact]);
  }
});

test("a will", () => {
  const world = new World();
  const client = world.open();
  client.connect({ clientId: "s", protocolVersion: 5 });
  client.subscribe("t");
  new Overwriting(world).drop();
  expect(client.take("publish")).toMatchObject([{ ...intact, payload: Buffer.from("will") }]);
});
