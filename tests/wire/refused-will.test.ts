import { describe } from "bun:test";
import type { ProtocolVersion } from "../../src/core/packet.ts";
import { connect, properties, testRefused, text, type Bytes, type RefusedCase } from "./frames.ts";

interface WillParts {
  readonly flags?: number;
  readonly properties?: readonly Bytes[];
  readonly topic?: string | Bytes;
  readonly payload?: string | Bytes;
}

function withWill(version: ProtocolVersion, will: WillParts): Bytes {
  return connect(version, {
    flags: 0x02 | (will.flags ?? 0x04),
    rest: [
      properties(version, ...(will.properties ?? [])),
      text(will.topic ?? "status"),
      text(will.payload ?? "gone"),
    ],
  });
}

const cases: readonly RefusedCase[] = [
  {
    name: "Will QoS 3, v4",
    version: 4,
    bytes: withWill(4, { flags: 0x1c }),
    reason: "malformedPacket",
    statement: "v4-3.1.2-14",
  },
  {
    name: "Will QoS 3, v5",
    version: 5,
    bytes: withWill(5, { flags: 0x1c }),
    reason: "malformedPacket",
    statement: "v5-3.1.2-12",
  },
  {
    name: "Will QoS without Will Flag, v4",
    version: 4,
    bytes: connect(4, { flags: 0x0a }),
    reason: "protocolError",
    statement: "v4-3.1.2-13",
  },
  {
    name: "Will QoS without Will Flag, v5",
    version: 5,
    bytes: connect(5, { flags: 0x12 }),
    reason: "protocolError",
    statement: "v5-3.1.2-11",
  },
  {
    name: "Will Retain without Will Flag, v4",
    version: 4,
    bytes: connect(4, { flags: 0x22 }),
    reason: "protocolError",
    statement: "v4-3.1.2-15",
  },
  {
    name: "Will Retain without Will Flag, v5",
    version: 5,
    bytes: connect(5, { flags: 0x22 }),
    reason: "protocolError",
    statement: "v5-3.1.2-13",
  },
  {
    name: "# in the topic, v4",
    version: 4,
    bytes: withWill(4, { topic: "home/#" }),
    reason: "topicNameInvalid",
    statement: "v4-4.7.1-1",
  },
  {
    name: "+ in the topic, v5",
    version: 5,
    bytes: withWill(5, { topic: "home/+/x" }),
    reason: "topicNameInvalid",
    statement: "v5-4.7.0-1",
  },
  {
    name: "an empty topic, 3.1",
    version: 3,
    bytes: withWill(3, { topic: "" }),
    reason: "topicNameInvalid",
    statement: "v4-4.7.3-1",
  },
  {
    name: "an empty topic, v5",
    version: 5,
    bytes: withWill(5, { topic: "" }),
    reason: "topicNameInvalid",
    statement: "v5-4.7.3-1",
  },
  {
    name: "U+0000 in the topic, v4",
    version: 4,
    bytes: withWill(4, { topic: "a\0b" }),
    reason: "malformedPacket",
    statement: "v4-1.5.3-2",
  },
  {
    name: "U+0000 in the topic, v5",
    version: 5,
    bytes: withWill(5, { topic: "a\0b" }),
    reason: "malformedPacket",
    statement: "v5-1.5.4-2",
  },
  {
    name: "a topic that is not UTF-8, v5",
    version: 5,
    bytes: withWill(5, { topic: [0xed, 0xa0, 0x80] }),
    reason: "malformedPacket",
    statement: "v5-1.5.4-1",
  },
  {
    name: "Payload Format Indicator 1 with a payload that is not UTF-8",
    version: 5,
    bytes: withWill(5, { properties: [[0x01, 1]], payload: [0xff] }),
    reason: "payloadFormatInvalid",
    statement: "v5-3.1.3.2.3",
  },
  {
    name: "a wildcard in the Response Topic",
    version: 5,
    bytes: withWill(5, { properties: [[0x08, ...text("answer/#")]] }),
    reason: "protocolError",
    statement: "v5-3.3.2-14",
  },
  {
    name: "Will Delay Interval twice",
    version: 5,
    bytes: withWill(5, { properties: [[0x18, 0, 0, 0, 1, 0x18, 0, 0, 0, 1]] }),
    reason: "protocolError",
    statement: "v5-3.1.3.2.2",
  },
  {
    name: "a Topic Alias",
    version: 5,
    bytes: withWill(5, { properties: [[0x23, 0, 1]] }),
    reason: "malformedPacket",
    statement: "v5-2.2.2.2",
  },
  {
    name: "a payload that is not there",
    version: 4,
    bytes: connect(4, { flags: 0x06, rest: [text("status")] }),
    reason: "malformedPacket",
    statement: "v4-2.2.3",
  },
  {
    name: "a will that is not there",
    version: 5,
    bytes: connect(5, { flags: 0x06 }),
    reason: "malformedPacket",
    statement: "v5-2.1.4",
  },
];

describe("a CONNECT is refused for its will:", () => testRefused(cases, true));
