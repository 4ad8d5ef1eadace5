import { describe, expect, test } from "bun:test";
import type { ProtocolVersion } from "../../src/core/packet.ts";
import { Reason } from "../../src/core/reason.ts";
import {
  errorOf,
  frame,
  properties,
  read,
  testRefused,
  text,
  type Bytes,
  type RefusedCase,
} from "./frames.ts";

function subscribe(version: ProtocolVersion, filter: string | Bytes, options = 0): Bytes {
  return frame(0x82, [0, 1], properties(version), text(filter), [options]);
}

/** The filter in the middle of ordinary ones, which a faster path reads. */
function subscribeAmong(version: ProtocolVersion, filter: string | Bytes, options = 0): Bytes {
  const plain = Array.from({ length: 20 }, (_, at) => [...text(`Az,~/9-_/${at}`), at % 3]).flat();
  const among = [...plain, ...text(filter), options, ...plain];
  return frame(0x82, [0, 1], properties(version), among);
}

const cases: readonly RefusedCase[] = [
  {
    name: "no Topic Filter, v4",
    version: 4,
    bytes: frame(0x82, [0, 1]),
    reason: "protocolError",
    statement: "v4-3.8.3-3",
  },
  {
    name: "no Topic Filter, v5",
    version: 5,
    bytes: frame(0x82, [0, 1, 0]),
    reason: "protocolError",
    statement: "v5-3.8.3-2",
  },
  {
    name: "Packet Identifier 0, v4",
    version: 4,
    bytes: frame(0x82, [0, 0], text("a"), [0]),
    reason: "protocolError",
    statement: "v4-2.3.1-1",
  },
  {
    name: "Packet Identifier 0, v5",
    version: 5,
    bytes: frame(0x82, [0, 0, 0], text("a"), [0]),
    reason: "protocolError",
    statement: "v5-2.2.1-3",
  },
  {
    name: "QoS 3, v4",
    version: 4,
    bytes: subscribe(4, "a", 3),
    reason: "malformedPacket",
    statement: "v4-3.8.3-4",
  },
  {
    name: "QoS 3, v5",
    version: 5,
    bytes: subscribe(5, "a", 3),
    reason: "protocolError",
    statement: "v5-3.8.3.1",
  },
  {
    name: "reserved bits, v4 (v5's No Local)",
    version: 4,
    bytes: subscribe(4, "a", 0x05),
    reason: "malformedPacket",
    statement: "v4-3.8.3-4",
  },
  {
    name: "reserved bits, v5",
    version: 5,
    bytes: subscribe(5, "a", 0x41),
    reason: "malformedPacket",
    statement: "v5-3.8.3-5",
  },
  {
    name: "Retain Handling 3",
    version: 5,
    bytes: subscribe(5, "a", 0x31),
    reason: "protocolError",
    statement: "v5-3.8.3.1",
  },
  {
    name: "No Local on a shared subscription",
    version: 5,
    bytes: subscribe(5, "$share/g/a", 0x04),
    reason: "protocolError",
    statement: "v5-3.8.3-4",
  },
  {
    name: "Subscription Identifier 0",
    version: 5,
    bytes: frame(0x82, [0, 1], properties(5, [0x0b, 0]), text("a"), [0]),
    reason: "protocolError",
    statement: "v5-3.8.2.1.2",
  },
  {
    name: "two Subscription Identifiers",
    version: 5,
    bytes: frame(0x82, [0, 1], properties(5, [0x0b, 1, 0x0b, 2]), text("a"), [0]),
    reason: "protocolError",
    statement: "v5-3.8.2.1.2",
  },
  {
    name: "a filter without options",
    version: 4,
    bytes: frame(0x82, [0, 1], text("a")),
    reason: "malformedPacket",
    statement: "v4-2.2.3",
  },
  {
    name: "a bad second filter",
    version: 4,
    bytes: frame(0x82, [0, 1], text("a"), [0], text("b#"), [0]),
    reason: "topicFilterInvalid",
    statement: "v4-4.7.1-2",
  },
  {
    name: "flags of the first byte, v4",
    version: 4,
    bytes: [0x80, ...subscribe(4, "a").slice(1)],
    reason: "malformedPacket",
    statement: "v4-3.8.1-1",
  },
  {
    name: "DUP in the first byte, v4",
    version: 4,
    bytes: [0x8a, ...subscribe(4, "a").slice(1)],
    reason: "malformedPacket",
    statement: "v4-3.8.1-1",
  },
  {
    name: "flags of the first byte, v5",
    version: 5,
    bytes: [0x83, ...subscribe(5, "a").slice(1)],
    reason: "malformedPacket",
    statement: "v5-3.8.1-1",
  },
];

describe("a SUBSCRIBE is refused for", () => testRefused(cases, false));

const unsubscribes: readonly RefusedCase[] = [
  {
    name: "no Topic Filter, v4",
    version: 4,
    bytes: frame(0xa2, [0, 1]),
    reason: "protocolError",
    statement: "v4-3.10.3-2",
  },
  {
    name: "no Topic Filter, v5",
    version: 5,
    bytes: frame(0xa2, [0, 1, 0]),
    reason: "protocolError",
    statement: "v5-3.10.3-2",
  },
  {
    name: "Packet Identifier 0",
    version: 5,
    bytes: frame(0xa2, [0, 0, 0], text("a")),
    reason: "protocolError",
    statement: "v5-2.2.1-3",
  },
  {
    name: "a filter cut short",
    version: 4,
    bytes: frame(0xa2, [0, 1], text("a"), [0, 3, 0x61]),
    reason: "malformedPacket",
    statement: "v4-2.2.3",
  },
  {
    name: "a bad filter",
    version: 5,
    bytes: frame(0xa2, [0, 1, 0], text("a+")),
    reason: "topicFilterInvalid",
    statement: "v5-4.7.1-2",
  },
  {
    name: "a Subscription Identifier",
    version: 5,
    bytes: frame(0xa2, [0, 1], properties(5, [0x0b, 1]), text("a")),
    reason: "malformedPacket",
    statement: "v5-2.2.2.2",
  },
  {
    name: "flags of the first byte, v4",
    version: 4,
    bytes: frame(0xa0, [0, 1], text("a")),
    reason: "malformedPacket",
    statement: "v4-3.10.1-1",
  },
];

describe("an UNSUBSCRIBE is refused for", () => testRefused(unsubscribes, false));

describe("a Topic Filter is refused:", () => {
  const filters: readonly (readonly [filter: string, v4: string, v5: string])[] = [
    ["", "v4-4.7.3-1", "v5-4.7.3-1"],
    ["a#", "v4-4.7.1-2", "v5-4.7.1-1"],
    ["#a", "v4-4.7.1-2", "v5-4.7.1-1"],
    ["##", "v4-4.7.1-2", "v5-4.7.1-1"],
    ["a/#/b", "v4-4.7.1-2", "v5-4.7.1-1"],
    ["#/", "v4-4.7.1-2", "v5-4.7.1-1"],
    ["+#", "v4-4.7.1-3", "v5-4.7.1-2"],
    ["a+", "v4-4.7.1-3", "v5-4.7.1-2"],
    ["+a", "v4-4.7.1-3", "v5-4.7.1-2"],
    ["a/b+/c", "v4-4.7.1-3", "v5-4.7.1-2"],
    ["++", "v4-4.7.1-3", "v5-4.7.1-2"],
    ["$share/", "v5-4.8.2-1", "v5-4.8.2-1"],
    ["$share//a", "v5-4.8.2-1", "v5-4.8.2-1"],
    ["$share/g", "v5-4.8.2-2", "v5-4.8.2-2"],
    ["$share/g/", "v5-4.8.2-2", "v5-4.8.2-2"],
    ["$share/+/a", "v5-4.8.2-2", "v5-4.8.2-2"],
    ["$share/#", "v5-4.8.2-2", "v5-4.8.2-2"],
    ["$share/g/a#", "v4-4.7.1-2", "v5-4.7.1-1"],
    ["$share/g/a+/b", "v4-4.7.1-3", "v5-4.7.1-2"],
  ];
  for (const [filter, v4, v5] of filters) {
    test(`"${filter}" (${v4}, ${v5})`, () => {
      const reason = Reason.topicFilterInvalid;
      for (const from of [subscribe, subscribeAmong]) {
        expect(errorOf(read(4, from(4, filter)))).toMatchObject({ reason, statement: v4 });
        expect(errorOf(read(5, from(5, filter)))).toMatchObject({ reason, statement: v5 });
      }
    });
  }

  test("U+0000 and bytes that are not UTF-8 (v4-1.5.3-2, v5-1.5.4-1)", () => {
    for (const from of [subscribe, subscribeAmong]) {
      expect(errorOf(read(4, from(4, "a\0"))).statement).toBe("v4-1.5.3-2");
      expect(errorOf(read(5, from(5, [0xe0, 0x80, 0x80]))).statement).toBe("v5-1.5.4-1");
    }
  });

  test("wrong options, and bytes that end too soon, behind ordinary filters", () => {
    expect(errorOf(read(4, subscribeAmong(4, "a", 3))).statement).toBe("v4-3.8.3-4");
    expect(errorOf(read(5, subscribeAmong(5, "a", 0x40))).statement).toBe("v5-3.8.3-5");
    const plain = [...text("ab"), 0];
    for (const rest of [[0], [0, 2], [0, 2, 0x61], [0, 2, 0x61, 0x62]]) {
      const bytes = frame(0x82, [0, 1], properties(4), [...plain, ...plain, ...rest]);
      expect(errorOf(read(4, bytes)).statement).toBe("v4-2.2.3");
    }
  });
});

test("ordinary filters among others keep their order and options", () => {
  const packet = read(5, subscribeAmong(5, "+/x", 0x2d));
  const plain = Array.from({ length: 20 }, (_, at) => [`Az,~/9-_/${at}`, at % 3, false, 0]);
  expect(packet).toMatchObject({ type: "subscribe" });
  const found = packet.type === "subscribe" ? packet.subscriptions : [];
  expect(
    found.map((one) => [one.filter, one.qos, one.noLocal, one.retainHandling]),
  ).toEqual<unknown>([...plain, ["+/x", 1, true, 2], ...plain]);
});

describe("a Topic Filter is accepted:", () => {
  const filters = ["#", "+", "/", "//", "+/+", "/+/", "a/#", "+/#", "/#", " ", "$SYS/#", "$share"];
  for (const filter of [...filters, "$share/g/#", "$share/g//", "$shared/g", "ä/€/𝄞"]) {
    test(`"${filter}"`, () => {
      for (const version of [3, 4, 5] as const) {
        expect(read(version, subscribe(version, filter, 1))).toEqual({
          type: "subscribe",
          packetId: 1,
          subscriptionIdentifier: null,
          subscriptions: [
            { filter, qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 },
          ],
          undecoded: 0,
        });
      }
    });
  }
});
