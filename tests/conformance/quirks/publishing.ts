import type { IPublishPacket } from "mqtt-packet";
import { block, text, twoBytes, variable } from "../bytes.ts";
import type { Quirk, QuirkyLine, Sent } from "../quirky-port.ts";
import type { Frame } from "../frame.ts";
import { answers, deliveries, on, requests, withFlags } from "./change.ts";

/** PUBLISH, both ways, and retained messages. */
export const publishing: readonly Quirk[] = [
  deliveries(
    "deliveries always have DUP",
    `v4-3.3.1-1 v4-3.3.1-3 v4-4.3.2-1 v4-4.3.3-1 v5-3.3.1-1 v5-3.3.1-3 v5-4.3.2-2 v5-4.3.3-2`,
    (packet) => [packet.qos > 0 ? { ...packet, dup: true } : packet],
  ),
  deliveries("deliveries never have DUP", "v4-3.3.1-1 v5-3.3.1-1", (packet) => [
    packet.dup ? { ...packet, dup: false } : packet,
  ]),
  answers(
    "QoS 0 has DUP",
    "v4-3.3.1-2 v4-4.3.1-1 v5-3.3.1-2 v5-4.3.1-1",
    "publish",
    (packet, _, frame) => [packet.qos === 0 ? withFlags(frame, 0x08) : packet],
  ),
  {
    name: "the publisher's DUP is passed on",
    breaks: "v4-3.3.1-3 v5-3.3.1-3",
    request: on("publish", (packet, { lines }) => {
      for (const line of lines) line.held = packet;
      return [packet];
    }),
    answer: on("publish", (packet, { held }) => {
      const isRepeated = held !== null && "dup" in held && held.dup;
      return [isRepeated && packet.qos > 0 ? { ...packet, dup: true } : packet];
    }),
  },
  answers(
    "QoS 0 has a packet id",
    "v4-2.3.1-5 v5-2.2.1-2",
    "publish",
    (packet, { version }, { bytes, body }) => {
      if (packet.qos > 0) return [packet];
      const { topic, payload } = packet;
      const parts = [...text(topic), ...twoBytes(1), ...block(version), ...Buffer.from(payload)];
      return [Uint8Array.from([0x30, ...variable(bytes.length - body + 2), ...parts])];
    },
  ),
  answers("deliveries have packet id 0", "v4-2.3.1-4 v5-2.2.1-4", "publish", (packet, _, frame) => [
    packet.qos > 0 ? withPacketId(frame, 0) : packet,
  ]),
  deliveries(
    "deliveries have one packet id",
    "v4-2.3.1-4 v4-4.3.2-1 v4-4.4.0-1 v5-2.2.1-4 v5-4.3.2-1 v5-4.3.3-1 v5-4.4.0-1",
    (packet) => [packet.qos > 0 ? { ...packet, messageId: 7 } : packet],
  ),
  deliveries(
    "deliveries always have RETAIN",
    "v4-3.3.1-9 v4-3.3.1-10 v5-3.3.1-12 v5-3.3.1-13",
    (packet) => [{ ...packet, retain: true }],
  ),
  deliveries("deliveries never have RETAIN", "v4-3.3.1-8 v5-3.3.1-13", (packet) => [
    packet.retain ? { ...packet, retain: false } : packet,
  ]),
  deliveries(
    "deliveries have QoS 0",
    `v4-3.3.1-5 v4-3.3.5-1 v4-4.3.2-1 v4-4.3.3-1 v5-3.3.4-2 v5-4.3.2-2 v5-4.3.3-2`,
    (packet) => [{ ...packet, qos: 0, dup: false }],
  ),
  deliveries("deliveries come twice", "v4-4.3.3-2 v5-3.8.4-3 v5-4.3.3-10", (packet) => [
    packet,
    packet,
  ]),
  deliveries(
    "deliveries are lost",
    `v4-3.10.4-3 v4-4.5.0-1 v4-4.7.3-3 v5-3.1.2-25 v5-3.10.4-3 v5-4.5.0-1 v5-4.7.3-3 v4-3.1.2-5
     v5-3.8.4-4 v5-3.3.2-12`,
    () => [],
  ),
  deliveries(
    "what is sent again is lost",
    `v4-3.3.1-1 v4-3.10.4-3 v4-4.3.2-1 v4-4.3.3-1 v4-4.4.0-1 v4-4.6.0-6 v5-3.3.1-1 v5-3.10.4-3
     v5-4.3.2-3 v5-4.3.3-3 v5-4.3.3-7 v5-4.4.0-1 v5-4.8.2-4`,
    (packet) => (packet.dup ? [] : [packet]),
  ),
  deliveries(
    "retained messages are lost",
    `v4-3.1.2-7 v4-3.1.2-17 v4-3.3.1-5 v4-3.3.1-6 v4-3.3.1-7 v4-3.8.4-3 v5-3.1.2-15 v5-3.3.1-5
     v5-3.3.1-9 v5-3.3.1-10 v5-3.8.4-4`,
    (packet) => (packet.retain ? [] : [packet]),
  ),
  deliveries("empty messages are lost", "v4-3.3.1-10 v5-3.3.1-6", (packet) =>
    packet.payload.length === 0 ? [] : [packet],
  ),
  answers(
    "two deliveries change places",
    "v4-4.6.0-5 v4-4.6.0-6 v5-4.6.0-5 v5-4.6.0-6",
    "publish",
    swapped,
  ),
  deliveries("topics are in small letters", "v4-4.7.3-4 v5-4.7.3-4", (packet) => [
    { ...packet, topic: packet.topic.toLowerCase() },
  ]),
  deliveries("topics lose U+FEFF", "v4-1.5.3-3 v5-1.5.4-3", (packet) => [
    { ...packet, topic: packet.topic.replace("\uFEFF", "") },
  ]),
  deliveries("topics lose their end", "v4-3.3.2-3 v5-3.3.2-3", (packet) => [
    { ...packet, topic: packet.topic.slice(0, -1) },
  ]),
  deliveries("long topics are cut", "v4-4.7.3-3 v5-4.7.3-3", (packet) => [
    { ...packet, topic: packet.topic.slice(0, 65_000) },
  ]),
  ...(
    [
      ["payloadFormatIndicator", "v5-3.3.2-4"],
      ["responseTopic", "v5-3.3.2-15"],
      ["correlationData", "v5-3.3.2-16"],
      ["userProperties", "v5-3.3.2-17 v5-3.3.2-18 v5-3.1.3-10"],
      ["contentType", "v5-3.3.2-20"],
      ["messageExpiryInterval", "v5-3.3.2-6"],
      ["subscriptionIdentifier", "v5-3.3.4-3 v5-3.3.4-4 v5-3.3.4-5"],
    ] as const
  ).map(([name, breaks]) =>
    deliveries(`deliveries lack ${name}`, breaks, ({ properties = {}, ...packet }) => {
      const { [name]: _, ...others } = properties;
      return [{ ...packet, properties: others }];
    }),
  ),
  propertiesOf("User Properties are in another order", "v5-3.3.2-18 v5-3.1.3-10", (properties) => {
    const entries = Object.entries(properties.userProperties ?? {}).reverse();
    return { userProperties: Object.fromEntries(entries) };
  }),
  propertiesOf("the time that a message waited is forgotten", "v5-3.3.2-6", (properties) =>
    properties.messageExpiryInterval === undefined ? {} : { messageExpiryInterval: 100 },
  ),
  propertiesOf(
    "deliveries have an alias above all maximums",
    "v5-3.1.2-26 v5-3.1.2-27 v5-3.3.2-11",
    () => ({ topicAlias: 9 }),
  ),
  deliveries("an alias stands for a topic that it was never given", "v5-3.3.2-11", (packet) => [
    packet.properties?.topicAlias === undefined ? packet : { ...packet, topic: "" },
  ]),
  answers("lengths take a byte too many", "v5-1.5.5-1", "publish", (_, __, frame) => [
    wasteful(frame),
  ]),
  answers(
    "a Property Length of 0 takes two bytes",
    "v5-2.2.2-1",
    "publish",
    ({ topic, payload, qos, properties = {} }, { version }, { bytes }) => {
      const isPlain = version === 5 && qos === 0 && Object.keys(properties).length === 0;
      if (!isPlain) return [bytes];
      const parts = [...text(topic), 0x80, 0, ...Buffer.from(payload)];
      return [Uint8Array.from([0x30, ...variable(parts.length), ...parts])];
    },
  ),
  requests("RETAIN is not heard", "v4-3.3.1-5 v5-3.3.1-5 v5-3.8.4-4", "publish", (packet) => [
    packet.retain ? { ...packet, retain: false } : packet,
  ]),
  requests("every message is retained", "v4-3.3.1-12 v5-3.3.1-8", "publish", (packet) => [
    { ...packet, retain: true },
  ]),
  requests(
    "a message without payload is retained",
    "v4-3.3.1-11 v5-3.3.1-7",
    "publish",
    (packet) => [
      packet.payload.length === 0 && packet.retain ? { ...packet, payload: "empty" } : packet,
    ],
  ),
  requests(
    "what is retained is never replaced",
    "v4-3.3.1-5 v4-3.3.1-6 v4-3.3.1-7 v5-3.3.1-5",
    "publish",
    (packet, { requests: before }) => {
      const isThere = before.some(
        (each) => each.cmd === "publish" && each.retain && each.topic === packet.topic,
      );
      return [isThere && packet.payload.length > 0 ? { ...packet, retain: false } : packet];
    },
  ),
  requests("messages never expire", "v5-3.3.2-5", "publish", ({ properties = {}, ...packet }) => {
    const { messageExpiryInterval: _, ...others } = properties;
    return [{ ...packet, properties: others }];
  }),
  requests(
    "QoS 2 is passed on each time that it comes",
    "v4-4.3.3-2 v5-4.3.3-10",
    "publish",
    (packet, line) => {
      if (packet.qos !== 2) return [packet];
      line.tell({ cmd: "pubrec", messageId: packet.messageId ?? 0 });
      return [{ ...packet, qos: 0, dup: false }];
    },
  ),
  requests(
    "a packet id means one message for ever",
    "v4-4.3.2-2 v4-4.3.3-2 v5-4.3.2-5 v5-4.3.3-9 v5-4.3.3-12",
    "publish",
    (packet, line) => {
      const { qos, messageId = 0 } = packet;
      const isKnown = line.requests.some(
        (each) => each.cmd === "publish" && each.qos > 0 && each.messageId === messageId,
      );
      if (qos === 0 || !isKnown) return [packet];
      line.tell({ cmd: qos === 1 ? "puback" : "pubrec", messageId });
      return [];
    },
  ),
  requests(
    "DUP means that it was passed on before",
    "v4-4.3.2-2 v4-4.3.3-2 v5-4.3.2-5 v5-4.3.3-12",
    "publish",
    (packet, line) => {
      const { qos, dup, messageId = 0 } = packet;
      if (qos === 0 || !dup) return [packet];
      line.tell({ cmd: qos === 1 ? "puback" : "pubrec", messageId });
      return [];
    },
  ),
];

function propertiesOf(
  name: string,
  breaks: string,
  more: (properties: NonNullable<IPublishPacket["properties"]>) => IPublishPacket["properties"],
): Quirk {
  return answers(name, breaks, "publish", ({ properties = {}, ...packet }, { version }) => [
    version === 4 ? packet : { ...packet, properties: { ...properties, ...more(properties) } },
  ]);
}

/** Held back until after the next packet of its kind. */
function swapped(packet: IPublishPacket, line: QuirkyLine): Sent[] {
  const { held } = line;
  line.held = held === null ? packet : null;
  return held === null ? [] : [packet, held];
}

function withPacketId({ bytes, body }: Frame, messageId: number): Uint8Array {
  const changed = bytes.slice();
  changed.set(twoBytes(messageId), body + 2 + (((bytes[body] ?? 0) << 8) | (bytes[body + 1] ?? 0)));
  return changed;
}

/** The same body after a Remaining Length with an extra byte. */
function wasteful({ bytes, body }: Frame): Uint8Array {
  const length = [...bytes.subarray(1, body)];
  length.push((length.pop() ?? 0) | 0x80, 0);
  return Uint8Array.from([bytes[0] ?? 0, ...length, ...bytes.subarray(body)]);
}
