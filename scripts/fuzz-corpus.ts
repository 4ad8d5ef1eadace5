/**
 * Writes tests/fuzz/corpus again: real packets of every kind and version, each file a session that the
 * fuzzer mutates. Run it to take another version of a client as the model.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { generate, type Packet } from "mqtt-packet";
import { corpusFolder } from "../tests/fuzz/corpus.ts";
import { frameSize } from "../tests/fuzz/hostile-link.ts";
import { type Act, type FuzzInput, writeInput } from "../tests/fuzz/input.ts";
import { EmbeddedBroker } from "../tests/support/embedded.ts";
import { MqttJsClient } from "../tests/support/mqttjs-client.ts";
import { Forwarder } from "../tests/support/forwarder.ts";

type Version = 3 | 4 | 5;
const versions: readonly Version[] = [3, 4, 5];
const protocol = { 3: "mqttv31", 4: "mqttv311", 5: "mqttv5" } as const;

async function main(): Promise<void> {
  mkdirSync(corpusFolder, { recursive: true });
  for (const version of versions) {
    write(`generated-${version}`, "mqtt-packet's generator: each packet of a client", [
      ...sent("a", version, clientPackets(version)),
    ]);
    write(`server-${version}`, "mqtt-packet's generator: what only a broker sends", [
      ...sent("a", version, [connect(version), ...serverPackets(version)]),
    ]);
    await capture(`mqttjs-${version}`, "mqtt.js, through a forwarder", async (port) =>
      mqttJs(port, version),
    );
    await capture(
      `mosquitto-${version}`,
      "mosquitto_sub and mosquitto_pub, through a forwarder",
      async (port) => mosquitto(port, version),
    );
  }
}

function write(name: string, made: string, acts: readonly Act[]): void {
  const input: FuzzInput = { limits: "small", verdicts: "now", trace: false, acts };
  writeFileSync(join(corpusFolder, `${name}.txt`), writeInput(input, `Made by ${made}.`));
}

function sent(who: string, version: Version, packets: readonly Packet[]): Act[] {
  return packets.map((packet) => ({
    act: "send",
    who,
    bytes: new Uint8Array(generate(packet, { protocolVersion: version })),
  }));
}

const userProperties = { a: "b", c: ["d", "e"] };

function connect(version: Version): Packet {
  return {
    ...{ cmd: "connect", protocolId: version === 3 ? "MQIsdp" : "MQTT", protocolVersion: version },
    ...{ clientId: "a", clean: false, keepalive: 10, username: "u", password: Buffer.from("p") },
    properties: {
      ...{ sessionExpiryInterval: 60, receiveMaximum: 3, maximumPacketSize: 4096 },
      ...{ topicAliasMaximum: 3, requestResponseInformation: true },
      ...{ requestProblemInformation: true, userProperties },
    },
    will: {
      ...{ topic: "w", payload: Buffer.from("gone"), qos: 1, retain: true },
      properties: {
        ...{ willDelayInterval: 5, payloadFormatIndicator: true, messageExpiryInterval: 60 },
        ...{ contentType: "text/plain", responseTopic: "t", userProperties },
        correlationData: Buffer.from([1, 2]),
      },
    },
  };
}

function clientPackets(version: Version): Packet[] {
  const reasonString = "why";
  const acknowledgements = (["puback", "pubrec", "pubrel", "pubcomp"] as const).map(
    (cmd): Packet => ({ cmd, messageId: 1, properties: { reasonString, userProperties } }),
  );
  const subscription = { nl: false, rap: true, rh: 0 as const };
  const publish = { cmd: "publish", topic: "t", dup: false, retain: false } as const;
  const plain = (["a", "b"] as const).map((clientId): Packet => ({
    ...{ cmd: "connect", protocolId: version === 3 ? "MQIsdp" : "MQTT" },
    ...{ protocolVersion: version, clientId, clean: clientId === "a", keepalive: 0 },
  }));
  return [
    connect(version),
    {
      ...{
        cmd: "subscribe",
        messageId: 1,
        properties: { subscriptionIdentifier: 7, userProperties },
      },
      subscriptions: [
        { topic: "#", qos: 2, ...subscription },
        { topic: "t/+", qos: 1, ...subscription },
      ],
    },
    {
      ...{ cmd: "subscribe", messageId: 2 },
      subscriptions: [{ topic: "$share/g/t", qos: 1, ...subscription, rap: false }],
    },
    { ...publish, qos: 0, payload: "x" },
    { ...publish, qos: 1, messageId: 1, payload: "x", retain: true },
    { ...publish, qos: 2, messageId: 2, payload: "x".repeat(200) },
    { ...publish, qos: 2, messageId: 2, payload: "x".repeat(200), dup: true },
    {
      ...{ ...publish, topic: "t/u", qos: 1, messageId: 3, payload: "é" },
      properties: {
        ...{ payloadFormatIndicator: true, messageExpiryInterval: 60, topicAlias: 1 },
        ...{ responseTopic: "t/u", correlationData: Buffer.from([0]), userProperties },
        contentType: "text/plain",
      },
    },
    ...(version === 5
      ? [{ ...publish, topic: "", qos: 0 as const, payload: "y", properties: { topicAlias: 1 } }]
      : []),
    { ...publish, qos: 0, payload: "", retain: true },
    ...acknowledgements,
    ...acknowledgements.map((packet): Packet => ({ cmd: packet.cmd, messageId: 2 }) as Packet),
    { cmd: "pingreq" },
    {
      cmd: "unsubscribe",
      messageId: 4,
      unsubscriptions: ["#", "t/+"],
      properties: { userProperties },
    },
    {
      ...{ cmd: "disconnect", reasonCode: 4 },
      properties: { sessionExpiryInterval: 30, reasonString, userProperties },
    },
    { cmd: "disconnect", reasonCode: 0 },
    ...plain,
    ...(version === 5
      ? [
          {
            cmd: "auth" as const,
            reasonCode: 0x18,
            properties: { authenticationMethod: "m", authenticationData: Buffer.from("d") },
          },
        ]
      : []),
  ];
}

function serverPackets(version: Version): Packet[] {
  const reasonString = "why";
  return [
    {
      ...{ cmd: "connack", sessionPresent: true, reasonCode: 0, returnCode: 0 },
      properties: {
        ...{ sessionExpiryInterval: 60, receiveMaximum: 5, maximumQoS: 1, retainAvailable: true },
        ...{ maximumPacketSize: 4096, assignedClientIdentifier: "a", topicAliasMaximum: 3 },
        ...{ reasonString, userProperties, wildcardSubscriptionAvailable: true },
        ...{ subscriptionIdentifiersAvailable: true, sharedSubscriptionAvailable: true },
        ...{ serverKeepAlive: 10, responseInformation: "r", serverReference: "s" },
        ...{ authenticationMethod: "m", authenticationData: Buffer.from("d") },
      },
    },
    { cmd: "suback", messageId: 1, granted: [0, 1, 2, 0x80], properties: { reasonString } },
    { cmd: "unsuback", messageId: 1, granted: [0, 0x11], properties: { reasonString } },
    { cmd: "pingresp" },
    {
      ...{
        cmd: "publish",
        topic: "t",
        qos: 1,
        messageId: 1,
        dup: true,
        retain: true,
        payload: "x",
      },
      properties: { subscriptionIdentifier: [1, 2], topicAlias: 1 },
    },
    ...(version === 5
      ? [
          {
            cmd: "disconnect" as const,
            reasonCode: 0x8e,
            properties: { reasonString, serverReference: "s" },
          },
        ]
      : []),
  ];
}

/** Records what clients send, packet by packet. The connections are named `a`, `b` and so on. */
async function capture(
  name: string,
  made: string,
  converse: (port: number) => Promise<void>,
): Promise<void> {
  using broker = await EmbeddedBroker.start();
  using forwarder = new Forwarder(broker.port);
  const acts: Act[] = [];
  const unread = new Map<string, Uint8Array>();
  forwarder.onChunk = (connection, from, chunk) => {
    if (from === "broker") return;
    const who = String.fromCharCode("a".charCodeAt(0) + connection);
    let rest = Uint8Array.from([...(unread.get(who) ?? []), ...chunk]);
    for (let size = frameSize(rest); size !== null && size <= rest.length; size = frameSize(rest)) {
      acts.push({ act: "send", who, bytes: rest.slice(0, size) });
      rest = rest.slice(size);
    }
    unread.set(who, rest);
  };
  await converse(forwarder.port);
  write(name, made, acts);
}

async function mqttJs(port: number, version: Version): Promise<void> {
  const options = {
    protocolVersion: version,
    protocolId: version === 3 ? ("MQIsdp" as const) : ("MQTT" as const),
    ...{ clean: false, keepalive: 10, reschedulePings: false },
  };
  const will = { topic: "w", payload: Buffer.from("gone"), qos: 1, retain: false } as const;
  const properties = version === 5 ? { properties: { sessionExpiryInterval: 60 } } : {};
  await using listener = await MqttJsClient.connect(port, {
    ...options,
    clientId: "a",
    ...properties,
  });
  await listener.mqtt.subscribeAsync("t/#", { qos: 2 });
  await using speaker = await MqttJsClient.connect(port, { ...options, clientId: "b", will });
  for (const qos of [0, 1, 2] as const) {
    await speaker.mqtt.publishAsync(`t/${qos}`, "x", { qos, retain: qos === 1 });
    await listener.message(`t/${qos}`);
  }
  listener.mqtt.sendPing();
  await listener.mqtt.unsubscribeAsync("t/#");
  await speaker.mqtt.endAsync();
  await listener.mqtt.endAsync();
}

async function mosquitto(port: number, version: Version): Promise<void> {
  const common = ["-h", "127.0.0.1", "-p", String(port), "-V", protocol[version]];
  const subscriber = run([
    "mosquitto_sub",
    ...common,
    "-i",
    "a",
    "-c",
    "-q",
    "2",
    "-t",
    "t/#",
    "-C",
    "3",
  ]);
  for (const qos of ["0", "1", "2"]) {
    // The subscriber may connect later than the first publisher.
    await Bun.sleep(300);
    const will = ["--will-topic", "w", "--will-payload", "gone", "--will-qos", "1"];
    const own = ["-i", "b", "-q", qos, "-t", `t/${qos}`, "-m", "x", ...will];
    await run(["mosquitto_pub", ...common, ...own]).exited;
  }
  await subscriber.exited;
}

function run(command: string[]): Bun.Subprocess {
  return Bun.spawn(command, {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "inherit",
    timeout: 5000,
  });
}

await main();
