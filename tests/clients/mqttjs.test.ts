import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { IClientOptions } from "mqtt";
import { type LogLine, RunningBroker } from "../support/executable.ts";
import { eventually } from "../support/inbox.ts";
import { type Door, doors, Listeners, urlOf } from "../support/listeners.ts";
import { MqttJsClient } from "../support/mqttjs-client.ts";

const listeners = new Listeners();
let broker: RunningBroker;
beforeAll(async () => {
  broker = await RunningBroker.start({
    args: [...listeners.args, "--set", "limits.receiveMaximum=3", "--log-level", "debug"],
  });
});
afterAll(async () => {
  try {
    await broker.stop();
  } finally {
    await broker[Symbol.asyncDispose]();
    listeners[Symbol.dispose]();
  }
});

/** Topics and client ids are unique to a test, since the tests share a broker. */
let tests = 0;
const own = (name: string): string => `${name}-${++tests}`;

async function connectBy(door: Door, options: IClientOptions): Promise<MqttJsClient> {
  const trust = listeners.ca === null ? {} : { ca: listeners.ca };
  return MqttJsClient.connect(urlOf(broker.urls, door), { ...trust, ...options });
}

async function connect(options: IClientOptions): Promise<MqttJsClient> {
  return connectBy("mqtt", options);
}

const ways = doors.flatMap((door) => ([4, 5] as const).map((version) => [door, version] as const));

describe.each(ways)("mqtt.js by %s, protocol version %d", (door, protocolVersion) => {
  const connect = (options: IClientOptions) => connectBy(door, options);
  const kept = protocolVersion === 5 ? { properties: { sessionExpiryInterval: 60 } } : {};

  test.each([0, 1, 2] as const)("a message of QoS %d arrives once and unchanged", async (qos) => {
    const topic = own("topic");
    await using subscriber = await connect({ protocolVersion });
    await using publisher = await connect({ protocolVersion });
    expect(await subscriber.mqtt.subscribeAsync(topic, { qos })).toMatchObject([{ topic, qos }]);
    const payload = Buffer.from(Array.from({ length: 2000 }, (_, at) => at % 256));
    await publisher.mqtt.publishAsync(topic, payload, { qos });
    const message = await subscriber.message(topic);
    expect(message).toMatchObject({ qos, retain: false, dup: false });
    expect(payload.equals(Buffer.from(message.payload))).toBe(true);
    await subscriber.roundTrip();
    expect(subscriber.messages.items).toHaveLength(1);
  });

  test("a payload of 20 MiB arrives", async () => {
    const topic = own("topic");
    await using subscriber = await connect({ protocolVersion });
    await using publisher = await connect({ protocolVersion });
    await subscriber.mqtt.subscribeAsync(topic, { qos: 1 });
    const payload = Buffer.alloc(20 * 1024 * 1024, "0123456789");
    await publisher.mqtt.publishAsync(topic, payload, { qos: 1 });
    const message = await subscriber.message(topic);
    expect(payload.equals(Buffer.from(message.payload))).toBe(true);
  }, 180_000);

  test("a burst of 3,000 arrives at a subscriber that takes three at once", async () => {
    const topic = own("burst");
    const three = { protocolVersion: 5, properties: { receiveMaximum: 3 } } as const;
    await using subscriber = await connect(three);
    await using publisher = await connect({ protocolVersion });
    await subscriber.mqtt.subscribeAsync(topic, { qos: 1 });
    const numbers = Array.from({ length: 3000 }, (_, number) => `${number}`);
    const published = numbers.map((number) =>
      publisher.mqtt.publishAsync(topic, number, { qos: 1 }),
    );
    await Promise.all(published);
    await subscriber.messages.first("the last one", ({ payload }) => String(payload) === "2999");
    expect(subscriber.texts()).toEqual(numbers.map((number) => `${topic}=${number}`));
    expect(broker.log.items.filter(({ event }) => event === "dropping")).toEqual([]);
  }, 180_000);

  test("QoS 2 uses its four packets, on both sides", async () => {
    const topic = own("topic");
    await using subscriber = await connect({ protocolVersion });
    await using publisher = await connect({ protocolVersion });
    await subscriber.mqtt.subscribeAsync(topic, { qos: 2 });
    await publisher.mqtt.publishAsync(topic, "once", { qos: 2 });
    expect(publisher.packets.items.slice(-4)).toEqual([
      "> publish",
      "< pubrec",
      "> pubrel",
      "< pubcomp",
    ]);
    await subscriber.packets.first("PUBCOMP", (packet) => packet === "> pubcomp");
    expect(subscriber.packets.items.slice(-4)).toEqual([
      "< publish",
      "> pubrec",
      "< pubrel",
      "> pubcomp",
    ]);
    expect(subscriber.texts()).toEqual([`${topic}=once`]);
  });

  test("a retained message reaches a later subscriber, until it is cleared", async () => {
    const topic = own("retained");
    await using publisher = await connect({ protocolVersion });
    await publisher.mqtt.publishAsync(topic, "kept", { qos: 1, retain: true });
    await using subscriber = await connect({ protocolVersion });
    await subscriber.mqtt.subscribeAsync(`${topic}/#`, { qos: 1 });
    expect(await subscriber.message(topic)).toMatchObject({ retain: true, qos: 1 });
    await publisher.mqtt.publishAsync(topic, "", { qos: 1, retain: true });
    await using late = await connect({ protocolVersion });
    await late.mqtt.subscribeAsync(`${topic}/#`);
    await late.roundTrip();
    expect(late.texts()).toEqual([]);
  });

  test("a subscription ends with UNSUBSCRIBE", async () => {
    const topic = own("topic");
    await using client = await connect({ protocolVersion });
    await client.mqtt.subscribeAsync(topic);
    await client.mqtt.unsubscribeAsync(topic);
    await client.mqtt.publishAsync(topic, "unheard", { qos: 1 });
    await client.roundTrip();
    expect(client.texts()).toEqual([]);
  });

  test("a will is published when the connection breaks, and not after end()", async () => {
    const topic = own("will");
    await using watcher = await connect({ protocolVersion });
    await watcher.mqtt.subscribeAsync(`${topic}/+`, { qos: 2 });
    const will = { payload: Buffer.from("gone"), qos: 2 as const, retain: false };
    const mortal = { protocolVersion, will: { ...will, topic: `${topic}/broken` } };
    await using broken = await connect(mortal);
    await using polite = await connect({ ...mortal, will: { ...will, topic: `${topic}/ended` } });
    await polite.mqtt.endAsync();
    await broken.vanish();
    const message = await watcher.message(`${topic}/broken`);
    expect(message).toMatchObject({ qos: 2, retain: false });
    await watcher.roundTrip();
    expect(watcher.texts()).toEqual([`${topic}/broken=gone`]);
  });

  // Not mixed: mqtt.js holds a QoS 2 message back until PUBREL, and delivers others first.
  test.each([1, 2] as const)("a persistent session continues, QoS %d", async (qos) => {
    const topic = own("topic");
    const options = { protocolVersion, clientId: own("persistent"), clean: false, ...kept };
    await using publisher = await connect({ protocolVersion });
    {
      await using first = await connect(options);
      expect(first.connacks.items[0]?.sessionPresent).toBe(false);
      await first.mqtt.subscribeAsync(topic, { qos: 2 });
      await first.vanish();
    }
    const sent = ["0", "1", "2", "3", "4", "5"];
    for (const text of sent) await publisher.mqtt.publishAsync(topic, text, { qos });
    await using second = await connect(options);
    expect(second.connacks.items[0]?.sessionPresent).toBe(true);
    await second.messages.count("message", sent.length, () => true);
    await second.roundTrip();
    expect(second.texts()).toEqual(sent.map((text) => `${topic}=${text}`));
  });

  test("a client that reconnects by itself delivers its own offline queue, once each", async () => {
    const topic = own("topic");
    const clientId = own("offline");
    await using subscriber = await connect({ protocolVersion });
    await subscriber.mqtt.subscribeAsync(topic, { qos: 2 });
    await using client = await connect({
      ...{ protocolVersion, clientId, clean: false, reconnectPeriod: 20, ...kept },
    });
    await client.vanish();
    const published = ["0", "1", "2", "3"].map(async (text) =>
      client.mqtt.publishAsync(topic, text, { qos: 2 }),
    );
    expect((await client.connected(2)).sessionPresent).toBe(true);
    await Promise.all(published);
    await subscriber.messages.count("message", published.length, () => true);
    await subscriber.roundTrip();
    expect(subscriber.texts()).toEqual(["0", "1", "2", "3"].map((text) => `${topic}=${text}`));
  });
});

describe("mqtt.js, only in protocol version 5", () => {
  const protocolVersion = 5;

  test("topic aliases of the client: the topic is sent once, and each message arrives with it", async () => {
    const topic = own("aliased");
    await using subscriber = await connect({ protocolVersion });
    await subscriber.mqtt.subscribeAsync(topic, { qos: 1 });
    await using publisher = await connect({ protocolVersion, autoAssignTopicAlias: true });
    const topics: string[] = [];
    publisher.mqtt.on("packetsend", (packet) => {
      if (packet.cmd === "publish") topics.push(packet.topic);
    });
    for (const text of ["0", "1", "2"]) {
      await publisher.mqtt.publishAsync(topic, text, { qos: 1 });
    }
    expect(topics).toEqual([topic, "", ""]);
    await subscriber.messages.count("message", 3, () => true);
    expect(subscriber.texts()).toEqual(["0", "1", "2"].map((text) => `${topic}=${text}`));
  });

  test("topic aliases of the broker: mqtt.js resolves each topic", async () => {
    const topic = own("aliased");
    await using subscriber = await connect({
      ...{ protocolVersion, properties: { topicAliasMaximum: 1 } },
    });
    await subscriber.mqtt.subscribeAsync(`${topic}/+`, { qos: 1 });
    await using publisher = await connect({ protocolVersion });
    const sent = ["a", "b", "a", "b", "a"].map((name, at) => ({
      name: `${topic}/${name}`,
      at: String(at),
    }));
    for (const { name, at } of sent) await publisher.mqtt.publishAsync(name, at, { qos: 1 });
    await subscriber.messages.count("message", sent.length, () => true);
    expect(subscriber.texts()).toEqual(sent.map(({ name, at }) => `${name}=${at}`));
  });

  test("the client's Receive Maximum: no more messages wait for an acknowledgement", async () => {
    const topic = own("withheld");
    const clientId = own("slow");
    const withheld: (() => void)[] = [];
    await using subscriber = await connect({
      ...{ protocolVersion, clientId, properties: { receiveMaximum: 2 } },
      customHandleAcks: (_topic, _message, _packet, acknowledge) =>
        void withheld.push(() => acknowledge(0, 0)),
    });
    await subscriber.mqtt.subscribeAsync(topic, { qos: 1 });
    await using publisher = await connect({ protocolVersion });
    for (const text of ["0", "1", "2", "3", "4"]) {
      await publisher.mqtt.publishAsync(topic, text, { qos: 1 });
    }
    // mqtt.js shows one message at a time, so the test reads the messages in flight from the
    // broker's log.
    const inFlight = (line: LogLine): boolean =>
      line["type"] === "PUBLISH" && line["direction"] === "sent" && line.client === clientId;
    await broker.log.count("PUBLISH that was sent", 2, inFlight);
    for (let acknowledged = 0; acknowledged < 5; acknowledged++) {
      await publisher.roundTrip();
      const sent = broker.log.items.filter(inFlight).length;
      expect(sent).toBe(Math.min(5, acknowledged + 2));
      await eventually(
        () => withheld.length > 0,
        () => "mqtt.js asks for an acknowledgement",
      );
      withheld.shift()?.();
      await broker.log.count("PUBLISH that was sent", Math.min(5, acknowledged + 3), inFlight);
    }
    await subscriber.roundTrip();
    expect(subscriber.texts()).toEqual(["0", "1", "2", "3", "4"].map((text) => `${topic}=${text}`));
  });

  test("QoS 1 never reaches the broker's Receive Maximum: each is acknowledged at once", async () => {
    const topic = own("crowded");
    await using subscriber = await connect({ protocolVersion });
    await subscriber.mqtt.subscribeAsync(topic, { qos: 1 });
    await using publisher = await connect({ protocolVersion });
    expect(publisher.connacks.items[0]?.properties?.receiveMaximum).toBe(3);
    const sent = Array.from({ length: 40 }, (_, at) => String(at));
    await Promise.all(
      sent.map(async (text) => publisher.mqtt.publishAsync(topic, text, { qos: 1 })),
    );
    await subscriber.messages.count("message", sent.length, () => true);
    expect(subscriber.texts()).toEqual(sent.map((text) => `${topic}=${text}`));
  });

  test("QoS 2 above it, which mqtt.js does not respect, gets 0x93", async () => {
    await using publisher = await connect({ protocolVersion });
    const told = Promise.withResolvers<number | undefined>();
    publisher.mqtt.on("disconnect", ({ reasonCode }) => told.resolve(reasonCode));
    const topic = own("crowded");
    const sent = Promise.allSettled(
      ["0", "1", "2", "3"].map(async (text) =>
        publisher.mqtt.publishAsync(topic, text, { qos: 2 }),
      ),
    );
    expect(await told.promise).toBe(0x93);
    await publisher.mqtt.endAsync(true);
    await sent;
  });

  test("properties of a message and of a will arrive as they were sent", async () => {
    const topic = own("properties");
    const properties = {
      payloadFormatIndicator: true,
      contentType: "text/plain",
      responseTopic: "answer/here",
      correlationData: Buffer.from([0, 255, 7]),
      userProperties: { origin: "test" },
    };
    await using watcher = await connect({ protocolVersion });
    await watcher.mqtt.subscribeAsync(`${topic}/#`, { qos: 1 });
    await using client = await connect({
      protocolVersion,
      will: {
        topic: `${topic}/will`,
        payload: Buffer.from("gone"),
        qos: 1,
        retain: false,
        properties: { ...properties, willDelayInterval: 0 },
      },
    });
    await client.mqtt.publishAsync(`${topic}/message`, "here", { qos: 1, properties });
    await client.vanish();
    for (const name of ["message", "will"]) {
      const message = await watcher.message(`${topic}/${name}`);
      expect({ ...message.properties }).toEqual(properties);
    }
  });
});
